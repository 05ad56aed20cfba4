#pragma once

#include "reference/chunk.h"
#include "reference/fair_share.h"
#include "reference/state.h"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::reference {

/// A group that waits in an order, with what it would take next or, among victims, without.
struct Waiting {
  const Group* group = nullptr;
  Chunk chunk;
};

/// What the order of queues reads.
struct OrderInput {
  const Facts& facts;
  const State& state;
  const PoolShares& shares;
};

/// Negative when `a` is served before `b`: priority, elastic state, creation, UID, key.
int compare_groups(const Facts& facts, const State& state, const Group& a, const Group& b);

/// The index of the group to serve next: the best queue at each level, compared by its best group, then the
/// best group.
std::size_t pick_next(const OrderInput& input, const std::vector<Waiting>& waiting);

/// The index of the next victim: the reverse of that order. `reduced` is the state without the victims that
/// were taken before, which is what groups are compared in, while queues are compared as they were before the
/// search. `popped` is, per queue, what the groups held that this search already took from it (rule 14).
std::size_t pick_victim(const OrderInput& input, const State& reduced,
                        const std::vector<const Group*>& candidates,
                        const std::map<std::string, Amounts>& popped);
/// What a group holds.
Amounts held(const Facts& facts, const State& state, const Group& group);

}  // namespace fairlead::reference
