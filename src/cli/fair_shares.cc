#include "cli/fair_shares.h"

#include "base/time.h"
#include "engine/order/shares.h"
#include "model/cluster/cluster.h"

namespace fairlead::cli {

FairShares::FairShares(const manifest::ClusterObjects& objects) {
  model::Cluster cluster;
  for (const model::Event& event : manifest::to_events(objects, base::Time())) {
    // What the state refuses the scheduler refuses too, and the plan says so.
    (void)cluster.apply(event);
  }
  engine::ShareDivision division;
  for (std::size_t i = 0; i < cluster.pool_count(); ++i) {
    const model::PoolId pool(i);
    division.divide(cluster, pool, engine::pool_totals(cluster, pool));
    for (const model::Queue& queue : objects.queues) {
      const model::QueueId id = cluster.queues().find(queue.name);
      if (!id.valid() || !cluster.queues().at(id).attached) continue;
      const auto& dimensions = cluster.queues().account(pool, id).dimensions;
      Charge& share = shares_[{queue.name, cluster.pool_name(pool)}];
      share.gpu = dimensions[model::dimension::kGpu].fair_share;
      share.cpu = dimensions[model::dimension::kCpu].fair_share;
      share.memory = dimensions[model::dimension::kMemory].fair_share;
    }
  }
}

std::optional<Charge> FairShares::of(const std::string& queue, const std::string& pool) const {
  auto found = shares_.find({queue, pool});
  if (found == shares_.end()) return std::nullopt;
  return found->second;
}

void add_fair_shares(const manifest::ClusterObjects& cluster, ClusterSummary& summary) {
  const FairShares shares(cluster);
  for (QueueLine& queue : summary.queues) queue.fair_share = shares.of(queue.name, queue.pool);
}

}  // namespace fairlead::cli
