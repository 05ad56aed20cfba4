#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

namespace fairlead::net {

/// Who is connected how often. Any thread.
class PeerTable {
 public:
  PeerTable(std::size_t max_connections, std::size_t max_per_peer)
      : max_connections_(max_connections), max_per_peer_(max_per_peer) {}

  /// Counts one more connection of the peer; false when that would be one too many.
  bool enter(const std::string& peer);
  void leave(const std::string& peer);

 private:
  const std::size_t max_connections_;
  const std::size_t max_per_peer_;
  std::mutex mutex_;  // guards all below
  std::size_t connections_ = 0;
  std::unordered_map<std::string, std::size_t> per_peer_;
};

}  // namespace fairlead::net
