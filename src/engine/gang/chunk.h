#pragma once

#include "model/cluster/cluster.h"

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// Which pods of a group count towards its minimum.
enum class Counted : std::uint8_t {
  kPlaced,   ///< those that hold a place or have one reserved
  kActive,   ///< those that hold one
  kPresent,  ///< those, and the ones that can be placed
};

/// Whether a part of the group's tree (0: the group) has its minimum: a leaf enough pods, an inner one enough
/// parts.
bool minimum_met(const model::GroupRecord& group, std::size_t node, Counted counted);

/// Sub-groups in the order in which they are filled and placed: inner ones first, then those below their
/// minimum, then by placed pods per minimum, then in the order of the object.
std::vector<std::size_t> ordered_children(const model::GroupRecord& group, std::size_t node);

/// What allocate would take of a group now: what is missing to the minimum of each part that needs it, else
/// one pod more, or what a part that is not needed lacks to its own minimum. Pods stand in task order within
/// their part. Empty: nothing waits, or too few pods exist. O(pods looked at).
void next_chunk(const model::Cluster& cluster, model::GroupId group, std::vector<model::PodId>& chunk);

/// What an eviction takes of a group next: one pod above a minimum (the last in task order of the part that
/// is furthest above its own), else all that are placed. Empty: none is placed. O(pods of the group).
void next_victims(const model::Cluster& cluster, model::GroupId group, std::vector<model::PodId>& chunk);

}  // namespace fairlead::engine
