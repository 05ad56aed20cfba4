#include "reference/reference_scheduler.h"

#include "reference/round.h"

namespace fairlead::reference {
namespace {

/// Takes over one event. The result says why it was refused; empty: it was taken.
struct Taker {
  World& world;

  std::string operator()(const model::ClockAdvanced&) { return {}; }
  std::string operator()(const model::ConfigurationChanged& event) {
    world.configuration = event.configuration;
    return {};
  }
  std::string operator()(const model::QueueUpserted& event) {
    return store(world.queues, event.queue.name, event.queue);
  }
  std::string operator()(const model::QueueRemoved& event) { return remove(world.queues, event.name); }
  std::string operator()(const model::TopologyUpserted& event) {
    return store(world.topologies, event.topology.name, event.topology);
  }
  std::string operator()(const model::TopologyRemoved& event) { return remove(world.topologies, event.name); }
  std::string operator()(const model::PriorityClassUpserted& event) {
    return store(world.priority_classes, event.priority_class.name, event.priority_class);
  }
  std::string operator()(const model::PriorityClassRemoved& event) {
    return remove(world.priority_classes, event.name);
  }
  std::string operator()(const model::NamespaceUpserted& event) {
    return store(world.namespaces, event.name, event.labels);
  }
  std::string operator()(const model::NamespaceRemoved& event) {
    return remove(world.namespaces, event.name);
  }
  std::string operator()(const model::NodeUpserted& event) {
    return store(world.nodes, event.node.name, event.node);
  }
  std::string operator()(const model::NodeRemoved& event) { return remove(world.nodes, event.name); }
  std::string operator()(const model::GroupUpserted& event) {
    return store(world.groups, event.group.key, event.group);
  }
  std::string operator()(const model::GroupRemoved& event) { return remove(world.groups, event.key); }
  std::string operator()(const model::PodUpserted& event) {
    return store(world.pods, event.pod.uid, event.pod);
  }
  std::string operator()(const model::PodRemoved& event) { return remove(world.pods, event.uid); }
  std::string operator()(const model::VolumeClaimUpserted& event) {
    return store(world.claims, event.claim.key, event.claim);
  }
  std::string operator()(const model::VolumeClaimRemoved& event) { return remove(world.claims, event.key); }
  std::string operator()(const model::DisruptionBudgetUpserted& event) {
    return store(world.budgets, event.budget.key, event.budget);
  }
  std::string operator()(const model::DisruptionBudgetRemoved& event) {
    return remove(world.budgets, event.key);
  }
  std::string operator()(const model::DeviceChanged& event) {
    auto node = world.nodes.find(event.node);
    if (node == world.nodes.end() || node->second.devices.empty()) return "unknown device";
    auto& devices = node->second.devices.front().devices;
    if (event.slot >= devices.size()) return "unknown device";
    devices[event.slot].healthy = event.healthy;
    return {};
  }
  std::string operator()(const model::PodStarted& event) {
    return change(event.uid, [&](model::Pod& pod) {
      pod.phase = model::Pod::Phase::kRunning;
      pod.started = world.now;
    });
  }
  std::string operator()(const model::PodFinished& event) {
    return change(event.uid, [&](model::Pod& pod) {
      pod.phase = event.succeeded ? model::Pod::Phase::kSucceeded : model::Pod::Phase::kFailed;
    });
  }
  std::string operator()(const model::CheckpointTaken& event) {
    return change(event.uid, [&](model::Pod& pod) { pod.last_checkpoint = world.now; });
  }
  std::string operator()(const model::UsageSampled& event) {
    auto& shares = world.usage[{event.queue, event.pool}];
    for (const auto& [dimension, share] : event.shares) shares[dimension] = share;
    return {};
  }
  // Outcomes come with the assumed state, which is not kept yet: what the world reports stands.
  std::string operator()(const model::BindSucceeded&) { return {}; }
  std::string operator()(const model::BindFailed&) { return {}; }
  std::string operator()(const model::EvictionAccepted&) { return {}; }
  std::string operator()(const model::EvictionRefused&) { return {}; }

 private:
  template <class Value>
  static std::string store(std::map<std::string, Value>& map, const std::string& key, const Value& value) {
    if (key.empty()) return "no name";
    map[key] = value;
    return {};
  }
  template <class Value>
  static std::string remove(std::map<std::string, Value>& map, const std::string& key) {
    map.erase(key);
    return {};
  }
  template <class Change>
  std::string change(const std::string& uid, const Change& apply) {
    auto pod = world.pods.find(uid);
    if (pod == world.pods.end()) return "unknown pod";
    apply(pod->second);
    return {};
  }
};

std::string eviction_reason(const model::Evict& evict, const Facts& facts) {
  if (evict.rule == model::EvictionRule::kStaleGang) return "the gang runs with fewer pods than its minimum";
  std::string verb = evict.rule == model::EvictionRule::kReclaim   ? "reclaimed"
                     : evict.rule == model::EvictionRule::kPreempt ? "preempted"
                                                                   : "moved";
  return verb + " for " + evict.beneficiary + " of queue " + facts.groups.at(evict.beneficiary).object->queue;
}

}  // namespace

model::ApplyReport ReferenceScheduler::apply(std::span<const model::Event> events) {
  model::ApplyReport report;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i].time < world_.now) {
      report.rejected.push_back({i, "time goes backwards"});
      continue;
    }
    base::Time before = world_.now;
    world_.now = events[i].time;
    std::string reason = std::visit(Taker{world_}, events[i].body);
    if (reason.empty()) continue;
    world_.now = before;
    report.rejected.push_back({i, reason});
  }
  return report;
}

model::Round ReferenceScheduler::run(const model::RoundRequest&) {
  Facts facts = make_facts(world_);
  State before = make_state(world_);
  for (const auto& [key, group] : facts.groups)
    if (is_stale(group, before))
      world_.stale_since.try_emplace(key, world_.now);
    else
      world_.stale_since.erase(key);
  RoundRun run(facts, before);
  run.run();

  model::Round round;
  for (const auto& body : run.decisions(before)) {
    model::Decision decision{.number = ++decisions_, .body = {}};
    std::visit([&](const auto& value) { decision.body = value; }, body);
    if (auto* evict = std::get_if<model::Evict>(&decision.body))
      evict->reason = eviction_reason(*evict, facts);
    round.decisions.push_back(std::move(decision));
  }
  std::set<std::string> groups;
  for (const auto& [key, verdict] : verdicts_) groups.insert(key);
  for (const auto& [key, verdict] : run.verdicts) groups.insert(key);
  for (const std::string& key : groups) {
    if (verdicts_[key] == run.verdicts[key]) continue;
    round.decisions.push_back({++decisions_, model::VerdictChanged{key, run.verdicts[key]}});
  }
  verdicts_ = run.verdicts;
  std::erase_if(verdicts_, [](const auto& entry) { return entry.second.reasons.empty(); });
  return round;
}

}  // namespace fairlead::reference
