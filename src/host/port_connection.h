#pragma once

#include "base/result.h"
#include "world/world.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// A socket that waits for connections, reachable over this machine's loopback.
struct Listener {
  std::uint16_t port = 0;
  bool ipv6 = false;  ///< only at ::1
  std::uint64_t inode = 0;

  friend bool operator==(const Listener&, const Listener&) = default;
};

/// The listeners on a port in the text of /proc/net/tcp (or tcp6, which begins differently): those at the
/// loopback or at every address.
std::vector<Listener> listeners_in(std::string_view table, bool ipv6, std::uint16_t port);
/// One on this port that a process of these holds; over IPv4 where there is a choice. Cost: reads the
/// descriptors of these processes.
std::optional<Listener> find_listener(const std::vector<std::int64_t>& pids, std::uint16_t port);

/// Connects over the loopback. Costs a thread as long as it is open. Errors: kUnavailable.
base::Result<std::unique_ptr<world::PortConnection>> connect_to_listener(const Listener& listener,
                                                                         world::PortEvents events);

}  // namespace fairlead::host
