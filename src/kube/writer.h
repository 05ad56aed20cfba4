#pragma once

#include "kube/api_client.h"
#include "manifest/api_writes.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fairlead::kube {

/// One thing to write.
struct Write {
  enum class Kind : std::uint8_t {
    kBind,
    kEvict,
    kPatch,   ///< `body` onto `path`; nobody waits for the outcome
    kCreate,  ///< `body` below `path`; the same
  };
  Kind kind = Kind::kBind;
  std::uint64_t decision = 0;
  manifest::PodIdentity pod;
  std::string node;
  std::vector<std::pair<std::string, std::string>> annotations;
  std::string path;
  std::string body;
  std::string content_type = "application/json";
};

/// How a binding or an eviction ended.
struct Outcome {
  Write::Kind kind = Write::Kind::kBind;
  std::uint64_t decision = 0;
  manifest::PodIdentity pod;
  std::string node;
  bool done = false;
  bool node_to_blame = false;
  base::Duration retry_after;  ///< when it was not done
  std::string why;
  base::Duration took;  ///< from `post` to the answer
};

struct WriterOptions {
  std::shared_ptr<const ApiServer> server;
  int binders = 16;   ///< connections for bindings and evictions
  int reporters = 4;  ///< connections for status and events
  base::Duration timeout = base::Duration::seconds(5);
  /// Whether a write may start now and take as long as the timeout; false while another one may lead.
  std::function<bool()> may_write;
  std::function<void(Outcome outcome)> on_outcome;
  std::function<void(const std::string& line)> log;
};

struct WriterCounts {
  std::atomic<std::uint64_t> bound{0};
  std::atomic<std::uint64_t> bind_failures{0};
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint64_t> evictions_refused{0};
  std::atomic<std::uint64_t> reports{0};
  std::atomic<std::uint64_t> reports_dropped{0};
};

/// Carries decisions out, with a bounded number of writes at once. A binding or an eviction gets one outcome,
/// and that is the truth: when an answer is lost, the pod is read until it tells what became of it. Reports
/// are dropped when there are too many.
class Writer {
 public:
  explicit Writer(WriterOptions options);
  /// Ends after the writes that are under way; those that wait are forgotten.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void post(Write write);
  const WriterCounts& counts() const { return counts_; }
  std::size_t waiting() const;

 private:
  struct Posted {
    Write write;
    base::Duration at;
  };
  struct Lane {
    std::deque<Posted> writes;
    std::condition_variable ready;
  };
  void serve(Lane& lane);
  void carry_out(ApiClient& client, const Posted& posted);
  Outcome bind(ApiClient& client, const Write& write);
  Outcome evict(ApiClient& client, const Write& write);
  void report(ApiClient& client, const Write& write);
  /// What the server has of a pod now; none: it is gone, or another pod has its name.
  struct Seen {
    std::string node;
    std::string resource_version;
    bool deleted = false;
    bool there = false;
  };
  base::Result<Seen> look(ApiClient& client, const manifest::PodIdentity& pod);
  bool going() const { return !stop_.stopped(); }

  static constexpr std::size_t kMostReports = 50'000;
  WriterOptions options_;
  mutable std::mutex mutex_;
  Lane urgent_;
  Lane reports_;
  WriterCounts counts_;
  StopSignal stop_;
  std::vector<std::thread> threads_;
};

}  // namespace fairlead::kube
