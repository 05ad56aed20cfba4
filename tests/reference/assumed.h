#pragma once

#include "model/decision.h"
#include "reference/state.h"

#include <string>
#include <vector>

namespace fairlead::reference {

// The assumed state (design: Pending, Nominated, Binding, Bound, Running, Releasing, gone): how decisions and
// their outcomes amend what the world has told. Functions that take an event say why they refuse it, or
// nothing.

/// Writes a round's outcome into the world: pods that are bound, leave, wait for a nomination or lost one.
void assume(World& world, const State& after, const std::vector<model::Decision>& decisions);

/// Takes over what the world tells about a pod. A decision that waits for its outcome stands, unless the
/// world says that the pod leaves or has finished; so do a nomination of a pod that still waits, and a
/// successful bind of a pod that the world has not shown on its node yet.
void take_pod(World& world, const model::Pod& told);

/// The pod has gone. The next place of one that was moved is left to the pod of its group that replaces it,
/// if the world tells about that before the next round.
std::string remove_pod(World& world, const std::string& uid);

std::string take(World& world, const model::BindSucceeded& outcome);
/// Gives the place back and leaves out the pod, or that node for it, until the retry.
std::string take(World& world, const model::BindFailed& outcome);
std::string take(World& world, const model::EvictionAccepted& outcome);
/// Restores the victim. Nominations that relied on it are lost in the next round, which gives all out anew.
std::string take(World& world, const model::EvictionRefused& outcome);

/// Whether the pod holds a node's resources and is not being deleted.
bool is_placed(const model::Pod& pod);

}  // namespace fairlead::reference
