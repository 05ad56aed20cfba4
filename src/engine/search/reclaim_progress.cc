#include "engine/search/reclaim_progress.h"

#include "engine/gang/chunk.h"

namespace fairlead::engine {

void ReclaimProgress::add(const VictimChunk& victim) {
  const model::QueueTable& queues = cluster_.queues();
  const std::size_t dimensions = queues.dimension_count();
  if (!queue_.valid()) {
    queue_ = cluster_.group(victim.group).queue;
    involved_.assign(dimensions, false);
    const auto [mine, theirs] = legality_.compared_queues(queue_);
    mine_ = mine;
    for (model::QueueId queue = queue_; queue.valid(); queue = queues.at(queue).parent) {
      if (queue == theirs) compared_ = remaining_.size();
      remaining_.emplace_back(queue, legality_.allocated_before(queue));
    }
  }
  const Amounts& before = remaining_[compared_].second;
  const Account& account = legality_.account(remaining_[compared_].first);
  if (within_allocatable(account, before)) {
    needs_guarantee_ = true;
    illegal_ = illegal_ || within_quota(account, before, nullptr);
  }
  for (model::PodId pod : victim.pods) {
    const model::QueueCharge charge =
        cluster_.queue_charge(cluster_.class_of(pod), cluster_.pod(pod).home_or_place().node);
    for (std::size_t i = 0; i < dimensions; ++i) {
      const std::int64_t lost = charge.at(i);
      if (lost == 0) continue;
      involved_[i] = true;
      for (auto& [queue, left] : remaining_) left[i] -= lost;
    }
  }
  if (legality_.protected_until(victim.group) &&
      !minimum_met(cluster_.group(victim.group), 0, Counted::kActive))
    touches_protected_ = true;
}

bool ReclaimProgress::allows(const model::QueueCharge& request) const {
  if (illegal_ || touches_protected_) return false;
  if (needs_guarantee_ &&
      !within_quota(legality_.account(mine_), legality_.allocated_before(mine_), &request))
    return false;
  const model::QueueTable& queues = cluster_.queues();
  const model::GroupRecord& group = cluster_.group(legality_.beneficiary());
  for (model::QueueId queue = group.queue; queue.valid(); queue = queues.at(queue).parent) {
    const Account& own = legality_.account(queue);
    const Amounts* left_here = &legality_.allocated_before(queue);
    for (const auto& [ancestor, left] : remaining_)
      if (ancestor == queue) left_here = &left;
    for (const auto& [sibling, left] : remaining_) {
      if (sibling == queue || queues.at(sibling).parent != queues.at(queue).parent) continue;
      for (std::size_t i = 0; i < own.size(); ++i) {
        const std::int64_t sibling_fair = legality_.account(sibling)[i].fair_share;
        if ((!involved_[i] && request.at(i) <= 0) || sibling_fair <= 0) continue;
        const double saturated = saturation((*left_here)[i] + request.at(i), own[i].fair_share);
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
