#include "engine/order/shares.h"

#include <algorithm>

namespace fairlead::engine {

bool counts_devices(std::size_t dimension) {
  return dimension == model::dimension::kGpu || dimension >= model::dimension::kFixed;
}

PoolTotals pool_totals(const model::Cluster& cluster, model::PoolId pool) {
  const model::QueueTable& queues = cluster.queues();
  PoolTotals totals(queues.dimension_count(), 0);
  for (std::size_t i = 0; i < cluster.nodes().size(); ++i) {
    const model::NodeRecord& record = cluster.nodes().at(model::NodeId(i));
    if (!record.alive || record.pool != pool || !record.spec.ready) continue;
    totals[model::dimension::kCpu] += record.spec.allocatable.cpu_milli - record.foreign.cpu;
    totals[model::dimension::kMemory] += record.spec.allocatable.memory_bytes - record.foreign.memory;
    totals[model::dimension::kGpu] -= record.foreign.gpu;
    std::int64_t plugged = 0;
    for (std::size_t kind = 0; kind < record.spec.devices.size(); ++kind) {
      const model::DeviceSet& set = record.spec.devices[kind];
      plugged += set.count;
      const std::int64_t devices = set.count * model::kThousandthsPerDevice;
      totals[model::dimension::kGpu] += devices;
      if (const std::size_t dimension = queues.model_dimension(set.model); dimension != 0)
        totals[dimension] += devices - record.foreign_devices[kind];
    }
    // Where a device plugin and a driver for claims offer the same devices, they are there once.
    totals[model::dimension::kGpu] +=
        std::max<std::int64_t>(0, record.claim_devices - plugged) * model::kThousandthsPerDevice;
    for (const model::Partition& partition : record.spec.partitions)
      totals[model::dimension::kGpu] += partition.count * partition.quota_thousandths;
  }
  return totals;
}

bool ShareDivision::divide(model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals) {
  bool changed = false;
  for (std::size_t dimension = 0; dimension < totals.size(); ++dimension)
    changed |= divide_among(cluster, pool, dimension, totals[dimension], cluster.queues().roots());
  return changed;
}

bool ShareDivision::divide_among(model::Cluster& cluster, model::PoolId pool, std::size_t dimension,
                                 std::int64_t total, const std::vector<model::QueueId>& queues) {
  const model::Configuration& configuration = cluster.configuration();
  std::vector<Sibling> siblings;
  siblings.reserve(queues.size());
  for (model::QueueId queue : queues) {
    const model::QueueRecord& record = cluster.queues().at(queue);
    const model::QueueAccount& account = cluster.queues().account(pool, queue);
    const model::DimensionAccount& own = account.dimensions[dimension];
    siblings.push_back({own.quota.quota, own.quota.limit, own.requested, own.quota.over_quota_weight,
                        configuration.usage_half_life ? own.usage : 0, account.priority, record.spec.created,
                        record.spec.uid});
  }
  std::vector<std::int64_t> shares(queues.size());
  divide_fairly(siblings, std::max<std::int64_t>(0, total), piece_of(dimension), configuration.usage_weight,
                scratch_, shares);
  bool changed = false;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    std::int64_t& share = cluster.queues().account(pool, queues[i]).dimensions[dimension].fair_share;
    changed |= share != shares[i];
    share = shares[i];
    const auto& children = cluster.queues().at(queues[i]).children;
    if (!children.empty()) changed |= divide_among(cluster, pool, dimension, shares[i], children);
  }
  return changed;
}

}  // namespace fairlead::engine
