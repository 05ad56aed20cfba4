#pragma once

#include "base/time.h"
#include "model/claim.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fairlead::model {

/// Puts a pod on a node. Gets exactly one outcome: BindSucceeded or BindFailed.
struct Bind {
  std::string pod;                         ///< uid
  std::string node;                        ///< name
  std::vector<std::uint32_t> devices;      ///< slots, where the engine chooses devices
  std::vector<std::string> device_groups;  ///< for shares: the shared devices, new or joined
  std::int64_t share_thousandths = 0;      ///< of each of them; 0 for whole devices
  /// What its claims get that had nothing yet; to be recorded in them before the pod is bound.
  std::vector<ClaimAllocation> claims;
};

enum class EvictionRule : std::uint8_t { kReclaim, kPreempt, kConsolidate, kStaleGang };

/// Takes a pod away. Gets exactly one outcome: EvictionAccepted or EvictionRefused.
struct Evict {
  std::string pod;  ///< uid
  EvictionRule rule = EvictionRule::kReclaim;
  std::string beneficiary;  ///< key of the group whose placement needs it; empty for a stale gang
  std::string reason;       ///< for people: "reclaimed for training/llama of queue research"
};

/// Sets capacity aside that is still being freed.
struct Nominate {
  std::string pod;
  std::string node;
};
struct WithdrawNomination {
  std::string pod;
};

/// Why a node cannot take a pod; the first that applies, in this order.
enum class NodeReason : std::uint8_t {
  kOtherPool,
  kNotReady,
  kUnschedulable,
  kExcludedAfterFailure,
  kNodeSelector,  ///< node selector or required node affinity
  kTaint,
  kVolume,
  kHostPort,
  kPodAffinity,
  kPodAntiAffinity,
  kSpread,
  kPodCount,
  kPartitionStrategy,
  kNoSuchDevice,  ///< the node has no device of that kind
  kDeviceMemory,  ///< a device has less memory than asked for
  kDevices,       ///< too few free devices
  kDeviceShare,   ///< no device has that share free
  kPartitions,    ///< too few free partitions
  kClaim,         ///< devices for a resource claim
  kCpu,
  kMemory,
  kCountedResource,
  kOutsideTopology,
  kCount,
};

/// What keeps a group from starting. A group has the first constraint that binds, with its numbers.
enum class ReasonCode : std::uint8_t {
  kNotEnoughPods,     ///< fewer pods exist (ungated) than the minimum: have, want
  kMissingReference,  ///< detail names what is missing
  kQueueDoesNotExist,
  kQueueIsNotALeaf,
  kOverLimit,  ///< queue, dimension, have (allocated), want (requested), limit
  kNonPreemptibleOverQuota,
  kOverFairShare,      ///< reclaim is not allowed: queue, dimension, have, want, limit (fair share)
  kNodesDoNotFit,      ///< node counts
  kGangDoesNotFit,     ///< single pods fit but not the minimum together: have (placed), want
  kTopology,           ///< no domain of the required level holds the group; have (best domain), want
  kWaitingForRelease,  ///< placed on capacity that is being freed
  kPreemptionDelay,    ///< until limit (unix seconds)
  kBindFailing,        ///< ten bindings failed
  kQueueDiscipline,    ///< strict discipline: a group before it waits for room
  kSearchLimit,        ///< the round's work limit was reached
  kUnknownTopology,
  kClaim,  ///< a resource claim that no node could serve as it is; detail says which and why
};

/// Why a node cannot serve a claim; the first that applies, in this order.
enum class ClaimReason : std::uint8_t {
  kAllocatedElsewhere,  ///< it has devices already, which other nodes reach
  kNoDevice,            ///< no pool offers the node a device
  kPoolIncomplete,      ///< pools that the node reaches are being published anew, or contradict themselves
  kNotSelected,         ///< class and selectors leave no device, or too few
  kSelectorFailed,      ///< a selector could not be evaluated on a device
  kTainted,             ///< the devices that are left have taints that are not tolerated
  kCapacity,            ///< they have less capacity than asked for
  kInUse,               ///< others have them
  kCounters,            ///< what they share with others is used up
  kConstraint,          ///< no combination meets the constraints
  kWorkLimit,           ///< too many combinations to try all
};

/// Nodes that cannot serve one request of a claim, for one reason.
struct ClaimShortage {
  std::string claim;    ///< key
  std::string request;  ///< "request" or "request/choice"
  ClaimReason reason = ClaimReason::kInUse;
  std::uint32_t nodes = 0;
  std::int64_t have = 0;  ///< most usable devices on one of these nodes
  std::int64_t want = 0;

  friend bool operator==(const ClaimShortage&, const ClaimShortage&) = default;
};

struct Reason {
  ReasonCode code = ReasonCode::kNodesDoNotFit;
  std::string queue;      ///< the ancestor queue concerned
  std::string dimension;  ///< "gpu", "cpu", "memory"
  std::int64_t have = 0;  ///< in the dimension's unit, or pods
  std::int64_t want = 0;
  std::int64_t limit = 0;
  std::string detail;  ///< sub-group, topology level, missing thing
  std::vector<std::pair<NodeReason, std::uint32_t>>
      nodes;                          ///< how many nodes say no for which reason, in enum order
  std::vector<ClaimShortage> claims;  ///< of the nodes with kClaim, what lacks

  friend bool operator==(const Reason&, const Reason&) = default;
};

struct Verdict {
  std::vector<Reason> reasons;  ///< the binding one first; empty: nothing waits

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

struct VerdictChanged {
  std::string group;  ///< key
  Verdict verdict;
};

struct Decision {
  std::uint64_t number = 0;  ///< from 1, without gaps
  std::variant<Bind, Evict, Nominate, WithdrawNomination, VerdictChanged> body;
};

}  // namespace fairlead::model
