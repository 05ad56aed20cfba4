#pragma once

#include "model/cluster/claim_grant.h"
#include "model/cluster/ids.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>

namespace fairlead::model {

/// Where a pod is on its way from waiting to gone, the engine's assumptions included.
enum class PodState : std::uint8_t {
  kGated,  ///< not to be placed yet
  kPending,
  kNominated,  ///< capacity that is being freed is reserved for it
  kBinding,    ///< a Bind was decided and has no outcome yet
  kBound,
  kRunning,
  kEvicted,    ///< inside a hypothesis: it gives up its place and counts as waiting
  kMoved,      ///< evicted, and capacity elsewhere is reserved for it
  kReleasing,  ///< an eviction was decided, or the world deletes it
  kFinished,   ///< succeeded or failed: uses nothing
};

/// It holds its node's resources, its queue is charged, and it counts towards its gang's minimum.
constexpr bool is_active(PodState state) {
  return state == PodState::kBinding || state == PodState::kBound || state == PodState::kRunning;
}
/// It still holds its node's resources, which will be free.
constexpr bool is_leaving(PodState state) {
  return state == PodState::kReleasing || state == PodState::kEvicted || state == PodState::kMoved;
}
/// Its queue is charged although it does not hold anything yet.
constexpr bool is_reserved(PodState state) {
  return state == PodState::kNominated || state == PodState::kMoved;
}
/// It waits for a place.
constexpr bool is_waiting(PodState state) {
  return state == PodState::kPending || state == PodState::kEvicted;
}

using DeviceGroups = boost::container::small_vector<DeviceGroupId, 1>;

/// A node, the shared devices on it, and what the pod's claims have there.
struct Place {
  NodeId node;
  DeviceGroups device_groups;
  PodGrantsPointer grants = {};  ///< null: it has no claims, or nothing is known to be theirs

  friend bool operator==(const Place& a, const Place& b) {
    return a.node == b.node && a.device_groups == b.device_groups && same_grants(a.grants, b.grants);
  }
};

/// Everything about a pod that a decision can change.
struct Assignment {
  /// Where the pod counts as placed; without a node while it is not.
  const Place& place() const;

  PodState state = PodState::kPending;
  Place held;      ///< active or leaving pods
  Place reserved;  ///< nominated pods; also pods that were moved
  /// Inside a hypothesis: what a victim gives back was only decided in this round, so the world does not know
  /// of it. It counts as leaving like the rest, so that the round decides what the next one would.
  bool only_decided = false;

  friend bool operator==(const Assignment&, const Assignment&) = default;
};

inline const Place& Assignment::place() const {
  static const Place kNowhere;
  return is_active(state) ? held : is_reserved(state) ? reserved : kNowhere;
}

}  // namespace fairlead::model
