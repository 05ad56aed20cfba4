#include "engine/round.h"

namespace fairlead::engine {

void RoundCaches::divide(model::Cluster& cluster, model::PoolId pool) {
  if (totals_.size() <= pool.index()) totals_.resize(pool.index() + 1);
  Totals& cached = totals_[pool.index()];
  const std::uint64_t structure = cluster.nodes().structure_version();
  if (cached.structure != structure || cached.foreign != cluster.foreign_version() ||
      cached.totals.size() != cluster.queues().dimension_count()) {
    cached.totals = pool_totals(cluster, pool);
    cached.structure = structure;
    cached.foreign = cluster.foreign_version();
  }
  division_.divide(cluster, pool, cached.totals);
}

std::vector<std::pair<model::GroupId, model::Reason>> RoundCaches::groups_without_queue(
    model::Cluster& cluster) const {
  std::vector<std::pair<model::GroupId, model::Reason>> found;
  for (model::GroupId id : cluster.groups_without_queue()) {
    const model::GroupRecord& group = cluster.group(id);
    if (group.waiting() == 0) continue;
    model::Reason reason;
    const model::QueueId queue = cluster.queues().find(group.spec.queue);
    const bool known = queue.valid() && cluster.queues().at(queue).attached;
    reason.code = known ? model::ReasonCode::kQueueIsNotALeaf : model::ReasonCode::kQueueDoesNotExist;
    reason.queue = group.spec.queue;
    found.emplace_back(id, reason);
  }
  return found;
}

}  // namespace fairlead::engine
