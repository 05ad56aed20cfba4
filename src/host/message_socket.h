#pragma once

#include "base/descriptor.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// Whole messages between processes of this machine, with file descriptors along: a Unix socket that keeps
/// the borders of messages (SOCK_SEQPACKET). A socket's path may be longer than an address holds.
///
/// What a platform and a supervisor say to each other, each a JSON object:
///   to the supervisor     {"do": "signal", "signal": 15}
///                         {"do": "stop", "signal": 15, "graceNanoseconds": 30000000000}
///                         {"do": "exec", "command": [...], "environment": {...}, "terminal": true,
///                          "rows": 24, "columns": 80}
///   to the platform       {"state": {...}}   at first, and at each change
///                         {"exec": {"pid": 12}} with one descriptor (terminal) or three (pipes)
///                         {"exit": {"code": 0}} or {"exit": {"signal": 9}}   of what exec started
///                         {"error": "..."}
inline constexpr std::size_t kMaxMessageBytes = 128 << 10;

struct Message {
  std::string text;
  std::vector<base::Descriptor> descriptors;
};

/// Makes two ends that are connected. Neither blocks.
base::Result<std::pair<base::Descriptor, base::Descriptor>> connected_pair();
/// Listens at a path; whatever was there is replaced. Does not block.
base::Result<base::Descriptor> listen_at(const std::string& path);
/// Errors: kNotFound (nothing listens there), kUnavailable.
base::Result<base::Descriptor> connect_to(const std::string& path);
/// Takes a connection, when it comes from root or from this process's account; otherwise none.
std::optional<base::Descriptor> accept_trusted(int listening);

/// Errors: the other end is gone, or takes nothing; kOutOfRange: longer than kMaxMessageBytes.
base::Result<void> send_message(int socket, std::string_view text, const std::vector<int>& descriptors = {});
enum class Received { kMessage, kNothingYet, kEnd };
Received receive_message(int socket, Message& message);

}  // namespace fairlead::host
