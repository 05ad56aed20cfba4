#pragma once

#include "model/cluster/cluster.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fairlead::engine {

/// Nodes among which a part of a group is placed.
struct NodeSet {
  std::vector<model::NodeId> nodes;  ///< by name
  /// Topology score of each, 0 to 10, in the order of `nodes`; empty: 0 for all.
  std::vector<std::int32_t> scores;
};

/// The domains of one topology: for each level (0 is the root) the domain of each node. A domain of a level
/// is the nodes that agree on its label and on those of the wider levels; nodes that lack a label are outside
/// the tree.
struct DomainTree {
  static constexpr std::uint32_t kOutside = UINT32_MAX;
  /// [level][node id]: the domain, numbered within the level in the order of the labels' values.
  std::vector<std::vector<std::uint32_t>> domain_of;
  std::vector<std::uint32_t> domain_count;  ///< per level
};

/// Domain trees by topology, rebuilt when nodes or topologies changed.
class DomainTrees {
 public:
  /// Nothing for an unknown topology. O(nodes · levels · log) after a change, else O(log topologies).
  const DomainTree* of(model::Cluster& cluster, std::string_view topology);

 private:
  struct Cached {
    std::uint64_t structure = 0;
    std::vector<std::string> levels;
    DomainTree tree;
  };
  std::map<std::string, Cached, std::less<>> trees_;
};

/// The sets of nodes to try, in order, for pods of one part of a group within `outer`. Without a constraint
/// that is `outer` itself. Empty: the constraint cannot be met. Candidates go from the preferred level up to
/// the required one (without a required level up to the root), tightest domains first; a domain must have
/// room for all the pods; running pods of the part pin its required domain. Source: KAI-Scheduler's topology
/// plugin. O(levels · (nodes + domains · log domains)).
std::vector<NodeSet> topology_candidates(model::Cluster& cluster, DomainTrees& trees,
                                         const model::GroupRecord& group, std::size_t part,
                                         const std::vector<model::PodId>& pods, const NodeSet& outer);

}  // namespace fairlead::engine
