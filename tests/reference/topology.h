#pragma once

#include "reference/state.h"

#include <map>
#include <string>
#include <vector>

namespace fairlead::reference {

/// Nodes among which a part of a group is placed, and the topology score of each (0 to 10; absent is 0).
struct NodeSet {
  std::vector<const model::Node*> nodes;  ///< by name
  std::map<std::string, int> scores;
};

/// The sets of nodes to try in order for the pods of one part within `outer`. Without a constraint that is
/// `outer` itself. Empty: the constraint cannot be met.
std::vector<NodeSet> topology_candidates(const Facts& facts, const State& state, const Part& part,
                                         const std::vector<const model::Pod*>& pods, const NodeSet& outer);

}  // namespace fairlead::reference
