#include "reference/search.h"

#include "reference/place.h"

#include <set>

namespace fairlead::reference {
namespace {

struct Search {
  const PoolRound& round;
  const State& before;
  const Group& beneficiary;
  model::Action action;
  const std::vector<const Group*>& waiting;

  /// One simulation: evicts the victims, then places the pods being solved and the victims' groups in one
  /// sequence by queue and group order, compared together with all waiting groups (rule 10), everything as
  /// Pipelined. None: the pods being solved found no place.
  std::optional<State> simulate(const Chunk& solving, const std::vector<VictimChunk>& victims) const {
    State state = before;
    state.placed.clear();
    std::set<const Group*> placing{&beneficiary};
    for (const VictimChunk& victim : victims) {
      for (const model::Pod* pod : victim.pods) evict(state, pod->uid);
      placing.insert(victim.group);
    }
    std::vector<const Group*> order(waiting);
    for (const Group* group : placing)
      if (std::find(order.begin(), order.end(), group) == order.end()) order.push_back(group);
    std::vector<Waiting> sequence;
    for (const Group* group : order)
      sequence.push_back({group, group == &beneficiary ? solving : next_chunk(*group, state)});
    while (!sequence.empty()) {
      std::size_t index = pick_next({round.facts, state, round.shares}, sequence);
      Waiting next = sequence[index];
      sequence.erase(sequence.begin() + static_cast<std::ptrdiff_t>(index));
      if (!placing.count(next.group)) continue;
      bool placed = place_chunk(round.facts, state, round.shares, *next.group, next.chunk, round.nodes, true);
      if (!placed && next.group == &beneficiary) return std::nullopt;
    }
    return state;
  }

  bool is_legal(const State& simulated, const Chunk& solving, const std::vector<VictimChunk>& victims) const {
    Scenario scenario{round.facts, before, simulated, round.shares, beneficiary, solving, victims};
    if (action == model::Action::kConsolidate) return consolidation_is_legal(scenario);
    if (action == model::Action::kReclaim && !reclaim_is_legal(scenario)) return false;
    return minimum_runtimes_respected(scenario, action);
  }

  /// The part of each chunk that really leaves its place: what was put back at home is no victim (rule 5).
  std::vector<VictimChunk> affected(const State& simulated, const std::vector<VictimChunk>& victims) const {
    std::vector<VictimChunk> result;
    for (const VictimChunk& victim : victims) {
      VictimChunk rest{victim.group, {}, victim.last && active_pods(*victim.group, simulated) == 0};
      for (const model::Pod* pod : victim.pods) {
        const PodState& now = state_of(simulated, *pod);
        const PodState& then = state_of(before, *pod);
        if (now.status != then.status || !(now.place == then.place)) rest.pods.push_back(pod);
      }
      if (!rest.pods.empty()) result.push_back(std::move(rest));
    }
    return result;
  }

  /// A group that had its minimum keeps it, moved pods counted, or goes altogether.
  bool leaves_whole_groups(const State& simulated, const std::vector<VictimChunk>& victims) const {
    return std::all_of(victims.begin(), victims.end(), [&](const VictimChunk& victim) {
      return active_pods(*victim.group, simulated) == 0 ||
             minimum_met(victim.group->root, simulated, is_active) ||
             !minimum_met(victim.group->root, before, is_active);
    });
  }

  /// Tries one set of victims. Sets `illegal` when everybody has a place but the scenario may not be.
  std::optional<Solution> attempt(const Chunk& solving, const std::vector<VictimChunk>& victims,
                                  bool& illegal) const {
    std::optional<State> simulated = simulate(solving, victims);
    if (!simulated) return std::nullopt;
    illegal = !is_legal(*simulated, solving, victims);
    if (illegal || !leaves_whole_groups(*simulated, victims)) return std::nullopt;
    return Solution{*simulated, affected(*simulated, victims)};
  }

  /// Rule 3: for each node with a pod of the newest chunk, in the order of nodes, the recorded victims plus
  /// every accumulated chunk with a pod on that node, each whole. Where the core of a group is among them,
  /// what was taken above its minimum is tried with it, wherever it is. An illegal scenario ends the attempts
  /// for this set.
  std::optional<Solution> attempt_by_node(const Chunk& solving, const std::vector<VictimChunk>& recorded,
                                          const std::vector<VictimChunk>& accumulated) const {
    std::set<std::string> nodes;
    for (const model::Pod* pod : accumulated.back().pods) nodes.insert(state_of(before, *pod).place.node);
    for (const std::string& node : nodes) {
      auto is_here = [&](const VictimChunk& chunk) {
        return std::any_of(chunk.pods.begin(), chunk.pods.end(),
                           [&](const model::Pod* pod) { return state_of(before, *pod).place.node == node; });
      };
      std::vector<VictimChunk> here = recorded;
      std::vector<VictimChunk> with_cores = recorded;
      for (const VictimChunk& chunk : accumulated) {
        if (is_here(chunk)) here.push_back(chunk);
        if (is_here(chunk) ||
            std::any_of(accumulated.begin(), accumulated.end(), [&](const VictimChunk& core) {
              return core.last && core.group == chunk.group && is_here(core);
            }))
          with_cores.push_back(chunk);
      }
      bool illegal = false;
      if (auto solution = attempt(solving, here, illegal)) return solution;
      if (illegal) return std::nullopt;
      if (with_cores.size() == here.size()) continue;
      if (auto solution = attempt(solving, with_cores, illegal)) return solution;
      if (illegal) return std::nullopt;
    }
    return std::nullopt;
  }

  /// Rule 11: the cap on groups that consolidation may touch is exceeded only by more than one.
  bool too_many_groups(const std::vector<VictimChunk>& recorded, const std::vector<VictimChunk>& accumulated,
                       const Group& next) const {
    std::int32_t cap = round.facts.world->configuration.max_consolidation_victims;
    if (action != model::Action::kConsolidate || cap < 0) return false;
    std::set<const Group*> groups{&next};
    for (const VictimChunk& chunk : recorded) groups.insert(chunk.group);
    for (const VictimChunk& chunk : accumulated) groups.insert(chunk.group);
    return static_cast<std::int32_t>(groups.size()) > cap + 1;
  }

  /// Solves the first k pods: with the victims recorded for k-1 alone, then with one chunk more at a time.
  std::optional<Solution> solve(const Chunk& solving, const std::vector<VictimChunk>& recorded) const {
    bool illegal = false;
    if (!recorded.empty())
      if (auto solution = attempt(solving, recorded, illegal)) return solution;
    State reduced = before;  // without the victims taken so far
    for (const VictimChunk& chunk : recorded)
      for (const model::Pod* pod : chunk.pods) evict(reduced, pod->uid);
    std::vector<const Group*> candidates = victim_candidates(round, before, beneficiary, action);
    std::map<std::string, Amounts> popped;
    std::vector<VictimChunk> accumulated;
    OrderInput input{round.facts, before, round.shares};
    while (true) {
      std::erase_if(candidates, [&](const Group* group) { return next_victims(*group, reduced).empty(); });
      if (candidates.empty()) return std::nullopt;
      std::size_t index = pick_victim(input, reduced, candidates, popped);
      const Group& next = *candidates[index];
      Chunk chunk = next_victims(next, reduced);
      if (!may_be_evicted(round.facts, reduced, chunk)) {  // then nothing more of this group
        for (const model::Pod* pod : chunk)
          if (auto until = refused_until(round.facts, *pod)) round.wake_up.note(*until);
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(index));
        continue;
      }
      if (too_many_groups(recorded, accumulated, next)) return std::nullopt;
      add(popped[next.queue], held(round.facts, reduced, next));
      accumulated.push_back({&next, std::move(chunk), false});
      for (const model::Pod* pod : accumulated.back().pods) evict(reduced, pod->uid);
      accumulated.back().last = active_pods(next, reduced) == 0;
      if (auto solution = attempt_by_node(solving, recorded, accumulated)) return solution;
    }
  }

  /// design.md, "Search": a set is irreducible. Tries to spare each chunk, the last taken first; a
  /// pod above the minimum cannot stay while the core of its group goes.
  Solution spare(Solution solution, const Chunk& solving) const {
    for (std::size_t i = solution.victims.size(); i-- > 0;) {
      std::vector<VictimChunk> fewer = solution.victims;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      const Group* group = solution.victims[i].group;
      if (std::any_of(fewer.begin() + static_cast<std::ptrdiff_t>(i), fewer.end(),
                      [&](const VictimChunk& later) { return later.group == group && later.last; }))
        continue;
      bool illegal = false;
      auto better = attempt(solving, fewer, illegal);
      if (better && better->victims.size() < solution.victims.size()) {
        solution = *better;
        i = std::min(i, solution.victims.size());
      }
    }
    return solution;
  }
};

/// Rule 11: what the pool's nodes have idle, being released, or free on shared devices.
std::int64_t free_device_thousandths(const PoolRound& round, const State& state) {
  std::int64_t sum = 0;
  for (const model::Node* node : round.nodes) {
    NodeUse use = node_use(round.facts, state, *node);
    for (const model::DeviceSet& set : node->devices)
      sum += use.free_later(device_name(set.resource)) * model::kThousandthsPerDevice;
    for (const auto& [group, device] : use.shared)
      if ((device.has_active || device.has_pipelined) && use.device_mib > 0)
        sum += (use.device_mib - device.active - device.pipelined) * model::kThousandthsPerDevice /
               use.device_mib;
    for (const model::Partition& partition : node->partitions)
      sum += use.free_later(partition.resource) * partition.quota_thousandths;
  }
  return sum;
}

}  // namespace

std::vector<const Group*> victim_candidates(const PoolRound& round, const State& state,
                                            const Group& beneficiary, model::Action action) {
  std::vector<const Group*> candidates;
  for (const auto& [key, group] : round.facts.groups) {
    bool in_pool = std::any_of(group.pods.begin(), group.pods.end(), [&](const model::Pod* pod) {
      auto node = round.facts.world->nodes.find(state_of(state, *pod).place.node);
      return node != round.facts.world->nodes.end() && node->second.pool == round.shares.pool;
    });
    if (!group.preemptible || &group == &beneficiary || !in_pool || active_pods(group, state) == 0) continue;
    if (!round.facts.queues.count(group.queue)) continue;
    // Capacity that is being freed for a group, or that a moved group waits for, stays set aside.
    if (std::any_of(group.pods.begin(), group.pods.end(), [&](const model::Pod* pod) {
          return state_of(state, *pod).status == Status::kPipelined;
        }))
      continue;
    bool same_queue = group.queue == beneficiary.queue;
    if (action == model::Action::kReclaim && same_queue) continue;
    if (action == model::Action::kPreempt && (!same_queue || group.priority >= beneficiary.priority))
      continue;
    if (auto until = protected_until(round.facts, beneficiary, group, action)) {
      round.wake_up.note(*until);
      if (!is_elastic(group)) continue;  // an elastic one can still lose pods above its minimum
    }
    candidates.push_back(&group);
  }
  return candidates;
}

std::optional<Solution> search_victims(const PoolRound& round, const State& state, const Group& beneficiary,
                                       model::Action action, const std::vector<const Group*>& waiting) {
  Chunk chunk = next_chunk(beneficiary, state);
  if (chunk.empty()) return std::nullopt;
  Amounts request = chunk_request(round.facts, chunk);
  if (action == model::Action::kConsolidate && free_device_thousandths(round, state) < get(request, "gpu"))
    return std::nullopt;
  Search search{round, state, beneficiary, action, waiting};
  std::vector<VictimChunk> recorded;
  std::optional<Solution> solution;
  for (std::size_t k = 1; k <= chunk.size(); ++k) {
    solution = search.solve({chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(k)}, recorded);
    if (!solution) return std::nullopt;
    recorded = solution->victims;
  }
  return search.spare(*solution, chunk);
}

}  // namespace fairlead::reference
