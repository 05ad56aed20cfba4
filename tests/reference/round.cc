#include "reference/round.h"

#include "reference/fit.h"
#include "reference/place.h"

namespace fairlead::reference {

std::optional<std::string> pool_of(const Facts& facts, const State& state, const Group& group,
                                   std::size_t attempt) {
  for (const model::Pod* pod : group.pods) {
    const PodState& at = state_of(state, *pod);
    auto node = facts.world->nodes.find(at.place.node);
    if (is_active(at.status) && node != facts.world->nodes.end())
      return attempt == 0 ? std::optional(node->second.pool) : std::nullopt;
  }
  if (group.object->pools.empty()) return attempt == 0 ? std::optional<std::string>("") : std::nullopt;
  return attempt < group.object->pools.size() ? std::optional(group.object->pools[attempt]) : std::nullopt;
}

bool is_stale(const Group& group, const State& state) {
  auto present = [](Status status) { return is_active(status) || status == Status::kReleasing; };
  return active_pods(group, state) > 0 && !minimum_met(group.root, state, present) &&
         std::none_of(group.pods.begin(), group.pods.end(), [&](const model::Pod* pod) {
           return state_of(state, *pod).status == Status::kSucceeded;
         });
}

RoundRun::RoundRun(const Facts& run_facts, State run_state) : facts(run_facts), state(std::move(run_state)) {
  std::set<std::string> pools{""};
  for (const auto& [name, node] : facts.world->nodes) pools.insert(node.pool);
  for (const auto& [key, group] : facts.groups)
    pools.insert(group.object->pools.begin(), group.object->pools.end());
  for (const std::string& pool : pools) shares[pool] = pool_shares(facts, state, pool);
}

PoolRound RoundRun::pool_round(const std::string& pool) {
  PoolRound round{facts, shares.at(pool), {}, wake_up};
  for (const auto& [name, node] : facts.world->nodes)
    if (node.pool == pool) round.nodes.push_back(&node);
  return round;
}

/// Groups that an action tries: in an existing leaf queue, with enough ungated pods, of which some wait; at
/// most the queue depth of the action, in the order of groups.
std::vector<const Group*> RoundRun::candidates(const std::string& pool, std::size_t attempt,
                                               model::Action action) const {
  std::map<std::string, std::vector<const Group*>> by_queue;
  for (const auto& [key, group] : facts.groups) {
    if (group.queue.empty()) continue;
    if (pool_of(facts, state, group, attempt) != pool) continue;
    if (enough_pods(group, state) && !next_chunk(group, state).empty())
      by_queue[group.queue].push_back(&group);
  }
  std::vector<const Group*> result;
  const std::vector<std::int32_t>& depths = facts.world->configuration.queue_depth;
  auto index = static_cast<std::size_t>(action);
  for (auto& [queue, groups] : by_queue) {
    std::sort(groups.begin(), groups.end(),
              [&](const Group* a, const Group* b) { return compare_groups(facts, state, *a, *b) < 0; });
    if (index < depths.size() && depths[index] > 0)
      groups.resize(std::min(groups.size(), static_cast<std::size_t>(depths[index])));
    result.insert(result.end(), groups.begin(), groups.end());
  }
  return result;
}

namespace {

bool waits_for_room(model::ReasonCode code) {
  return code != model::ReasonCode::kMissingReference && code != model::ReasonCode::kOverLimit &&
         code != model::ReasonCode::kNonPreemptibleOverQuota;
}

}  // namespace

namespace {

/// Takes back what is set aside for pods that wait.
void give_up(State& state, const Chunk& chunk) {
  for (const model::Pod* pod : chunk) {
    state.pods.at(pod->uid).status = Status::kPending;
    state.pods.at(pod->uid).place = {};
  }
}

}  // namespace

/// What is set aside in a pool, by group. Groups that cannot be served any more lose it.
Nominations RoundRun::take_nominations(const std::string& pool) {
  Nominations nominations;
  for (const auto& [key, group] : facts.groups) {
    Chunk chunk;
    for (const model::Pod* pod : group.pods) {
      const PodState& at = state_of(state, *pod);
      bool nominated = at.status == Status::kPipelined && !at.leaving;
      if (nominated && facts.world->nodes.at(at.place.node).pool == pool) chunk.push_back(pod);
    }
    if (chunk.empty()) continue;
    if (group.queue.empty())
      give_up(state, chunk);
    else
      nominations[&group] = std::move(chunk);
  }
  return nominations;
}

/// Keeps what is set aside for these groups wherever it is still there after `held`.
void RoundRun::keep_nominations(const State& held, const PoolShares& pool_shares, Nominations& nominations) {
  std::erase_if(nominations, [&](const auto& entry) {
    const auto& [group, chunk] = entry;
    State again = state;
    for (const model::Pod* pod : chunk) again.pods.at(pod->uid) = state_of(held, *pod);
    State renewed = again;
    if (!renew_places(facts, renewed, pool_shares, *group, chunk)) {
      give_up(state, chunk);
      return true;
    }
    state = std::move(again);
    return false;
  });
}

bool RoundRun::is_barred(const std::string& pool, const Group& group) const {
  auto head = closed.find({pool, group.queue});
  return head != closed.end() && head->second != &group &&
         compare_groups(facts, state, *head->second, group) < 0;
}

/// Section 3, "Allocate": the best group's next chunk, again and again; a group that grew is queued again. At
/// its turn a group that waits for released capacity keeps its place, and starts where that is free by now;
/// what is set aside for groups whose turn comes later may be taken where nothing else is left. In a pool
/// with strict discipline nothing follows the first group of its queue that waits for room, by no action;
/// gates do not wait for room.
void RoundRun::allocate(const std::string& pool, std::size_t attempt) {
  PoolRound round = pool_round(pool);
  bool strict = pool_configuration(facts, pool).discipline == model::QueueDiscipline::kStrict;
  Nominations nominations;  // of groups whose turn has not come
  if (attempt == 0) nominations = take_nominations(pool);
  auto without_nominations = [&] {
    State open = state;
    for (const auto& [group, chunk] : nominations) give_up(open, chunk);
    return open;
  };
  auto renew_own = [&](const Group* group) {
    auto own = nominations.extract(group);
    if (!own) return false;
    State renewed = state;
    renewed.placed.clear();
    if (renew_places(facts, renewed, round.shares, *group, own.mapped()))
      accept(std::move(renewed), {}, group, {});
    else
      give_up(state, own.mapped());
    return true;
  };
  std::vector<Waiting> waiting;
  for (const Group* group : candidates(pool, attempt, model::Action::kAllocate))
    waiting.push_back({group, {}});
  for (const auto& [group, chunk] : nominations)
    if (std::none_of(waiting.begin(), waiting.end(), [&](const Waiting& one) { return one.group == group; }))
      waiting.push_back({group, {}});
  while (!waiting.empty()) {
    State open = without_nominations();
    for (Waiting& one : waiting) one.chunk = next_chunk(*one.group, open);
    std::erase_if(waiting, [&](const Waiting& one) {
      if (one.chunk.empty()) renew_own(one.group);
      return one.chunk.empty();
    });
    if (waiting.empty()) break;
    std::size_t index = pick_next({facts, open, round.shares}, waiting);
    Waiting next = waiting[index];
    if (renew_own(next.group)) continue;
    auto bar = [&](const Group& group) {
      model::Reason reason;
      reason.code = model::ReasonCode::kQueueDiscipline;
      reason.queue = group.object->queue;
      verdicts[group.object->key].reasons = {reason};
    };
    if (is_barred(pool, *next.group)) {
      bar(*next.group);
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
      continue;
    }
    State tried = state;
    tried.placed.clear();
    model::Reason why;
    bool placed = place_chunk(facts, tried, round.shares, *next.group, next.chunk, round.nodes, false, &why);
    if (!placed && !nominations.empty()) {
      tried = std::move(open);
      tried.placed.clear();
      placed = place_chunk(facts, tried, round.shares, *next.group, next.chunk, round.nodes, false, &why);
    }
    if (placed) {
      State held = state;
      accept(std::move(tried), {}, next.group, {});
      keep_nominations(held, round.shares, nominations);
      verdicts.erase(next.group->object->key);
      continue;
    }
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
    verdicts[next.group->object->key].reasons = {why};
    if (!strict || !waits_for_room(why.code)) continue;
    closed.try_emplace({pool, next.group->queue}, next.group);
    std::erase_if(waiting, [&](const Waiting& one) {
      if (one.group->queue != next.group->queue) return false;
      bar(*one.group);
      return true;
    });
  }
  while (!nominations.empty()) renew_own(nominations.begin()->first);
}

namespace {

constexpr std::uint32_t kBindFailuresBeforeVerdict = 10;

model::EvictionRule rule_of(model::Action action) {
  if (action == model::Action::kReclaim) return model::EvictionRule::kReclaim;
  return action == model::Action::kPreempt ? model::EvictionRule::kPreempt
                                           : model::EvictionRule::kConsolidate;
}

/// When a group may take from others; none: now.
std::optional<base::Time> delayed_until(const Facts& facts, const Group& group) {
  if (!group.object->preemption_delay) return std::nullopt;
  base::Time until = group.object->created + *group.object->preemption_delay;
  return facts.world->now < until ? std::optional(until) : std::nullopt;
}

}  // namespace

/// Consolidate, reclaim and preempt: each waiting group once, in order, with one chunk.
void RoundRun::find_victims(const std::string& pool, std::size_t attempt, model::Action action) {
  PoolRound round = pool_round(pool);
  std::vector<Waiting> waiting;
  for (const Group* group : candidates(pool, attempt, action))
    if ((action != model::Action::kConsolidate || group->preemptible) && !is_barred(pool, *group))
      waiting.push_back({group, {}});
  while (!waiting.empty()) {
    std::erase_if(waiting, [&](const Waiting& one) { return next_chunk(*one.group, state).empty(); });
    if (waiting.empty()) return;
    for (Waiting& one : waiting) one.chunk = next_chunk(*one.group, state);
    std::size_t index = pick_next({facts, state, round.shares}, waiting);
    Waiting next = waiting[index];
    waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(index));
    if (auto until = delayed_until(facts, *next.group)) {
      wake_up.note(*until);
      continue;
    }
    if (action == model::Action::kReclaim &&
        !may_reclaim(facts, state, round.shares, *next.group, next.chunk))
      continue;
    std::vector<const Group*> pending = candidates(pool, attempt, action);
    auto solution = search_victims(round, state, *next.group, action, pending);
    if (!solution) continue;
    accept(std::move(solution->state), solution->victims, next.group, rule_of(action));
    verdicts.erase(next.group->object->key);
  }
}

/// What a hypothesis evicted and did not place leaves for good; what this round itself had placed only waits
/// again.
void RoundRun::accept(State next, const std::vector<VictimChunk>& victims, const Group* beneficiary,
                      model::EvictionRule rule) {
  for (const VictimChunk& victim : victims)
    for (const model::Pod* pod : victim.pods)
      taken.push_back({Taken::Kind::kEvict, pod->uid, rule, beneficiary});
  for (const std::string& uid : next.placed) taken.push_back({Taken::Kind::kPlace, uid, rule, beneficiary});
  for (auto& [uid, pod] : next.pods)
    if (only_decided(pod)) pod.leaving.reset();
  for (auto& [uid, pod] : next.pods)
    if (pod.status == Status::kEvicted) pod.status = pod.leaving ? Status::kReleasing : Status::kPending;
  state = std::move(next);
}

void RoundRun::evict_stale() {
  for (const auto& [key, group] : facts.groups) {
    base::Duration grace = group.object->staleness_grace.value_or(facts.world->configuration.staleness_grace);
    if (grace < base::Duration() || !is_stale(group, state)) continue;
    auto seen = facts.world->stale_since.find(key);
    base::Time since = group.object->stale_since                ? *group.object->stale_since
                       : seen == facts.world->stale_since.end() ? facts.world->now
                                                                : seen->second;
    if (facts.world->now < since + grace) {
      wake_up.note(since + grace);
      continue;
    }
    State next = state;
    next.placed.clear();
    VictimChunk all{&group, {}, true};
    for (const model::Pod* pod : group.pods)
      if (auto until = refused_until(facts, *pod))
        wake_up.note(*until);
      else if (is_active(state_of(state, *pod).status))
        all.pods.push_back(pod);
    for (const model::Pod* pod : all.pods) evict(next, pod->uid);
    accept(std::move(next), {all}, nullptr, model::EvictionRule::kStaleGang);
  }
}

void RoundRun::run() {
  std::size_t attempts = 1;
  for (const auto& [key, group] : facts.groups) attempts = std::max(attempts, group.object->pools.size());
  for (model::Action action : {model::Action::kAllocate, model::Action::kConsolidate, model::Action::kReclaim,
                               model::Action::kPreempt, model::Action::kEvictStale}) {
    const auto& enabled = facts.world->configuration.actions;
    if (std::find(enabled.begin(), enabled.end(), action) == enabled.end()) continue;
    if (action == model::Action::kConsolidate && facts.world->configuration.max_consolidation_victims == 0)
      continue;
    if (action == model::Action::kEvictStale) {
      evict_stale();
      continue;
    }
    for (std::size_t attempt = 0; attempt < attempts; ++attempt)
      for (const auto& [pool, unused] : shares)
        if (action == model::Action::kAllocate)
          allocate(pool, attempt);
        else
          find_victims(pool, attempt, action);
  }
  explain_the_rest();
}

/// Why groups wait that no action tried, and what else their verdicts say.
void RoundRun::explain_the_rest() {
  for (const auto& [key, group] : facts.groups) {
    bool waits = std::any_of(group.pods.begin(), group.pods.end(), [&](const model::Pod* pod) {
      const PodState& at = state_of(state, *pod);
      return is_waiting(at.status) || (at.status == Status::kPipelined && !at.leaving);
    });
    if (!waits) continue;
    Chunk chunk = next_chunk(group, state);
    auto explain = [&](model::ReasonCode code) {
      verdicts[key].reasons.assign(1, {});
      verdicts[key].reasons.front().code = code;
    };
    if (group.queue.empty()) {
      explain(facts.queues.count(group.object->queue) ? model::ReasonCode::kQueueIsNotALeaf
                                                      : model::ReasonCode::kQueueDoesNotExist);
      verdicts[key].reasons.front().queue = group.object->queue;
      continue;
    }
    bool set_aside = std::any_of(group.pods.begin(), group.pods.end(), [&](const model::Pod* pod) {
      return state_of(state, *pod).status == Status::kPipelined;
    });
    if (!enough_pods(group, state) || (chunk.empty() && !set_aside))
      explain(model::ReasonCode::kNotEnoughPods);
    else if (chunk.empty())
      explain(model::ReasonCode::kWaitingForRelease);
    if (!verdicts.count(key)) continue;
    for (const model::Pod* pod : chunk) {
      auto memory = facts.world->memory.find(pod->uid);
      if (memory == facts.world->memory.end()) continue;
      for (const Exclusion& exclusion : memory->second.exclusions)
        if (exclusion.until > facts.world->now) wake_up.note(exclusion.until);
      if (memory->second.bind_failures < kBindFailuresBeforeVerdict) continue;
      explain(model::ReasonCode::kBindFailing);
      verdicts[key].reasons.front().detail = pod->display_name();
    }
  }
}

std::vector<decltype(model::Decision::body)> RoundRun::decisions(const State& before) const {
  std::vector<decltype(model::Decision::body)> list;
  std::map<std::string, std::size_t> last_place;
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (taken[i].kind == Taken::Kind::kPlace) last_place[taken[i].pod] = i;
  auto reserved_before = [&](const std::string& uid) -> std::string {
    auto memory = facts.world->memory.find(uid);
    bool told = memory != facts.world->memory.end() && memory->second.reserved && !memory->second.inherited;
    return told ? memory->second.reserved->node : "";
  };
  std::set<std::string> evicted;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const Taken& one = taken[i];
    const PodState& now = state.pods.at(one.pod);
    const PodState& then = before.pods.at(one.pod);
    if (one.kind == Taken::Kind::kEvict) {
      bool left = then.status == Status::kRunning && !(is_active(now.status) && now.place == then.place);
      if (!left || !evicted.insert(one.pod).second) continue;
      model::Evict evict{.pod = one.pod, .rule = one.rule, .beneficiary = {}, .reason = {}};
      if (one.beneficiary) evict.beneficiary = one.beneficiary->object->key;
      list.emplace_back(std::move(evict));
    } else if (last_place.at(one.pod) == i && now.status == Status::kPipelined) {
      if (reserved_before(one.pod) != now.place.node)
        list.emplace_back(model::Nominate{one.pod, now.place.node});
    } else if (last_place.at(one.pod) == i && now.status == Status::kAllocated) {
      model::Bind bind{.pod = one.pod,
                       .node = now.place.node,
                       .devices = {},
                       .device_groups = now.place.device_groups,
                       .claims = {}};
      if (!bind.device_groups.empty()) {
        Amounts charged = current_charge(facts, now);
        bind.share_thousandths =
            (get(charged, "gpu") - now.pod->devices.second_count * model::kThousandthsPerDevice) /
            now.pod->devices.count;
      }
      // What the world has recorded is no news.
      for (const model::ClaimAllocation& given : now.place.claims)
        if (auto claim = facts.world->resource_claims.find(given.claim);
            claim == facts.world->resource_claims.end() || !claim->second.allocation)
          bind.claims.push_back(given);
      list.emplace_back(std::move(bind));
    }
  }
  for (const auto& [uid, pod] : state.pods)
    if (pod.status == Status::kPending && !reserved_before(uid).empty())
      list.emplace_back(model::WithdrawNomination{uid});
  return list;
}

}  // namespace fairlead::reference
