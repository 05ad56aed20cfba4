#pragma once

#include "model/cluster/queue_table.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace fairlead::engine {

/// Amounts by dimension of the queue table.
using Amounts = std::vector<std::int64_t>;
using Account = std::vector<model::DimensionAccount>;

/// Whether amounts, and a request besides them where there is one, are within a queue's quota in every
/// dimension.
inline bool within_quota(const Account& account, const Amounts& amounts, const model::QueueCharge* request) {
  for (std::size_t i = 0; i < account.size(); ++i)
    if (account[i].declared && !account[i].quota.quota.allows(amounts[i] + (request ? request->at(i) : 0)))
      return false;
  return true;
}

/// Whether amounts are within what a queue may keep when others reclaim, min(limit, max(quota, fair share));
/// without bound where the quota is, up to the limit.
inline bool within_allocatable(const Account& account, const Amounts& amounts) {
  for (std::size_t i = 0; i < account.size(); ++i) {
    const model::DimensionAccount& own = account[i];
    if (!own.declared) continue;
    if (!own.quota.limit.allows(amounts[i])) return false;
    if (!own.quota.quota.is_unlimited() && amounts[i] > std::max(own.quota.quota.amount(), own.fair_share))
      return false;
  }
  return true;
}

/// How much of its fair share a queue has; of nothing, anything is without bound.
inline double saturation(std::int64_t allocated, std::int64_t fair_share) {
  if (fair_share > 0) return static_cast<double>(allocated) / static_cast<double>(fair_share);
  return allocated > 0 ? std::numeric_limits<double>::infinity() : 0;
}

}  // namespace fairlead::engine
