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

/// A node, the shared devices on it, and the devices of the pod's claims there.
struct Place {
  std::string node;
  std::vector<std::string> device_groups;
  std::vector<model::ClaimAllocation> claims = {};
  friend bool operator==(const Place&, const Place&) = default;
};

/// Where a pod must not be tried until an instant, after a binding failed there.
struct Exclusion {
  std::string node;  ///< empty: everywhere
  base::Time until;
};

/// What is known about a pod besides its object. The object itself is kept as amended by what was decided: a
/// Bind makes it binding on its node, an Evict releasing, a Nominate writes its nominated node.
struct Memory {
  std::uint64_t decision = 0;  ///< the Bind or Evict whose outcome is awaited; 0: none
  bool bound = false;          ///< a Bind succeeded, and the world has not shown the pod on its node yet
  std::vector<model::ClaimAllocation> claims = {};  ///< what a Bind gave to its claims
  std::optional<Place> reserved;  ///< capacity set aside for a waiting pod, or for one that moves
  bool inherited = false;         ///< it was set aside for the pod that this one replaces
  std::uint32_t bind_failures = 0;
  std::vector<Exclusion> exclusions;
  std::optional<base::Time> no_victim_before;  ///< its eviction was refused until then
};
/// A Bind or Evict that has no outcome yet.
struct Awaited {
  std::string pod;
  bool bind = true;
};

/// The next place of a pod that was moved and has gone: it is for the pod that replaces it.
struct Orphan {
  model::Pod pod;
  Place place;
};

/// What the events have told and what was decided since, as plain maps of the model's values.
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
  std::map<std::string, model::DeviceClass> device_classes;
  std::map<std::string, model::ResourceSlice> slices;
  std::map<std::string, model::ResourceClaim> resource_claims;
  std::map<std::pair<std::string, std::string>, std::map<std::string, double>> usage;  ///< by queue and pool
  std::map<std::string, base::Time> stale_since;  ///< groups seen below their minimum while running
  std::map<std::string, Memory> memory;           ///< by uid of a known pod
  std::map<std::uint64_t, Awaited> awaited;       ///< by decision
  std::vector<Orphan> orphans;                    ///< until the next round
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

/// What it gives back was only decided in this round, so that the world does not know of it. In the round it
/// counts as leaving like the rest, so that the round decides what the next one would.
inline bool only_decided(const PodState& pod) { return pod.leaving && pod.home_status == Status::kAllocated; }

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
  std::string queue;  ///< the leaf that it is charged to: the object's, or its user's below that; empty: none
  std::int32_t priority = 0;
  bool preemptible = true;
  Part root;
  std::vector<const model::Pod*> pods;  ///< all of them, in task order
};

struct QueueFacts {
  const model::Queue* object = nullptr;
  bool of_user = false;               ///< one user's part of a queue that is fair between users
  std::string parent;                 ///< in the tree that is used for fairness
  std::vector<std::string> children;  ///< by creation time, then UID
};

/// What does not change during a round.
struct Facts {
  const World* world = nullptr;
  std::map<std::string, Group> groups;
  std::map<std::string, QueueFacts> queues;         ///< without those whose parent is missing
  std::map<std::string, model::Queue> user_queues;  ///< objects of the queues that stand for users
  std::vector<std::string> roots;                   ///< queues without a parent, by creation time, then UID
  std::int64_t smallest_device_mib = 0;  ///< of all nodes' shareable devices; charges pending memory requests
};

/// Everything that a decision or a hypothesis changes. Copied freely.
struct State {
  std::map<std::string, PodState> pods;  ///< by uid
  std::vector<std::string> placed;       ///< in the order of placement
};

Facts make_facts(const World& world);
State make_state(const World& world);

/// Where the world has the pod. A share whose device has no name yet still takes one, named after the pod.
Place place_in_world(const model::Pod& pod);

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
