#include "net/peer_table.h"

#include <algorithm>
#include <cmath>

namespace fairlead::net {
namespace {

constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

bool PeerTable::enter(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  if (connections_ >= limits_.connections) return false;
  Entry& entry = entries_[peer];
  if (entry.connections >= limits_.connections_per_peer) return false;
  ++entry.connections;
  ++connections_;
  return true;
}

void PeerTable::leave(const std::string& peer, Time now) {
  const std::lock_guard lock(mutex_);
  --connections_;
  const auto found = entries_.find(peer);
  if (--found->second.connections > 0) return;
  if (left_at(found->second, now) >= limits_.burst) {
    entries_.erase(found);
  } else if (entries_.size() > connections_ + kMostRemembered) {
    forget(now);
  }
}

std::optional<std::chrono::seconds> PeerTable::ask(const std::string& peer, Time now) {
  if (limits_.requests_per_second <= 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[peer];
  entry.left = left_at(entry, now);
  entry.at = now;
  if (entry.left >= 1) {
    entry.left -= 1;
    return std::nullopt;
  }
  const double wait = std::ceil((1 - entry.left) / limits_.requests_per_second);
  return std::chrono::seconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(wait)));
}

double PeerTable::left_at(const Entry& entry, Time now) const {
  if (entry.left < 0 || limits_.requests_per_second <= 0) return limits_.burst;
  const double since = std::chrono::duration<double>(now - entry.at).count();
  return std::min(limits_.burst, entry.left + since * limits_.requests_per_second);
}

void PeerTable::forget(Time now) {
  std::erase_if(entries_, [&](const auto& each) {
    return each.second.connections == 0 && left_at(each.second, now) >= limits_.burst;
  });
}

}  // namespace fairlead::net
