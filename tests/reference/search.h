#pragma once

#include "reference/legality.h"
#include "reference/order.h"

#include <functional>
#include <optional>

namespace fairlead::reference {

/// The earliest instant at which time alone could change a decision.
struct WakeUp {
  std::optional<base::Time> at;
  void note(base::Time instant) { at = std::min(at.value_or(instant), instant); }
};

/// What a round is about in one pool.
struct PoolRound {
  const Facts& facts;
  const PoolShares& shares;
  std::vector<const model::Node*> nodes;  ///< the pool's, by name
  WakeUp& wake_up;
};

/// A solution: the state with victims evicted or moved and the beneficiary nominated.
struct Solution {
  State state;
  std::vector<VictimChunk> victims;  ///< those that leave their place, in the order in which they were taken
};

/// Groups that may be chosen as victims for a beneficiary by an action; notes when others will be.
std::vector<const Group*> victim_candidates(const PoolRound& round, const State& state,
                                            const Group& beneficiary, model::Action action);

/// Section 3, "Scenario search": finds victims so that the group's next chunk can be placed. `waiting` are
/// the groups that wait in the pool; they take part in the order of a simulation (rule 10).
std::optional<Solution> search_victims(const PoolRound& round, const State& state, const Group& beneficiary,
                                       model::Action action, const std::vector<const Group*>& waiting);

}  // namespace fairlead::reference
