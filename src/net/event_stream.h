#pragma once

#include "base/time.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::net {

/// One event of a stream of server-sent events (text/event-stream).
struct ServerEvent {
  std::string name;  ///< empty: "message"
  std::string id;    ///< where a reader goes on after an interruption; empty: as before
  std::string data;  ///< any text; of several lines as well
  std::optional<base::Duration> retry;

  friend bool operator==(const ServerEvent&, const ServerEvent&) = default;
};

/// The event as it is sent. Line breaks in a name or id, and NULs in an id, would begin another field: they
/// are left out.
std::string write_event(const ServerEvent& event);

/// A comment, which readers skip: what shows in a quiet stream that both ends are there.
std::string write_heartbeat();

/// Reads events from bytes as they come. Lines may end in any of the three ways; fields that are not known,
/// and comments, are skipped; an event that was begun when the stream ended is dropped, as the standard says.
class EventStreamReader {
 public:
  explicit EventStreamReader(std::size_t max_event_bytes = 16 * 1024 * 1024) : max_bytes_(max_event_bytes) {}

  /// Calls `take` for each whole event, until it returns false. False also when an event is longer than
  /// allowed.
  bool feed(std::string_view bytes, const std::function<bool(const ServerEvent&)>& take);
  /// The id of the last event: what a reader that connects again sends as Last-Event-ID.
  const std::string& last_id() const { return last_id_; }

 private:
  bool take_line(const std::function<bool(const ServerEvent&)>& take);

  const std::size_t max_bytes_;
  std::string line_;
  bool after_return_ = false;  // a line feed now belongs to the line break before
  bool first_ = true;          // a byte order mark may stand here
  ServerEvent event_;
  bool has_data_ = false;
  std::string last_id_;
};

}  // namespace fairlead::net
