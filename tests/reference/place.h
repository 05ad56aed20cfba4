#pragma once

#include "reference/chunk.h"
#include "reference/fair_share.h"
#include "reference/topology.h"

namespace fairlead::reference {

/// The limit gate and the quota gate of non-preemptible groups, over the whole chain of ancestors. They hold
/// in simulations too (rule 6). Only dimensions that are asked for count. None: the group may have `request`
/// more.
std::optional<model::Reason> gate(const Facts& facts, const State& state, const PoolShares& shares,
                                  const Group& group, const Amounts& request);

/// Places one pod on the best node of a set that takes it; as Pipelined if it has to wait or if
/// `pipeline_only`. A victim that returns to its own place is as it was before (rule 5).
bool place_pod(const Facts& facts, State& state, const PoolShares& shares, const Group& group,
               const model::Pod& pod, const NodeSet& set, bool pipeline_only);

/// Places pods of one group that wait for released capacity exactly where they were nominated, at once where
/// that is free by now. False, and nothing changes, where one of them cannot stay.
bool renew_places(const Facts& facts, State& state, const PoolShares& shares, const Group& group,
                  const Chunk& nominated);

/// Places a chunk of a group, all or nothing: gates, then the tree of sub-groups, each level within its
/// topology. Pods become Pipelined together where those that could start alone would miss the minimum. `why`
/// gets the reason where it does not work.
bool place_chunk(const Facts& facts, State& state, const PoolShares& shares, const Group& group,
                 const Chunk& chunk, const std::vector<const model::Node*>& nodes, bool pipeline_only,
                 model::Reason* why = nullptr);

}  // namespace fairlead::reference
