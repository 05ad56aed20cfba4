#include "host/process.h"

#include "base/files.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace fairlead::host {
namespace {

// Splits at blanks.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  std::string_view next() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" \n"));
    rest_.remove_prefix(word.size());
    return word;
  }
  std::int64_t number() {
    const std::string_view word = next();
    std::int64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    return value;
  }
  void skip(int count) {
    for (; count > 0; --count) next();
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<ProcessEntry> parse_process_entry(std::string_view stat) {
  // The second field is the program's name in parentheses, which may hold anything, parentheses too.
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  ProcessEntry entry;
  entry.pid = static_cast<pid_t>(Words(stat).number());
  Words words(stat.substr(close + 1));
  const std::string_view state = words.next();
  if (entry.pid <= 0 || state.size() != 1) return std::nullopt;
  entry.state = state.front();
  entry.parent = static_cast<pid_t>(words.number());
  words.skip(1);
  entry.session = static_cast<pid_t>(words.number());
  words.skip(7);
  std::int64_t ticks = 0;
  for (int field = 14; field <= 17; ++field) ticks += words.number();
  words.skip(4);
  entry.start_ticks = words.number();
  words.skip(1);
  const std::int64_t pages = words.number();
  entry.cpu_nanoseconds = ticks * (1'000'000'000 / sysconf(_SC_CLK_TCK));
  entry.resident_bytes = pages * sysconf(_SC_PAGESIZE);
  return entry;
}

std::optional<ProcessEntry> process_entry(pid_t pid) {
  const auto stat = base::read_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return std::nullopt;
  return parse_process_entry(*stat);
}

std::vector<ProcessEntry> process_table() {
  std::vector<ProcessEntry> table;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (folder == nullptr) return table;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec != std::errc() || read.ptr != name.data() + name.size()) continue;
    if (auto process = process_entry(pid)) table.push_back(*process);
  }
  return table;
}

std::vector<ProcessEntry> descendants(const std::vector<ProcessEntry>& table, pid_t ancestor) {
  std::vector<ProcessEntry> found;
  std::vector<pid_t> parents = {ancestor};
  for (std::size_t next = 0; next < parents.size(); ++next) {
    for (const ProcessEntry& process : table) {
      if (process.parent != parents[next]) continue;
      found.push_back(process);
      parents.push_back(process.pid);
    }
  }
  return found;
}

bool is_alive(pid_t pid, std::int64_t start_ticks) {
  const auto process = process_entry(pid);
  return process && process->start_ticks == start_ticks && process->state != 'Z' && process->state != 'X';
}

std::string boot_id() {
  const auto text = base::read_file("/proc/sys/kernel/random/boot_id");
  if (!text) return {};
  return text->substr(0, text->find('\n'));
}

}  // namespace fairlead::host
