#include "manifest/encoding.h"

namespace fairlead::manifest {
namespace {

/// Units of a dimension in the model per unit in a Queue object, as decode_queue.cc has them.
double factor_of(std::string_view dimension) {
  if (dimension == "memory") return 1e6;
  return dimension == "cpu" ? 1.0 : 1000.0;
}

double amount_of(const model::Bound& bound, double factor) {
  return bound.is_unlimited() ? -1.0 : static_cast<double>(bound.amount()) / factor;
}

}  // namespace

void Encoder::queue_resources(const model::PoolQuota& pool) {
  out_.key("resources");
  out_.begin_object();
  for (const model::DimensionQuota& dimension : pool.dimensions) {
    const double factor = factor_of(dimension.dimension);
    out_.key(dimension.dimension);
    out_.begin_object();
    out_.member("quota", amount_of(dimension.quota.quota, factor));
    out_.member("limit", amount_of(dimension.quota.limit, factor));
    out_.member("overQuotaWeight", dimension.quota.over_quota_weight);
    out_.end_object();
  }
  out_.end_object();
}

void Encoder::queue(const model::Queue& queue) {
  for (const model::PoolQuota& pool : queue.pools) {
    Metadata metadata{.name = queue.name, .uid = queue.uid, .created = queue.created};
    if (!pool.pool.empty()) metadata.labels.emplace(options_.node_pool_label, pool.pool);
    if (queue.fair_between_users) metadata.annotations.emplace("fairlead.dev/fair-between-users", "true");
    begin("scheduling.run.ai/v2", "Queue", metadata);
    out_.key("spec");
    out_.begin_object();
    text("displayName", queue.display_name);
    text("parentQueue", queue.parent);
    if (pool.priority) out_.member("priority", *pool.priority);
    duration("preemptMinRuntime", queue.preempt_min_runtime);
    duration("reclaimMinRuntime", queue.reclaim_min_runtime);
    queue_resources(pool);
    out_.end_object();
    end();
  }
}

}  // namespace fairlead::manifest
