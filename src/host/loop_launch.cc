#include "base/json_writer.h"
#include "host/environment.h"
#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::host {

std::string Loop::replica_folder(const std::string& uid) const {
  return options_.state_folder + "/replicas/" + uid;
}

std::string Loop::working_folder(const WorkloadRecord& record) const {
  if (!record.spec.working_directory.empty()) return record.spec.working_directory;
  return fmt::format("{}/work/{}/{}", options_.state_folder, record.spec.project, record.spec.name);
}

std::string Loop::members_file(const WorkloadRecord& record) const {
  return fmt::format("{}/members/{}.json", options_.state_folder, record.uid);
}

base::Result<void> Loop::launch(const ReplicaRecord& replica) {
  const WorkloadRecord* record = find_workload(replica.workload);
  if (record == nullptr) return base::not_found("its workload is gone");
  const auto role = std::find_if(record->spec.roles.begin(), record->spec.roles.end(),
                                 [&](const auto& one) { return one.name == replica.role; });
  if (role == record->spec.roles.end()) return base::not_found("its role is gone");
  ReplicaSpec spec;
  spec.uid = replica.uid;
  spec.folder = replica_folder(replica.uid);
  spec.command = role->command;
  spec.command.insert(spec.command.end(), role->arguments.begin(), role->arguments.end());
  spec.working_directory = working_folder(*record);
  spec.account = record->account;
  spec.cpu_milli = role->cpu_milli;
  spec.memory_bytes = role->memory_bytes;
  spec.environment = replica_environment({*record, *role, replica, inventory_, options_.environment,
                                          members_file(*record), spec.working_directory});
  for (const InventoryDevice& device : inventory_.devices) {
    const bool granted = std::find(replica.devices.begin(), replica.devices.end(), device.device.identity) !=
                         replica.devices.end();
    auto& list = granted ? spec.device_nodes : spec.denied_device_nodes;
    list.insert(list.end(), device.device.device_nodes.begin(), device.device.device_nodes.end());
  }
  std::vector<std::pair<std::string, std::string>> secrets;
  for (const auto& [variable, name] : record->spec.secrets) {
    const auto stored = secrets_.find(record->spec.project + "/" + name);
    if (stored == secrets_.end() || options_.secrets == nullptr)
      return base::not_found(fmt::format("there is no secret {} in project {}", name, record->spec.project));
    auto value = options_.secrets->decrypt(stored->second);
    if (!value) return value.error();
    secrets.emplace_back(variable, std::move(*value));
  }
  if (auto made = options_.make_folder(spec.folder, std::nullopt); !made) return made;
  if (record->spec.working_directory.empty())
    if (auto made = options_.make_folder(spec.working_directory, record->account); !made) return made;
  return supervisors_.start(spec, secrets);
}

void Loop::write_members(const std::string& key) {
  const WorkloadRecord* record = find_workload(key);
  if (record == nullptr || record->spec.service) return;
  std::string text;
  base::JsonWriter writer(text);
  writer.begin_object();
  writer.key("members");
  writer.begin_array();
  std::size_t count = 0;
  for (const ReplicaRecord* replica : replicas_of(key)) {
    if (replica->progress != Progress::kBinding && replica->progress != Progress::kRunning) continue;
    if (replica->port == 0) continue;
    ++count;
    writer.begin_object();
    writer.member("role", replica->role);
    writer.member("index", replica->index);
    writer.member("rank", replica->rank);
    writer.member("host", "127.0.0.1");
    writer.member("port", replica->port);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  text += '\n';
  // A group that has never had members needs no file; its replicas are alone.
  if (count > 0) (void)options_.write_file(members_file(*record), text);
}

}  // namespace fairlead::host
