#pragma once

#include "base/result.h"
#include "host/supervisor.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::host {

/// The control group of one try: a folder in the unified hierarchy (v2), or one in the hierarchy of each
/// controller (v1). It is named by a text ("v2;=/sys/fs/cgroup/..." or
/// "v1;memory=/sys/fs/...;cpu=/sys/...") that is kept in the try's spec and state, so that whoever comes
/// later finds it again.
class ControlGroup {
 public:
  struct Limits {
    std::int64_t cpu_milli = 0;     ///< 0: none
    std::int64_t memory_bytes = 0;  ///< 0: none
    std::vector<std::string> denied_device_nodes;
  };

  /// From the text; none when it is empty or not such a text.
  static std::optional<ControlGroup> find(std::string_view text);
  const std::string& text() const { return text_; }
  bool unified() const { return unified_; }
  /// Of a controller (any name in the unified hierarchy); empty when it has none.
  std::string folder(std::string_view controller) const;

  /// Makes the folders, and sets the limits. Errors: the first that could not be set.
  base::Result<void> create(const Limits& limits) const;
  /// Moves a process in; its children follow it. Takes up to 20 ms: the kernel waits for all processors.
  base::Result<void> add(pid_t pid) const;
  /// Moves this process in, which has one thread. With v1 the kernel need not wait.
  base::Result<void> enter() const;
  /// Sends SIGKILL to all that is in it, so that nothing escapes by forking. They are gone some time later.
  void kill() const;
  /// Nothing is in it, or it is not there.
  bool empty() const;
  /// Removes the folders and those below them; harmless when they are gone, or a process is in them.
  void remove() const;
  /// Removes the folders, but not when there are folders below them.
  void remove_when_empty() const;
  /// Whether the kernel killed something in it for want of memory.
  bool memory_limit_hit() const;
  std::optional<std::int64_t> cpu_nanoseconds() const;
  std::optional<std::int64_t> memory_bytes() const;
  std::vector<std::int64_t> pids() const;

 private:
  explicit ControlGroup(std::string text) : text_(std::move(text)) {}
  base::Result<void> deny(const std::vector<std::string>& device_nodes) const;

  std::string text_;
  bool unified_ = false;
  std::vector<std::pair<std::string, std::string>> folders_;  ///< controller (empty: all), folder
};

}  // namespace fairlead::host
