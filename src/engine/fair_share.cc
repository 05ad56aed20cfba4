#include "engine/fair_share.h"

#include <algorithm>
#include <cmath>

namespace fairlead::engine {
namespace {

/// What the queue can use at all.
std::int64_t requestable(const Sibling& sibling) {
  return sibling.limit.is_unlimited() ? sibling.request : std::min(sibling.limit.amount(), sibling.request);
}

bool older(const Sibling& a, const Sibling& b) {
  if (a.created != b.created) return a.created < b.created;
  return a.uid < b.uid;
}

/// The division in progress: what is left and what each queue has.
class Division {
 public:
  Division(std::span<const Sibling> siblings, std::int64_t piece, double k, FairShareScratch& scratch,
           std::span<std::int64_t> shares)
      : siblings_(siblings), piece_(piece), k_(k > 0 ? k : 0), scratch_(scratch), shares_(shares) {}

  void give_deserved(std::int64_t total) {
    std::int64_t given = 0;
    for (std::size_t i = 0; i < siblings_.size(); ++i) {
      const Sibling& sibling = siblings_[i];
      const std::int64_t deserved = sibling.deserved.is_unlimited() ? total : sibling.deserved.amount();
      shares_[i] = std::max<std::int64_t>(0, std::min(deserved, requestable(sibling)));
      given += shares_[i];
    }
    left_ = std::max<std::int64_t>(0, total - given);
  }

  /// Offers what is left to one bucket of equal priority until no offer is larger than its queue can use.
  void give_over_quota(std::span<const std::uint32_t> bucket) {
    while (left_ > 0) {
      const double sum = weigh(bucket);
      if (!(sum > 0)) return;
      if (!offer(bucket, static_cast<double>(left_) / static_cast<double>(piece_), sum)) return;
    }
  }

  /// Hands out what cutting left over: one piece each, to whoever lost the largest part of a piece first.
  void give_rest(std::span<const std::uint32_t> bucket) {
    std::vector<std::uint32_t>& waiting = scratch_.pieces;
    waiting.clear();
    for (const std::uint32_t i : bucket) {
      if (scratch_.remembered[i] > 0) waiting.push_back(i);
    }
    std::sort(waiting.begin(), waiting.end(), [this](std::uint32_t a, std::uint32_t b) {
      const double lost_a = scratch_.remembered[a];
      const double lost_b = scratch_.remembered[b];
      if (lost_a != lost_b) return lost_a > lost_b;
      return older(siblings_[a], siblings_[b]);
    });
    for (const std::uint32_t i : waiting) {
      if (left_ == 0) return;
      give(i, std::min(piece_, left_));
    }
  }

  std::int64_t left() const { return left_; }

 private:
  std::int64_t wanted(std::uint32_t i) const { return requestable(siblings_[i]) - shares_[i]; }

  void give(std::uint32_t i, std::int64_t amount) {
    shares_[i] += amount;
    left_ -= amount;
  }

  /// Fills in the bucket's weights for one turn. Returns their sum; 0 when nobody takes part.
  double weigh(std::span<const std::uint32_t> bucket) {
    double plain = 0;
    for (const std::uint32_t i : bucket) {
      if (wanted(i) > 0) plain += siblings_[i].over_quota_weight;
    }
    double sum = 0;
    for (const std::uint32_t i : bucket) {
      double weight = 0;
      if (wanted(i) > 0 && siblings_[i].over_quota_weight > 0) {
        const double part = siblings_[i].over_quota_weight / plain;
        weight = part + k_ * (part - siblings_[i].usage);
      }
      scratch_.weights[i] = weight > 0 ? weight : 0;
      sum += scratch_.weights[i];
    }
    return sum;
  }

  /// One turn over `pieces` pieces. Returns whether some queue could use less than it was offered.
  bool offer(std::span<const std::uint32_t> bucket, double pieces, double sum) {
    bool again = false;
    for (const std::uint32_t i : bucket) {
      if (!(scratch_.weights[i] > 0)) continue;
      const double offered = pieces * (scratch_.weights[i] / sum);
      const double wanted_pieces = static_cast<double>(wanted(i)) / static_cast<double>(piece_);
      if (offered >= wanted_pieces) {
        again = again || offered > wanted_pieces;
        scratch_.remembered[i] = 0;
        give(i, std::min(wanted(i), left_));
        continue;
      }
      const double whole = std::floor(offered);
      if (offered - whole > 0) scratch_.remembered[i] = offered - whole;
      give(i, std::min(static_cast<std::int64_t>(whole) * piece_, left_));
    }
    return again;
  }

  std::span<const Sibling> siblings_;
  std::int64_t piece_;
  double k_;
  FairShareScratch& scratch_;
  std::span<std::int64_t> shares_;
  std::int64_t left_ = 0;
};

}  // namespace

std::int64_t divide_fairly(std::span<const Sibling> siblings, std::int64_t total, std::int64_t piece,
                           double k, FairShareScratch& scratch, std::span<std::int64_t> shares) {
  const std::size_t count = siblings.size();
  scratch.order.resize(count);
  for (std::size_t i = 0; i < count; ++i) scratch.order[i] = static_cast<std::uint32_t>(i);
  std::sort(scratch.order.begin(), scratch.order.end(), [siblings](std::uint32_t a, std::uint32_t b) {
    if (siblings[a].priority != siblings[b].priority) return siblings[a].priority > siblings[b].priority;
    return older(siblings[a], siblings[b]);
  });
  scratch.weights.assign(count, 0);
  scratch.remembered.assign(count, 0);

  Division division(siblings, piece, k, scratch, shares);
  division.give_deserved(total);
  const std::span<const std::uint32_t> order(scratch.order);
  const auto for_each_bucket = [&](auto&& visit) {
    for (std::size_t begin = 0; begin < count && division.left() > 0;) {
      std::size_t end = begin + 1;
      while (end < count && siblings[order[end]].priority == siblings[order[begin]].priority) ++end;
      visit(order.subspan(begin, end - begin));
      begin = end;
    }
  };
  for_each_bucket([&](std::span<const std::uint32_t> bucket) { division.give_over_quota(bucket); });
  for_each_bucket([&](std::span<const std::uint32_t> bucket) { division.give_rest(bucket); });
  return division.left();
}

}  // namespace fairlead::engine
