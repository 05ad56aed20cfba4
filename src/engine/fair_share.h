#pragma once

#include "base/time.h"
#include "model/queue.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fairlead::engine {

/// One queue among its siblings, as far as the division of one dimension looks at it. Amounts are in the
/// dimension's unit (thousandths of a device, millicores, bytes) and at least 0.
struct Sibling {
  model::Bound deserved;  ///< the quota; unlimited asks for the whole total
  model::Bound limit = model::Bound::unlimited();
  std::int64_t request = 0;      ///< what its pods have and what its waiting pods ask for
  double over_quota_weight = 0;  ///< finite and at least 0
  double usage = 0;             ///< decayed use as a share of the decayed capacity, [0, 1]; 0 without history
  std::int32_t priority = 100;  ///< higher is served first from what is left over
  base::Time created;
  std::string_view uid;  ///< the last tie-break; must outlive the call only
};

/// Memory that divide_fairly reuses between calls; its content means nothing to the caller.
struct FairShareScratch {
  std::vector<std::uint32_t> order;   ///< siblings by priority, then creation, then UID
  std::vector<double> weights;        ///< of this turn, by sibling; 0: takes no part
  std::vector<double> remembered;     ///< fraction of the last offer, by sibling; 0: none
  std::vector<std::uint32_t> pieces;  ///< siblings of a bucket in the order in which the rest is handed out
};

/// Divides `total` of one dimension among sibling queues.
///
/// First each queue gets what it deserves, as far as it can use it: min(deserved, limit, request). What is
/// left goes to the unsatisfied queues, the highest queue priority first, by over-quota weight less past
/// usage: w = max(0, W + k * (W - usage)), W = weight / sum of weights. An offer that does not satisfy a
/// queue is cut to whole pieces; the pieces that cutting leaves over go one each to the queues that lost most
/// by it.
///
/// @param siblings  in any order; the answer does not depend on it
/// @param total     at least 0; the sum of the shares exceeds it only where the first step alone does
/// @param piece     the amount that is not divided: 1000 for devices, 1 for millicores and bytes; above 0
/// @param k         how much past usage counts; negative counts as 0
/// @param shares    the answer, one per sibling; may exceed limit and request by less than one piece
/// @return what nobody gets, at least 0.
///
/// Amounts up to 2^53 are exact; sums are integers. Doubles appear in the offers only: W and w as written
/// above, sums in the order creation then UID, offer = left / piece * (w / sum of w). Cost: O(n log n), and
/// one pass per queue that a pass satisfies. Allocates only where the scratch has to grow. Deterministic.
/// Source: KAI-Scheduler's division of resources, whose rounding sites rely on.
std::int64_t divide_fairly(std::span<const Sibling> siblings, std::int64_t total, std::int64_t piece,
                           double k, FairShareScratch& scratch, std::span<std::int64_t> shares);

}  // namespace fairlead::engine
