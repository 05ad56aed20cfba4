#pragma once

#include "manifest/objects.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace fairlead::cli {

/// Builds a small cluster for tests, with as few words as a reader needs.
class SampleCluster {
 public:
  using Phase = model::Pod::Phase;

  manifest::ClusterObjects objects;

  model::Node& node(std::string name, std::int64_t devices, std::string model = "H100",
                    std::string vendor = "nvidia") {
    model::Node node;
    node.name = std::move(name);
    node.uid = node.name;
    node.allocatable.cpu_milli = 64'000;
    node.allocatable.memory_bytes = std::int64_t{512} << 30;
    if (devices > 0) {
      model::DeviceSet set;
      set.resource = vendor + ".com/gpu";
      set.vendor = std::move(vendor);
      set.model = std::move(model);
      set.count = devices;
      set.memory_mib = 81'500;
      node.devices.push_back(std::move(set));
    }
    return objects.nodes.emplace_back(std::move(node));
  }

  model::Queue& queue(std::string name, std::string parent, std::int64_t quota_devices,
                      model::Bound limit = model::Bound::unlimited()) {
    model::Queue queue;
    queue.name = std::move(name);
    queue.uid = queue.name;
    queue.parent = std::move(parent);
    model::PoolQuota pool;
    pool.dimensions.push_back({"gpu", {model::Bound::of(quota_devices * 1000), limit, 1}});
    queue.pools.push_back(std::move(pool));
    return objects.queues.emplace_back(std::move(queue));
  }

  /// A group of equal pods, each with whole devices; `node` empty: they wait.
  model::PodGroup& group(const std::string& name, std::string queue, std::int32_t pods, std::int64_t devices,
                         const std::string& node = "") {
    model::PodGroup group;
    group.key = "ml/" + name;
    group.uid = name;
    group.created =
        base::Time::from_unix_seconds(1'767'225'600 + 60 * static_cast<std::int64_t>(objects.groups.size()));
    group.queue = std::move(queue);
    group.min_member = pods;
    for (std::int32_t i = 0; i < pods; ++i) {
      model::Pod pod;
      pod.namespace_name = "ml";
      pod.name = name + "-" + std::to_string(i);
      pod.uid = pod.name;
      pod.created = group.created;
      pod.group = group.key;
      pod.phase = node.empty() ? Phase::kPending : Phase::kRunning;
      pod.node = node;
      pod.requests.cpu_milli = 4'000;
      pod.requests.memory_bytes = std::int64_t{32} << 30;
      if (devices > 0) {
        pod.devices.kind = model::DeviceRequest::Kind::kWhole;
        pod.devices.resource = "nvidia.com/gpu";
        pod.devices.count = devices;
      }
      objects.pods.push_back(std::move(pod));
    }
    return objects.groups.emplace_back(std::move(group));
  }

  std::size_t pod(std::string_view name) const {
    auto found = std::find_if(objects.pods.begin(), objects.pods.end(),
                              [&](const model::Pod& pod) { return pod.name == name; });
    return static_cast<std::size_t>(found - objects.pods.begin());
  }
  std::size_t group_index(std::string_view name) const {
    auto found = std::find_if(objects.groups.begin(), objects.groups.end(),
                              [&](const model::PodGroup& group) { return group.uid == name; });
    return static_cast<std::size_t>(found - objects.groups.begin());
  }
};

}  // namespace fairlead::cli
