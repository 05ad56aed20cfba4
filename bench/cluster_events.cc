#include "cluster_events.h"

#include <fmt/format.h>

namespace fairlead::bench {

std::string node_name(const std::string& name, int index) { return fmt::format("{}-{:05}", name, index); }

void ClusterEvents::nodes(const std::string& name, int count, const std::string& pool,
                          const std::function<void(int, model::Node&)>& change) {
  for (int i = 0; i < count; ++i) {
    model::Node node;
    node.name = node_name(name, i);
    node.uid = node.name;
    node.pool = pool;
    node.labels = {{"zone", fmt::format("{}z{}", name, i / kNodesOfZone)},
                   {"block", fmt::format("{}b{}", name, i / 16)},
                   {"rack", fmt::format("{}r{}", name, i / 2)},
                   {"host", node.name}};
    node.allocatable.cpu_milli = 128'000;
    node.allocatable.memory_bytes = 2'000'000'000'000;
    model::DeviceSet devices;
    devices.resource = "nvidia.com/gpu";
    devices.vendor = "nvidia";
    devices.model = "H100";
    devices.count = 8;
    devices.memory_mib = 80'000;
    node.devices.push_back(devices);
    if (change) change(i, node);
    add(model::NodeUpserted{node});
  }
}

void ClusterEvents::queue(const std::string& name, const std::string& parent, std::int64_t devices_quota,
                          double weight) {
  model::Queue queue;
  queue.name = queue.uid = name;
  queue.parent = parent;
  queue.created = base::Time::from_unix_seconds(static_cast<std::int64_t>(events_.size()));
  for (const char* pool : {"", "pool-b", "pool-c"}) {
    model::PoolQuota quota;
    quota.pool = pool;
    quota.dimensions.push_back({"gpu",
                                {model::Bound::of(devices_quota * model::kThousandthsPerDevice),
                                 model::Bound::unlimited(), weight}});
    for (const char* dimension : {"cpu", "memory"})
      quota.dimensions.push_back({dimension, {model::Bound::unlimited(), model::Bound::unlimited(), weight}});
    queue.pools.push_back(quota);
  }
  add(model::QueueUpserted{queue});
}

void ClusterEvents::group(const Group& wanted) {
  model::PodGroup group;
  group.key = "bench/" + wanted.name;
  group.uid = wanted.name;
  group.created = now_ - base::Duration::seconds(wanted.age_s);
  group.queue = wanted.queue;
  group.fallback_priority = wanted.priority;
  group.preemptible = wanted.preemptible;
  group.min_member = wanted.pods;
  group.topology = wanted.topology;
  group.pools = wanted.pools;
  add(model::GroupUpserted{group});
  for (std::int32_t i = 0; i < wanted.pods; ++i) {
    model::Pod pod;
    pod.namespace_name = "bench";
    pod.name = fmt::format("{}-{}", wanted.name, i);
    pod.uid = pod.name;
    pod.created = group.created;
    pod.group = group.key;
    pod.requests.cpu_milli = wanted.cpu_milli;
    pod.requests.memory_bytes = 1'000'000'000;
    if (wanted.share > 0) {
      pod.devices.kind = model::DeviceRequest::Kind::kFraction;
      pod.devices.count = 1;
      pod.devices.thousandths = wanted.share;
      if (!wanted.device_group.empty()) pod.device_groups = {wanted.device_group};
    } else if (wanted.devices > 0) {
      pod.devices.kind = model::DeviceRequest::Kind::kWhole;
      pod.devices.resource = "nvidia.com/gpu";
      pod.devices.count = wanted.devices;
    }
    pod.labels = wanted.labels;
    pod.constraints = wanted.constraints;
    if (!wanted.nodes.empty()) {
      pod.phase = model::Pod::Phase::kRunning;
      pod.node = wanted.nodes[static_cast<std::size_t>(i) % wanted.nodes.size()];
      pod.started = group.created;
    }
    add(model::PodUpserted{pod});
  }
}

void queues(ClusterEvents& events, const std::string& prefix, std::int64_t devices_quota) {
  events.queue("all", "", 100'000);
  for (int i = 0; i < 8; ++i) events.queue(fmt::format("{}-{}", prefix, i), "all", devices_quota);
}

}  // namespace fairlead::bench
