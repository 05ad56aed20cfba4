#pragma once

#include "base/time.h"
#include "model/labels.h"
#include "model/resources.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::model {

struct Taint {
  enum class Effect : std::uint8_t { kNoSchedule, kPreferNoSchedule, kNoExecute };
  std::string key;
  std::string value;
  Effect effect = Effect::kNoSchedule;

  friend auto operator<=>(const Taint&, const Taint&) = default;
};

/// One device whose identity is known and which the engine chooses by slot; where the vendor's plugin
/// chooses, a node only counts devices and lists none.
struct Device {
  std::string identity;  ///< the vendor's unique id
  bool healthy = true;
};

/// A node's devices of one resource name: one vendor, one model, one memory size.
struct DeviceSet {
  std::string resource;  ///< "nvidia.com/gpu"
  std::string vendor;    ///< "nvidia"
  std::string model;     ///< "NVIDIA-H100-80GB-HBM3"; empty when no label tells it
  std::int64_t count = 0;
  std::int64_t memory_mib = 0;  ///< of one device, floored to a multiple of 100; 0 when unknown
  std::vector<Device> devices;  ///< by slot; empty, or `count` entries
};

/// A machine that runs pods.
struct Node {
  /// What the node's static partitioning allows. Mixed: pods with partitions only; single: whole devices
  /// only.
  enum class PartitionStrategy : std::uint8_t { kNone, kSingle, kMixed };
  std::string name;  ///< unique; the tie-break between nodes
  std::string uid;
  base::Time created;
  Labels labels;
  std::vector<Taint> taints;
  bool unschedulable = false;
  bool ready = true;
  Resources allocatable;
  std::int64_t pod_capacity = 110;
  /// One entry in nearly every cluster, each of another resource. Shares are of the first.
  std::vector<DeviceSet> devices;
  std::vector<Partition> partitions;  ///< sorted by resource
  PartitionStrategy partition_strategy = PartitionStrategy::kNone;
  std::string pool;  ///< empty is the default pool
};

/// The device in a slot; nothing where the node lists no such device. Slots count from 0 through the node's
/// device sets, in their order.
inline Device* find_device(Node& node, std::size_t slot) {
  for (DeviceSet& set : node.devices) {
    if (slot < set.devices.size()) return &set.devices[slot];
    slot -= set.devices.size();
  }
  return nullptr;
}

}  // namespace fairlead::model
