#include "engine/round.h"

#include "engine/gang/chunk.h"
#include "engine/gang/gates.h"
#include "engine/order/service_order.h"
#include "engine/search/victim_search.h"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <limits>
#include <tuple>

namespace fairlead::engine {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

model::EvictionRule rule_of(model::Action action) {
  switch (action) {
    case model::Action::kConsolidate:
      return model::EvictionRule::kConsolidate;
    case model::Action::kPreempt:
      return model::EvictionRule::kPreempt;
    default:
      return model::EvictionRule::kReclaim;
  }
}

/// When a group may take from others; nothing: now.
std::optional<base::Time> delayed_until(const model::Cluster& cluster, const model::GroupRecord& group) {
  if (!group.spec.preemption_delay) return std::nullopt;
  const base::Time until = group.spec.created + *group.spec.preemption_delay;
  return cluster.now() < until ? std::optional(until) : std::nullopt;
}

/// The order of groups within a queue. Groups are listed by priority and age; elastic state comes in between,
/// where the policies look at it.
bool comes_before(const model::Cluster& cluster, model::GroupId a, model::GroupId b) {
  const model::GroupRecord& x = cluster.group(a);
  const model::GroupRecord& y = cluster.group(b);
  const model::Policies& policies = cluster.configuration().policies;
  if (policies.priority && x.priority != y.priority) return x.priority > y.priority;
  const int elastic = policies.elastic ? elastic_state(x) - elastic_state(y) : 0;
  if (elastic != 0) return elastic < 0;
  return std::tie(x.spec.created, x.spec.uid, x.spec.key) < std::tie(y.spec.created, y.spec.uid, y.spec.key);
}

model::QueueCharge request_of(const model::Cluster& cluster, const std::vector<model::PodId>& chunk) {
  model::QueueCharge request;
  for (model::PodId pod : chunk) request += cluster.queue_charge(cluster.class_of(pod), model::NodeId());
  return request;
}

}  // namespace

RoundRun::RoundRun(model::Cluster& cluster, Placer& placer, RoundCaches& caches, RoundCursor& cursor,
                   const model::RoundRequest& request)
    : cluster_(cluster),
      placer_(placer),
      caches_(caches),
      cursor_(cursor),
      request_(request),
      waiting_(caches.waiting()) {
  // A limit counts groups, and a depth cuts the list of a queue: both look at them one by one.
  const std::vector<std::int32_t>& depths = cluster.configuration().queue_depth;
  gathers_ = placer.keeps_caches() && !is_limited() &&
             std::all_of(depths.begin(), depths.end(), [](std::int32_t depth) { return depth <= 0; });
}

void RoundRun::remember(model::PodId pod, const model::Assignment& assignment) {
  before_.try_emplace(pod, assignment);
}

void RoundRun::wake(base::Time at) {
  if (!wake_at_ || at < *wake_at_) wake_at_ = at;
}

bool RoundRun::limit_reached() {
  const bool reached = (request_.max_simulations > 0 && simulations_ >= request_.max_simulations) ||
                       (request_.max_groups > 0 && groups_tried_ >= request_.max_groups);
  more_ = more_ || reached;
  return reached;
}

std::vector<model::PoolId> RoundRun::pools_by_name() const {
  std::vector<model::PoolId> pools;
  for (std::size_t i = 0; i < cluster_.pool_count(); ++i) pools.emplace_back(i);
  std::sort(pools.begin(), pools.end(),
            [&](model::PoolId a, model::PoolId b) { return cluster_.pool_name(a) < cluster_.pool_name(b); });
  return pools;
}

/// What an action looks at: groups that can be tried, at most the configured number of each queue.
WaitingView RoundRun::candidates(model::PoolId pool, std::size_t attempt, model::Action action) {
  WaitingView view;
  view.waiting = &waiting_;
  if (attempt == 0) {
    view.singles = waiting_.singles_in(pool);
    if (gathers_) {
      view.alike = waiting_.alike_in(pool);
    } else {
      for (std::uint32_t index : waiting_.alike_in(pool))
        view.singles.insert(view.singles.end(), waiting_.alike(index).members.begin(),
                            waiting_.alike(index).members.end());
    }
  }
  for (model::GroupId id : waiting_.with_several_pools()) {
    const model::GroupRecord& group = cluster_.group(id);
    if (waiting_.standing(id) != WaitingGroups::Standing::kSingle || group.pool != pool ||
        group.pool_choice != attempt)
      continue;
    if (attempt == 0 || group.placed() == 0) view.singles.push_back(id);  // else it stays where it is
  }
  const std::vector<std::int32_t>& depths = cluster_.configuration().queue_depth;
  const auto index = static_cast<std::size_t>(action);
  if (index < depths.size() && depths[index] > 0)
    keep_first(view.singles, static_cast<std::size_t>(depths[index]));
  return view;
}

/// Keeps, of each queue, the first groups in the order of service.
void RoundRun::keep_first(std::vector<model::GroupId>& groups, std::size_t depth) const {
  std::sort(groups.begin(), groups.end(),
            [&](model::GroupId a, model::GroupId b) { return comes_before(cluster_, a, b); });
  std::map<model::QueueId, std::size_t> kept;
  std::erase_if(groups, [&](model::GroupId id) { return ++kept[cluster_.group(id).queue] > depth; });
}

void RoundRun::run() {
  find_nominations();
  waiting_.start_round(cluster_);
  if (cluster_.most_pools_of_a_group() > 1) choose_pools(0);
  const std::vector<model::PoolId> pools = pools_by_name();
  for (model::PoolId pool : pools) caches_.divide(cluster_, pool);
  const std::size_t attempts = cluster_.most_pools_of_a_group();
  const auto& enabled = cluster_.configuration().actions;
  for (model::Action action : {model::Action::kAllocate, model::Action::kConsolidate, model::Action::kReclaim,
                               model::Action::kPreempt, model::Action::kEvictStale}) {
    if (std::find(enabled.begin(), enabled.end(), action) == enabled.end()) continue;
    if (action == model::Action::kConsolidate && cluster_.configuration().max_consolidation_victims == 0)
      continue;
    if (action == model::Action::kEvictStale) {
      evict_stale();
      continue;
    }
    for (std::size_t attempt = 0; attempt < attempts; ++attempt) {
      if (attempt > 0) choose_pools(attempt);
      for (model::PoolId pool : pools) {
        if (action == model::Action::kAllocate) {
          allocate(pool, attempt);
        } else {
          find_victims(pool, attempt, action);
        }
      }
    }
    if (attempts > 1) choose_pools(0);
  }
  explain_the_rest();
}

void RoundRun::choose_pools(std::size_t attempt) {
  for (model::GroupId id : waiting_.with_several_pools()) cluster_.choose_pool(id, attempt);
}

RoundRun::AlikeFindings& RoundRun::findings(std::uint32_t alike) {
  if (findings_.size() <= alike) findings_.resize(waiting_.alike_end());
  return findings_[alike];
}

void RoundRun::note(std::vector<Finding>& list, model::GroupId from, const model::Reason& reason) {
  if (list.empty() || list.back().reason != reason) list.push_back({from, reason});
}

/// The group found no place. Nor would others that wait like it, while nothing is placed.
void RoundRun::refuse_place(ServiceOrder& order, const ServiceOrder::Next& next,
                            const model::Reason& reason) {
  if (!next.alike) {
    verdicts_[next.group] = reason;
    return;
  }
  note(findings(*next.alike).place, next.group, reason);
  order.hold_back(*next.alike);
}

/// It waits for room: nothing below it is served in its queue, by no action of this round.
void RoundRun::close_queue(ServiceOrder& order, model::PoolId pool, model::GroupId head) {
  const model::GroupRecord& group = cluster_.group(head);
  closed_.try_emplace({pool, group.queue}, head);
  model::Reason closed;
  closed.code = model::ReasonCode::kQueueDiscipline;
  closed.queue = group.spec.queue;
  const ServiceOrder::Rest below = order.take_all_of(group.queue);
  for (model::GroupId one : below.groups) verdicts_[one] = closed;
  for (const auto& [alike, first] : below.alike) note(findings(alike).place, first, closed);
}

void RoundRun::allocate(model::PoolId pool, std::size_t attempt) {
  const bool strict = cluster_.pool_configuration(pool).discipline == model::QueueDiscipline::kStrict;
  ServiceOrder order(cluster_, pool, caches_.totals(pool));
  waiting_.follow(cluster_);
  WaitingView waiting = candidates(pool, attempt, model::Action::kAllocate);
  if (attempt == 0)
    for (model::GroupId group : take_nominations(pool))
      if (std::find(waiting.singles.begin(), waiting.singles.end(), group) == waiting.singles.end())
        waiting.singles.push_back(group);
  placer_.forget_failures();
  order.add_alike(waiting);
  std::vector<model::PodId> chunk;
  for (model::GroupId group : waiting.singles) {
    next_chunk(cluster_, group, chunk);
    if (chunk.empty()) {
      renew(group);
    } else {
      order.add(group);
    }
  }
  for (ServiceOrder::Next next = order.next(); next.group.valid(); next = order.next()) {
    const model::GroupId id = next.group;
    const model::GroupRecord& group = cluster_.group(id);
    if (!nominations_.empty() && nominations_.contains(group.spec.key)) {
      renew(id);
      order.release();
      next_chunk(cluster_, id, chunk);
      if (!chunk.empty()) order.add(id);
      continue;
    }
    if (is_barred(pool, id)) {
      model::Reason closed;
      closed.code = model::ReasonCode::kQueueDiscipline;
      closed.queue = group.spec.queue;
      refuse_place(order, next, closed);
      continue;
    }
    const RoundCursor::Turn turn{model::Action::kAllocate, attempt, id};
    model::Reason reason;
    if (const RoundCursor::Refusal* known = cursor_.find(turn)) {
      reason = *known->reason;
    } else {
      if (limit_reached()) {
        reason.code = model::ReasonCode::kSearchLimit;
        for (model::GroupId rest : waiting.singles)
          if (cluster_.group(rest).waiting() > 0) verdicts_.try_emplace(rest, reason);
        break;
      }
      ++groups_tried_;
      next_chunk(cluster_, id, chunk);
      placer_.placed().clear();
      if (place_around_nominations(id, chunk)) {
        order.release();
        verdicts_.erase(id);
        next_chunk(cluster_, id, chunk);
        if (!chunk.empty()) order.add(id);
        continue;
      }
      reason = placer_.refusal();
      if (is_limited()) cursor_.note_refusal(turn, {reason, std::nullopt});
    }
    refuse_place(order, next, reason);
    const model::ReasonCode code = reason.code;
    if (strict && code != model::ReasonCode::kMissingReference && code != model::ReasonCode::kOverLimit &&
        code != model::ReasonCode::kNonPreemptibleOverQuota)
      close_queue(order, pool, id);
  }
  while (!nominations_.empty()) renew(nominations_.begin()->second.first);
  if (attempt == 0)
    for (model::GroupId group : nominated_groups_) cluster_.choose_pool(group, 0);
}

bool RoundRun::is_barred(model::PoolId pool, model::GroupId id) const {
  const auto closed = closed_.find({pool, cluster_.group(id).queue});
  return closed != closed_.end() && closed->second != id && comes_before(cluster_, closed->second, id);
}

/// Of the candidates of an action, those that it may try.
WaitingView RoundRun::may_search(const WaitingView& candidates, model::PoolId pool,
                                 model::Action action) const {
  WaitingView view;
  view.waiting = candidates.waiting;
  const bool preemptible_only = action == model::Action::kConsolidate;
  for (model::GroupId id : candidates.singles)
    if ((!preemptible_only || cluster_.group(id).preemptible) && !is_barred(pool, id))
      view.singles.push_back(id);
  for (std::uint32_t index : candidates.alike) {
    const AlikeGroups& alike = waiting_.alike(index);
    if (preemptible_only && !alike.preemptible) continue;
    if (!closed_.contains({pool, alike.queue})) {
      view.alike.push_back(index);
      continue;
    }
    // Few come before the group that waits for room, and itself.
    for (model::GroupId member : alike.members) {
      if (is_barred(pool, member)) break;
      view.singles.push_back(member);
    }
  }
  return view;
}

void RoundRun::find_victims(model::PoolId pool, std::size_t attempt, model::Action action) {
  waiting_.follow(cluster_);
  WaitingView waiting = candidates(pool, attempt, action);
  WaitingView untried = may_search(waiting, pool, action);
  if (untried.alike.empty() && untried.singles.empty()) return;
  std::optional<ServiceOrder> order;
  std::vector<model::GroupId> passed;               // by index: the last of alike groups that was tried
  boost::unordered_flat_set<model::GroupId> tried;  // single groups
  std::vector<model::PodId> chunk;
  // A solution can change what its victims would take next, and so the order.
  auto sort_untried = [&] {
    if (order) {
      passed.resize(waiting_.alike_end());
      for (std::uint32_t index : untried.alike)
        if (const model::GroupId last = order->last_passed(index); last.valid()) passed[index] = last;
      waiting_.follow(cluster_);
      waiting = candidates(pool, attempt, action);
      std::erase_if(untried.singles, [&](model::GroupId group) { return tried.contains(group); });
    }
    order.emplace(cluster_, pool, caches_.totals(pool));
    order->add_alike(untried, passed);
    for (model::GroupId group : untried.singles) {
      next_chunk(cluster_, group, chunk);
      if (!chunk.empty()) order->add(group);
    }
  };
  sort_untried();
  placer_.forget_failures();
  for (ServiceOrder::Next next = order->next(); next.group.valid(); next = order->next()) {
    const model::GroupId id = next.group;
    if (!next.alike) tried.insert(id);
    const RoundCursor::Turn turn{action, attempt, id};
    if (const RoundCursor::Refusal* known = cursor_.find(turn)) {
      refuse(turn, *known);
      continue;
    }
    if (limit_reached()) break;
    next_chunk(cluster_, id, chunk);
    ++groups_tried_;
    if (auto until = delayed_until(cluster_, cluster_.group(id))) {
      model::Reason reason;
      reason.code = model::ReasonCode::kPreemptionDelay;
      reason.limit = until->unix_nanoseconds() / 1'000'000'000;
      refuse(turn, {reason, until});
      continue;
    }
    VictimSearch search(cluster_, placer_, caches_.totals(pool), pool, id, action);
    if (action == model::Action::kReclaim) {
      if (auto reason = search.legality().refuses_reclaim(request_of(cluster_, chunk))) {
        if (next.alike) {
          note(findings(*next.alike).making, id, *reason);
          order->hold_back(*next.alike);
        } else {
          refuse(turn, {reason, std::nullopt});
        }
        continue;
      }
    }
    placer_.placed().clear();
    if (is_limited()) {
      const std::uint64_t left =
          request_.max_simulations > 0 ? request_.max_simulations - simulations_ : kNoLimit;
      search.limit(left, cursor_.log_of(turn, cluster_.now()));
    }
    auto victims = search.run(waiting);
    simulations_ += search.simulations();
    if (search.stopped()) {
      // The groups behind it have their turn when it has had its own.
      if (auto until = search.wake_at()) wake(*until);
      more_ = true;
      break;
    }
    if (!victims) {
      refuse(turn, {std::nullopt, search.wake_at()});
      if (next.alike && search.fails_for_all_alike()) order->hold_back(*next.alike);
      continue;
    }
    if (auto until = search.wake_at()) wake(*until);
    accept(*victims, id, rule_of(action));
    verdicts_.erase(id);
    second_reasons_.erase(id);
    sort_untried();
  }
}

void RoundRun::refuse(const RoundCursor::Turn& turn, RoundCursor::Refusal refusal) {
  if (refusal.reason) second_reasons_[turn.group] = *refusal.reason;
  if (refusal.wake_at) wake(*refusal.wake_at);
  if (is_limited()) cursor_.note_refusal(turn, std::move(refusal));
}

void RoundRun::accept(const std::vector<VictimChunk>& victims, model::GroupId beneficiary,
                      model::EvictionRule rule) {
  for (const VictimChunk& victim : victims) {
    for (model::PodId pod : victim.pods) {
      remember(pod, cluster_.pod(pod).home);
      taken_.push_back({true, pod, rule, beneficiary});
      // What a hypothesis evicted and did not place leaves for good; what this round had only decided waits
      // again.
      model::Assignment next = cluster_.pod(pod).assignment;
      if (next.state == model::PodState::kEvicted) {
        next.state = next.only_decided ? model::PodState::kPending : model::PodState::kReleasing;
      } else if (next.only_decided) {
        next.state = model::PodState::kNominated;
      } else {
        continue;
      }
      if (next.only_decided) next.held = {};
      next.only_decided = false;
      cluster_.assign(pod, std::move(next));
    }
  }
  for (model::PodId pod : placer_.placed()) {
    const model::PodRecord& record = cluster_.pod(pod);
    // A victim that took its own place back is as it was; whatever else was placed has waited.
    remember(pod, record.assignment == record.home ? record.home : model::Assignment());
    taken_.push_back({false, pod, rule, beneficiary});
  }
}

void RoundRun::evict_stale() {
  for (model::GroupId id : cluster_.groups_below_minimum()) {
    const model::GroupRecord& group = cluster_.group(id);
    const base::Duration grace =
        group.spec.staleness_grace.value_or(cluster_.configuration().staleness_grace);
    if (grace < base::Duration()) continue;
    const base::Time since = group.spec.stale_since.value_or(group.below_minimum_since);
    if (cluster_.now() < since + grace) {
      wake(since + grace);
      continue;
    }
    VictimChunk all{id, {}, true};
    for (const model::PodSet& set : group.pod_sets) {
      for (model::PodId pod : set.pods) {
        const auto& refused_until = cluster_.pod(pod).eviction_refused_until;
        if (refused_until && cluster_.now() < *refused_until) {
          wake(*refused_until);
        } else if (cluster_.pod(pod).assignment.place().node.valid()) {
          all.pods.push_back(pod);
        }
      }
    }
    std::sort(all.pods.begin(), all.pods.end(),
              [&](model::PodId a, model::PodId b) { return cluster_.task_before(a, b); });
    const std::size_t mark = cluster_.mark();
    for (model::PodId pod : all.pods) cluster_.evict(pod);
    cluster_.keep(mark);
    placer_.placed().clear();
    accept({all}, model::GroupId(), model::EvictionRule::kStaleGang);
  }
}

}  // namespace fairlead::engine
