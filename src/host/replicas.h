#pragma once

#include "host/inventory.h"
#include "host/records.h"
#include "model/group.h"
#include "model/pod.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fairlead::host {

/// One place among a workload's replicas, whatever try is in it.
struct ReplicaSlot {
  std::string role;
  std::int32_t index = 0;

  friend auto operator<=>(const ReplicaSlot&, const ReplicaSlot&) = default;
};

/// The places that a workload is to have filled now: each role's replicas, or a service's `wanted`.
std::vector<ReplicaSlot> wanted_slots(const WorkloadRecord& workload);

/// "<workload uid>-<role>-<index>-<attempt>".
std::string pod_uid(const WorkloadRecord& workload, const ReplicaSlot& slot, std::int32_t attempt);

/// Key of the group that a replica belongs to: the workload's key, with "+" behind it for the replicas of a
/// service that are above its minimum, which are preemptible and come one by one.
std::string group_key(const WorkloadRecord& workload, bool borrowing);

/// The group that the engine queues: roles are sub-groups, its minimum is theirs. `unfinished`: how many of
/// its replicas still have to run; when others have ended with success the minimum is no more than that.
model::PodGroup make_group(const WorkloadRecord& workload, bool borrowing, std::int32_t unfinished,
                           std::optional<base::Time> last_start);

/// The pod that stands for one try. Its phase follows the try's progress, for a scheduler that starts afresh.
/// The inventory tells what its devices are called.
model::Pod make_pod(const WorkloadRecord& workload, const ReplicaRecord& replica, const Inventory& inventory);

}  // namespace fairlead::host
