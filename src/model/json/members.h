#pragma once

#include "model/assumptions.h"
#include "model/decision.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

namespace fairlead::model::json {

/// One member of a value of the model, by its name there.
template <class T>
struct Field {
  std::string_view name;
  T& value;
};
template <class T>
Field<T> field(std::string_view name, T& value) {
  return {name, value};
}

/// The members of a type of the model in the order of its declaration: Shape<T>::of(value) is a tuple of
/// Fields. Each is taken apart with a structured binding, so that a member that is added to the model and
/// not here does not compile. `value` may be const.
template <class T>
struct Shape;

/// Names of the alternatives of a variant, by index.
template <class Variant>
struct Alternatives;

template <class T>
concept Described = requires(T& value) { Shape<std::remove_const_t<T>>::of(value); };

// An enumerator's name in JSON. A switch without default: one that is added and not named here is a
// warning of the compiler. Empty for a number that is no enumerator.

constexpr std::string_view name_of(model::Requirement::Operator value) {
  using Operator = model::Requirement::Operator;
  switch (value) {
    case Operator::kIn:
      return "in";
    case Operator::kNotIn:
      return "not_in";
    case Operator::kExists:
      return "exists";
    case Operator::kDoesNotExist:
      return "does_not_exist";
    case Operator::kGreaterThan:
      return "greater_than";
    case Operator::kLessThan:
      return "less_than";
  }
  return {};
}
constexpr std::string_view name_of(model::Taint::Effect value) {
  using Effect = model::Taint::Effect;
  switch (value) {
    case Effect::kNoSchedule:
      return "no_schedule";
    case Effect::kPreferNoSchedule:
      return "prefer_no_schedule";
    case Effect::kNoExecute:
      return "no_execute";
  }
  return {};
}
constexpr std::string_view name_of(model::Node::PartitionStrategy value) {
  using Strategy = model::Node::PartitionStrategy;
  switch (value) {
    case Strategy::kNone:
      return "none";
    case Strategy::kSingle:
      return "single";
    case Strategy::kMixed:
      return "mixed";
  }
  return {};
}
constexpr std::string_view name_of(model::Pod::Phase value) {
  using Phase = model::Pod::Phase;
  switch (value) {
    case Phase::kPending:
      return "pending";
    case Phase::kBinding:
      return "binding";
    case Phase::kBound:
      return "bound";
    case Phase::kRunning:
      return "running";
    case Phase::kSucceeded:
      return "succeeded";
    case Phase::kFailed:
      return "failed";
  }
  return {};
}
constexpr std::string_view name_of(model::DeviceRequest::Kind value) {
  using Kind = model::DeviceRequest::Kind;
  switch (value) {
    case Kind::kNone:
      return "none";
    case Kind::kWhole:
      return "whole";
    case Kind::kFraction:
      return "fraction";
    case Kind::kMemory:
      return "memory";
  }
  return {};
}
constexpr std::string_view name_of(model::VolumeClaim::State value) {
  using State = model::VolumeClaim::State;
  switch (value) {
    case State::kBound:
      return "bound";
    case State::kWaitForFirstConsumer:
      return "wait_for_first_consumer";
    case State::kUnbound:
      return "unbound";
  }
  return {};
}
constexpr std::string_view name_of(model::AttributeValue::Kind value) {
  using Kind = model::AttributeValue::Kind;
  switch (value) {
    case Kind::kInteger:
      return "integer";
    case Kind::kBoolean:
      return "boolean";
    case Kind::kText:
      return "text";
    case Kind::kVersion:
      return "version";
  }
  return {};
}
constexpr std::string_view name_of(model::DeviceTaint::Effect value) {
  using Effect = model::DeviceTaint::Effect;
  switch (value) {
    case Effect::kNone:
      return "none";
    case Effect::kNoSchedule:
      return "no_schedule";
    case Effect::kNoExecute:
      return "no_execute";
  }
  return {};
}
constexpr std::string_view name_of(model::ClaimReason value) {
  using Reason = model::ClaimReason;
  switch (value) {
    case Reason::kAllocatedElsewhere:
      return "allocated_elsewhere";
    case Reason::kNoDevice:
      return "no_device";
    case Reason::kPoolIncomplete:
      return "pool_incomplete";
    case Reason::kNotSelected:
      return "not_selected";
    case Reason::kSelectorFailed:
      return "selector_failed";
    case Reason::kTainted:
      return "tainted";
    case Reason::kCapacity:
      return "capacity";
    case Reason::kInUse:
      return "in_use";
    case Reason::kCounters:
      return "counters";
    case Reason::kConstraint:
      return "constraint";
    case Reason::kWorkLimit:
      return "work_limit";
  }
  return {};
}
constexpr std::string_view name_of(model::Action value) {
  switch (value) {
    case model::Action::kAllocate:
      return "allocate";
    case model::Action::kConsolidate:
      return "consolidate";
    case model::Action::kReclaim:
      return "reclaim";
    case model::Action::kPreempt:
      return "preempt";
    case model::Action::kEvictStale:
      return "evict_stale";
  }
  return {};
}
constexpr std::string_view name_of(model::PlacementStrategy value) {
  switch (value) {
    case model::PlacementStrategy::kBinPack:
      return "bin_pack";
    case model::PlacementStrategy::kSpread:
      return "spread";
    case model::PlacementStrategy::kFragmentationGradient:
      return "fragmentation_gradient";
  }
  return {};
}
constexpr std::string_view name_of(model::QueueDiscipline value) {
  switch (value) {
    case model::QueueDiscipline::kSkip:
      return "skip";
    case model::QueueDiscipline::kStrict:
      return "strict";
  }
  return {};
}
constexpr std::string_view name_of(model::VictimOrder value) {
  switch (value) {
    case model::VictimOrder::kNewestFirst:
      return "newest_first";
    case model::VictimOrder::kLeastLostWork:
      return "least_lost_work";
  }
  return {};
}
constexpr std::string_view name_of(model::MinRuntimeScope value) {
  switch (value) {
    case model::MinRuntimeScope::kLowestCommonAncestor:
      return "lowest_common_ancestor";
    case model::MinRuntimeScope::kQueue:
      return "queue";
  }
  return {};
}
constexpr std::string_view name_of(model::BindFailed::Scope value) {
  switch (value) {
    case model::BindFailed::Scope::kPod:
      return "pod";
    case model::BindFailed::Scope::kNode:
      return "node";
  }
  return {};
}
constexpr std::string_view name_of(model::EvictionRule value) {
  switch (value) {
    case model::EvictionRule::kReclaim:
      return "reclaim";
    case model::EvictionRule::kPreempt:
      return "preempt";
    case model::EvictionRule::kConsolidate:
      return "consolidate";
    case model::EvictionRule::kStaleGang:
      return "stale_gang";
  }
  return {};
}
constexpr std::string_view name_of(model::NodeReason value) {
  using Reason = model::NodeReason;
  switch (value) {
    case Reason::kOtherPool:
      return "other_pool";
    case Reason::kNotReady:
      return "not_ready";
    case Reason::kUnschedulable:
      return "unschedulable";
    case Reason::kExcludedAfterFailure:
      return "excluded_after_failure";
    case Reason::kNodeSelector:
      return "node_selector";
    case Reason::kTaint:
      return "taint";
    case Reason::kVolume:
      return "volume";
    case Reason::kHostPort:
      return "host_port";
    case Reason::kPodAffinity:
      return "pod_affinity";
    case Reason::kPodAntiAffinity:
      return "pod_anti_affinity";
    case Reason::kSpread:
      return "spread";
    case Reason::kPodCount:
      return "pod_count";
    case Reason::kPartitionStrategy:
      return "partition_strategy";
    case Reason::kNoSuchDevice:
      return "no_such_device";
    case Reason::kDeviceMemory:
      return "device_memory";
    case Reason::kDevices:
      return "devices";
    case Reason::kDeviceShare:
      return "device_share";
    case Reason::kPartitions:
      return "partitions";
    case Reason::kClaim:
      return "claim";
    case Reason::kCpu:
      return "cpu";
    case Reason::kMemory:
      return "memory";
    case Reason::kCountedResource:
      return "counted_resource";
    case Reason::kOutsideTopology:
      return "outside_topology";
    case Reason::kCount:
      break;  // how many there are, not a reason
  }
  return {};
}
constexpr std::string_view name_of(model::ReasonCode value) {
  using Code = model::ReasonCode;
  switch (value) {
    case Code::kNotEnoughPods:
      return "not_enough_pods";
    case Code::kMissingReference:
      return "missing_reference";
    case Code::kQueueDoesNotExist:
      return "queue_does_not_exist";
    case Code::kQueueIsNotALeaf:
      return "queue_is_not_a_leaf";
    case Code::kOverLimit:
      return "over_limit";
    case Code::kNonPreemptibleOverQuota:
      return "non_preemptible_over_quota";
    case Code::kOverFairShare:
      return "over_fair_share";
    case Code::kNodesDoNotFit:
      return "nodes_do_not_fit";
    case Code::kGangDoesNotFit:
      return "gang_does_not_fit";
    case Code::kTopology:
      return "topology";
    case Code::kWaitingForRelease:
      return "waiting_for_release";
    case Code::kPreemptionDelay:
      return "preemption_delay";
    case Code::kBindFailing:
      return "bind_failing";
    case Code::kQueueDiscipline:
      return "queue_discipline";
    case Code::kSearchLimit:
      return "search_limit";
    case Code::kUnknownTopology:
      return "unknown_topology";
    case Code::kClaim:
      return "claim";
  }
  return {};
}

constexpr std::string_view name_of(model::PodAssumption::State value) {
  using State = model::PodAssumption::State;
  switch (value) {
    case State::kGated:
      return "gated";
    case State::kPending:
      return "pending";
    case State::kNominated:
      return "nominated";
    case State::kBinding:
      return "binding";
    case State::kBound:
      return "bound";
    case State::kRunning:
      return "running";
    case State::kMoved:
      return "moved";
    case State::kReleasing:
      return "releasing";
    case State::kFinished:
      return "finished";
  }
  return {};
}

template <class T>
concept NamedEnumeration = std::is_enum_v<T> && requires(T value) { name_of(value); };

// Of model/labels.h.

template <>
struct Shape<model::Requirement> {
  static auto of(auto& all) {
    auto& [key, op, values] = all;
    return std::tuple(field("key", key), field("op", op), field("values", values));
  }
};
template <>
struct Shape<model::LabelSelector> {
  static auto of(auto& all) {
    auto& [requirements] = all;
    return std::tuple(field("requirements", requirements));
  }
};
template <>
struct Shape<model::NodeSelectorTerm> {
  static auto of(auto& all) {
    auto& [labels, fields] = all;
    return std::tuple(field("labels", labels), field("fields", fields));
  }
};

// Of model/resources.h.

template <>
struct Shape<model::ResourceCount> {
  static auto of(auto& all) {
    auto& [name, count] = all;
    return std::tuple(field("name", name), field("count", count));
  }
};
template <>
struct Shape<model::Resources> {
  static auto of(auto& all) {
    auto& [cpu_milli, memory_bytes, counted] = all;
    return std::tuple(field("cpu_milli", cpu_milli), field("memory_bytes", memory_bytes),
                      field("counted", counted));
  }
};
template <>
struct Shape<model::Partition> {
  static auto of(auto& all) {
    auto& [resource, count, quota_thousandths] = all;
    return std::tuple(field("resource", resource), field("count", count),
                      field("quota_thousandths", quota_thousandths));
  }
};
template <>
struct Shape<model::DeviceRequest> {
  static auto of(auto& all) {
    auto& [kind, resource, count, thousandths, memory_mib, partitions, second_resource, second_count] = all;
    return std::tuple(field("kind", kind), field("resource", resource), field("count", count),
                      field("thousandths", thousandths), field("memory_mib", memory_mib),
                      field("partitions", partitions), field("second_resource", second_resource),
                      field("second_count", second_count));
  }
};

// Of model/node.h.

template <>
struct Shape<model::Taint> {
  static auto of(auto& all) {
    auto& [key, value, effect] = all;
    return std::tuple(field("key", key), field("value", value), field("effect", effect));
  }
};
template <>
struct Shape<model::Device> {
  static auto of(auto& all) {
    auto& [identity, healthy] = all;
    return std::tuple(field("identity", identity), field("healthy", healthy));
  }
};
template <>
struct Shape<model::DeviceSet> {
  static auto of(auto& all) {
    auto& [resource, vendor, model, count, memory_mib, devices] = all;
    return std::tuple(field("resource", resource), field("vendor", vendor), field("model", model),
                      field("count", count), field("memory_mib", memory_mib), field("devices", devices));
  }
};
template <>
struct Shape<model::Node> {
  static auto of(auto& all) {
    auto& [name, uid, created, labels, taints, unschedulable, ready, allocatable, pod_capacity, devices,
           partitions, partition_strategy, pool] = all;
    return std::tuple(field("name", name), field("uid", uid), field("created", created),
                      field("labels", labels), field("taints", taints), field("unschedulable", unschedulable),
                      field("ready", ready), field("allocatable", allocatable),
                      field("pod_capacity", pod_capacity), field("devices", devices),
                      field("partitions", partitions), field("partition_strategy", partition_strategy),
                      field("pool", pool));
  }
};

// Of model/pod.h.

template <>
struct Shape<model::Toleration> {
  static auto of(auto& all) {
    auto& [key, exists, value, effect] = all;
    return std::tuple(field("key", key), field("exists", exists), field("value", value),
                      field("effect", effect));
  }
};
template <>
struct Shape<model::PreferredTerm> {
  static auto of(auto& all) {
    auto& [weight, term] = all;
    return std::tuple(field("weight", weight), field("term", term));
  }
};
template <>
struct Shape<model::PodAffinityTerm> {
  static auto of(auto& all) {
    auto& [selector, namespaces, namespace_selector, topology_key, weight] = all;
    return std::tuple(field("selector", selector), field("namespaces", namespaces),
                      field("namespace_selector", namespace_selector), field("topology_key", topology_key),
                      field("weight", weight));
  }
};
template <>
struct Shape<model::SpreadConstraint> {
  static auto of(auto& all) {
    auto& [max_skew, min_domains, topology_key, required, selector, honor_node_affinity, honor_node_taints] =
        all;
    return std::tuple(field("max_skew", max_skew), field("min_domains", min_domains),
                      field("topology_key", topology_key), field("required", required),
                      field("selector", selector), field("honor_node_affinity", honor_node_affinity),
                      field("honor_node_taints", honor_node_taints));
  }
};
template <>
struct Shape<model::HostPort> {
  static auto of(auto& all) {
    auto& [ip, protocol, port] = all;
    return std::tuple(field("ip", ip), field("protocol", protocol), field("port", port));
  }
};
template <>
struct Shape<model::Constraints> {
  static auto of(auto& all) {
    auto& [node_selector, required_nodes, has_required_nodes, preferred_nodes, tolerations, required_affinity,
           required_anti_affinity, preferred_affinity, preferred_anti_affinity, spread, host_ports,
           volume_claims] = all;
    return std::tuple(field("node_selector", node_selector), field("required_nodes", required_nodes),
                      field("has_required_nodes", has_required_nodes),
                      field("preferred_nodes", preferred_nodes), field("tolerations", tolerations),
                      field("required_affinity", required_affinity),
                      field("required_anti_affinity", required_anti_affinity),
                      field("preferred_affinity", preferred_affinity),
                      field("preferred_anti_affinity", preferred_anti_affinity), field("spread", spread),
                      field("host_ports", host_ports), field("volume_claims", volume_claims));
  }
};
template <>
struct Shape<model::Pod> {
  static auto of(auto& all) {
    auto& [uid, namespace_name, name, created, labels, phase, node, nominated_node, releasing,
           release_deadline, gated, served, reservation, group, sub_group, task_priority, leader, requests,
           devices, device_groups, claims, constraints, legacy_partition_request, missing_references,
           last_checkpoint, started] = all;
    return std::tuple(
        field("uid", uid), field("namespace_name", namespace_name), field("name", name),
        field("created", created), field("labels", labels), field("phase", phase), field("node", node),
        field("nominated_node", nominated_node), field("releasing", releasing),
        field("release_deadline", release_deadline), field("gated", gated), field("served", served),
        field("reservation", reservation), field("group", group), field("sub_group", sub_group),
        field("task_priority", task_priority), field("leader", leader), field("requests", requests),
        field("devices", devices), field("device_groups", device_groups), field("claims", claims),
        field("constraints", constraints), field("legacy_partition_request", legacy_partition_request),
        field("missing_references", missing_references), field("last_checkpoint", last_checkpoint),
        field("started", started));
  }
};

// Of model/group.h.

template <>
struct Shape<model::TopologyConstraint> {
  static auto of(auto& all) {
    auto& [topology, required_level, preferred_level] = all;
    return std::tuple(field("topology", topology), field("required_level", required_level),
                      field("preferred_level", preferred_level));
  }
};
template <>
struct Shape<model::SubGroup> {
  static auto of(auto& all) {
    auto& [name, parent, min_member, min_sub_group, topology] = all;
    return std::tuple(field("name", name), field("parent", parent), field("min_member", min_member),
                      field("min_sub_group", min_sub_group), field("topology", topology));
  }
};
template <>
struct Shape<model::PodGroup> {
  static auto of(auto& all) {
    auto& [key, uid, created, queue, priority_class, fallback_priority, preemptible, min_member,
           min_sub_group, sub_groups, topology, last_start, stale_since, preemption_delay, staleness_grace,
           pools, user, user_verified, owner, made_from_owner] = all;
    return std::tuple(field("key", key), field("uid", uid), field("created", created), field("queue", queue),
                      field("priority_class", priority_class), field("fallback_priority", fallback_priority),
                      field("preemptible", preemptible), field("min_member", min_member),
                      field("min_sub_group", min_sub_group), field("sub_groups", sub_groups),
                      field("topology", topology), field("last_start", last_start),
                      field("stale_since", stale_since), field("preemption_delay", preemption_delay),
                      field("staleness_grace", staleness_grace), field("pools", pools), field("user", user),
                      field("user_verified", user_verified), field("owner", owner),
                      field("made_from_owner", made_from_owner));
  }
};

// Of model/queue.h.

template <>
struct Shape<model::Quota> {
  static auto of(auto& all) {
    auto& [quota, limit, over_quota_weight] = all;
    return std::tuple(field("quota", quota), field("limit", limit),
                      field("over_quota_weight", over_quota_weight));
  }
};
template <>
struct Shape<model::DimensionQuota> {
  static auto of(auto& all) {
    auto& [dimension, quota] = all;
    return std::tuple(field("dimension", dimension), field("quota", quota));
  }
};
template <>
struct Shape<model::PoolQuota> {
  static auto of(auto& all) {
    auto& [pool, priority, dimensions] = all;
    return std::tuple(field("pool", pool), field("priority", priority), field("dimensions", dimensions));
  }
};
template <>
struct Shape<model::Queue> {
  static auto of(auto& all) {
    auto& [name, uid, created, display_name, parent, pools, preempt_min_runtime, reclaim_min_runtime,
           fair_between_users] = all;
    return std::tuple(field("name", name), field("uid", uid), field("created", created),
                      field("display_name", display_name), field("parent", parent), field("pools", pools),
                      field("preempt_min_runtime", preempt_min_runtime),
                      field("reclaim_min_runtime", reclaim_min_runtime),
                      field("fair_between_users", fair_between_users));
  }
};
template <>
struct Shape<model::PriorityClass> {
  static auto of(auto& all) {
    auto& [name, value, global_default] = all;
    return std::tuple(field("name", name), field("value", value), field("global_default", global_default));
  }
};

// Of model/topology.h and availability.h.

template <>
struct Shape<model::Topology> {
  static auto of(auto& all) {
    auto& [name, levels] = all;
    return std::tuple(field("name", name), field("levels", levels));
  }
};
template <>
struct Shape<model::VolumeClaim> {
  static auto of(auto& all) {
    auto& [key, state, node_terms] = all;
    return std::tuple(field("key", key), field("state", state), field("node_terms", node_terms));
  }
};
template <>
struct Shape<model::DisruptionBudget> {
  static auto of(auto& all) {
    auto& [key, selector, disruptions_allowed, min_available, max_unavailable, min_available_is_percent,
           max_unavailable_is_percent] = all;
    return std::tuple(field("key", key), field("selector", selector),
                      field("disruptions_allowed", disruptions_allowed),
                      field("min_available", min_available), field("max_unavailable", max_unavailable),
                      field("min_available_is_percent", min_available_is_percent),
                      field("max_unavailable_is_percent", max_unavailable_is_percent));
  }
};

// Of model/claim.h.

template <>
struct Shape<model::AttributeValue> {
  static auto of(auto& all) {
    auto& [kind, integer, boolean, text] = all;
    return std::tuple(field("kind", kind), field("integer", integer), field("boolean", boolean),
                      field("text", text));
  }
};
template <>
struct Shape<model::DeviceAttribute> {
  static auto of(auto& all) {
    auto& [name, value] = all;
    return std::tuple(field("name", name), field("value", value));
  }
};
template <>
struct Shape<model::CapacityPolicy> {
  static auto of(auto& all) {
    auto& [default_amount, valid_amounts, least, most, step] = all;
    return std::tuple(field("default_amount", default_amount), field("valid_amounts", valid_amounts),
                      field("least", least), field("most", most), field("step", step));
  }
};
template <>
struct Shape<model::DeviceCapacity> {
  static auto of(auto& all) {
    auto& [name, amount, policy] = all;
    return std::tuple(field("name", name), field("amount", amount), field("policy", policy));
  }
};
template <>
struct Shape<model::Counter> {
  static auto of(auto& all) {
    auto& [name, amount] = all;
    return std::tuple(field("name", name), field("amount", amount));
  }
};
template <>
struct Shape<model::CounterSet> {
  static auto of(auto& all) {
    auto& [name, counters] = all;
    return std::tuple(field("name", name), field("counters", counters));
  }
};
template <>
struct Shape<model::DeviceTaint> {
  static auto of(auto& all) {
    auto& [key, value, effect] = all;
    return std::tuple(field("key", key), field("value", value), field("effect", effect));
  }
};
template <>
struct Shape<model::DeviceToleration> {
  static auto of(auto& all) {
    auto& [key, exists, value, effect] = all;
    return std::tuple(field("key", key), field("exists", exists), field("value", value),
                      field("effect", effect));
  }
};
template <>
struct Shape<model::NodeReach> {
  static auto of(auto& all) {
    auto& [node, all_nodes, terms] = all;
    return std::tuple(field("node", node), field("all_nodes", all_nodes), field("terms", terms));
  }
};
template <>
struct Shape<model::OfferedDevice> {
  static auto of(auto& all) {
    auto& [name, attributes, capacities, consumes, taints, shared, reach, binds_to_node, binding_conditions,
           binding_failure_conditions] = all;
    return std::tuple(field("name", name), field("attributes", attributes), field("capacities", capacities),
                      field("consumes", consumes), field("taints", taints), field("shared", shared),
                      field("reach", reach), field("binds_to_node", binds_to_node),
                      field("binding_conditions", binding_conditions),
                      field("binding_failure_conditions", binding_failure_conditions));
  }
};
template <>
struct Shape<model::ResourceSlice> {
  static auto of(auto& all) {
    auto& [name, driver, pool, generation, slice_count, reach, reach_by_device, devices, shared_counters] =
        all;
    return std::tuple(field("name", name), field("driver", driver), field("pool", pool),
                      field("generation", generation), field("slice_count", slice_count),
                      field("reach", reach), field("reach_by_device", reach_by_device),
                      field("devices", devices), field("shared_counters", shared_counters));
  }
};
template <>
struct Shape<model::DeviceConfiguration> {
  static auto of(auto& all) {
    auto& [requests, driver, parameters] = all;
    return std::tuple(field("requests", requests), field("driver", driver), field("parameters", parameters));
  }
};
template <>
struct Shape<model::DeviceClass> {
  static auto of(auto& all) {
    auto& [name, selectors, configurations] = all;
    return std::tuple(field("name", name), field("selectors", selectors),
                      field("configurations", configurations));
  }
};
template <>
struct Shape<model::DeviceChoice> {
  static auto of(auto& all) {
    auto& [name, device_class, selectors, every, count, admin_access, tolerations, capacities] = all;
    return std::tuple(field("name", name), field("device_class", device_class), field("selectors", selectors),
                      field("all", every), field("count", count), field("admin_access", admin_access),
                      field("tolerations", tolerations), field("capacities", capacities));
  }
};
template <>
struct Shape<model::ClaimRequest> {
  static auto of(auto& all) {
    auto& [name, prioritized, choices] = all;
    return std::tuple(field("name", name), field("prioritized", prioritized), field("choices", choices));
  }
};
template <>
struct Shape<model::ClaimConstraint> {
  static auto of(auto& all) {
    auto& [requests, attribute, distinct] = all;
    return std::tuple(field("requests", requests), field("attribute", attribute),
                      field("distinct", distinct));
  }
};
template <>
struct Shape<model::AllocatedDevice> {
  static auto of(auto& all) {
    auto& [request, driver, pool, device, admin_access, share, consumed, tolerations, binding_conditions,
           binding_failure_conditions] = all;
    return std::tuple(field("request", request), field("driver", driver), field("pool", pool),
                      field("device", device), field("admin_access", admin_access), field("share", share),
                      field("consumed", consumed), field("tolerations", tolerations),
                      field("binding_conditions", binding_conditions),
                      field("binding_failure_conditions", binding_failure_conditions));
  }
};
template <>
struct Shape<model::Allocation> {
  static auto of(auto& all) {
    auto& [devices, nodes, configurations] = all;
    return std::tuple(field("devices", devices), field("nodes", nodes),
                      field("configurations", configurations));
  }
};
template <>
struct Shape<model::ClaimAllocation> {
  static auto of(auto& all) {
    auto& [claim, allocation] = all;
    return std::tuple(field("claim", claim), field("allocation", allocation));
  }
};
template <>
struct Shape<model::ResourceClaim> {
  static auto of(auto& all) {
    auto& [key, uid, created, queue, from_template, requests, constraints, configurations, allocation,
           reserved_for] = all;
    return std::tuple(field("key", key), field("uid", uid), field("created", created), field("queue", queue),
                      field("from_template", from_template), field("requests", requests),
                      field("constraints", constraints), field("configurations", configurations),
                      field("allocation", allocation), field("reserved_for", reserved_for));
  }
};

// Of model/configuration.h.

template <>
struct Shape<model::ClaimPolicy> {
  static auto of(auto& all) {
    auto& [enabled, incomplete_pools, max_steps] = all;
    return std::tuple(field("enabled", enabled), field("incomplete_pools", incomplete_pools),
                      field("max_steps", max_steps));
  }
};
template <>
struct Shape<model::Placement> {
  static auto of(auto& all) {
    auto& [devices, cpu, pack_shares, named] = all;
    return std::tuple(field("devices", devices), field("cpu", cpu), field("pack_shares", pack_shares),
                      field("named", named));
  }
};
template <>
struct Shape<model::ExpectedPods> {
  static auto of(auto& all) {
    auto& [cpu_milli, memory_bytes, device_count, device_thousandths, device_models, count] = all;
    return std::tuple(field("cpu_milli", cpu_milli), field("memory_bytes", memory_bytes),
                      field("device_count", device_count), field("device_thousandths", device_thousandths),
                      field("device_models", device_models), field("count", count));
  }
};
template <>
struct Shape<model::PoolConfiguration> {
  static auto of(auto& all) {
    auto& [pool, placement, discipline] = all;
    return std::tuple(field("pool", pool), field("placement", placement), field("discipline", discipline));
  }
};
template <>
struct Shape<model::Policies> {
  static auto of(auto& all) {
    auto& [filters, proportion, priority, elastic, sub_group_order, task_order, nominated_node, min_runtime,
           topology, node_placement, node_availability, resource_type, pod_affinity, device_order,
           sharing_order] = all;
    return std::tuple(field("filters", filters), field("proportion", proportion), field("priority", priority),
                      field("elastic", elastic), field("sub_group_order", sub_group_order),
                      field("task_order", task_order), field("nominated_node", nominated_node),
                      field("min_runtime", min_runtime), field("topology", topology),
                      field("node_placement", node_placement), field("node_availability", node_availability),
                      field("resource_type", resource_type), field("pod_affinity", pod_affinity),
                      field("device_order", device_order), field("sharing_order", sharing_order));
  }
};
template <>
struct Shape<model::Configuration> {
  static auto of(auto& all) {
    auto& [actions, policies, claims, pools, expected_pods, staleness_grace, max_consolidation_victims,
           consolidating_reclaim, full_hierarchy_fairness, usage_weight, usage_half_life,
           saturation_multiplier, preempt_min_runtime, reclaim_min_runtime, reclaim_min_runtime_scope,
           victim_order, restart_cost, queue_depth] = all;
    return std::tuple(
        field("actions", actions), field("policies", policies), field("claims", claims),
        field("pools", pools), field("expected_pods", expected_pods),
        field("staleness_grace", staleness_grace),
        field("max_consolidation_victims", max_consolidation_victims),
        field("consolidating_reclaim", consolidating_reclaim),
        field("full_hierarchy_fairness", full_hierarchy_fairness), field("usage_weight", usage_weight),
        field("usage_half_life", usage_half_life), field("saturation_multiplier", saturation_multiplier),
        field("preempt_min_runtime", preempt_min_runtime), field("reclaim_min_runtime", reclaim_min_runtime),
        field("reclaim_min_runtime_scope", reclaim_min_runtime_scope), field("victim_order", victim_order),
        field("restart_cost", restart_cost), field("queue_depth", queue_depth));
  }
};

// Of model/event.h.

template <>
struct Shape<model::ClockAdvanced> {
  static auto of(auto&) { return std::tuple<>(); }
};
template <>
struct Shape<model::ConfigurationChanged> {
  static auto of(auto& all) {
    auto& [configuration] = all;
    return std::tuple(field("configuration", configuration));
  }
};
template <>
struct Shape<model::QueueUpserted> {
  static auto of(auto& all) {
    auto& [queue] = all;
    return std::tuple(field("queue", queue));
  }
};
template <>
struct Shape<model::QueueRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::TopologyUpserted> {
  static auto of(auto& all) {
    auto& [topology] = all;
    return std::tuple(field("topology", topology));
  }
};
template <>
struct Shape<model::TopologyRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::PriorityClassUpserted> {
  static auto of(auto& all) {
    auto& [priority_class] = all;
    return std::tuple(field("priority_class", priority_class));
  }
};
template <>
struct Shape<model::PriorityClassRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::NamespaceUpserted> {
  static auto of(auto& all) {
    auto& [name, labels] = all;
    return std::tuple(field("name", name), field("labels", labels));
  }
};
template <>
struct Shape<model::NamespaceRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::NodeUpserted> {
  static auto of(auto& all) {
    auto& [node] = all;
    return std::tuple(field("node", node));
  }
};
template <>
struct Shape<model::NodeRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::GroupUpserted> {
  static auto of(auto& all) {
    auto& [group] = all;
    return std::tuple(field("group", group));
  }
};
template <>
struct Shape<model::GroupRemoved> {
  static auto of(auto& all) {
    auto& [key] = all;
    return std::tuple(field("key", key));
  }
};
template <>
struct Shape<model::PodUpserted> {
  static auto of(auto& all) {
    auto& [pod] = all;
    return std::tuple(field("pod", pod));
  }
};
template <>
struct Shape<model::PodRemoved> {
  static auto of(auto& all) {
    auto& [uid] = all;
    return std::tuple(field("uid", uid));
  }
};
template <>
struct Shape<model::VolumeClaimUpserted> {
  static auto of(auto& all) {
    auto& [claim] = all;
    return std::tuple(field("claim", claim));
  }
};
template <>
struct Shape<model::VolumeClaimRemoved> {
  static auto of(auto& all) {
    auto& [key] = all;
    return std::tuple(field("key", key));
  }
};
template <>
struct Shape<model::DisruptionBudgetUpserted> {
  static auto of(auto& all) {
    auto& [budget] = all;
    return std::tuple(field("budget", budget));
  }
};
template <>
struct Shape<model::DisruptionBudgetRemoved> {
  static auto of(auto& all) {
    auto& [key] = all;
    return std::tuple(field("key", key));
  }
};
template <>
struct Shape<model::DeviceClassUpserted> {
  static auto of(auto& all) {
    auto& [device_class] = all;
    return std::tuple(field("device_class", device_class));
  }
};
template <>
struct Shape<model::DeviceClassRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::ResourceSliceUpserted> {
  static auto of(auto& all) {
    auto& [slice] = all;
    return std::tuple(field("slice", slice));
  }
};
template <>
struct Shape<model::ResourceSliceRemoved> {
  static auto of(auto& all) {
    auto& [name] = all;
    return std::tuple(field("name", name));
  }
};
template <>
struct Shape<model::ResourceClaimUpserted> {
  static auto of(auto& all) {
    auto& [claim] = all;
    return std::tuple(field("claim", claim));
  }
};
template <>
struct Shape<model::ResourceClaimRemoved> {
  static auto of(auto& all) {
    auto& [key] = all;
    return std::tuple(field("key", key));
  }
};
template <>
struct Shape<model::DeviceChanged> {
  static auto of(auto& all) {
    auto& [node, slot, healthy] = all;
    return std::tuple(field("node", node), field("slot", slot), field("healthy", healthy));
  }
};
template <>
struct Shape<model::PodStarted> {
  static auto of(auto& all) {
    auto& [uid] = all;
    return std::tuple(field("uid", uid));
  }
};
template <>
struct Shape<model::PodFinished> {
  static auto of(auto& all) {
    auto& [uid, succeeded] = all;
    return std::tuple(field("uid", uid), field("succeeded", succeeded));
  }
};
template <>
struct Shape<model::CheckpointTaken> {
  static auto of(auto& all) {
    auto& [uid] = all;
    return std::tuple(field("uid", uid));
  }
};
template <>
struct Shape<model::UsageSampled> {
  static auto of(auto& all) {
    auto& [queue, pool, shares] = all;
    return std::tuple(field("queue", queue), field("pool", pool), field("shares", shares));
  }
};
template <>
struct Shape<model::BindSucceeded> {
  static auto of(auto& all) {
    auto& [decision] = all;
    return std::tuple(field("decision", decision));
  }
};
template <>
struct Shape<model::BindFailed> {
  static auto of(auto& all) {
    auto& [decision, scope, retry_at] = all;
    return std::tuple(field("decision", decision), field("scope", scope), field("retry_at", retry_at));
  }
};
template <>
struct Shape<model::EvictionAccepted> {
  static auto of(auto& all) {
    auto& [decision] = all;
    return std::tuple(field("decision", decision));
  }
};
template <>
struct Shape<model::EvictionRefused> {
  static auto of(auto& all) {
    auto& [decision, retry_at] = all;
    return std::tuple(field("decision", decision), field("retry_at", retry_at));
  }
};

// Of model/decision.h and scheduler.h.

template <>
struct Shape<model::Bind> {
  static auto of(auto& all) {
    auto& [pod, node, devices, device_groups, share_thousandths, claims] = all;
    return std::tuple(field("pod", pod), field("node", node), field("devices", devices),
                      field("device_groups", device_groups), field("share_thousandths", share_thousandths),
                      field("claims", claims));
  }
};
template <>
struct Shape<model::Evict> {
  static auto of(auto& all) {
    auto& [pod, rule, beneficiary, reason] = all;
    return std::tuple(field("pod", pod), field("rule", rule), field("beneficiary", beneficiary),
                      field("reason", reason));
  }
};
template <>
struct Shape<model::Nominate> {
  static auto of(auto& all) {
    auto& [pod, node] = all;
    return std::tuple(field("pod", pod), field("node", node));
  }
};
template <>
struct Shape<model::WithdrawNomination> {
  static auto of(auto& all) {
    auto& [pod] = all;
    return std::tuple(field("pod", pod));
  }
};
template <>
struct Shape<model::ClaimShortage> {
  static auto of(auto& all) {
    auto& [claim, request, reason, nodes, have, want] = all;
    return std::tuple(field("claim", claim), field("request", request), field("reason", reason),
                      field("nodes", nodes), field("have", have), field("want", want));
  }
};
template <>
struct Shape<model::Reason> {
  static auto of(auto& all) {
    auto& [code, queue, dimension, have, want, limit, detail, nodes, claims] = all;
    return std::tuple(field("code", code), field("queue", queue), field("dimension", dimension),
                      field("have", have), field("want", want), field("limit", limit),
                      field("detail", detail), field("nodes", nodes), field("claims", claims));
  }
};
template <>
struct Shape<model::Verdict> {
  static auto of(auto& all) {
    auto& [reasons] = all;
    return std::tuple(field("reasons", reasons));
  }
};
template <>
struct Shape<model::VerdictChanged> {
  static auto of(auto& all) {
    auto& [group, verdict] = all;
    return std::tuple(field("group", group), field("verdict", verdict));
  }
};
template <>
struct Shape<model::RoundRequest> {
  static auto of(auto& all) {
    auto& [max_simulations, max_groups] = all;
    return std::tuple(field("max_simulations", max_simulations), field("max_groups", max_groups));
  }
};

// Of model/assumptions.h.

template <>
struct Shape<model::PodAssumption> {
  static auto of(auto& all) {
    auto& [uid, state, node, device_groups, reserved_node, reserved_groups, claims, reserved_claims, decision,
           bound, preferred_node, inherited, bind_failures, excluded, eviction_refused_until] = all;
    return std::tuple(field("uid", uid), field("state", state), field("node", node),
                      field("device_groups", device_groups), field("reserved_node", reserved_node),
                      field("reserved_groups", reserved_groups), field("claims", claims),
                      field("reserved_claims", reserved_claims), field("decision", decision),
                      field("bound", bound), field("preferred_node", preferred_node),
                      field("inherited", inherited), field("bind_failures", bind_failures),
                      field("excluded", excluded), field("eviction_refused_until", eviction_refused_until));
  }
};
template <>
struct Shape<model::Assumptions> {
  static auto of(auto& all) {
    auto& [pods, below_minimum_since] = all;
    return std::tuple(field("pods", pods), field("below_minimum_since", below_minimum_since));
  }
};

template <>
struct Alternatives<decltype(model::Event::body)> {
  static constexpr std::array<std::string_view, 35> kNames = {"clock_advanced",
                                                              "configuration_changed",
                                                              "queue_upserted",
                                                              "queue_removed",
                                                              "topology_upserted",
                                                              "topology_removed",
                                                              "priority_class_upserted",
                                                              "priority_class_removed",
                                                              "namespace_upserted",
                                                              "namespace_removed",
                                                              "node_upserted",
                                                              "node_removed",
                                                              "group_upserted",
                                                              "group_removed",
                                                              "pod_upserted",
                                                              "pod_removed",
                                                              "volume_claim_upserted",
                                                              "volume_claim_removed",
                                                              "disruption_budget_upserted",
                                                              "disruption_budget_removed",
                                                              "device_class_upserted",
                                                              "device_class_removed",
                                                              "resource_slice_upserted",
                                                              "resource_slice_removed",
                                                              "resource_claim_upserted",
                                                              "resource_claim_removed",
                                                              "device_changed",
                                                              "pod_started",
                                                              "pod_finished",
                                                              "checkpoint_taken",
                                                              "usage_sampled",
                                                              "bind_succeeded",
                                                              "bind_failed",
                                                              "eviction_accepted",
                                                              "eviction_refused"};
  static_assert(kNames.size() == std::variant_size_v<decltype(model::Event::body)>);
};
template <>
struct Alternatives<decltype(model::Decision::body)> {
  static constexpr std::array<std::string_view, 5> kNames = {"bind", "evict", "nominate",
                                                             "withdraw_nomination", "verdict_changed"};
  static_assert(kNames.size() == std::variant_size_v<decltype(model::Decision::body)>);
};

}  // namespace fairlead::model::json
