#include "engine/fit/node_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace fairlead::engine {
namespace {

using model::NodeReason;

/// A legacy MIG pod on a node keeps pods with partitions off it.
bool legacy_partition_user_on(const model::Cluster& cluster, model::NodeId node) {
  const auto& pods = cluster.nodes().at(node).pods;
  return std::any_of(pods.begin(), pods.end(), [&](const model::NodeRecord::Entry& entry) {
    return cluster.pod(entry.pod).spec.legacy_partition_request;
  });
}

NodeReason reason_for(const model::PodClass& pod_class, model::ResourceId resource) {
  if (resource == model::column::kPods) return NodeReason::kPodCount;
  if (resource == model::column::kCpu) return NodeReason::kCpu;
  if (resource == model::column::kMemory) return NodeReason::kMemory;
  // Devices come first in a class's amounts of what is not fixed, then partitions, then what is only counted,
  // then devices of claims.
  const model::DeviceRequest& devices = pod_class.key.devices;
  std::size_t kinds = devices.kind == model::DeviceRequest::Kind::kWhole ? 1 : 0;
  if (devices.second_count > 0) ++kinds;
  std::size_t index = 0;
  for (const model::ResourceAmount& amount : pod_class.amounts) {
    if (&amount >= pod_class.amounts.data() + pod_class.charged) return NodeReason::kClaim;
    if (amount.resource.index() < model::column::kFixed) continue;
    if (kinds > 0) {
      if (amount.resource == resource) return NodeReason::kDevices;
      --kinds;
      continue;
    }
    if (amount.resource == resource)
      return index < pod_class.key.devices.partitions.size() ? NodeReason::kPartitions
                                                             : NodeReason::kCountedResource;
    ++index;
  }
  return NodeReason::kCountedResource;
}

}  // namespace

std::int64_t room_on(std::int64_t device_mib, const model::SharedDevice& device, When when) {
  const std::int64_t later = device_mib - device.used_later();
  if (when == When::kLater) return device.occupies_later() ? later : 0;
  return device.active > 0 ? std::min(later, device_mib - device.used_now()) : 0;
}

namespace {

/// A shared device, or (without a group) a whole one, that a pod could get.
struct Candidate {
  bool later = false;        // what can be had at once comes first
  bool passed_over = false;  // another device is preferred
  std::int64_t order = 0;    // used MiB, a whole device counting as empty
  std::string_view name;     // empty: a whole device
  model::DeviceGroupId group;

  friend bool operator<(const Candidate& a, const Candidate& b) {
    return std::tie(a.later, a.passed_over, a.order, a.name) <
           std::tie(b.later, b.passed_over, b.order, b.name);
  }
};
using Candidates = boost::container::small_vector<Candidate, 8>;

/// Shared devices that a victim had on this node and that nobody else will be on: where it gets a whole
/// device, it takes back its own.
model::DeviceGroups own_devices(const model::Cluster& cluster, const model::PodRecord& record,
                                model::NodeId node) {
  model::DeviceGroups own;
  if (record.assignment.state != model::PodState::kEvicted || record.home.place().node != node) return own;
  const auto& shared = cluster.nodes().at(node).shared;
  for (model::DeviceGroupId group : record.home.place().device_groups)
    if (std::none_of(shared.begin(), shared.end(), [&](const model::SharedDevice& device) {
          return device.group == group && device.occupies_later();
        }))
      own.push_back(group);
  return own;
}

/// The devices that the pod would get, best first; false: there are not enough, or not enough slots for the
/// pods that would hold new ones.
bool select_devices(const model::Cluster& cluster, model::PodId pod, model::NodeId node, When when,
                    std::optional<model::DeviceGroupId> preferred, Candidates& selected) {
  selected.clear();
  const model::PodRecord& record = cluster.pod(pod);
  const model::PodClass& pod_class = cluster.pod_class(record.pod_class);
  const auto needed = static_cast<std::size_t>(pod_class.key.devices.count);
  const std::int64_t mib = cluster.nodes().share_mib(pod_class, node);
  const std::int64_t device_mib = cluster.nodes().device_memory_mib(node);
  const model::NodeRecord& on = cluster.nodes().at(node);
  const std::int64_t whole = free_amount(cluster, model::column::kDevices, node, when);
  // More devices are in use than there are, some having failed: which ones is not known.
  if (whole < 0) return false;
  const bool pack = cluster.pool_configuration(on.pool).placement.pack_shares;
  const auto passed_over = [&](model::DeviceGroupId group) { return preferred && *preferred != group; };
  for (const model::SharedDevice& device : on.shared) {
    if (room_on(device_mib, device, when) < mib) continue;
    const std::int64_t used = device.active_mib + device.leaving_mib + device.reserved_mib;
    selected.push_back({room_on(device_mib, device, When::kNow) < mib, passed_over(device.group),
                        pack ? -used : used, cluster.device_group_name(device.group), device.group});
  }
  const std::int64_t whole_now = free_amount(cluster, model::column::kDevices, node, When::kNow);
  for (std::int64_t i = 0; i < std::min(whole, pod_class.key.devices.count); ++i)
    selected.push_back({i >= whole_now, passed_over({}), 0, {}, {}});
  if (selected.size() < needed) return false;
  std::partial_sort(selected.begin(), selected.begin() + static_cast<std::ptrdiff_t>(needed), selected.end());
  selected.resize(needed);
  const model::DeviceGroups own = own_devices(cluster, record, node);
  std::size_t returned = 0;
  std::int64_t created = 0;
  for (Candidate& one : selected) {
    if (one.group.valid()) continue;
    if (returned < own.size()) {
      one.group = own[returned++];
    } else {
      ++created;
    }
  }
  return created == 0 || free_amount(cluster, model::column::kPods, node, when) >= 1 + created;
}

}  // namespace

bool devices_fit(const model::Cluster& cluster, model::PodId pod, model::NodeId node, When when) {
  const model::PodClass& pod_class = cluster.class_of(pod);
  if (!pod_class.key.devices.shares_devices()) return true;
  // Slots for pods that hold new devices are short on few nodes; on the others it is enough to count.
  const std::int64_t needed = pod_class.key.devices.count;
  if (free_amount(cluster, model::column::kPods, node, when) >= 1 + needed) {
    std::int64_t found = free_amount(cluster, model::column::kDevices, node, when);
    if (found >= needed) return true;
    if (found < 0) return false;
    const std::int64_t mib = cluster.nodes().share_mib(pod_class, node);
    const std::int64_t device_mib = cluster.nodes().device_memory_mib(node);
    for (const model::SharedDevice& device : cluster.nodes().at(node).shared)
      found += room_on(device_mib, device, when) >= mib;
    return found >= needed;
  }
  Candidates selected;
  return select_devices(cluster, pod, node, when, std::nullopt, selected);
}

std::optional<model::DeviceGroups> choose_devices(model::Cluster& cluster, model::PodId pod,
                                                  model::NodeId node, When when,
                                                  std::optional<model::DeviceGroupId> preferred) {
  model::DeviceGroups chosen;
  if (!cluster.class_of(pod).key.devices.shares_devices()) return chosen;
  Candidates selected;
  // A preferred new device may lack the slot for the pod that holds it.
  const bool found = preferred && select_devices(cluster, pod, node, when, preferred, selected);
  if (!found && !select_devices(cluster, pod, node, when, std::nullopt, selected)) return std::nullopt;
  std::size_t created = 0;
  for (const Candidate& one : selected)
    chosen.push_back(one.group.valid() ? one.group
                                       : cluster.new_device_group(cluster.pod(pod).spec.uid, created++));
  return chosen;
}

bool devices_have_room(const model::Cluster& cluster, const model::PodClass& pod_class,
                       const model::Place& place, When when) {
  if (!pod_class.key.devices.shares_devices()) return true;
  const std::int64_t mib = cluster.nodes().share_mib(pod_class, place.node);
  const std::int64_t device_mib = cluster.nodes().device_memory_mib(place.node);
  const auto& shared = cluster.nodes().at(place.node).shared;
  std::int64_t created = 0;
  for (model::DeviceGroupId group : place.device_groups) {
    auto found = std::find_if(shared.begin(), shared.end(),
                              [&](const model::SharedDevice& device) { return device.group == group; });
    if (found == shared.end()) {
      ++created;
    } else if (room_on(device_mib, *found, when) < mib) {
      return false;
    }
  }
  // On a node on which more was set aside than is there, what joins others has no room either.
  return created <= free_amount(cluster, model::column::kDevices, place.node, when) &&
         (created == 0 || free_amount(cluster, model::column::kPods, place.node, when) >= 1 + created);
}

bool fits_on_shared_device(const model::Cluster& cluster, const model::PodClass& pod_class,
                           model::NodeId node) {
  if (!pod_class.key.devices.shares_devices()) return false;
  const std::int64_t mib = cluster.nodes().share_mib(pod_class, node);
  const std::int64_t device_mib = cluster.nodes().device_memory_mib(node);
  const auto& shared = cluster.nodes().at(node).shared;
  return std::any_of(shared.begin(), shared.end(), [&](const model::SharedDevice& device) {
    return room_on(device_mib, device, When::kLater) >= mib;
  });
}

std::int64_t room_for(const model::Cluster& cluster, const model::PodClass& pod_class, model::NodeId node) {
  std::int64_t room = INT64_MAX;
  for (const model::ResourceAmount& amount : pod_class.amounts)
    if (amount.amount > 0)
      room = std::min(room, std::max<std::int64_t>(0, cluster.nodes().later(amount.resource)[node.index()]) /
                                amount.amount);
  const model::DeviceRequest& request = pod_class.key.devices;
  if (!request.shares_devices()) return room;
  if (cluster.nodes().at(node).spec.devices.empty()) return 0;
  const std::int64_t mib = cluster.nodes().share_mib(pod_class, node);
  const std::int64_t device_mib = cluster.nodes().device_memory_mib(node);
  if (mib <= 0) return 0;
  std::int64_t shares =
      std::max<std::int64_t>(0, free_amount(cluster, model::column::kDevices, node, When::kLater)) *
      (device_mib / mib);
  for (const model::SharedDevice& device : cluster.nodes().at(node).shared)
    shares += std::max<std::int64_t>(0, room_on(device_mib, device, When::kLater)) / mib;
  return std::min(room, shares / request.count);
}

std::optional<NodeReason> refusal(model::Cluster& cluster, const StaticFit::Entry& entry,
                                  PodConstraints& constraints, model::PodId pod, model::NodeId node,
                                  When when) {
  const model::PodClass& pod_class = cluster.class_of(pod);
  const auto static_reason = static_cast<NodeReason>(entry.refusal - 1);
  if (entry.refusal != 0 && static_reason <= NodeReason::kVolume) return static_reason;
  if (constraints.any())
    if (auto reason = constraints.refusal(node, when)) return reason;
  if (free_amount(cluster, model::column::kPods, node, when) < 1) return NodeReason::kPodCount;
  if (entry.refusal != 0) return static_reason;
  if (!pod_class.key.devices.partitions.empty() && legacy_partition_user_on(cluster, node))
    return NodeReason::kPartitionStrategy;
  if (!devices_fit(cluster, pod, node, when)) return NodeReason::kDeviceShare;
  std::optional<NodeReason> first;
  for (const model::ResourceAmount& amount : pod_class.amounts) {
    if (amount.amount <= 0 || free_amount(cluster, amount.resource, node, when) >= amount.amount) continue;
    const NodeReason reason = reason_for(pod_class, amount.resource);
    if (!first || reason < *first) first = reason;
  }
  // Looking for a combination is the most expensive of all.
  if ((!first || NodeReason::kClaim < *first) && !claims_fit(cluster, pod, node, when))
    return NodeReason::kClaim;
  return first;
}

}  // namespace fairlead::engine
