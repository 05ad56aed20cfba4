#pragma once

#include "reference/chunk.h"
#include "reference/fair_share.h"

#include <string>
#include <vector>

namespace fairlead::reference {

/// What a scenario takes from one group in one piece: an elastic pod, or the core.
struct VictimChunk {
  const Group* group = nullptr;
  Chunk pods;
  bool last = false;  ///< nothing of the group stays after it
};

/// A hypothesis as its legality is judged: the allocations before the search for the group began, the pods
/// that are being solved, and what the victims lose.
struct Scenario {
  const Facts& facts;
  const State& before;     ///< before the search
  const State& simulated;  ///< with victims evicted and everybody placed
  const PoolShares& shares;
  const Group& beneficiary;
  const Chunk& solving;
  const std::vector<VictimChunk>& victims;  ///< in the order in which they were taken
};

/// Section 3, "Reclaim", the gate: with its next chunk the leaf queue stays within its fair share, and
/// non-preemptible work within its quota.
bool may_reclaim(const Facts& facts, const State& state, const PoolShares& shares, const Group& group,
                 const Chunk& chunk);
/// Section 3, "Reclaim", the validity of a scenario.
bool reclaim_is_legal(const Scenario& scenario);
/// Section 3, "Consolidation": every victim has another place.
bool consolidation_is_legal(const Scenario& scenario);

/// Whether a disruption budget counts and protects the pod: it does while the pod runs and is not leaving.
bool is_covered(const model::DisruptionBudget& budget, const model::Pod& pod);
/// Whether the chunk may be evicted besides what `state` has evicted already: no eviction of its pods was
/// refused for now, and no disruption budget that covers a running one of them is exceeded. A budget allows
/// what its controller says, or else as many as run above its minimum.
bool may_be_evicted(const Facts& facts, const State& state, const Chunk& chunk);
/// Until when evictions of the pod were refused; none: they were not.
std::optional<base::Time> refused_until(const Facts& facts, const model::Pod& pod);

/// Section 3, "minruntime". Until when reclaim (or preemption) may not touch the victim's minimum; none: it
/// may.
std::optional<base::Time> protected_until(const Facts& facts, const Group& beneficiary, const Group& victim,
                                          model::Action action);
/// Whether the scenario leaves each protected victim its minimum.
bool minimum_runtimes_respected(const Scenario& scenario, model::Action action);

}  // namespace fairlead::reference
