#pragma once

#include "cli/plan.h"
#include "manifest/objects.h"
#include "model/queue.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// What pods hold or ask for, in the units in which queues count.
struct Charge {
  std::int64_t gpu = 0;     ///< thousandths of a device
  std::int64_t cpu = 0;     ///< millicores
  std::int64_t memory = 0;  ///< bytes

  /// Stops at the largest number.
  Charge& operator+=(const Charge& other);
  std::int64_t in(std::string_view dimension) const {
    return dimension == "gpu" ? gpu : dimension == "cpu" ? cpu : dimension == "memory" ? memory : 0;
  }
};

/// All devices, or partitions, of one kind.
struct DeviceLine {
  std::string vendor;
  std::string model;  ///< as the node's label has it; the resource name where no label tells it
  std::string resource;
  std::int64_t memory_mib = 0;
  std::size_t nodes = 0;
  std::int64_t total = 0;       ///< thousandths, on ready nodes
  std::int64_t used = 0;        ///< thousandths, before the plan; pods that are leaving included
  std::int64_t used_after = 0;  ///< once the plan is carried out
  bool partitions = false;
};

/// One queue in one pool.
struct QueueLine {
  std::string name;
  std::string display_name;
  std::string pool;
  std::size_t depth = 0;  ///< 0: a root
  std::int32_t priority = 100;
  std::vector<model::DimensionQuota> dimensions;
  Charge allocated;  ///< of the queue and all below it; pods that are leaving excluded
  Charge requested;  ///< allocated, and what waits
  Charge allocated_after;
  std::optional<Charge> fair_share;  ///< only after add_fair_shares, and of queues that are part of the tree
  std::size_t waiting_pods = 0;      ///< before the plan
};

/// The figures of a cluster before and after a plan.
struct ClusterSummary {
  std::size_t nodes = 0;
  std::size_t not_ready = 0;
  std::size_t unschedulable = 0;
  std::size_t running_pods = 0;
  std::size_t waiting_pods = 0;
  std::size_t foreign_pods = 0;     ///< other schedulers' pods that use capacity
  std::vector<DeviceLine> devices;  ///< by vendor, model, resource
  std::vector<QueueLine> queues;    ///< parents before children, siblings by name; a queue's pools by name
  /// By resource name: whole devices free after the plan on the node that has most, of those that take new
  /// pods.
  std::map<std::string, std::int64_t, std::less<>> largest_free;
};

/// Adds everything up once. Cost: O(nodes + pods + queues).
ClusterSummary summarise(const manifest::ClusterObjects& cluster, const PlanResult& result);

/// What a pod charges to its queue. `device_memory_mib`: of the device that a request by memory is measured
/// against.
Charge charge_of(const model::Pod& pod, std::int64_t device_memory_mib);

/// The quota of a dimension, or one of nothing where the queue names none.
model::Quota quota_of(const QueueLine& queue, std::string_view dimension);

}  // namespace fairlead::cli
