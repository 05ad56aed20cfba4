#include "engine/gang/gates.h"

namespace fairlead::engine {

std::optional<model::Reason> gate(const model::Cluster& cluster, model::PoolId pool,
                                  const model::GroupRecord& group, const model::QueueCharge& request) {
  if (!cluster.configuration().policies.proportion) return std::nullopt;
  const model::QueueTable& queues = cluster.queues();
  for (model::QueueId queue = group.queue; queue.valid(); queue = queues.at(queue).parent) {
    const model::QueueAccount& account = queues.account(pool, queue);
    for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
      const model::DimensionAccount& own = account.dimensions[i];
      const std::int64_t want = request.at(i);
      if (want <= 0 || !own.declared) continue;
      auto refuse = [&](model::ReasonCode code, std::int64_t have, model::Bound bound) {
        model::Reason reason;
        reason.code = code;
        reason.queue = queues.at(queue).spec.name;
        reason.dimension = queues.dimension_name(i);
        reason.have = have;
        reason.want = want;
        reason.limit = bound.amount();
        return reason;
      };
      if (!own.quota.limit.allows(own.allocated + want))
        return refuse(model::ReasonCode::kOverLimit, own.allocated, own.quota.limit);
      // A user's leaf has no quota of its own: what counts is that of the queue that the users share.
      if (!group.preemptible && !queues.at(queue).user_leaf &&
          !own.quota.quota.allows(own.non_preemptible + want))
        return refuse(model::ReasonCode::kNonPreemptibleOverQuota, own.non_preemptible, own.quota.quota);
    }
  }
  return std::nullopt;
}

}  // namespace fairlead::engine
