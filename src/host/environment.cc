#include "host/environment.h"

#include "manifest/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace fairlead::host {

std::vector<std::pair<std::string, std::string>> replica_environment(const EnvironmentInput& input) {
  std::map<std::string, std::string> variables(input.base.begin(), input.base.end());
  const ReplicaRecord& replica = input.replica;
  const model::Workload& spec = input.workload.spec;
  bool simulated = false;
  for (const InventoryDevice& device : input.inventory.devices) {
    const std::string& variable = device.device.visibility_variable;
    if (variable.empty()) continue;
    std::string& value = variables[variable];
    const bool granted = std::find(replica.devices.begin(), replica.devices.end(), device.device.identity) !=
                         replica.devices.end();
    if (!granted) continue;
    if (!value.empty()) value += ',';
    value += device.device.visibility_value;
    simulated = simulated || device.device.simulated;
  }
  variables["HOME"] = input.working_directory;
  variables["PWD"] = input.working_directory;
  variables["FAIRLEAD_PROJECT"] = spec.project;
  variables["FAIRLEAD_WORKLOAD"] = spec.name;
  variables["FAIRLEAD_WORKLOAD_UID"] = input.workload.uid;
  variables["FAIRLEAD_REPLICA"] = replica.uid;
  variables["FAIRLEAD_ROLE"] = replica.role;
  variables["FAIRLEAD_INDEX"] = std::to_string(replica.index);
  variables["FAIRLEAD_ATTEMPT"] = std::to_string(replica.attempt);
  variables["FAIRLEAD_DEVICES"] = fmt::format("{}", fmt::join(replica.devices, ","));
  variables["FAIRLEAD_DEVICE_THOUSANDTHS"] = std::to_string(replica.share_thousandths);
  if (simulated) variables["FAIRLEAD_SIMULATED"] = "1";
  if (!spec.checkpoint.file.empty()) variables["FAIRLEAD_CHECKPOINT"] = spec.checkpoint.file;
  if (!spec.checkpoint.signal.empty()) variables["FAIRLEAD_CHECKPOINT_SIGNAL"] = spec.checkpoint.signal;
  if (replica.port != 0) {
    variables["PORT"] = std::to_string(replica.port);
    variables["FAIRLEAD_MEMBERS"] = input.members_file;
  }
  if (!spec.service) {
    // One process per replica, which sees its own devices only: the first of them is its local one.
    variables["RANK"] = std::to_string(replica.rank);
    variables["WORLD_SIZE"] = std::to_string(replica.world_size);
    variables["NODE_RANK"] = std::to_string(replica.rank);
    variables["GROUP_RANK"] = std::to_string(replica.rank);
    variables["LOCAL_RANK"] = "0";
    variables["LOCAL_WORLD_SIZE"] = "1";
    variables["MASTER_ADDR"] = "127.0.0.1";
    variables["MASTER_PORT"] = std::to_string(input.workload.master_port);
    // What torchrun takes for the options that it is not given: each replica is one of its nodes, with a
    // process for each of its devices.
    variables["PET_NNODES"] = std::to_string(replica.world_size);
    variables["PET_NODE_RANK"] = std::to_string(replica.rank);
    variables["PET_NPROC_PER_NODE"] = std::to_string(std::max<std::int64_t>(input.role.devices.count, 1));
    variables["PET_MASTER_ADDR"] = "127.0.0.1";
    variables["PET_MASTER_PORT"] = std::to_string(input.workload.master_port);
  }
  for (const auto& [name, value] : input.role.environment) variables[name] = value;
  return {variables.begin(), variables.end()};
}

}  // namespace fairlead::host
