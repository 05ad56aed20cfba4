#include "engine/round.h"

#include "engine/gang/chunk.h"
#include "engine/gang/gates.h"
#include "engine/order/service_order.h"
#include "engine/search/victim_search.h"

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
    : cluster_(cluster), placer_(placer), caches_(caches), cursor_(cursor), request_(request) {}

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

std::vector<model::GroupId> RoundRun::candidates(model::PoolId pool, std::size_t attempt,
                                                 model::Action action) {
  std::vector<model::GroupId> found;
  const std::vector<std::int32_t>& depths = cluster_.configuration().queue_depth;
  const auto index = static_cast<std::size_t>(action);
  const std::size_t depth =
      index < depths.size() && depths[index] > 0 ? static_cast<std::size_t>(depths[index]) : 0;
  std::vector<model::PodId> chunk;
  for (std::size_t i = 0; i < cluster_.queues().size(); ++i) {
    const std::size_t first = found.size();
    for (model::GroupId id : cluster_.waiting_groups(model::QueueId(i))) {
      const model::GroupRecord& group = cluster_.group(id);
      if (group.pool != pool || group.pool_choice != attempt || group.waiting() == 0) continue;
      if (attempt > 0 && group.placed() > 0) continue;  // it stays where it is
      if (!minimum_met(group, 0, Counted::kPresent)) continue;
      next_chunk(cluster_, id, chunk);
      if (!chunk.empty()) found.push_back(id);
    }
    if (depth == 0 || found.size() - first <= depth) continue;
    std::stable_sort(found.begin() + static_cast<std::ptrdiff_t>(first), found.end(),
                     [&](model::GroupId a, model::GroupId b) { return comes_before(cluster_, a, b); });
    found.resize(first + depth);
  }
  return found;
}

void RoundRun::run() {
  find_nominations();
  choose_pools(0);
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
  for (std::size_t i = 0; i < cluster_.queues().size(); ++i)
    for (model::GroupId id : cluster_.waiting_groups(model::QueueId(i))) cluster_.choose_pool(id, attempt);
}

void RoundRun::allocate(model::PoolId pool, std::size_t attempt) {
  const bool strict = cluster_.pool_configuration(pool).discipline == model::QueueDiscipline::kStrict;
  ServiceOrder order(cluster_, pool, caches_.totals(pool));
  std::vector<model::GroupId> waiting = candidates(pool, attempt, model::Action::kAllocate);
  if (attempt == 0)
    for (model::GroupId group : take_nominations(pool))
      if (std::find(waiting.begin(), waiting.end(), group) == waiting.end()) waiting.push_back(group);
  placer_.forget_failures();
  std::vector<model::PodId> chunk;
  for (model::GroupId group : waiting) {
    next_chunk(cluster_, group, chunk);
    if (chunk.empty()) {
      renew(group);
    } else {
      order.add(group);
    }
  }
  auto bar = [&](model::GroupId id) {
    model::Reason closed;
    closed.code = model::ReasonCode::kQueueDiscipline;
    closed.queue = cluster_.group(id).spec.queue;
    verdicts_[id] = closed;
  };
  while (!order.empty()) {
    const model::GroupId id = order.next();
    const model::GroupRecord& group = cluster_.group(id);
    if (nominations_.contains(group.spec.key)) {
      renew(id);
      next_chunk(cluster_, id, chunk);
      if (!chunk.empty()) order.add(id);
      continue;
    }
    if (is_barred(pool, id)) {
      bar(id);
      continue;
    }
    const RoundCursor::Turn turn{model::Action::kAllocate, attempt, id};
    if (const RoundCursor::Refusal* known = cursor_.find(turn)) {
      verdicts_[id] = *known->reason;
    } else {
      if (limit_reached()) {
        model::Reason untried;
        untried.code = model::ReasonCode::kSearchLimit;
        for (model::GroupId rest : waiting)
          if (cluster_.group(rest).waiting() > 0) verdicts_.try_emplace(rest, untried);
        break;
      }
      ++groups_tried_;
      next_chunk(cluster_, id, chunk);
      placer_.placed().clear();
      if (place_around_nominations(id, chunk)) {
        verdicts_.erase(id);
        next_chunk(cluster_, id, chunk);
        if (!chunk.empty()) order.add(id);
        continue;
      }
      verdicts_[id] = placer_.refusal();
      if (is_limited()) cursor_.note_refusal(turn, {placer_.refusal(), std::nullopt});
    }
    const model::ReasonCode code = verdicts_[id].code;
    if (!strict || code == model::ReasonCode::kMissingReference || code == model::ReasonCode::kOverLimit ||
        code == model::ReasonCode::kNonPreemptibleOverQuota)
      continue;
    // It waits for room: nothing below it is served in its queue, by no action of this round.
    closed_.try_emplace({pool, group.queue}, id);
    for (model::GroupId below : order.take_all_of(group.queue)) bar(below);
  }
  while (!nominations_.empty()) renew(nominations_.begin()->second.first);
  if (attempt == 0)
    for (model::GroupId group : nominated_groups_) cluster_.choose_pool(group, 0);
}

bool RoundRun::is_barred(model::PoolId pool, model::GroupId id) const {
  const auto closed = closed_.find({pool, cluster_.group(id).queue});
  return closed != closed_.end() && closed->second != id && comes_before(cluster_, closed->second, id);
}

void RoundRun::find_victims(model::PoolId pool, std::size_t attempt, model::Action action) {
  std::vector<model::GroupId> waiting = candidates(pool, attempt, action);
  if (waiting.empty()) return;
  std::vector<model::GroupId> untried;
  for (model::GroupId group : waiting)
    if ((action != model::Action::kConsolidate || cluster_.group(group).preemptible) &&
        !is_barred(pool, group))
      untried.push_back(group);
  std::optional<ServiceOrder> order;
  std::vector<model::PodId> chunk;
  // A solution can change what its victims would take next, and so the order.
  auto sort_untried = [&] {
    order.emplace(cluster_, pool, caches_.totals(pool));
    for (model::GroupId group : untried) {
      next_chunk(cluster_, group, chunk);
      if (!chunk.empty()) order->add(group);
    }
  };
  sort_untried();
  placer_.forget_failures();
  while (!order->empty()) {
    const model::GroupId id = order->next();
    std::erase(untried, id);
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
        refuse(turn, {reason, std::nullopt});
        continue;
      }
    }
    waiting = candidates(pool, attempt, action);
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
      const model::Assignment& now = cluster_.pod(pod).assignment;
      if (now.state != model::PodState::kEvicted) continue;
      model::Assignment next = now;
      next.state = now.held.node.valid() ? model::PodState::kReleasing : model::PodState::kPending;
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
