#include "engine/search/legality.h"

#include "engine/gang/chunk.h"
#include "engine/search/queue_bounds.h"

#include <algorithm>
#include <limits>
#include <map>

namespace fairlead::engine {
using model::QueueId;

Legality::Legality(const model::Cluster& cluster, model::PoolId pool, model::GroupId beneficiary,
                   model::Action action)
    : cluster_(cluster), pool_(pool), beneficiary_(beneficiary), action_(action) {
  const std::size_t dimensions = cluster.queues().dimension_count();
  allocated_.assign(cluster.queues().size(), Amounts(dimensions));
  non_preemptible_ = allocated_;
  for (std::size_t i = 0; i < allocated_.size(); ++i) {
    for (std::size_t d = 0; d < dimensions; ++d) {
      allocated_[i][d] = account(QueueId(i))[d].allocated;
      non_preemptible_[i][d] = account(QueueId(i))[d].non_preemptible;
    }
  }
}

std::optional<model::Reason> Legality::refuses_reclaim(const model::QueueCharge& request) const {
  if (!cluster_.configuration().policies.proportion) return std::nullopt;
  const model::GroupRecord& group = cluster_.group(beneficiary_);
  const Account& own = account(group.queue);
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (!own[i].declared) continue;
    const std::int64_t have = allocated_[group.queue.index()][i];
    auto refuse = [&](model::ReasonCode code, std::int64_t held, std::int64_t limit) {
      model::Reason reason;
      reason.code = code;
      reason.queue = cluster_.queues().at(group.queue).spec.name;
      reason.dimension = cluster_.queues().dimension_name(i);
      reason.have = held;
      reason.want = request.at(i);
      reason.limit = limit;
      return reason;
    };
    if (have + request.at(i) > own[i].fair_share)
      return refuse(model::ReasonCode::kOverFairShare, have, own[i].fair_share);
    if (group.preemptible) continue;
    // A user's leaf has no quota of its own: what counts is that of the queue that the users share.
    const model::QueueRecord& leaf = cluster_.queues().at(group.queue);
    const QueueId guarantor = leaf.user_leaf ? leaf.parent : group.queue;
    const model::DimensionAccount& quota = account(guarantor)[i];
    const std::int64_t fixed = non_preemptible_[guarantor.index()][i];
    if (quota.declared && !quota.quota.quota.allows(fixed + request.at(i)))
      return refuse(model::ReasonCode::kNonPreemptibleOverQuota, fixed, quota.quota.quota.amount());
  }
  return std::nullopt;
}

std::pair<QueueId, QueueId> Legality::compared_queues(QueueId victim) const {
  auto path = [&](QueueId queue) {
    std::vector<QueueId> upwards;
    for (; queue.valid(); queue = cluster_.queues().at(queue).parent) upwards.push_back(queue);
    return upwards;
  };
  std::vector<QueueId> mine = path(cluster_.group(beneficiary_).queue);
  std::vector<QueueId> theirs = path(victim);
  while (mine.size() > 1 && theirs.size() > 1 && mine.back() == theirs.back()) {
    mine.pop_back();
    theirs.pop_back();
  }
  return {mine.back(), theirs.back()};
}

bool Legality::may_lose_any(QueueId victim, const model::QueueCharge& request) const {
  const auto [mine, theirs] = compared_queues(victim);
  const Amounts& before = allocated_before(theirs);
  return !within_allocatable(account(theirs), before) ||
         (!within_quota(account(theirs), before, nullptr) &&
          within_quota(account(mine), allocated_before(mine), &request));
}

std::optional<base::Time> Legality::protected_until(model::GroupId id) const {
  const model::Configuration& configuration = cluster_.configuration();
  const model::GroupRecord& victim = cluster_.group(id);
  if (!configuration.policies.min_runtime || !victim.spec.last_start) return std::nullopt;
  QueueId from = victim.queue;
  std::optional<base::Duration> model::Queue::* setting = &model::Queue::preempt_min_runtime;
  base::Duration duration = configuration.preempt_min_runtime;
  if (action_ == model::Action::kReclaim) {
    setting = &model::Queue::reclaim_min_runtime;
    duration = configuration.reclaim_min_runtime;
    if (configuration.reclaim_min_runtime_scope == model::MinRuntimeScope::kLowestCommonAncestor)
      from = compared_queues(victim.queue).second;
  } else if (action_ != model::Action::kPreempt) {
    return std::nullopt;
  }
  for (QueueId queue = from; queue.valid(); queue = cluster_.queues().at(queue).parent) {
    if (auto value = cluster_.queues().at(queue).spec.*setting) {
      duration = *value;
      break;
    }
  }
  const base::Time until = *victim.spec.last_start + duration;
  return cluster_.now() < until ? std::optional(until) : std::nullopt;
}

bool Legality::allows(const model::QueueCharge& request, const std::vector<VictimChunk>& victims) const {
  if (action_ == model::Action::kConsolidate) {
    return std::all_of(victims.begin(), victims.end(), [&](const VictimChunk& victim) {
      return std::all_of(victim.pods.begin(), victim.pods.end(),
                         [&](model::PodId pod) { return cluster_.pod(pod).assignment.place().node.valid(); });
    });
  }
  if (action_ == model::Action::kReclaim && !reclaim_allows(request, victims)) return false;
  // A pod that was moved does not stay: it starts anew elsewhere.
  return std::all_of(victims.begin(), victims.end(), [&](const VictimChunk& victim) {
    return !protected_until(victim.group) || minimum_met(cluster_.group(victim.group), 0, Counted::kActive);
  });
}

bool Legality::reclaim_allows(const model::QueueCharge& request,
                              const std::vector<VictimChunk>& victims) const {
  if (!cluster_.configuration().policies.proportion) return true;
  const model::QueueTable& queues = cluster_.queues();
  const std::size_t dimensions = queues.dimension_count();
  std::vector<bool> involved(dimensions, false);
  for (std::size_t i = 0; i < dimensions; ++i) involved[i] = request.at(i) > 0;

  // "Remaining" starts at what a queue holds and drops by each chunk at the victim's queue and every
  // ancestor. Chunks are judged queue by queue, each in the order in which it was taken.
  std::map<QueueId, Amounts> remaining;
  auto remaining_of = [&](QueueId queue) -> Amounts& {
    return remaining.try_emplace(queue, allocated_[queue.index()]).first->second;
  };
  std::vector<QueueId> order;
  for (const VictimChunk& victim : victims) {
    const QueueId queue = cluster_.group(victim.group).queue;
    if (std::find(order.begin(), order.end(), queue) == order.end()) order.push_back(queue);
  }
  Amounts lost(dimensions);
  for (QueueId queue : order) {
    const auto [mine, theirs] = compared_queues(queue);
    const bool reclaimer_within_quota = within_quota(account(mine), allocated_[mine.index()], &request);
    for (const VictimChunk& victim : victims) {
      if (cluster_.group(victim.group).queue != queue) continue;
      // With consolidating reclaim the pods that found another place do not count.
      std::fill(lost.begin(), lost.end(), 0);
      bool any = false;
      for (model::PodId pod : victim.pods) {
        const model::PodRecord& record = cluster_.pod(pod);
        if (cluster_.configuration().consolidating_reclaim && record.assignment.place().node.valid())
          continue;
        const model::QueueCharge charge =
            cluster_.queue_charge(cluster_.class_of(pod), record.home.place().node);
        for (std::size_t i = 0; i < dimensions; ++i) lost[i] += charge.at(i);
        any = true;
      }
      if (!any) continue;
      for (std::size_t i = 0; i < dimensions; ++i) involved[i] = involved[i] || lost[i] > 0;
      const Amounts& before = remaining_of(theirs);
      const bool above_allocatable = !within_allocatable(account(theirs), before);
      const bool guarantees_quota = reclaimer_within_quota && !within_quota(account(theirs), before, nullptr);
      if (!above_allocatable && !guarantees_quota) return false;
      for (QueueId ancestor = queue; ancestor.valid(); ancestor = queues.at(ancestor).parent) {
        Amounts& left = remaining_of(ancestor);
        for (std::size_t i = 0; i < dimensions; ++i) left[i] -= lost[i];
      }
    }
  }

  const model::GroupRecord& group = cluster_.group(beneficiary_);
  for (QueueId queue = group.queue; queue.valid(); queue = queues.at(queue).parent) {
    const Account& own = account(queue);
    auto held = remaining.find(queue);
    const Amounts& left_here = held == remaining.end() ? allocated_[queue.index()] : held->second;
    for (const auto& [sibling, left] : remaining) {
      if (sibling == queue || queues.at(sibling).parent != queues.at(queue).parent) continue;
      for (std::size_t i = 0; i < dimensions; ++i) {
        const std::int64_t sibling_fair = account(sibling)[i].fair_share;
        if (!involved[i] || sibling_fair <= 0) continue;
        const double saturated = saturation(left_here[i] + request.at(i), own[i].fair_share);
        if (saturated > 1 &&
            saturated * cluster_.configuration().saturation_multiplier >= saturation(left[i], sibling_fair))
          return false;
      }
    }
    if (!group.preemptible && !queues.at(queue).user_leaf &&
        !within_quota(own, non_preemptible_[queue.index()], &request))
      return false;
  }
  return true;
}

}  // namespace fairlead::engine
