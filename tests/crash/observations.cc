#include "crash/observations.h"

#include "base/json_fields.h"
#include "base/json_reader.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace fairlead::crash_tests {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::map<std::string, std::string> environment_of(const std::string& pid) {
  std::map<std::string, std::string> variables;
  std::istringstream text(content("/proc/" + pid + "/environ"));
  for (std::string line; std::getline(text, line, '\0');) {
    const std::size_t at = line.find('=');
    if (at != std::string::npos) variables[line.substr(0, at)] = line.substr(at + 1);
  }
  return variables;
}

std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) list.push_back(part);
  return list;
}

Replica read_replica(const base::JsonValue& value) {
  Replica replica;
  replica.uid = base::text_field(value, "uid");
  replica.state = base::text_field(value, "state");
  replica.devices = base::texts_field(value, "devices");
  replica.pid = static_cast<pid_t>(base::integer_field(value, "pid").value_or(0));
  if (const base::JsonValue* held = value.find("devicesHeld"))
    replica.held = std::strtod(std::string(held->text()).c_str(), nullptr);
  return replica;
}

}  // namespace

std::vector<Process> processes_of(const std::string& state_folder) {
  std::vector<Process> list;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    auto variables = environment_of(pid);
    if (!variables["HOME"].starts_with(state_folder + "/") || variables["FAIRLEAD_REPLICA"].empty()) continue;
    list.push_back({static_cast<pid_t>(std::atoi(pid.c_str())), variables["FAIRLEAD_REPLICA"],
                    parts(variables["FAIRLEAD_DEVICES"]),
                    variables["FAIRLEAD_DEVICE_THOUSANDTHS"] != "1000"});
  }
  return list;
}

std::map<std::string, Workload> workloads_of(platform_tests::RunningPlatform& platform) {
  std::map<std::string, Workload> all;
  std::string next;
  do {
    const std::string path = "/api/v1/workloads?limit=100" + (next.empty() ? "" : "&after=" + next);
    const auto answer = platform.ask("GET", path);
    base::JsonReader reader;
    const auto read = reader.read(answer.body);
    if (answer.status != 200 || !read) return {};
    const base::JsonValue* items = (*read)->find("items");
    if (items == nullptr) return {};
    for (const base::JsonValue& item : items->items()) {
      const base::JsonValue* metadata = item.find("metadata");
      const base::JsonValue* status = item.find("status");
      if (metadata == nullptr || status == nullptr) continue;
      Workload& workload = all[base::text_field(*metadata, "name")];
      workload.uid = base::text_field(*status, "uid");
      workload.state = base::text_field(*status, "state");
      if (const base::JsonValue* replicas = status->find("replicas"))
        for (const base::JsonValue& replica : replicas->items())
          workload.replicas.push_back(read_replica(replica));
    }
    next = base::text_field(**read, "next");
  } while (!next.empty());
  return all;
}

std::string devices_given_twice(const std::vector<Process>& processes) {
  std::string wrong;
  std::map<std::string, std::map<std::string, bool>> by_device;  // replicas, and whether they share
  for (const Process& process : processes)
    for (const std::string& device : process.devices) by_device[device][process.replica] = process.shares;
  for (const auto& [device, replicas] : by_device)
    for (const auto& [replica, shares] : replicas)
      if (!shares && replicas.size() > 1)
        wrong += fmt::format("{} is {}'s alone, and {} processes' replicas have it\n", device, replica,
                             replicas.size());
  return wrong;
}

std::string devices_given_twice(const std::map<std::string, Workload>& workloads) {
  std::string wrong;
  std::map<std::string, double> held;
  for (const auto& [name, workload] : workloads)
    for (const Replica& replica : workload.replicas)
      if (replica.is_live())
        for (const std::string& device : replica.devices)
          held[device] += replica.held / static_cast<double>(replica.devices.size());
  for (const auto& [device, amount] : held)
    if (amount > 1.0001) wrong += fmt::format("{} is given out {} times\n", device, amount);
  return wrong;
}

std::string not_accounted_for(const std::vector<Process>& processes,
                              const std::map<std::string, Workload>& workloads) {
  std::string wrong;
  std::map<std::string, const Replica*> live;
  for (const auto& [name, workload] : workloads)
    for (const Replica& replica : workload.replicas)
      if (replica.is_live()) live[replica.uid] = &replica;
  std::set<std::pair<std::string, pid_t>> found;
  for (const Process& process : processes) {
    found.emplace(process.replica, process.pid);
    if (!live.contains(process.replica))
      wrong += fmt::format("process {} of replica {} is nobody's\n", process.pid, process.replica);
  }
  for (const auto& [uid, replica] : live)
    if (replica->state == "Running" && !found.contains({uid, replica->pid}))
      wrong += fmt::format("replica {} is to run as process {}, which is not there\n", uid, replica->pid);
  return wrong;
}

std::string folders_left_over(const std::string& state_folder,
                              const std::map<std::string, Workload>& workloads) {
  std::set<std::string> known;
  for (const auto& [name, workload] : workloads)
    for (const Replica& replica : workload.replicas) known.insert(replica.uid);
  std::string wrong;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(state_folder + "/replicas", ignored))
    if (!known.contains(entry.path().filename()))
      wrong += fmt::format("the folder of replica {} is left over\n", entry.path().filename().string());
  return wrong;
}

std::string complaints_in_journal(const std::string& folder) {
  std::string wrong;
  std::set<std::string> started;
  std::istringstream lines(content(folder + "/journal"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    std::string replica;
    words >> what >> replica;
    if (what == "start" && !started.insert(replica).second) wrong += replica + " was started twice\n";
    if (what == "double") wrong += line + "\n";
  }
  return wrong;
}

}  // namespace fairlead::crash_tests
