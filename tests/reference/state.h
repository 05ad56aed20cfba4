#pragma once

#include "model/configuration.h"
#include "model/decision.h"
#include "model/event.h"
#include "reference/amounts.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::reference {

/// What the events have told, as plain maps of the model's values.
struct World {
  base::Time now;
  model::Configuration configuration;
  std::map<std::string, model::Node> nodes;
  std::map<std::string, model::Queue> queues;
  std::map<std::string, model::Topology> topologies;
  std::map<std::string, model::PriorityClass> priority_classes;
  std::map<std::string, model::Labels> namespaces;
  std::map<std::string, model::PodGroup> groups;
  std::map<std::string, model::Pod> pods;  ///< by uid
  std::map<std::string, model::VolumeClaim> claims;
  std::map<std::string, model::DisruptionBudget> budgets;
  std::map<std::pair<std::string, std::string>, std::map<std::string, double>> usage;  ///< by queue and pool
  std::map<std::string, base::Time> stale_since;  ///< groups seen below their minimum while running
};

enum class Status {
  kPending,
  kGated,      ///< pending, and not to be placed
  kAllocated,  ///< bound by this round
  kPipelined,  ///< nominated by this round: waits for capacity that is being freed
  kRunning,    ///< binding, bound or running in the world
  kEvicted,    ///< evicted by the hypothesis being tried: pending for its group, leaving on its node (rule 2)
  kReleasing,
  kSucceeded,
  kFailed,
};

/// A node and the shared devices on it.
struct Place {
  std::string node;
  std::vector<std::string> device_groups;
  friend bool operator==(const Place&, const Place&) = default;
};

struct PodState {
  const model::Pod* pod = nullptr;
  Status status = Status::kPending;
  Place place;                   ///< where it is or will be: kAllocated, kPipelined, kRunning
  std::optional<Place> leaving;  ///< what it still occupies and gives back
  // Where and what it was before this hypothesis evicted it, so that it can be put back (rule 5).
  Status home_status = Status::kPending;
  Place home;
  std::optional<Place> home_leaving;
};

/// A leaf or inner part of a group's tree of sub-groups.
struct Part {
  std::string name;
  bool leaf = true;
  std::int32_t min_member = 0;
  std::optional<std::int32_t> min_sub_group;
  model::TopologyConstraint topology;
  std::vector<Part> children;           ///< in the order of the object
  std::vector<const model::Pod*> pods;  ///< of a leaf, in task order
};

struct Group {
  const model::PodGroup* object = nullptr;
  std::int32_t priority = 0;
  bool preemptible = true;
  Part root;
  std::vector<const model::Pod*> pods;  ///< all of them, in task order
};

struct QueueFacts {
  const model::Queue* object = nullptr;
  std::string parent;                 ///< in the tree that is used for fairness
  std::vector<std::string> children;  ///< by creation time, then UID
};

/// What does not change during a round.
struct Facts {
  const World* world = nullptr;
  std::map<std::string, Group> groups;
  std::map<std::string, QueueFacts> queues;  ///< without those whose parent is missing
  std::vector<std::string> roots;            ///< queues without a parent, by creation time, then UID
  std::int64_t smallest_device_mib = 0;  ///< of all nodes' shareable devices; charges pending memory requests
};

/// Everything that a decision or a hypothesis changes. Copied freely.
struct State {
  std::map<std::string, PodState> pods;  ///< by uid
  std::vector<std::string> placed;       ///< in the order of placement
};

Facts make_facts(const World& world);
State make_state(const World& world);

inline const PodState& state_of(const State& state, const model::Pod& pod) { return state.pods.at(pod.uid); }

/// Holds a place and counts for its group's minimum ("active-allocated").
inline bool is_active(Status status) {
  return status == Status::kAllocated || status == Status::kPipelined || status == Status::kRunning;
}
/// Can be placed now.
inline bool is_waiting(Status status) { return status == Status::kPending || status == Status::kEvicted; }

/// MiB that a pod takes of each of its shared devices (rule 15: a fraction's MiB are rounded down).
std::int64_t share_mib(const model::DeviceRequest& request, const model::DeviceSet& devices);
/// What a pod charges to its queue on a node; without a node what it asks for. A memory request's portion is
/// rounded up to hundredths of the device, while pending of the cluster's smallest device.
Amounts charge(const Facts& facts, const model::Pod& pod, const model::Node* node);
/// charge() at the pod's place, or of its request while it has none.
Amounts current_charge(const Facts& facts, const PodState& pod);

/// What a pod takes of a node, shared devices apart.
Amounts node_request(const model::Pod& pod);

/// MiB in use on one shared device.
struct SharedDevice {
  std::int64_t active = 0;
  std::int64_t releasing = 0;
  std::int64_t pipelined = 0;
  bool has_active = false;
  bool has_releasing = false;
  bool has_pipelined = false;
};

/// A node's capacity and who uses it: active pods, pods that leave, pods that wait for them to leave.
struct NodeUse {
  Amounts capacity;
  Amounts active;
  Amounts releasing;
  Amounts pipelined;
  std::map<std::string, SharedDevice> shared;  ///< by device group
  std::int64_t device_mib = 0;                 ///< of one shareable device
  std::string shareable;                       ///< name in `capacity` of the whole devices that can be shared

  std::int64_t free_now(const std::string& name) const;
  std::int64_t free_later(const std::string& name) const;
};
NodeUse node_use(const Facts& facts, const State& state, const model::Node& node);

/// Marks an active pod as evicted by a hypothesis.
void evict(State& state, const std::string& uid);

std::string device_name(const std::string& resource);

}  // namespace fairlead::reference
