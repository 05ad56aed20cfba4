#pragma once

#include "model/queue.h"
#include "reference/state.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace fairlead::reference {

/// One queue's numbers in one dimension, while a parent's amount is divided among siblings.
struct Claimant {
  std::string name;
  std::int32_t priority = 100;
  model::Quota quota;
  std::int64_t request = 0;
  double usage = 0;             ///< decayed, as a share of the pool's decayed capacity
  std::int64_t fair_share = 0;  ///< the result
};
/// Section 3, "Fair share": divides `total` among siblings, given by creation time, then UID. Amounts are in
/// the dimension's unit; what is not satisfied is rounded down to multiples of `quantum` (1000 for devices,
/// else 1). Returns what is left.
std::int64_t divide(std::int64_t total, std::int64_t quantum, double usage_weight,
                    std::vector<Claimant>& siblings);

/// What a queue has in one pool.
struct QueueShare {
  std::int32_t priority = 100;
  std::map<std::string, model::Quota> quota;  ///< by dimension; always with "gpu", "cpu" and "memory"
  Amounts fair_share;
  Amounts request;
};
/// The shares of a pool, worked out at the start of a round and held.
struct PoolShares {
  std::string pool;
  Amounts total;
  std::map<std::string, QueueShare> queues;
};
PoolShares pool_shares(const Facts& facts, const State& state, const std::string& pool);

/// What queues and their ancestors hold of a pool: in the order of rule 9, what is evicted counts no more,
/// what waits for released capacity counts.
struct Allocations {
  std::map<std::string, Amounts> all;
  std::map<std::string, Amounts> non_preemptible;
};
Allocations allocations(const Facts& facts, const State& state, const std::string& pool);

/// min(limit, max(quota, fair share)); an unlimited quota leaves the limit, which may be unlimited (no
/// value).
std::optional<std::int64_t> allocatable(const QueueShare& share, const std::string& dimension);

bool within_fair_share(const QueueShare& share, const Amounts& amounts);
/// In all dimensions.
bool within_quota(const QueueShare& share, const Amounts& amounts);
bool within_allocatable(const QueueShare& share, const Amounts& amounts);

/// The queue and its ancestors, from the queue upwards.
std::vector<std::string> path_to_root(const Facts& facts, const std::string& queue);

}  // namespace fairlead::reference
