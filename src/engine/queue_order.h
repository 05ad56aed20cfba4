#pragma once

#include "base/time.h"
#include "model/queue.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace fairlead::engine {

/// Where a queue stands in one dimension, in the dimension's unit.
struct DimensionStanding {
  std::int64_t allocated = 0;  ///< what its pods hold now
  std::int64_t chunk = 0;      ///< what its best group would take next; 0 when victims are looked for
  std::int64_t victims =
      0;  ///< of `allocated`, what its groups hold that this search already chose, the next included
  std::int64_t fair_share = 0;  ///< as computed at the start of the round
  model::Bound deserved;        ///< its quota
  model::Bound limit = model::Bound::unlimited();
  std::int64_t total = 0;  ///< of the whole pool
  std::int64_t piece = 1;  ///< 1000 for devices, 1 for millicores and bytes
  bool declared = true;    ///< false: the queue says nothing about this dimension, which then does not count
};

/// A queue as its siblings are compared with it.
struct QueueStanding {
  std::span<const DimensionStanding> dimensions;  ///< the same ones, in the same order, for all siblings
  std::int32_t priority = 100;
  base::Time created;
  std::string_view uid;
};

/// What a queue may have of a dimension before others may reclaim it: its quota or, where that is more, its
/// fair share, but never more than its limit. Without bound where the quota is and no limit stands.
model::Bound allocatable(const DimensionStanding& dimension);

/// What the order of queues depends on, worked out once per queue and change instead of once per comparison.
struct QueueRank {
  bool above_fair_share = false;  ///< in every dimension
  bool within_quota = false;      ///< in every dimension, with its next chunk
  std::int32_t priority = 100;
  bool holds_what_it_may_not =
      false;               ///< something, with the chunk, of a dimension of which it may have nothing
  double share_after = 0;  ///< dominant share with the chunk and without the chosen victims
  double share_now = 0;    ///< dominant share as it is
  std::span<const DimensionStanding> dimensions;
  base::Time created;
  std::string_view uid;
};
/// O(dimensions), no allocation. The standing's spans must outlive the rank.
QueueRank rank_queue(const QueueStanding& queue);
/// Brings a rank up to date when nothing but the chosen victims of its dimensions has changed.
void rank_with_other_victims(QueueRank& rank);

/// Which queue is served first: below 0 when `a` is, above 0 when `b` is, 0 only for the same creation time
/// and UID. The first difference decides:
///   1. a queue that is not above its fair share (above means in every dimension);
///   2. a queue that stays within its quota in every dimension with its next chunk;
///   3. the higher priority;
///   4. a queue that would hold nothing of a dimension of which it may have nothing;
///   5. the lower dominant share with the chunk and without the chosen victims;
///   6. the lower dominant share as it is;
///   7. the smaller allocatable amounts, where they are smaller somewhere and larger nowhere;
///   8. the older queue, then the smaller UID.
/// A dominant share is the largest, over the dimensions, of allocated / allocatable; an allocatable amount
/// without bound counts as the pool's total, and where it is 0 or less the share is 1000 for each piece
/// allocated.
///
/// Looking for victims takes the last queue in this order. Step 7 says nothing about most pairs, so the order
/// of three queues can be circular; a caller that needs one answer for any order of its input takes the best
/// of a scan in the order of creation and UID, and not of a heap. Cost: O(1), in step 7 O(dimensions).
/// Source: KAI-Scheduler's order of queues.
inline int compare_queues(const QueueRank& a, const QueueRank& b);

/// From step 6 on.
int compare_alike_queues(const QueueRank& a, const QueueRank& b);

inline int compare_queues(const QueueRank& a, const QueueRank& b) {
  if (a.above_fair_share != b.above_fair_share) return b.above_fair_share ? -1 : 1;
  if (a.within_quota != b.within_quota) return a.within_quota ? -1 : 1;
  if (a.priority != b.priority) return a.priority > b.priority ? -1 : 1;
  if (a.holds_what_it_may_not != b.holds_what_it_may_not) return b.holds_what_it_may_not ? -1 : 1;
  if (a.share_after != b.share_after) return a.share_after < b.share_after ? -1 : 1;
  return compare_alike_queues(a, b);
}

}  // namespace fairlead::engine
