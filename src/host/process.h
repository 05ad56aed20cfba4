#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// One line of the kernel's table of processes. A pid is given to another process after its owner has gone;
/// with the instant of its start it names one process of a boot for ever.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';  ///< 'R', 'S', 'Z' (dead, not waited for) ...
  std::int64_t start_ticks = 0;
  /// Of this process and of those children that it has waited for, in nanoseconds.
  std::int64_t cpu_nanoseconds = 0;
  std::int64_t resident_bytes = 0;
};

/// Reads the text of /proc/PID/stat. None when it is not one.
std::optional<ProcessEntry> parse_process_entry(std::string_view stat);
/// None when there is no such process.
std::optional<ProcessEntry> process_entry(pid_t pid);
/// All processes of the machine that this process sees. Cost: some microseconds each.
std::vector<ProcessEntry> process_table();
/// `ancestor`'s children, their children and so on; not `ancestor` itself.
std::vector<ProcessEntry> descendants(const std::vector<ProcessEntry>& table, pid_t ancestor);
/// Whether exactly this process is there and not dead.
bool is_alive(pid_t pid, std::int64_t start_ticks);

/// Changes with each boot of the machine.
std::string boot_id();

}  // namespace fairlead::host
