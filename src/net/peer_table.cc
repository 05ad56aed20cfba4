#include "net/peer_table.h"

namespace fairlead::net {

bool PeerTable::enter(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  if (connections_ >= max_connections_) return false;
  std::size_t& count = per_peer_[peer];
  if (count >= max_per_peer_) return false;
  ++count;
  ++connections_;
  return true;
}

void PeerTable::leave(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  --connections_;
  const auto found = per_peer_.find(peer);
  if (--found->second == 0) per_peer_.erase(found);
}

}  // namespace fairlead::net
