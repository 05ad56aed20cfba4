#include "reference/legality.h"

#include <limits>
#include <set>

namespace fairlead::reference {
namespace {

/// The queues directly under the lowest common ancestor, on the reclaimer's side and on the victim's.
std::pair<std::string, std::string> compared_queues(const Facts& facts, const std::string& reclaimer,
                                                    const std::string& victim) {
  std::vector<std::string> left = path_to_root(facts, reclaimer);
  std::vector<std::string> right = path_to_root(facts, victim);
  while (left.size() > 1 && right.size() > 1 && left.back() == right.back()) {
    left.pop_back();
    right.pop_back();
  }
  return {left.back(), right.back()};
}

/// (a) maintain-fair-share: before this chunk goes the victim has more than it may keep.
bool above_allocatable(const QueueShare& victim, const Amounts& remaining) {
  return !within_allocatable(victim, remaining);
}

/// (b) guarantee-deserved: the reclaimer stays within its quota while the victim is above its own somewhere.
bool guarantees_quota(const QueueShare& reclaimer, const Amounts& reclaimer_after, const QueueShare& victim,
                      const Amounts& remaining) {
  return within_quota(reclaimer, reclaimer_after) && !within_quota(victim, remaining);
}

double saturation(std::int64_t allocated, std::int64_t fair_share) {
  if (fair_share > 0) return static_cast<double>(allocated) / static_cast<double>(fair_share);
  return allocated > 0 ? std::numeric_limits<double>::infinity() : 0;
}

/// At a level of the hierarchy: above its fair share the reclaimer must stay less saturated than each queue
/// that gives.
bool less_saturated(const QueueShare& reclaimer, const Amounts& reclaimer_after, const QueueShare& sibling,
                    const Amounts& remaining, const std::set<std::string>& involved, double multiplier) {
  return std::none_of(involved.begin(), involved.end(), [&](const std::string& dimension) {
    double mine = saturation(get(reclaimer_after, dimension), get(reclaimer.fair_share, dimension));
    std::int64_t sibling_fair = get(sibling.fair_share, dimension);
    return mine > 1 && sibling_fair > 0 &&
           mine * multiplier >= saturation(get(remaining, dimension), sibling_fair);
  });
}

/// What a chunk costs its queue: with consolidating reclaim the pods that found a place do not count.
Amounts loss(const Scenario& scenario, const VictimChunk& victim) {
  Amounts sum;
  for (const model::Pod* pod : victim.pods) {
    bool placed = is_active(state_of(scenario.simulated, *pod).status);
    if (placed && scenario.facts.world->configuration.consolidating_reclaim) continue;
    add(sum, current_charge(scenario.facts, state_of(scenario.before, *pod)));
  }
  return sum;
}

void note_dimensions(const Amounts& amounts, std::set<std::string>& involved) {
  for (const auto& [dimension, amount] : amounts)
    if (amount > 0) involved.insert(dimension);
}

}  // namespace

bool may_reclaim(const Facts& facts, const State& state, const PoolShares& shares, const Group& group,
                 const Chunk& chunk) {
  if (!facts.world->configuration.policies.proportion) return true;
  const std::string& queue = group.queue;
  Allocations allocated = allocations(facts, state, shares.pool);
  Amounts request = chunk_request(facts, chunk);
  const QueueShare& share = shares.queues.at(queue);
  if (!within_fair_share(share, plus(allocated.all[queue], request))) return false;
  const QueueFacts& leaf = facts.queues.at(queue);
  const std::string& guarantor =
      leaf.of_user ? leaf.parent : queue;  // whose quota non-preemptible work needs
  return group.preemptible ||
         within_quota(shares.queues.at(guarantor), plus(allocated.non_preemptible[guarantor], request));
}

bool reclaim_is_legal(const Scenario& scenario) {
  if (!scenario.facts.world->configuration.policies.proportion) return true;
  const Facts& facts = scenario.facts;
  const auto& queues = scenario.shares.queues;
  // Rule 1: allocations are those before the search; the request is that of the pods being solved.
  Allocations allocated = allocations(facts, scenario.before, scenario.shares.pool);
  Amounts request = chunk_request(facts, scenario.solving);
  const std::string& reclaimer = scenario.beneficiary.queue;
  std::set<std::string> involved;
  note_dimensions(request, involved);

  // "Remaining" starts at what a queue holds and drops by each chunk at the victim's queue and every
  // ancestor. Chunks are judged queue by queue, each in the order in which it was taken.
  std::map<std::string, Amounts> remaining;
  auto remaining_of = [&](const std::string& queue) -> Amounts& {
    return remaining.try_emplace(queue, allocated.all[queue]).first->second;
  };
  std::vector<std::string> order;
  for (const VictimChunk& victim : scenario.victims)
    if (std::find(order.begin(), order.end(), victim.group->queue) == order.end())
      order.push_back(victim.group->queue);
  for (const std::string& queue : order) {
    auto [mine, theirs] = compared_queues(facts, reclaimer, queue);
    for (const VictimChunk& victim : scenario.victims) {
      if (victim.group->queue != queue) continue;
      Amounts lost = loss(scenario, victim);
      if (lost.empty()) continue;
      note_dimensions(lost, involved);
      if (!above_allocatable(queues.at(theirs), remaining_of(theirs)) &&
          !guarantees_quota(queues.at(mine), plus(allocated.all[mine], request), queues.at(theirs),
                            remaining_of(theirs)))
        return false;
      for (const std::string& ancestor : path_to_root(facts, queue)) subtract(remaining_of(ancestor), lost);
    }
  }

  for (const std::string& queue : path_to_root(facts, reclaimer)) {
    Amounts after = plus(remaining.count(queue) ? remaining[queue] : allocated.all[queue], request);
    for (const auto& [sibling, left] : remaining) {
      if (sibling == queue || facts.queues.at(sibling).parent != facts.queues.at(queue).parent) continue;
      if (!less_saturated(queues.at(queue), after, queues.at(sibling), left, involved,
                          facts.world->configuration.saturation_multiplier))
        return false;
    }
    if (!scenario.beneficiary.preemptible && !facts.queues.at(queue).of_user &&
        !within_quota(queues.at(queue), plus(allocated.non_preemptible[queue], request)))
      return false;
  }
  return true;
}

bool consolidation_is_legal(const Scenario& scenario) {
  return std::all_of(scenario.victims.begin(), scenario.victims.end(), [&](const VictimChunk& victim) {
    return std::all_of(victim.pods.begin(), victim.pods.end(), [&](const model::Pod* pod) {
      return is_active(state_of(scenario.simulated, *pod).status);
    });
  });
}

std::optional<base::Time> refused_until(const Facts& facts, const model::Pod& pod) {
  auto memory = facts.world->memory.find(pod.uid);
  if (memory == facts.world->memory.end()) return std::nullopt;
  auto until = memory->second.no_victim_before;
  return until && facts.world->now < *until ? until : std::nullopt;
}

bool is_covered(const model::DisruptionBudget& budget, const model::Pod& pod) {
  return pod.phase == model::Pod::Phase::kRunning && !pod.releasing && budget.selector &&
         budget.key.substr(0, budget.key.find('/')) == pod.namespace_name &&
         model::matches(*budget.selector, pod.labels);
}

namespace {

std::int64_t allowed_disruptions(const World& world, const model::DisruptionBudget& budget) {
  if (budget.disruptions_allowed) return *budget.disruptions_allowed;
  std::int64_t healthy = 0;
  std::int64_t expected = 0;
  for (const auto& [uid, pod] : world.pods) {
    healthy += is_covered(budget, pod) ? 1 : 0;
    model::Pod any = pod;  // every pod that has not finished is expected to run
    bool finished = any.phase == model::Pod::Phase::kSucceeded || any.phase == model::Pod::Phase::kFailed;
    any.phase = model::Pod::Phase::kRunning;
    any.releasing = false;
    expected += !finished && is_covered(budget, any) ? 1 : 0;
  }
  auto amount = [&](std::int64_t value, bool percent) {  // percentages are rounded up, as Kubernetes does
    return percent ? (value * expected + 99) / 100 : value;
  };
  if (budget.min_available)
    return std::max<std::int64_t>(0,
                                  healthy - amount(*budget.min_available, budget.min_available_is_percent));
  if (!budget.max_unavailable) return healthy;
  std::int64_t unavailable = amount(*budget.max_unavailable, budget.max_unavailable_is_percent);
  return std::max<std::int64_t>(0, healthy - (expected - unavailable));
}

}  // namespace

bool may_be_evicted(const Facts& facts, const State& state, const Chunk& chunk) {
  if (std::any_of(chunk.begin(), chunk.end(),
                  [&](const model::Pod* pod) { return refused_until(facts, *pod); }))
    return false;
  for (const auto& [key, budget] : facts.world->budgets) {
    std::int64_t disrupted = std::count_if(chunk.begin(), chunk.end(), [&](const model::Pod* pod) {
      return is_covered(budget, *pod) && !state_of(state, *pod).leaving;
    });
    if (disrupted == 0) continue;
    for (const auto& [uid, pod] : state.pods)
      disrupted += is_covered(budget, *pod.pod) && pod.leaving ? 1 : 0;
    if (disrupted > allowed_disruptions(*facts.world, budget)) return false;
  }
  return true;
}

namespace {

/// The setting of the first queue that has one, from `path` upwards, else the configured one.
base::Duration minimum_runtime(const Facts& facts, const std::vector<std::string>& path,
                               std::optional<base::Duration> model::Queue::* setting,
                               base::Duration fallback) {
  for (const std::string& name : path)
    if (auto value = facts.queues.at(name).object->*setting) return *value;
  return fallback;
}

}  // namespace

std::optional<base::Time> protected_until(const Facts& facts, const Group& beneficiary, const Group& victim,
                                          model::Action action) {
  const model::Configuration& configuration = facts.world->configuration;
  if (!configuration.policies.min_runtime || !victim.object->last_start) return std::nullopt;
  std::vector<std::string> path = path_to_root(facts, victim.queue);
  base::Duration duration;
  if (action == model::Action::kPreempt) {
    duration =
        minimum_runtime(facts, path, &model::Queue::preempt_min_runtime, configuration.preempt_min_runtime);
  } else if (action == model::Action::kReclaim) {
    if (configuration.reclaim_min_runtime_scope == model::MinRuntimeScope::kLowestCommonAncestor)
      path = path_to_root(facts, compared_queues(facts, beneficiary.queue, victim.queue).second);
    duration =
        minimum_runtime(facts, path, &model::Queue::reclaim_min_runtime, configuration.reclaim_min_runtime);
  } else {
    return std::nullopt;
  }
  base::Time until = *victim.object->last_start + duration;
  return facts.world->now < until ? std::optional(until) : std::nullopt;
}

/// A pod that was moved does not stay: it starts anew elsewhere.
bool minimum_runtimes_respected(const Scenario& scenario, model::Action action) {
  auto stays = [](Status status) { return status == Status::kRunning || status == Status::kAllocated; };
  return std::all_of(scenario.victims.begin(), scenario.victims.end(), [&](const VictimChunk& victim) {
    return !protected_until(scenario.facts, scenario.beneficiary, *victim.group, action) ||
           minimum_met(victim.group->root, scenario.simulated, stays);
  });
}

}  // namespace fairlead::reference
