#include "host/control_groups.h"

#include "base/descriptor.h"
#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <string_view>
#include <vector>

namespace fairlead::host {
namespace {

// The text of a group below another.
std::string with_name(const std::string& parent, const std::string& name) {
  std::string text;
  for (const char c : parent) {
    if (c == ';' && text.find(';') != std::string::npos) text += "/" + name;
    text += c;
  }
  return text + "/" + name;
}

// A mounted hierarchy: where, from which of its folders on, and of which controllers (v1).
struct Hierarchy {
  bool unified = false;
  std::string mount_point;
  std::string root;
  std::vector<std::string> controllers;
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

std::vector<Hierarchy> mounted_hierarchies() {
  std::vector<Hierarchy> found;
  const auto table = base::read_file("/proc/self/mountinfo");
  if (!table) return found;
  for (const std::string& line : split(*table, '\n')) {
    // id parent device root mount-point options [tags] - type source super-options
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> before = split(std::string_view(line).substr(0, dash), ' ');
    const std::vector<std::string> after = split(std::string_view(line).substr(dash + 3), ' ');
    if (before.size() < 6 || after.size() < 3 || after[0].substr(0, 6) != "cgroup") continue;
    found.push_back({after[0] == "cgroup2", before[4], before[3], split(after[2], ',')});
  }
  return found;
}

// The folder of this process's own group in a hierarchy; empty when it is not below the mount.
std::string own_folder(const Hierarchy& hierarchy, const std::string& groups) {
  for (const std::string& line : split(groups, '\n')) {
    // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::vector<std::string> controllers =
        split(std::string_view(line).substr(first + 1, second - first - 1), ',');
    const bool same = hierarchy.unified
                          ? line.substr(0, first) == "0"
                          : std::any_of(controllers.begin(), controllers.end(), [&](const auto& name) {
                              return !name.empty() && contains(hierarchy.controllers, name);
                            });
    if (!same) continue;
    std::string path = line.substr(second + 1);
    if (hierarchy.root != "/") {
      if (path.substr(0, hierarchy.root.size()) != hierarchy.root) return {};
      path.erase(0, hierarchy.root.size());
    }
    return path == "/" ? hierarchy.mount_point : hierarchy.mount_point + path;
  }
  return {};
}

constexpr std::string_view kEnableControllers = "+memory +cpu +pids";

// Lets the children of a folder of the unified hierarchy have limits. A folder with processes of its own may
// not; this process steps aside when it is the only one there.
bool enable_controllers(const std::string& folder) {
  if (base::write_control(folder + "/cgroup.subtree_control", kEnableControllers).ok()) return true;
  const auto inside = base::read_file(folder + "/cgroup.procs");
  if (!inside || *inside != std::to_string(getpid()) + "\n") return false;
  const std::string aside = folder + "/fairlead-platform";
  if (mkdir(aside.c_str(), 0755) != 0 && errno != EEXIST) return false;
  if (!base::write_control(aside + "/cgroup.procs", std::to_string(getpid())).ok()) return false;
  return base::write_control(folder + "/cgroup.subtree_control", kEnableControllers).ok();
}

// Puts a process into the group and lets it open a device that everybody may open elsewhere.
bool device_is_refused(const ControlGroup& group, const char* device) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  base::Descriptor gate_out(ends[0]);
  base::Descriptor gate_in(ends[1]);
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    char byte = 0;
    if (read(gate_out.get(), &byte, 1) != 1) _exit(1);
    _exit(open(device, O_RDONLY | O_CLOEXEC) < 0 && errno == EPERM ? 0 : 1);
  }
  const bool ready = group.add(child).ok() && write(gate_in.get(), "g", 1) == 1;
  gate_in.reset();
  int status = 0;
  waitpid(child, &status, 0);
  return ready && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Makes the parent and, for a trial, a group below it with each limit; keeps what holds.
bool usable(const ControlGroup& parent, Guarantees& guarantees) {
  constexpr const char* kDevice = "/dev/full";
  const auto probe = ControlGroup::find(with_name(parent.text(), "trial-" + std::to_string(getpid())));
  if (!probe || !parent.create({}).ok()) return false;
  if (parent.unified() && !enable_controllers(parent.folder(""))) return false;
  constexpr std::int64_t kMemory = 64LL << 20;
  Guarantees found = guarantees;
  found.memory_limit = probe->create({0, kMemory, {}}).ok();
  if (!found.memory_limit && !probe->create({}).ok()) return false;
  found.cpu_limit = probe->create({1000, 0, {}}).ok();
  found.device_access = probe->create({0, 0, {kDevice}}).ok() && device_is_refused(*probe, kDevice);
  found.containment =
      parent.unified() ? Guarantees::Containment::kCgroup2 : Guarantees::Containment::kCgroup1;
  probe->remove();
  if (!found.memory_limit && !found.cpu_limit) {
    parent.remove();
    return false;
  }
  guarantees = found;
  return true;
}

std::vector<std::string> candidates(const std::string& name) {
  std::vector<std::string> texts;
  const auto groups = base::read_file("/proc/self/cgroup");
  if (!groups) return texts;
  std::string separate = "v1";
  for (const Hierarchy& hierarchy : mounted_hierarchies()) {
    const std::string own = own_folder(hierarchy, *groups);
    if (hierarchy.unified) {
      // At the top it stays when the service that started the platform is stopped; only root may.
      for (const std::string& folder : {hierarchy.mount_point, own}) {
        const auto controllers = base::read_file(folder + "/cgroup.controllers");
        if (folder.empty() || !controllers || controllers->find("memory") == std::string::npos) continue;
        if (enable_controllers(folder)) texts.push_back("v2;=" + folder + "/" + name);
      }
      continue;
    }
    for (const char* controller : {"memory", "cpu", "cpuacct", "devices", "freezer"}) {
      if (own.empty() || !contains(hierarchy.controllers, controller)) continue;
      separate += ";" + std::string(controller) + "=" + own + "/" + name;
    }
  }
  if (separate.find("memory=") != std::string::npos && separate.find("freezer=") != std::string::npos) {
    texts.push_back(separate);
  }
  return texts;
}

}  // namespace

ControlGroups ControlGroups::detect(const std::string& name, Guarantees& guarantees) {
  ControlGroups groups;
  for (const std::string& text : candidates(name)) {
    const auto parent = ControlGroup::find(text);
    if (!parent || !usable(*parent, guarantees)) continue;
    groups.parent_ = text;
    break;
  }
  return groups;
}

std::optional<ControlGroup> ControlGroups::group(const std::string& name) const {
  if (parent_.empty()) return std::nullopt;
  return ControlGroup::find(with_name(parent_, name));
}

void ControlGroups::remove() const {
  // Not its subfolders: other platforms of the same state may be at work in them.
  if (const auto parent = ControlGroup::find(parent_)) parent->remove_when_empty();
}

}  // namespace fairlead::host
