#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace fairlead::net {

/// Who is connected how often, and asks how much. Remembers at most ten thousand peers that are not
/// connected; those that may use their whole burst again are forgotten first, and nobody else. Any thread.
class PeerTable {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Limits {
    std::size_t connections = 0;
    std::size_t connections_per_peer = 0;
    double requests_per_second = 0;  ///< 0: any number
    double burst = 0;
  };

  explicit PeerTable(Limits limits) : limits_(limits) {}

  /// Counts one more connection of the peer; false when that would be one too many.
  bool enter(const std::string& peer);
  void leave(const std::string& peer, Time now);

  /// Counts one request of a connected peer, or says how long it must wait instead.
  std::optional<std::chrono::seconds> ask(const std::string& peer, Time now);

 private:
  struct Entry {
    std::size_t connections = 0;
    double left = -1;  // requests at once; below 0: none was counted yet
    Time at{};         // when that many were left
  };
  double left_at(const Entry& entry, Time now) const;
  void forget(Time now);

  const Limits limits_;
  std::mutex mutex_;  // guards all below
  std::size_t connections_ = 0;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace fairlead::net
