#include "engine/search/reclaim_progress.h"

#include "engine/gang/chunk.h"

#include <algorithm>

namespace fairlead::engine {

ReclaimProgress::Sums& ReclaimProgress::left_of(model::QueueId queue) {
  auto left = std::find_if(left_.begin(), left_.end(), [&](const Left& one) { return one.queue == queue; });
  if (left == left_.end()) {
    const Amounts& before = legality_.allocated_before(queue);
    left_.push_back({queue, Sums(before.begin(), before.end())});
    left = left_.end() - 1;
  }
  return left->amounts;
}

void ReclaimProgress::add(const VictimChunk& victim) {
  const model::QueueTable& queues = cluster_.queues();
  const std::size_t dimensions = queues.dimension_count();
  const model::QueueId queue = cluster_.group(victim.group).queue;
  lost_.resize(dimensions, 0);
  auto victims =
      std::find_if(victims_.begin(), victims_.end(), [&](const Victims& one) { return one.queue == queue; });
  if (victims == victims_.end()) {
    const auto [mine, theirs] = legality_.compared_queues(queue);
    victims_.push_back({queue, mine, theirs, {}});
    victims = victims_.end() - 1;
  }
  victims->newest.assign(dimensions, 0);
  for (model::PodId pod : victim.pods) {
    const model::QueueCharge charge =
        cluster_.queue_charge(cluster_.class_of(pod), cluster_.pod(pod).home_or_place().node);
    for (std::size_t i = 0; i < dimensions; ++i) victims->newest[i] += charge.at(i);
  }
  for (model::QueueId ancestor = queue; ancestor.valid(); ancestor = queues.at(ancestor).parent) {
    Sums& left = left_of(ancestor);
    for (std::size_t i = 0; i < dimensions; ++i) left[i] -= victims->newest[i];
  }
  for (std::size_t i = 0; i < dimensions; ++i) lost_[i] += victims->newest[i];
  if (legality_.protected_until(victim.group) &&
      !minimum_met(cluster_.group(victim.group), 0, Counted::kActive))
    touches_protected_ = true;
}

/// Chunks are judged queue by queue, each by what the compared queue has before the chunk goes. The less it
/// has, the less may be taken, so that all may be where the chunk that is judged last may: the newest of the
/// queue that was the last to lose any.
bool ReclaimProgress::may_be_taken(const Victims& last, const model::QueueCharge& request) const {
  const auto left =
      std::find_if(left_.begin(), left_.end(), [&](const Left& one) { return one.queue == last.theirs; });
  Amounts before(left->amounts.begin(), left->amounts.end());
  for (std::size_t i = 0; i < before.size(); ++i) before[i] += last.newest[i];
  const Account& account = legality_.account(last.theirs);
  if (!within_allocatable(account, before)) return true;
  return !within_quota(account, before, nullptr) &&
         within_quota(legality_.account(last.mine), legality_.allocated_before(last.mine), &request);
}

bool ReclaimProgress::allows(const model::QueueCharge& request) const {
  if (touches_protected_) return false;
  for (std::size_t i = 0; i < victims_.size(); ++i) {
    const bool is_last =
        std::none_of(victims_.begin() + static_cast<std::ptrdiff_t>(i) + 1, victims_.end(),
                     [&](const Victims& later) { return later.theirs == victims_[i].theirs; });
    if (is_last && !may_be_taken(victims_[i], request)) return false;
  }
  const model::QueueTable& queues = cluster_.queues();
  const model::GroupRecord& group = cluster_.group(legality_.beneficiary());
  for (model::QueueId queue = group.queue; queue.valid(); queue = queues.at(queue).parent) {
    const Account& own = legality_.account(queue);
    const Amounts& before = legality_.allocated_before(queue);
    Sums left_here(before.begin(), before.end());
    for (const auto& [ancestor, left] : left_)
      if (ancestor == queue) left_here = left;
    for (const auto& [sibling, left] : left_) {
      if (sibling == queue || queues.at(sibling).parent != queues.at(queue).parent) continue;
      for (std::size_t i = 0; i < own.size(); ++i) {
        const std::int64_t sibling_fair = legality_.account(sibling)[i].fair_share;
        const bool involved = lost_[i] > 0 || request.at(i) > 0;
        if (!involved || sibling_fair <= 0) continue;
        const double saturated = saturation(left_here[i] + request.at(i), own[i].fair_share);
        if (saturated > 1 &&
            saturated * cluster_.configuration().saturation_multiplier >= saturation(left[i], sibling_fair))
          return false;
      }
    }
    if (!group.preemptible && !queues.at(queue).user_leaf &&
        !within_quota(own, legality_.non_preemptible_before(queue), &request))
      return false;
  }
  return true;
}

}  // namespace fairlead::engine
