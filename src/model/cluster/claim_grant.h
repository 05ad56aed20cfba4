#pragma once

#include "base/strong_id.h"
#include "model/claim.h"

#include <boost/container/small_vector.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::model {

using ClaimId = base::StrongId<struct ClaimTag>;
using ClaimIds = boost::container::small_vector<ClaimId, 1>;
/// A device that a driver offers, by driver, pool and name, whether or not it is offered at the moment.
using OfferedDeviceId = base::StrongId<struct OfferedDeviceTag>;
/// The name of a capacity, interned with its domain.
using CapacityId = base::StrongId<struct CapacityTag>;

/// A device, or a part of one, that a claim has or would have.
struct GrantedDevice {
  OfferedDeviceId device;
  std::uint32_t request = 0;  ///< index among the claim's requests
  std::uint32_t choice = 0;
  bool admin_access = false;  ///< it uses nothing up
  bool part = false;          ///< of a shared device
  boost::container::small_vector<std::pair<CapacityId, std::int64_t>, 2> consumed;

  friend bool operator==(const GrantedDevice&, const GrantedDevice&) = default;
};

/// Counted by one thread.
template <class T>
using Counted = boost::intrusive_ref_counter<T, boost::thread_unsafe_counter>;

/// What one claim has or would have. Immutable, so that places share it.
struct Grant : Counted<Grant> {
  ClaimId claim;
  std::vector<GrantedDevice> devices;
  std::vector<NodeSelectorTerm> nodes;  ///< where all of them can be reached; empty: everywhere
  /// As the world has recorded it; empty for what was decided here.
  std::vector<AllocatedDevice> recorded;

  bool same_devices(const Grant& other) const {
    if (claim != other.claim || devices.size() != other.devices.size()) return false;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const GrantedDevice& a = devices[i];
      const GrantedDevice& b = other.devices[i];
      if (a.device != b.device || a.admin_access != b.admin_access || a.part != b.part ||
          a.consumed != b.consumed)
        return false;
    }
    return true;
  }
};
using GrantPointer = boost::intrusive_ptr<const Grant>;

/// What the claims of one pod have on the place where it is, in the order of the pod's claims; those without
/// devices are left out.
struct PodGrants : Counted<PodGrants> {
  boost::container::small_vector<GrantPointer, 1> grants;
};
using PodGrantsPointer = boost::intrusive_ptr<const PodGrants>;

/// What the claims of a pod mean for its class.
struct ClaimNeeds {
  /// How a fit is decided.
  enum class Kind : std::uint8_t {
    kNone,
    kCounted,  ///< by columns alone: each node's devices are its own, and every free one that matches will do
    kSearched,  ///< by looking for a combination; columns are necessary conditions
  };
  Kind kind = Kind::kNone;
  /// Column and how many devices of it, by column.
  std::vector<std::pair<std::uint32_t, std::int64_t>> columns;
  std::int64_t devices = 0;  ///< in all, where they are counted by columns alone
  std::int64_t quota_thousandths = 0;

  friend auto operator<=>(const ClaimNeeds&, const ClaimNeeds&) = default;
};

inline bool same_grants(const PodGrantsPointer& a, const PodGrantsPointer& b) {
  if (a == b) return true;
  if (!a || !b || a->grants.size() != b->grants.size()) return false;
  for (std::size_t i = 0; i < a->grants.size(); ++i)
    if (a->grants[i] != b->grants[i] && !a->grants[i]->same_devices(*b->grants[i])) return false;
  return true;
}

}  // namespace fairlead::model
