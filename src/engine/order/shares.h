#pragma once

#include "engine/fair_share.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// What a pool has to divide, per dimension of the queue table: what its ready nodes offer, less what pods of
/// other schedulers hold there.
using PoolTotals = std::vector<std::int64_t>;
PoolTotals pool_totals(const model::Cluster& cluster, model::PoolId pool);

/// Whether amounts of a dimension are devices, which are divided in whole ones only.
bool counts_devices(std::size_t dimension);
inline std::int64_t piece_of(std::size_t dimension) {
  return counts_devices(dimension) ? model::kThousandthsPerDevice : 1;
}

/// Divides a pool among the queues, top down, and writes each account's fair share. They hold for the round.
/// O(queues · dimensions · log siblings).
class ShareDivision {
 public:
  /// True when any fair share changed.
  bool divide(model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals);

 private:
  bool divide_among(model::Cluster& cluster, model::PoolId pool, std::size_t dimension, std::int64_t total,
                    const std::vector<model::QueueId>& siblings);

  FairShareScratch scratch_;
};

}  // namespace fairlead::engine
