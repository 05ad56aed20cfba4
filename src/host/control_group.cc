#include "host/control_group.h"

#include "base/files.h"
#include "host/device_filter.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <sstream>

namespace fairlead::host {
namespace {

constexpr std::int64_t kCpuPeriodMicroseconds = 100'000;
constexpr std::int64_t kShortestQuotaMicroseconds = 1'000;  // the kernel refuses less

std::optional<std::int64_t> number_in(const std::string& path) {
  const auto text = base::read_file(path);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  return value;
}

// The value of a line "KEY VALUE" of a control file.
std::optional<std::int64_t> keyed_number_in(const std::string& path, std::string_view key) {
  const auto text = base::read_file(path);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  std::string word;
  std::int64_t value = 0;
  while (lines >> word >> value) {
    if (word == key) return value;
  }
  return std::nullopt;
}

base::Result<void> make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return base::system_error("make " + path);
}

// The folder and those below it, deepest last.
std::vector<std::string> with_subfolders(const std::string& folder) {
  std::vector<std::string> folders = {folder};
  for (std::size_t next = 0; next < folders.size(); ++next) {
    std::error_code failed;
    for (const auto& entry : std::filesystem::directory_iterator(folders[next], failed)) {
      if (entry.is_directory(failed) && !entry.is_symlink(failed)) folders.push_back(entry.path().string());
    }
  }
  return folders;
}

std::int64_t quota_of(std::int64_t cpu_milli) {
  return std::max(cpu_milli * kCpuPeriodMicroseconds / 1000, kShortestQuotaMicroseconds);
}

}  // namespace

std::optional<ControlGroup> ControlGroup::find(std::string_view text) {
  ControlGroup group{std::string(text)};
  std::size_t end = text.find(';');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view version = text.substr(0, end);
  if (version != "v1" && version != "v2") return std::nullopt;
  group.unified_ = version == "v2";
  while (end != std::string_view::npos) {
    text.remove_prefix(end + 1);
    end = text.find(';');
    const std::string_view part = text.substr(0, end);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    group.folders_.emplace_back(std::string(part.substr(0, equals)), std::string(part.substr(equals + 1)));
  }
  return group;
}

std::string ControlGroup::folder(std::string_view controller) const {
  for (const auto& [name, folder] : folders_) {
    if (name == controller || unified_) return folder;
  }
  return {};
}

base::Result<void> ControlGroup::create(const Limits& limits) const {
  for (const auto& [name, folder] : folders_) {
    if (auto made = make_folder(folder); !made) return made;
  }
  if (limits.memory_bytes > 0) {
    const std::string bytes = std::to_string(limits.memory_bytes);
    const std::string memory = folder("memory");
    if (auto set = base::write_control(memory + (unified_ ? "/memory.max" : "/memory.limit_in_bytes"), bytes);
        !set) {
      return set;
    }
    // Swap would let it grow beyond; a kernel without swap accounting has no such file.
    (void)base::write_control(memory + (unified_ ? "/memory.swap.max" : "/memory.memsw.limit_in_bytes"),
                              unified_ ? "0" : bytes);
    if (unified_) (void)base::write_control(memory + "/memory.oom.group", "1");
  }
  if (limits.cpu_milli > 0) {
    const std::string quota = std::to_string(quota_of(limits.cpu_milli));
    const std::string period = std::to_string(kCpuPeriodMicroseconds);
    const std::string cpu = folder("cpu");
    if (unified_) {
      if (auto set = base::write_control(cpu + "/cpu.max", quota + " " + period); !set) return set;
    } else {
      if (auto set = base::write_control(cpu + "/cpu.cfs_period_us", period); !set) return set;
      if (auto set = base::write_control(cpu + "/cpu.cfs_quota_us", quota); !set) return set;
    }
  }
  return deny(limits.denied_device_nodes);
}

base::Result<void> ControlGroup::deny(const std::vector<std::string>& device_nodes) const {
  std::vector<DeviceNumber> numbers;
  for (const std::string& path : device_nodes) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) continue;  // a node that is not there cannot be opened
    if (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode)) continue;
    numbers.push_back({S_ISBLK(status.st_mode), major(status.st_rdev), minor(status.st_rdev)});
  }
  if (numbers.empty()) return {};
  if (unified_) return attach_device_filter(folder(""), numbers);
  const std::string devices = folder("devices");
  if (devices.empty()) return {};  // the guarantees say that it is not enforced
  for (const DeviceNumber& number : numbers) {
    const std::string rule = (number.block ? "b " : "c ") + std::to_string(number.major) + ":" +
                             std::to_string(number.minor) + " rwm";
    if (auto set = base::write_control(devices + "/devices.deny", rule); !set) return set;
  }
  return {};
}

base::Result<void> ControlGroup::add(pid_t pid) const {
  for (const auto& [name, folder] : folders_) {
    if (auto added = base::write_control(folder + "/cgroup.procs", std::to_string(pid)); !added) return added;
  }
  return {};
}

base::Result<void> ControlGroup::enter() const {
  for (const auto& [name, folder] : folders_) {
    if (auto entered = base::write_control(folder + (unified_ ? "/cgroup.procs" : "/tasks"), "0"); !entered)
      return entered;
  }
  return {};
}

void ControlGroup::kill() const {
  if (folders_.empty()) return;
  const std::string unified = folder("");
  if (unified_ && base::write_control(unified + "/cgroup.kill", "1").ok()) return;
  // While frozen, nothing forks; the signal takes effect when they go on.
  const std::string control = unified_ ? unified + "/cgroup.freeze" : folder("freezer") + "/freezer.state";
  (void)base::write_control(control, unified_ ? "1" : "FROZEN");
  for (const std::int64_t pid : pids()) ::kill(static_cast<pid_t>(pid), SIGKILL);
  (void)base::write_control(control, unified_ ? "0" : "THAWED");
}

bool ControlGroup::empty() const { return pids().empty(); }

void ControlGroup::remove() const {
  for (const auto& [name, folder] : folders_) {
    const std::vector<std::string> all = with_subfolders(folder);
    for (auto path = all.rbegin(); path != all.rend(); ++path) rmdir(path->c_str());
  }
}

void ControlGroup::remove_when_empty() const {
  for (const auto& [name, folder] : folders_) rmdir(folder.c_str());
}

bool ControlGroup::memory_limit_hit() const {
  const std::string memory = folder("memory");
  return keyed_number_in(memory + (unified_ ? "/memory.events" : "/memory.oom_control"), "oom_kill")
             .value_or(0) > 0;
}

std::optional<std::int64_t> ControlGroup::cpu_nanoseconds() const {
  if (!unified_) return number_in(folder("cpuacct") + "/cpuacct.usage");
  const auto microseconds = keyed_number_in(folder("") + "/cpu.stat", "usage_usec");
  if (!microseconds) return std::nullopt;
  return *microseconds * 1000;
}

std::optional<std::int64_t> ControlGroup::memory_bytes() const {
  // What belongs to the processes; cached file contents, which go when memory is short, are not theirs.
  const std::string stat = folder("memory") + "/memory.stat";
  const auto own = keyed_number_in(stat, unified_ ? "anon" : "total_rss");
  if (!own) return std::nullopt;
  return *own + keyed_number_in(stat, unified_ ? "shmem" : "total_shmem").value_or(0);
}

std::vector<std::int64_t> ControlGroup::pids() const {
  std::vector<std::int64_t> pids;
  if (folders_.empty()) return pids;
  for (const std::string& folder : with_subfolders(folders_.front().second)) {
    const auto text = base::read_file(folder + "/cgroup.procs");
    if (!text) continue;
    std::istringstream lines(*text);
    std::int64_t pid = 0;
    while (lines >> pid) pids.push_back(pid);
  }
  return pids;
}

}  // namespace fairlead::host
