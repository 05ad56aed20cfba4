#include "placement_rules.h"

#include <algorithm>
#include <map>

namespace fairlead::property {

std::vector<Excess> excess(const model::Node& node, const Use& use) {
  std::vector<Excess> found;
  const auto compare = [&](const std::string& what, std::int64_t used, std::int64_t capacity) {
    if (used > capacity) found.push_back({what, used - capacity});
  };
  compare("cpu", use.cpu_milli, node.allocatable.cpu_milli);
  compare("memory", use.memory_bytes, node.allocatable.memory_bytes);
  compare("pods", use.pods, node.pod_capacity);
  std::map<std::string, std::int64_t> healthy;
  for (const model::DeviceSet& set : node.devices)
    healthy[set.resource] = set.count - std::count_if(set.devices.begin(), set.devices.end(),
                                                      [](const model::Device& one) { return !one.healthy; });
  const std::string first = node.devices.empty() ? "" : node.devices[0].resource;
  const std::int64_t device_mib = node.devices.empty() ? 0 : node.devices[0].memory_mib;
  const auto whole = use.whole_devices.find(first);
  const std::int64_t whole_devices = whole == use.whole_devices.end() ? 0 : whole->second;
  compare("devices", whole_devices + static_cast<std::int64_t>(use.shared_mib.size()), healthy[first]);
  for (const auto& [resource, used] : use.whole_devices)
    if (resource != first) compare(resource, used, healthy[resource]);
  std::int64_t shared_mib = 0;
  for (const auto& [group, used] : use.shared_mib) {
    compare("device " + group, used, device_mib);
    shared_mib += used;
  }
  compare("memory of devices", whole_devices * device_mib + shared_mib + use.unassigned_mib,
          healthy[first] * device_mib);
  for (const auto& [resource, used] : use.partitions) {
    const auto partition =
        std::find_if(node.partitions.begin(), node.partitions.end(),
                     [&](const model::Partition& entry) { return entry.resource == resource; });
    compare(resource, used, partition == node.partitions.end() ? 0 : partition->count);
  }
  for (const auto& [port, users] : use.host_ports) compare("host port " + port, users, 1);
  return found;
}

std::string why_not_allowed(const Truth& truth, const model::Pod& pod, const model::Node& node) {
  if (!node.ready) return "the node is not ready";
  if (node.unschedulable) return "the node is cordoned";
  const auto group = truth.groups.find(pod.group);
  if (group != truth.groups.end()) {
    const std::vector<std::string>& pools = group->second.pools;
    const bool listed =
        pools.empty() ? node.pool.empty() : std::find(pools.begin(), pools.end(), node.pool) != pools.end();
    if (!listed) return "the node is in another pool";
    const model::TopologyConstraint& topology = group->second.topology;
    if (!topology.required_level.empty() && !model::find_label(node.labels, topology.required_level)) {
      return "the node is outside the topology";
    }
  }
  for (const auto& [key, value] : pod.constraints.node_selector) {
    if (model::find_label(node.labels, key) != value) return "the node selector does not match";
  }
  for (const model::Taint& taint : node.taints) {
    if (taint.effect == model::Taint::Effect::kPreferNoSchedule) continue;
    const bool tolerated =
        std::any_of(pod.constraints.tolerations.begin(), pod.constraints.tolerations.end(),
                    [&](const model::Toleration& toleration) { return tolerates(toleration, taint); });
    if (!tolerated) return "a taint is not tolerated";
  }
  return "";
}

}  // namespace fairlead::property
