#pragma once

#include "base/time.h"
#include "model/claim.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::model {

/// What a scheduler holds about a pod beyond what the world has told it: orders that have no outcome yet,
/// capacity that is set aside, and what failed.
struct PodAssumption {
  enum class State : std::uint8_t {
    kGated,
    kPending,
    kNominated,  ///< capacity on `reserved_node` is set aside for it
    kBinding,    ///< ordered onto `node`; no outcome yet
    kBound,
    kRunning,
    kMoved,  ///< leaves `node`, and capacity on `reserved_node` is set aside for it
    kReleasing,
    kFinished,
  };
  std::string uid;
  State state = State::kPending;
  std::string node;                        ///< whose resources it holds
  std::vector<std::string> device_groups;  ///< the shared devices there
  std::string reserved_node;               ///< where capacity is set aside
  std::vector<std::string> reserved_groups;
  std::vector<ClaimAllocation> claims;  ///< what its claims have on `node`
  std::vector<ClaimAllocation> reserved_claims;
  std::uint64_t decision = 0;  ///< the Bind or Evict that has no outcome yet; 0: none
  bool bound = false;          ///< a Bind succeeded, and the world has not shown the pod on its node yet
  std::string preferred_node;  ///< where capacity was set aside for it; it goes there by preference
  bool inherited = false;      ///< what is set aside was so for the pod that it replaces
  std::uint32_t bind_failures = 0;
  std::vector<std::pair<std::string, base::Time>> excluded;  ///< node (empty: everywhere) and until when
  std::optional<base::Time> eviction_refused_until;          ///< it is no victim before
};

/// Everything that a scheduler holds beyond the world's truth: with both, a fresh scheduler decides as the
/// one that it comes from. Within a series of rounds that stop at their limits it also remembers what it has
/// tried; that is not here, so it can only be taken before the first of them.
struct Assumptions {
  std::vector<PodAssumption> pods;  ///< by uid; only those of which there is something to say
  std::vector<std::pair<std::string, base::Time>> below_minimum_since;  ///< groups that are, by key
};

}  // namespace fairlead::model
