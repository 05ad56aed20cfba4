#include "truth.h"

#include <algorithm>

namespace fairlead::property {
namespace {

std::int64_t device_mib_of(const model::Node& node) {
  return node.devices.empty() ? 0 : node.devices[0].memory_mib;
}

void add(Use& use, const model::Pod& pod, const std::vector<std::string>& device_groups, bool device_known,
         std::int64_t device_mib) {
  use.cpu_milli += pod.requests.cpu_milli;
  use.memory_bytes += pod.requests.memory_bytes;
  use.pods += 1;
  if (pod.devices.kind == model::DeviceRequest::Kind::kWhole)
    use.whole_devices[pod.devices.resource] += pod.devices.count;
  if (pod.devices.second_count > 0)
    use.whole_devices[pod.devices.second_resource] += pod.devices.second_count;
  if (pod.devices.shares_devices()) {
    const std::int64_t mib = share_mib(pod.devices, device_mib);
    for (const std::string& group : device_groups) use.shared_mib[group] += mib;
    if (!device_known) use.unassigned_mib += mib * pod.devices.count;
  }
  for (const model::Partition& partition : pod.devices.partitions)
    use.partitions[partition.resource] += partition.count;
  for (const model::HostPort& port : pod.constraints.host_ports) {
    use.host_ports[port.protocol + ":" + std::to_string(port.port)] += 1;
  }
}

}  // namespace

std::int64_t share_mib(const model::DeviceRequest& request, std::int64_t device_mib) {
  if (request.kind == model::DeviceRequest::Kind::kFraction) return request.thousandths * device_mib / 1000;
  if (request.kind != model::DeviceRequest::Kind::kMemory || device_mib == 0) return 0;
  // A request in MiB is rounded up to hundredths of the device.
  const std::int64_t hundredths = (request.memory_mib * 100 + device_mib - 1) / device_mib;
  return hundredths * device_mib / 100;
}

std::optional<model::Quota> quota_of(const model::Queue& queue, const std::string& pool,
                                     const std::string& dimension) {
  for (const model::PoolQuota& entry : queue.pools) {
    if (entry.pool != pool) continue;
    for (const model::DimensionQuota& of : entry.dimensions) {
      if (of.dimension == dimension) return of.quota;
    }
  }
  return std::nullopt;
}

Use Truth::use_of(const std::string& node, Count count) const {
  Use use;
  const std::int64_t device_mib = device_mib_of(nodes.at(node));
  for (const auto& [uid, pod] : pods) {
    const bool leaves = pod.evicting || pod.releasing;
    if (pod.node == node && (count == Count::kPresent || !leaves)) {
      add(use, pod.pod, pod.device_groups, true, device_mib);
    } else if (count == Count::kFuture && pod.nominated_node == node && (!pod.placed() || leaves)) {
      add(use, pod.pod, {}, false, device_mib);
    }
  }
  return use;
}

std::int64_t Truth::priority_of(const model::PodGroup& group) const {
  const auto found = priority_classes.find(group.priority_class);
  return found == priority_classes.end() ? group.fallback_priority : found->second.value;
}

bool Truth::preemptible(const model::PodGroup& group) const {
  return group.preemptible.value_or(priority_of(group) < 100);
}

std::vector<std::string> Truth::ancestry(const std::string& queue) const {
  std::vector<std::string> chain;
  for (std::string name = queue; !name.empty();) {
    const auto found = queues.find(name);
    if (found == queues.end() || std::find(chain.begin(), chain.end(), name) != chain.end()) return {};
    chain.push_back(name);
    name = found->second.parent;
  }
  // Flat: the leaf queues compete as if under one parent, and the others bind nobody.
  if (!configuration.full_hierarchy_fairness && !chain.empty()) chain.resize(1);
  return chain;
}

std::map<std::string, std::int64_t> Truth::charge(const TruePod& pod) const {
  std::map<std::string, std::int64_t> charge;
  const model::DeviceRequest& devices = pod.pod.devices;
  std::int64_t gpu = 0;
  if (devices.kind == model::DeviceRequest::Kind::kWhole) gpu = devices.count * model::kThousandthsPerDevice;
  if (devices.kind == model::DeviceRequest::Kind::kFraction) gpu = devices.count * devices.thousandths;
  if (devices.kind == model::DeviceRequest::Kind::kMemory) {
    const std::int64_t device_mib = nodes.count(pod.node) ? device_mib_of(nodes.at(pod.node)) : 0;
    if (device_mib > 0) gpu = devices.count * 10 * ((devices.memory_mib * 100 + device_mib - 1) / device_mib);
  }
  if (const auto node = nodes.find(pod.node); node != nodes.end()) {
    for (std::size_t i = 0; i < node->second.devices.size(); ++i) {
      const model::DeviceSet& set = node->second.devices[i];
      const std::string dimension = "gpu/" + set.model;
      const bool named = devices.shares_devices() ? i == 0 : set.resource == devices.resource;
      if (named) charge[dimension] += gpu;
      if (devices.second_count > 0 && set.resource == devices.second_resource)
        charge[dimension] += devices.second_count * model::kThousandthsPerDevice;
    }
  }
  gpu += devices.second_count * model::kThousandthsPerDevice;
  for (const model::Partition& partition : devices.partitions)
    gpu += partition.count * partition.quota_thousandths;
  charge["gpu"] = gpu;
  charge["cpu"] = pod.pod.requests.cpu_milli;
  charge["memory"] = pod.pod.requests.memory_bytes;
  return charge;
}

std::map<std::string, std::int64_t> Truth::held_by(const std::string& queue, const std::string& pool,
                                                   bool only_protected) const {
  std::map<std::string, std::int64_t> held;
  for (const auto& [uid, pod] : pods) {
    if (!pod.active() || !pod.pod.served) continue;
    const auto group = groups.find(pod.pod.group);
    const auto node = nodes.find(pod.node);
    if (group == groups.end() || node == nodes.end() || node->second.pool != pool) continue;
    if (only_protected && preemptible(group->second)) continue;
    // What runs in a queue that became an inner one is nobody's share.
    const bool inner = std::any_of(queues.begin(), queues.end(), [&](const auto& entry) {
      return entry.second.parent == group->second.queue;
    });
    if (inner) continue;
    const std::vector<std::string> chain = ancestry(group->second.queue);
    if (std::find(chain.begin(), chain.end(), queue) == chain.end()) continue;
    for (const auto& [dimension, amount] : charge(pod)) held[dimension] += amount;
  }
  return held;
}

std::int64_t Truth::active_pods(const std::string& group, std::optional<std::string_view> sub_group,
                                Members members) const {
  return std::count_if(pods.begin(), pods.end(), [&](const auto& entry) {
    const TruePod& pod = entry.second;
    const bool set_aside = members == Members::kPlacedOrMoved && !pod.nominated_node.empty();
    return (pod.active() || set_aside) && pod.pod.group == group &&
           (!sub_group || pod.pod.sub_group == *sub_group);
  });
}

bool Truth::minimum_met(const model::PodGroup& group, Members members) const {
  if (group.sub_groups.empty()) return active_pods(group.key, std::nullopt, members) >= group.min_member;
  return parts_met(group, "", group.min_sub_group, members);
}

/// Whether enough of the parts directly below one (empty: the group) have their minimum.
bool Truth::parts_met(const model::PodGroup& group, const std::string& parent,
                      std::optional<std::int32_t> wanted, Members members) const {
  std::int32_t parts = 0;
  std::int32_t met = 0;
  for (const model::SubGroup& part : group.sub_groups) {
    if (part.parent != parent) continue;
    ++parts;
    const bool inner = std::any_of(group.sub_groups.begin(), group.sub_groups.end(),
                                   [&](const model::SubGroup& other) { return other.parent == part.name; });
    const bool enough = inner ? parts_met(group, part.name, part.min_sub_group, members)
                              : active_pods(group.key, part.name, members) >= part.min_member;
    met += enough ? 1 : 0;
  }
  return met >= wanted.value_or(parts);
}

bool Truth::protects(const model::DisruptionBudget& budget, const TruePod& pod) const {
  return pod.pod.phase == model::Pod::Phase::kRunning && !pod.releasing && !pod.evicting && budget.selector &&
         model::matches(*budget.selector, pod.pod.labels);
}

std::int64_t Truth::allowed_by(const model::DisruptionBudget& budget) const {
  if (budget.disruptions_allowed) return *budget.disruptions_allowed;
  std::int64_t running = 0;
  std::int64_t expected = 0;
  for (const auto& [uid, pod] : pods) {
    running += protects(budget, pod) ? 1 : 0;
    const bool finished =
        pod.pod.phase == model::Pod::Phase::kSucceeded || pod.pod.phase == model::Pod::Phase::kFailed;
    expected += !finished && model::matches(*budget.selector, pod.pod.labels) ? 1 : 0;
  }
  const auto amount = [&](std::int32_t value, bool percent) {
    return percent ? (value * expected + 99) / 100 : std::int64_t{value};
  };
  const std::int64_t must_stay =
      budget.min_available ? amount(*budget.min_available, budget.min_available_is_percent)
                           : expected - amount(*budget.max_unavailable, budget.max_unavailable_is_percent);
  return std::max<std::int64_t>(0, running - must_stay);
}

}  // namespace fairlead::property
