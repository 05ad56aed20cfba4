#include "engine/queue_order.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using model::Bound;

/// How much one piece counts of a dimension of which the queue may have nothing.
constexpr double kShareOfForbiddenPiece = 1000;

bool above_fair_share(const QueueStanding& queue) {
  return std::all_of(queue.dimensions.begin(), queue.dimensions.end(),
                     [](const DimensionStanding& dimension) {
                       return !dimension.declared || dimension.allocated > dimension.fair_share;
                     });
}

bool within_quota_with_chunk(const QueueStanding& queue) {
  return std::all_of(
      queue.dimensions.begin(), queue.dimensions.end(), [](const DimensionStanding& dimension) {
        return !dimension.declared || dimension.deserved.allows(dimension.allocated + dimension.chunk);
      });
}

bool holds_what_it_may_not(const QueueStanding& queue) {
  return std::any_of(queue.dimensions.begin(), queue.dimensions.end(),
                     [](const DimensionStanding& dimension) {
                       return dimension.declared && allocatable(dimension) == Bound::of(0) &&
                              dimension.allocated + dimension.chunk > 0;
                     });
}

/// The share of one dimension that `amount` is.
double share_of(const DimensionStanding& dimension, std::int64_t amount) {
  if (!dimension.declared) return 0;
  const Bound bound = allocatable(dimension);
  const std::int64_t of = bound.is_unlimited() ? dimension.total : bound.amount();
  if (of <= 0)
    return static_cast<double>(amount) / static_cast<double>(dimension.piece) * kShareOfForbiddenPiece;
  return static_cast<double>(amount) / static_cast<double>(of);
}

double dominant_share_after(std::span<const DimensionStanding> dimensions) {
  double largest = 0;
  for (const DimensionStanding& dimension : dimensions) {
    largest =
        std::max(largest, share_of(dimension, dimension.allocated + dimension.chunk - dimension.victims));
  }
  return largest;
}

double dominant_share_now(const QueueStanding& queue) {
  double largest = 0;
  for (const DimensionStanding& dimension : queue.dimensions) {
    largest = std::max(largest, share_of(dimension, dimension.allocated));
  }
  return largest;
}

/// Below 0 where `a` may have less somewhere and more nowhere; unlimited is more than any amount.
int compare_allocatable(const QueueRank& a, const QueueRank& b) {
  bool less = false;
  bool more = false;
  for (std::size_t i = 0; i < a.dimensions.size() && i < b.dimensions.size(); ++i) {
    if (!a.dimensions[i].declared || !b.dimensions[i].declared) continue;
    const auto order = allocatable(a.dimensions[i]) <=> allocatable(b.dimensions[i]);
    less = less || order < 0;
    more = more || order > 0;
  }
  if (less == more) return 0;
  return less ? -1 : 1;
}

template <class T>
int smaller(const T& a, const T& b) {
  return a == b ? 0 : (a < b ? -1 : 1);
}

}  // namespace

Bound allocatable(const DimensionStanding& dimension) {
  if (dimension.deserved.is_unlimited()) return dimension.limit;
  const std::int64_t share = std::max(dimension.deserved.amount(), dimension.fair_share);
  return dimension.limit.is_unlimited() ? Bound::of(share)
                                        : Bound::of(std::min(share, dimension.limit.amount()));
}

QueueRank rank_queue(const QueueStanding& queue) {
  return {above_fair_share(queue),
          within_quota_with_chunk(queue),
          queue.priority,
          holds_what_it_may_not(queue),
          dominant_share_after(queue.dimensions),
          dominant_share_now(queue),
          queue.dimensions,
          queue.created,
          queue.uid};
}

void rank_with_other_victims(QueueRank& rank) { rank.share_after = dominant_share_after(rank.dimensions); }

int compare_alike_queues(const QueueRank& a, const QueueRank& b) {
  if (const int order = smaller(a.share_now, b.share_now)) return order;
  if (const int order = compare_allocatable(a, b)) return order;
  if (const int order = smaller(a.created, b.created)) return order;
  return smaller(a.uid, b.uid);
}

}  // namespace fairlead::engine
