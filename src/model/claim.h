#pragma once

#include "base/time.h"
#include "model/labels.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Dynamic resource allocation: what drivers offer, and what claims ask for and have. Source: Kubernetes,
/// resource.k8s.io/v1. Amounts (of capacities and counters) are thousandths, so that they are integers.
namespace fairlead::model {

/// One value that a driver says about a device.
struct AttributeValue {
  enum class Kind : std::uint8_t { kInteger, kBoolean, kText, kVersion };
  Kind kind = Kind::kText;
  std::int64_t integer = 0;
  bool boolean = false;
  std::string text;  ///< also of a version, in the form of semantic versioning 2.0.0

  friend auto operator<=>(const AttributeValue&, const AttributeValue&) = default;
};

struct DeviceAttribute {
  std::string name;  ///< "domain/name", or "name" in the domain of the driver
  AttributeValue value;

  friend auto operator<=>(const DeviceAttribute&, const DeviceAttribute&) = default;
};

/// Which shares of a capacity can be had. What is asked for is rounded up to one of them.
struct CapacityPolicy {
  std::optional<std::int64_t> default_amount;  ///< for a request that says nothing; none: all there is
  std::vector<std::int64_t> valid_amounts;     ///< ascending; or else:
  std::optional<std::int64_t> least, most, step;

  friend auto operator<=>(const CapacityPolicy&, const CapacityPolicy&) = default;
};

struct DeviceCapacity {
  std::string name;  ///< as for attributes
  std::int64_t amount = 0;
  std::optional<CapacityPolicy> policy;

  friend auto operator<=>(const DeviceCapacity&, const DeviceCapacity&) = default;
};

/// A number of a counter set, by name.
struct Counter {
  std::string name;
  std::int64_t amount = 0;

  friend auto operator<=>(const Counter&, const Counter&) = default;
};
/// What devices of one pool have in common, such as the memory slices of one accelerator; or what a device
/// takes of it.
struct CounterSet {
  std::string name;
  std::vector<Counter> counters;

  friend auto operator<=>(const CounterSet&, const CounterSet&) = default;
};

struct DeviceTaint {
  enum class Effect : std::uint8_t { kNone, kNoSchedule, kNoExecute };
  std::string key;
  std::string value;
  Effect effect = Effect::kNoSchedule;

  friend auto operator<=>(const DeviceTaint&, const DeviceTaint&) = default;
};

struct DeviceToleration {
  std::string key;  ///< empty with exists: every taint
  bool exists = false;
  std::string value;
  std::optional<DeviceTaint::Effect> effect;  ///< none: every effect

  friend auto operator<=>(const DeviceToleration&, const DeviceToleration&) = default;
};
bool tolerates(const DeviceToleration& toleration, const DeviceTaint& taint);

/// From which nodes something can be reached.
struct NodeReach {
  std::string node;  ///< that one, where it is not empty
  bool all_nodes = false;
  std::vector<NodeSelectorTerm> terms;  ///< else those that one of the terms selects

  friend auto operator<=>(const NodeReach&, const NodeReach&) = default;
  bool empty() const { return node.empty() && !all_nodes && terms.empty(); }
};

/// A device that a driver offers to claims.
struct OfferedDevice {
  std::string name;
  std::vector<DeviceAttribute> attributes;  ///< sorted by name
  std::vector<DeviceCapacity> capacities;   ///< sorted by name
  std::vector<CounterSet> consumes;         ///< of the counter sets of its pool
  std::vector<DeviceTaint> taints;
  bool shared = false;         ///< several claims may have a part of its capacities each
  NodeReach reach;             ///< where the slice leaves it to its devices
  bool binds_to_node = false;  ///< whoever has it stays on the node that it was chosen for
  std::vector<std::string> binding_conditions;
  std::vector<std::string> binding_failure_conditions;

  friend auto operator<=>(const OfferedDevice&, const OfferedDevice&) = default;
};

/// A part of a pool of devices, as its driver publishes it.
struct ResourceSlice {
  std::string name;
  std::string driver;
  std::string pool;
  std::int64_t generation = 0;   ///< of the pool; only the newest counts
  std::int64_t slice_count = 1;  ///< of the pool in this generation
  NodeReach reach;
  bool reach_by_device = false;  ///< each device says for itself
  std::vector<OfferedDevice> devices;
  std::vector<CounterSet> shared_counters;

  friend auto operator<=>(const ResourceSlice&, const ResourceSlice&) = default;
};

/// Settings that a driver reads, passed on unread.
struct DeviceConfiguration {
  std::vector<std::string> requests;  ///< those that it is for; empty: all
  std::string driver;
  std::string parameters;  ///< JSON

  friend auto operator<=>(const DeviceConfiguration&, const DeviceConfiguration&) = default;
};

struct DeviceClass {
  std::string name;
  std::vector<std::string> selectors;  ///< in CEL; all must hold
  std::vector<DeviceConfiguration> configurations;

  friend auto operator<=>(const DeviceClass&, const DeviceClass&) = default;
};

/// Devices of one class: a request, or one alternative of it.
struct DeviceChoice {
  std::string name;  ///< of the alternative; empty where there is one only
  std::string device_class;
  std::vector<std::string> selectors;  ///< in CEL, besides those of the class
  bool all = false;                    ///< every device that matches, at least one
  std::int64_t count = 1;
  bool admin_access = false;  ///< also devices that others have; it keeps nobody from them
  std::vector<DeviceToleration> tolerations;
  std::vector<Counter> capacities;  ///< at least so much of each, sorted by name

  friend auto operator<=>(const DeviceChoice&, const DeviceChoice&) = default;
};
struct ClaimRequest {
  std::string name;
  bool prioritized = false;           ///< a list in order of preference, even if it has one entry
  std::vector<DeviceChoice> choices;  ///< the first that can be had

  friend auto operator<=>(const ClaimRequest&, const ClaimRequest&) = default;
};
/// Ties devices of several requests together by one attribute.
struct ClaimConstraint {
  std::vector<std::string> requests;  ///< "request" or "request/choice"; empty: all
  std::string attribute;              ///< "domain/name"
  bool distinct = false;              ///< all values differ; else all are the same

  friend auto operator<=>(const ClaimConstraint&, const ClaimConstraint&) = default;
};

/// A device, or a part of one, that a claim has.
struct AllocatedDevice {
  std::string request;  ///< "request" or "request/choice"
  std::string driver;
  std::string pool;
  std::string device;
  bool admin_access = false;
  std::string share;              ///< identity of the part; empty for a whole device
  std::vector<Counter> consumed;  ///< of its capacities, for a part
  std::vector<DeviceToleration> tolerations;
  std::vector<std::string> binding_conditions;
  std::vector<std::string> binding_failure_conditions;

  friend auto operator<=>(const AllocatedDevice&, const AllocatedDevice&) = default;
};
struct Allocation {
  std::vector<AllocatedDevice> devices;
  std::vector<NodeSelectorTerm> nodes;  ///< where the devices can be reached; empty: everywhere
  std::vector<std::pair<bool, DeviceConfiguration>> configurations;  ///< first: of the class

  friend auto operator<=>(const Allocation&, const Allocation&) = default;
};
/// What a decision gives to a claim.
struct ClaimAllocation {
  std::string claim;  ///< key
  Allocation allocation;

  friend auto operator<=>(const ClaimAllocation&, const ClaimAllocation&) = default;
};

struct ResourceClaim {
  std::string key;  ///< "namespace/name"
  std::string uid;
  base::Time created;
  std::string queue;  ///< by its label; for claims that nobody's template made
  bool from_template = false;
  std::vector<ClaimRequest> requests;
  std::vector<ClaimConstraint> constraints;
  std::vector<DeviceConfiguration> configurations;
  std::optional<Allocation> allocation;   ///< what the world has recorded
  std::vector<std::string> reserved_for;  ///< uids of pods that may use it

  friend auto operator<=>(const ResourceClaim&, const ResourceClaim&) = default;
};

/// What a claim counts towards quotas, in thousandths of a device: of each request for accelerators its
/// count, of one for all devices 1, of a list its first entry. A request is for accelerators where the name
/// of its class, a selector of the class or (once it has devices) their driver says "gpu".
std::int64_t claim_thousandths(const ResourceClaim& claim,
                               const std::function<const DeviceClass*(std::string_view)>& find_class);

}  // namespace fairlead::model
