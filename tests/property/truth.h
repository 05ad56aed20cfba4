#pragma once

#include "base/time.h"
#include "model/availability.h"
#include "model/configuration.h"
#include "model/decision.h"
#include "model/group.h"
#include "model/node.h"
#include "model/pod.h"
#include "model/queue.h"
#include "model/topology.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::property {

/// A pod as it really is, decisions in flight included.
struct TruePod {
  model::Pod pod;    ///< as it was last reported
  std::string node;  ///< where it is, or where a bind in flight brings it; empty: nowhere
  std::vector<std::string> device_groups;
  bool binding = false;           ///< a bind has no outcome yet
  bool evicting = false;          ///< an eviction has no outcome yet
  bool releasing = false;         ///< it is on its way out
  std::string nominated_node;     ///< by a decision that stands; empty: none
  base::Time not_evicted_before;  ///< an eviction was refused until then

  bool placed() const { return !node.empty(); }
  /// It holds its share of the queue: placed and not on its way out.
  bool active() const { return placed() && !evicting && !releasing; }
};

/// What of a node is in use.
struct Use {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t pods = 0;
  std::map<std::string, std::int64_t> whole_devices;  ///< by resource
  std::map<std::string, std::int64_t> shared_mib;     ///< by device group
  std::int64_t unassigned_mib = 0;                    ///< shares of nominated pods, whose device is not known
  std::map<std::string, std::int64_t> partitions;
  std::map<std::string, std::int64_t> host_ports;
};

/// The real state of a world: what a scheduler was told and what its decisions did. It knows nothing of how a
/// scheduler works; what it says is worked out from nothing each time.
struct Truth {
  base::Time now;
  model::Configuration configuration;
  std::map<std::string, model::Topology> topologies;
  std::map<std::string, model::PriorityClass> priority_classes;
  std::map<std::string, model::Queue> queues;
  std::map<std::string, model::Node> nodes;
  std::map<std::string, model::PodGroup> groups;
  std::map<std::string, TruePod> pods;  ///< by uid
  std::map<std::string, model::DisruptionBudget> budgets;

  /// Which pods count as using a node.
  enum class Count {
    kPresent,  ///< everything that is there, also what leaves: what a bind has to fit beside
    kFuture,   ///< without what leaves, with nominations, also those of evicted pods for their next place
  };
  Use use_of(const std::string& node, Count count) const;

  /// Whether the budget counts the pod among those that run.
  bool protects(const model::DisruptionBudget& budget, const TruePod& pod) const;
  /// How many of the pods that it covers may be evicted now.
  std::int64_t allowed_by(const model::DisruptionBudget& budget) const;
  std::int64_t priority_of(const model::PodGroup& group) const;
  bool preemptible(const model::PodGroup& group) const;
  /// The queue and its ancestors as far as they count, the leaf first; empty where one of them is missing or
  /// they form a circle.
  std::vector<std::string> ancestry(const std::string& queue) const;
  /// What a pod charges to its queues, by dimension, on the node where it is.
  std::map<std::string, std::int64_t> charge(const TruePod& pod) const;
  /// What the queue and everything below it hold in one pool; with `only_protected`, the non-preemptible
  /// part.
  std::map<std::string, std::int64_t> held_by(const std::string& queue, const std::string& pool,
                                              bool only_protected) const;
  /// Which pods count as members of their group.
  enum class Members {
    kActive,
    kPlacedOrMoved,  ///< also those for which a place is set aside
  };
  /// How many pods of the group are there; with a sub-group, of that one.
  std::int64_t active_pods(const std::string& group, std::optional<std::string_view> sub_group = std::nullopt,
                           Members members = Members::kActive) const;
  /// Whether enough pods of the group, and of each sub-group that counts, are there.
  bool minimum_met(const model::PodGroup& group, Members members = Members::kActive) const;

 private:
  bool parts_met(const model::PodGroup& group, const std::string& parent, std::optional<std::int32_t> wanted,
                 Members members) const;
};

/// The MiB that a share takes of each of its devices on a node with devices of `device_mib`.
std::int64_t share_mib(const model::DeviceRequest& request, std::int64_t device_mib);
/// The dimension's bound in a pool; what is not written is no quota and no limit.
/// Nothing where the queue says nothing about the dimension.
std::optional<model::Quota> quota_of(const model::Queue& queue, const std::string& pool,
                                     const std::string& dimension);

}  // namespace fairlead::property
