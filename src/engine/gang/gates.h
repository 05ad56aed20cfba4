#pragma once

#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <optional>

namespace fairlead::engine {

/// The limit of each queue from the group's up to the root, and for a group that may not be preempted their
/// quotas: whether it may have `request` more. Only dimensions that are asked for count. Holds in hypotheses
/// too. O(depth · dimensions). Nothing: it may; else the first queue and dimension that refuse.
std::optional<model::Reason> gate(const model::Cluster& cluster, model::PoolId pool,
                                  const model::GroupRecord& group, const model::QueueCharge& request);

}  // namespace fairlead::engine
