#pragma once

#include "base/interner.h"
#include "model/cluster/claim_grant.h"
#include "model/cluster/ids.h"
#include "model/pod.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

/// The column of whole devices with a resource name, known or new.
ResourceId devices_column(base::Interner<ResourceId>& resources, std::string_view resource);

/// An amount of one column of the node table.
struct ResourceAmount {
  ResourceId resource;
  std::int64_t amount = 0;
};

/// What makes pods interchangeable for placement. Pods of one class fit the same nodes and score alike.
struct PodClassKey {
  Resources requests;
  DeviceRequest devices;
  Constraints constraints;
  /// Set only where a constraint depends on it (pod affinity, spread, volume claims).
  std::string namespace_name;
  /// Set only where constraints between pods make the pod's own labels matter.
  Labels labels;
  bool legacy_partition_request = false;
  ClaimNeeds claims;

  friend std::strong_ordering operator<=>(const PodClassKey&, const PodClassKey&) = default;
};

struct PodClass {
  PodClassKey key;
  /// What a pod takes of each counted column: cpu, memory, one pod, whole devices, partitions, other
  /// resources; then devices of its claims. Shares of devices are not in it.
  boost::container::small_vector<ResourceAmount, 4> amounts;
  /// The first so many of `amounts` are charged with the pod. The rest is with its claims.
  std::size_t charged = 0;
  ResourceId packed;                   ///< the column by which pods are packed or spread
  ResourceId device_column;            ///< of its whole devices; invalid: it asks for none
  ResourceId second_device_column;     ///< of those of a second kind
  std::int64_t quota_thousandths = 0;  ///< devices charged to a queue; memory requests: 0, see device_share()
  bool uses_devices = false;           ///< whole devices, shares, partitions or claims on accelerators
  std::uint32_t references = 0;
  std::uint64_t generation = 0;  ///< changes when the id is given to another class
};

/// Interns pod classes. An id without references is given out again.
class PodClassTable {
 public:
  /// The class of a pod, counted once more. O(log classes).
  /// `claim_columns` are those of needs.columns, then that of all devices; empty without claims.
  ClassId acquire(const Pod& pod, const ClaimNeeds& needs, const std::vector<ResourceId>& claim_columns,
                  base::Interner<ResourceId>& resources);
  void release(ClassId id);
  const PodClass& at(ClassId id) const { return classes_[id.index()]; }
  std::size_t size() const { return classes_.size(); }

 private:
  std::vector<PodClass> classes_;
  std::map<PodClassKey, ClassId> ids_;
  std::vector<ClassId> free_;
  std::uint64_t generation_ = 0;
};

}  // namespace fairlead::model
