#pragma once

#include "base/time.h"
#include "model/availability.h"
#include "model/claim.h"
#include "model/configuration.h"
#include "model/group.h"
#include "model/labels.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "model/topology.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fairlead::model {

/// Everything that the engine can be told. The list is closed; kEventVersion goes up when it changes.
inline constexpr int kEventVersion = 2;

struct ClockAdvanced {};
struct ConfigurationChanged {
  Configuration configuration;
};

struct QueueUpserted {
  Queue queue;
};
struct QueueRemoved {
  std::string name;
};
struct TopologyUpserted {
  Topology topology;
};
struct TopologyRemoved {
  std::string name;
};
struct PriorityClassUpserted {
  PriorityClass priority_class;
};
struct PriorityClassRemoved {
  std::string name;
};
struct NamespaceUpserted {
  std::string name;
  Labels labels;
};
struct NamespaceRemoved {
  std::string name;
};
struct NodeUpserted {
  Node node;
};
/// Pods on the node are no longer charged anywhere until they are reported elsewhere or removed.
struct NodeRemoved {
  std::string name;
};
struct GroupUpserted {
  PodGroup group;
};
struct GroupRemoved {
  std::string key;
};
/// The world's truth about a pod. For a pod in an assumed state (a Bind, Evict or Nominate without its
/// outcome) the assumption stands until its outcome arrives.
struct PodUpserted {
  Pod pod;
};
struct PodRemoved {
  std::string uid;
};
struct VolumeClaimUpserted {
  VolumeClaim claim;
};
struct VolumeClaimRemoved {
  std::string key;
};
struct DisruptionBudgetUpserted {
  DisruptionBudget budget;
};
struct DisruptionBudgetRemoved {
  std::string key;
};
struct DeviceClassUpserted {
  DeviceClass device_class;
};
struct DeviceClassRemoved {
  std::string name;
};
struct ResourceSliceUpserted {
  ResourceSlice slice;
};
struct ResourceSliceRemoved {
  std::string name;
};
/// The world's truth about a claim. Pods that have it in an assumed state keep what was decided for them
/// until its outcome arrives.
struct ResourceClaimUpserted {
  ResourceClaim claim;
};
struct ResourceClaimRemoved {
  std::string key;
};
/// A device became unhealthy or healthy again. Slots: find_device() in node.h.
struct DeviceChanged {
  std::string node;
  std::uint32_t slot = 0;
  bool healthy = true;
};

struct PodStarted {
  std::string uid;
};
struct PodFinished {
  std::string uid;
  bool succeeded = true;
};
struct CheckpointTaken {
  std::string uid;
};
/// The decayed use of a queue, as a share of the decayed capacity of its pool, in [0, 1] per dimension.
struct UsageSampled {
  std::string queue;
  std::string pool;
  std::vector<std::pair<std::string, double>> shares;
};

struct BindSucceeded {
  std::uint64_t decision = 0;
};
struct BindFailed {
  enum class Scope : std::uint8_t { kPod, kNode };
  std::uint64_t decision = 0;
  Scope scope =
      Scope::kPod;  ///< what is left out until retry_at: the pod everywhere, or this pod on that node
  base::Time retry_at;
};
struct EvictionAccepted {
  std::uint64_t decision = 0;
};
struct EvictionRefused {
  std::uint64_t decision = 0;
  base::Time retry_at;
};

struct Event {
  base::Time time;  ///< not before that of the event before
  std::variant<ClockAdvanced, ConfigurationChanged, QueueUpserted, QueueRemoved, TopologyUpserted,
               TopologyRemoved, PriorityClassUpserted, PriorityClassRemoved, NamespaceUpserted,
               NamespaceRemoved, NodeUpserted, NodeRemoved, GroupUpserted, GroupRemoved, PodUpserted,
               PodRemoved, VolumeClaimUpserted, VolumeClaimRemoved, DisruptionBudgetUpserted,
               DisruptionBudgetRemoved, DeviceClassUpserted, DeviceClassRemoved, ResourceSliceUpserted,
               ResourceSliceRemoved, ResourceClaimUpserted, ResourceClaimRemoved, DeviceChanged, PodStarted,
               PodFinished, CheckpointTaken, UsageSampled, BindSucceeded, BindFailed, EvictionAccepted,
               EvictionRefused>
      body;
};

}  // namespace fairlead::model
