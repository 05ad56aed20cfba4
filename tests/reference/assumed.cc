#include "reference/assumed.h"

#include "reference/legality.h"

namespace fairlead::reference {
namespace {

using Phase = model::Pod::Phase;

void take_place_away(model::Pod& pod) {
  pod.phase = Phase::kPending;
  pod.node.clear();
  pod.device_groups.clear();
}

/// The outcome of a decision that waits for one: whose, or why not.
struct Settled {
  std::string refusal;
  model::Pod* pod = nullptr;  ///< none: it has gone, or a later decision replaced this one
  Memory* memory = nullptr;
};
Settled settle(World& world, std::uint64_t number, bool bind) {
  auto awaited = world.awaited.find(number);
  if (awaited == world.awaited.end() || awaited->second.bind != bind)
    return {"decision " + std::to_string(number) + " waits for no such outcome"};
  auto pod = world.pods.find(awaited->second.pod);
  world.awaited.erase(awaited);
  if (pod == world.pods.end() || world.memory[pod->first].decision != number) return {};
  Memory& memory = world.memory[pod->first];
  memory.decision = 0;
  return {{}, &pod->second, &memory};
}

}  // namespace

bool is_placed(const model::Pod& pod) {
  return !pod.releasing &&
         (pod.phase == Phase::kBinding || pod.phase == Phase::kBound || pod.phase == Phase::kRunning);
}

void assume(World& world, const State& after, const std::vector<model::Decision>& decisions) {
  world.orphans.clear();
  for (const model::Decision& decision : decisions) {
    const auto* bind = std::get_if<model::Bind>(&decision.body);
    const auto* evict = std::get_if<model::Evict>(&decision.body);
    if (!bind && !evict) continue;
    const std::string& uid = bind ? bind->pod : evict->pod;
    world.awaited[decision.number] = {uid, bind != nullptr};
    world.memory[uid].decision = decision.number;
    for (auto& [key, budget] : world.budgets)  // until its controller counts anew
      if (evict && budget.disruptions_allowed && is_covered(budget, world.pods.at(uid)))
        budget.disruptions_allowed = *budget.disruptions_allowed - 1;
  }
  for (const auto& [uid, now] : after.pods) {
    model::Pod& pod = world.pods.at(uid);
    Memory& memory = world.memory[uid];
    if (now.status == Status::kAllocated) {
      pod.phase = Phase::kBinding;
      pod.node = now.place.node;
      pod.device_groups = now.place.device_groups;
      memory.claims = now.place.claims;
    } else if (now.status == Status::kPending && memory.reserved) {
      pod.nominated_node.clear();
    } else if (now.status == Status::kPipelined) {
      pod.nominated_node = now.place.node;
    }
    if (now.leaving) pod.releasing = true;
    memory.inherited = false;
    memory.reserved.reset();
    if (now.status == Status::kPipelined) memory.reserved = now.place;
  }
}

std::string remove_pod(World& world, const std::string& uid) {
  auto pod = world.pods.find(uid);
  if (pod == world.pods.end()) return "not known";
  const Memory& memory = world.memory[uid];
  if (pod->second.releasing && memory.reserved) world.orphans.push_back({pod->second, *memory.reserved});
  world.memory.erase(uid);
  world.pods.erase(pod);
  return {};
}

namespace {

void inherit(World& world, model::Pod& pod, Memory& memory) {
  auto orphan = std::find_if(world.orphans.begin(), world.orphans.end(), [&](const Orphan& one) {
    return one.pod.group == pod.group && one.pod.sub_group == pod.sub_group && one.pod.devices == pod.devices;
  });
  if (orphan == world.orphans.end()) return;
  memory.reserved = orphan->place;
  // Its claims are new ones with the same requests.
  auto& claims = memory.reserved->claims;
  if (claims.size() != pod.claims.size()) claims.clear();
  for (std::size_t i = 0; i < claims.size(); ++i) claims[i].claim = pod.claims[i];
  memory.inherited = true;
  pod.nominated_node = orphan->place.node;
  world.orphans.erase(orphan);
}

}  // namespace

void take_pod(World& world, const model::Pod& told) {
  bool is_new = world.pods.count(told.uid) == 0;
  const model::Pod known = world.pods[told.uid];  // of a new pod: an empty one
  model::Pod& pod = world.pods[told.uid];
  Memory& memory = world.memory[told.uid];
  pod = told;
  // The names that were chosen for shared devices stand where the world has none.
  if (told.node == known.node && told.device_groups.empty()) pod.device_groups = known.device_groups;
  auto keep = [&] {
    pod.phase = known.phase;
    pod.node = known.node;
    pod.device_groups = known.device_groups;
    pod.releasing = known.releasing;
  };
  bool waits = told.phase == Phase::kPending && !told.releasing && !told.gated;
  bool further = told.releasing || told.phase == Phase::kSucceeded || told.phase == Phase::kFailed;
  bool binding = known.phase == Phase::kBinding && !known.releasing;
  if (memory.decision != 0 && !further &&
      (known.releasing || (binding && (waits || place_in_world(told) == place_in_world(known)))))
    return keep();
  if (waits && memory.bound && is_placed(known)) return keep();
  if (waits && memory.reserved && !known.releasing) {
    pod.nominated_node = known.nominated_node;
    return;
  }
  bool moves = told.releasing && told.phase != Phase::kPending && known.releasing;
  if (!moves) memory.reserved.reset();
  memory.bound = false;
  if (is_new && waits) inherit(world, pod, memory);
}

std::string take(World& world, const model::BindSucceeded& outcome) {
  Settled settled = settle(world, outcome.decision, true);
  if (!settled.pod || settled.pod->phase != Phase::kBinding) return settled.refusal;
  settled.pod->phase = Phase::kBound;
  settled.memory->bound = true;
  settled.memory->bind_failures = 0;
  settled.memory->exclusions.clear();
  return {};
}

std::string take(World& world, const model::BindFailed& outcome) {
  Settled settled = settle(world, outcome.decision, true);
  if (!settled.pod || settled.pod->phase != Phase::kBinding || settled.pod->releasing) return settled.refusal;
  bool node_only = outcome.scope == model::BindFailed::Scope::kNode;
  settled.memory->exclusions.push_back({node_only ? settled.pod->node : "", outcome.retry_at});
  ++settled.memory->bind_failures;
  take_place_away(*settled.pod);
  settled.memory->claims.clear();
  return {};
}

std::string take(World& world, const model::EvictionAccepted& outcome) {
  return settle(world, outcome.decision, false).refusal;
}

std::string take(World& world, const model::EvictionRefused& outcome) {
  Settled settled = settle(world, outcome.decision, false);
  if (!settled.pod || !settled.pod->releasing) return settled.refusal;
  settled.pod->releasing = false;
  settled.memory->reserved.reset();
  settled.memory->no_victim_before = outcome.retry_at;
  return {};
}

}  // namespace fairlead::reference
