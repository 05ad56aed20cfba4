#pragma once

#include "host/inventory.h"
#include "host/records.h"

#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {

/// All that decides what variables a replica gets.
struct EnvironmentInput {
  const WorkloadRecord& workload;
  const model::WorkloadRole& role;
  const ReplicaRecord& replica;
  const Inventory& inventory;
  const std::vector<std::pair<std::string, std::string>>& base;  ///< PATH, LANG ...
  std::string members_file;
  std::string working_directory;
};

/// The complete environment of a replica, by name: the base, the devices that it may see (each vendor's
/// visibility variable, empty where it has none of that vendor), its place in the gang as torchrun tells it
/// (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT ...), FAIRLEAD_*, and last what its owner wrote,
/// which wins.
std::vector<std::pair<std::string, std::string>> replica_environment(const EnvironmentInput& input);

}  // namespace fairlead::host
