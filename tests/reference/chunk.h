#pragma once

#include "reference/state.h"

#include <string>
#include <vector>

namespace fairlead::reference {

using Chunk = std::vector<const model::Pod*>;

/// Whether every pod set has as many pods, ungated, as its minimum: only then is a group a candidate.
bool enough_pods(const Group& group, const State& state);
/// What allocate would take of a group now: what is missing to the minimum of every unsatisfied pod set, else
/// one pod more. Among pod sets: unsatisfied first, then active/minimum ascending, then the order of the
/// object. Empty: nothing waits.
Chunk next_chunk(const Group& group, const State& state);
Amounts chunk_request(const Facts& facts, const Chunk& chunk);

/// What an eviction would take of a group next: one pod above a minimum, the last in task order of the pod
/// set that is furthest above it, else all active pods. `state` is without the victims that were taken
/// before.
Chunk next_victims(const Group& group, const State& state);

/// Elastic state for the order of groups: -1 below, 0 at, 1 above the minimum.
int elastic_state(const Group& group, const State& state);
/// Whether the group's minimum is met by pods that pass `counts`.
bool minimum_met(const Part& part, const State& state, bool (*counts)(Status));
std::int32_t active_pods(const Part& part, const State& state);
std::int32_t active_pods(const Group& group, const State& state);
/// Whether the group could lose or gain a pod without touching its minimum.
bool is_elastic(const Group& group);
/// Sub-groups in the order in which chunks are taken and placed.
std::vector<const Part*> ordered_children(const Part& part, const State& state);

}  // namespace fairlead::reference
