#include "objects_hold.h"

#include "demand.h"

#include <algorithm>
#include <set>
#include <string>

namespace fairlead::fuzz {
namespace {

void demand_resources(const model::Resources& resources) {
  demand(resources.cpu_milli >= 0 && resources.memory_bytes >= 0);
  demand(std::is_sorted(resources.counted.begin(), resources.counted.end()));
  for (const auto& counted : resources.counted) demand(counted.count > 0 && !counted.name.empty());
}

void demand_partitions(const std::vector<model::Partition>& partitions) {
  demand(std::is_sorted(partitions.begin(), partitions.end()));
  for (const auto& partition : partitions) demand(partition.count > 0 && partition.quota_thousandths > 0);
}

void demand_queues(const manifest::ClusterObjects& objects) {
  std::set<std::string> names;
  for (const auto& queue : objects.queues) {
    demand(queue.parent.empty() || names.contains(queue.parent));  // parents come first
    demand(names.insert(queue.name).second);
    demand(!queue.pools.empty());
    for (const auto& pool : queue.pools) {
      for (const auto& dimension : pool.dimensions) {
        demand(dimension.quota.over_quota_weight >= 0);
        demand(dimension.quota.quota.is_unlimited() || dimension.quota.quota.amount() >= 0);
        demand(dimension.quota.limit.is_unlimited() || dimension.quota.limit.amount() >= 0);
      }
    }
  }
}

void demand_pod(const model::Pod& pod, const std::set<std::string>& groups) {
  using Phase = model::Pod::Phase;
  demand(!pod.uid.empty() && !pod.name.empty() && !pod.namespace_name.empty());
  demand(pod.group.empty() != pod.served);
  demand(pod.group.empty() || groups.contains(pod.group));
  demand(pod.phase != Phase::kPending || pod.node.empty());
  const bool on_node =
      pod.phase == Phase::kBinding || pod.phase == Phase::kBound || pod.phase == Phase::kRunning;
  demand(!on_node || !pod.node.empty());
  demand_resources(pod.requests);
  demand_partitions(pod.devices.partitions);
  using Kind = model::DeviceRequest::Kind;
  const model::DeviceRequest& devices = pod.devices;
  demand(devices.kind == Kind::kNone || devices.count > 0);
  demand(devices.kind != Kind::kFraction || (devices.thousandths >= 1 && devices.thousandths <= 999));
  demand(devices.kind != Kind::kMemory || devices.memory_mib > 0);
  for (const auto& term : pod.constraints.required_affinity)
    demand(term.weight == 0 && !term.topology_key.empty());
  for (const auto& term : pod.constraints.preferred_affinity) demand(term.weight >= 1 && term.weight <= 100);
  for (const auto& spread : pod.constraints.spread) demand(spread.max_skew >= 1 && spread.min_domains >= 1);
}

}  // namespace

void demand_sound(const manifest::ClusterObjects& objects) {
  std::set<std::string> nodes;
  for (const auto& node : objects.nodes) {
    demand(nodes.insert(node.name).second);
    demand_resources(node.allocatable);
    demand_partitions(node.partitions);
    for (const auto& set : node.devices) demand(set.count > 0 && set.memory_mib >= 0);
  }
  demand_queues(objects);
  std::set<std::string> groups;
  for (const auto& group : objects.groups) {
    demand(groups.insert(group.key).second);
    demand(group.min_member >= 0);
  }
  std::set<std::string> pods;
  for (const auto& pod : objects.pods) {
    demand(pods.insert(pod.uid).second);
    demand_pod(pod, groups);
  }
  for (const auto& topology : objects.topologies)
    demand(!topology.levels.empty() && topology.levels.size() <= 16);
  for (const auto& diagnostic : objects.diagnostics) demand(!manifest::format(diagnostic).empty());
}

}  // namespace fairlead::fuzz
