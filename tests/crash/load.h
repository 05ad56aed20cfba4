#pragma once

#include "net/http_client.h"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace fairlead::crash_tests {

/// What a client knows of one workload that it submitted.
enum class Known : std::uint8_t {
  kAsked,        ///< submitted; no answer came
  kThere,        ///< acknowledged
  kDeleteAsked,  ///< its deletion was asked for; no answer came
  kGone,         ///< deletion acknowledged
};

/// One user of the API: submits and deletes, one request at a time, and remembers what it was told. Thread:
/// one at a time.
class Client {
 public:
  /// `folder`: the platform's state. `worker`: the command that workloads run, with its first argument.
  Client(int number, std::uint64_t seed, const std::string& folder, std::string worker);

  /// Goes on until the platform does not answer any more.
  void work();
  /// Asks again for what was not answered. `there`: names that the platform has, with their uids.
  void make_up_for(const std::map<std::string, std::string>& there);

  const std::map<std::string, Known>& known() const { return known_; }
  int acknowledged() const { return acknowledged_; }  ///< writes of all kinds
  /// What nobody may be told: an answer that is neither success nor silence.
  const std::string& complaint() const { return complaint_; }

 private:
  /// The status; 0: no answer.
  int send(const std::string& method, const std::string& path, const std::string& body = {},
           const std::string& idempotency_key = {});
  bool submit();
  bool remove_oldest();
  bool submit_again(const std::string& name);
  std::string draw_spec();

  int number_;
  std::mt19937_64 random_;
  std::string socket_;
  std::string worker_;
  std::unique_ptr<net::HttpClient> client_;
  std::map<std::string, Known> known_;
  std::map<std::string, std::string> bodies_;  ///< of submissions without an answer
  std::string answer_;
  int count_ = 0;
  int acknowledged_ = 0;
  std::string complaint_;
};

}  // namespace fairlead::crash_tests
