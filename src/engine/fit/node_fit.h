#pragma once

#include "engine/fit/claim_fit.h"
#include "engine/fit/pod_constraints.h"
#include "engine/fit/static_fit.h"
#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <optional>

namespace fairlead::engine {

/// Whether counted resources of a node (cpu, memory, pods, whole devices, partitions, ...) suffice.
/// O(amounts).
inline bool resources_fit(const model::Cluster& cluster, const model::PodClass& pod_class, model::NodeId node,
                          When when) {
  const model::NodeTable& nodes = cluster.nodes();
  for (const model::ResourceAmount& amount : pod_class.amounts) {
    if (amount.amount <= 0) continue;
    if (nodes.later(amount.resource)[node.index()] < amount.amount) return false;
    if (when == When::kNow && nodes.now(amount.resource)[node.index()] < amount.amount) return false;
  }
  return true;
}

/// What is free on a node: at once, but no more than what will be left when every reservation is used.
inline std::int64_t free_amount(const model::Cluster& cluster, model::ResourceId resource, model::NodeId node,
                                When when) {
  const std::int64_t later = cluster.nodes().later(resource)[node.index()];
  return when == When::kLater ? later : std::min(later, cluster.nodes().now(resource)[node.index()]);
}

/// MiB that a new pod can have of a shared device. One whose users all leave takes nobody: it counts as a
/// whole device that is being freed (scheduling semantics, rule 4).
std::int64_t room_on(std::int64_t device_mib, const model::SharedDevice& device, When when);

/// The shared devices that a pod gets on a node: those free at once first, then the fullest (or the emptiest
/// where shares are spread), then by name; a new one counts as empty and is named after the pod. Nothing:
/// there are not enough. Empty for a pod without shares. O(shared devices of the node).
/// `preferred` comes before the fullest where it has room: a shared device, or (invalid) a new one.
std::optional<model::DeviceGroups> choose_devices(
    model::Cluster& cluster, model::PodId pod, model::NodeId node, When when,
    std::optional<model::DeviceGroupId> preferred = std::nullopt);
/// Whether choose_devices would find enough, without naming any. Exact.
bool devices_fit(const model::Cluster& cluster, model::PodId pod, model::NodeId node, When when);
/// Whether exactly these shared devices of a node have room for a pod; those that are not there yet are new
/// ones.
bool devices_have_room(const model::Cluster& cluster, const model::PodClass& pod_class,
                       const model::Place& place, When when);
/// Whether a node's devices serve a pod's claims. True for a pod whose claims are counted in columns, or that
/// has none.
inline bool claims_fit(model::Cluster& cluster, model::PodId pod, model::NodeId node, When when) {
  return cluster.class_of(pod).key.claims.kind != model::ClaimNeeds::Kind::kSearched ||
         choose_grants(cluster, pod, node, when) != nullptr;
}
/// Whether the pod could join a device that is shared already.
bool fits_on_shared_device(const model::Cluster& cluster, const model::PodClass& pod_class,
                           model::NodeId node);

/// Why a node cannot take a pod; nothing: it can. The first reason in the order of model::NodeReason.
std::optional<model::NodeReason> refusal(model::Cluster& cluster, const StaticFit::Entry& entry,
                                         PodConstraints& constraints, model::PodId pod, model::NodeId node,
                                         When when);

/// How many such pods a node has room for when everything that leaves has left. Filters do not count.
std::int64_t room_for(const model::Cluster& cluster, const model::PodClass& pod_class, model::NodeId node);

}  // namespace fairlead::engine
