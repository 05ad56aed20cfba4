#pragma once

#include "engine/fit/static_fit.h"
#include "engine/gang/topology_tree.h"
#include "model/cluster/cluster.h"

#include <optional>
#include <vector>

namespace fairlead::engine {

struct PlainChoice {
  model::NodeId node;
  bool now = false;  ///< it can start at once
};

/// Whether the choice of a node for pods of a class follows from counted resources and static preferences
/// alone, with bin-pack or spread: no shares, no partitions, something asked of what is packed. Constraints
/// between pods are the caller's to rule out.
bool is_plain(const model::PodClass& pod_class);

/// The node that a general scan would choose for a plain pod, or nothing. One pass over columns, with no work
/// per node that is not needed to refuse it. `strategy` is bin-pack or spread. O(nodes · amounts), no
/// allocation.
std::optional<PlainChoice> best_plain_node(const model::Cluster& cluster,
                                           const std::vector<StaticFit::Entry>& entries,
                                           const model::PodClass& pod_class, const NodeSet& set,
                                           model::PlacementStrategy strategy, model::NodeId nominated_before);

}  // namespace fairlead::engine
