#pragma once

#include "base/strong_id.h"

namespace fairlead::model {

using NodeId = base::StrongId<struct NodeTag>;
using PodId = base::StrongId<struct PodTag>;
using GroupId = base::StrongId<struct GroupTag>;
using QueueId = base::StrongId<struct QueueTag>;
using PoolId = base::StrongId<struct PoolTag>;
/// Pods of equal requests and constraints.
using ClassId = base::StrongId<struct ClassTag>;
/// A column of the node table: cpu, memory, pods, devices, then whatever else is counted.
using ResourceId = base::StrongId<struct ResourceTag>;
/// The name of a shared device.
using DeviceGroupId = base::StrongId<struct DeviceGroupTag>;
/// An interned text: a label key, a vendor's resource name, a device model.
using NameId = base::StrongId<struct NameTag>;

/// The columns that every node has.
namespace column {
inline constexpr ResourceId kCpu{0U};
inline constexpr ResourceId kMemory{1U};
inline constexpr ResourceId kPods{2U};
/// Whole devices of the node's first device set, whatever they are called. Each resource name has a column of
/// its own besides (devices_column()), from which pods that name it take.
inline constexpr ResourceId kDevices{3U};
inline constexpr std::size_t kFixed = 4;
}  // namespace column

}  // namespace fairlead::model
