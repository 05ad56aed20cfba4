#include "reference/reference_scheduler.h"

#include "reference/assumed.h"
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
    world.namespaces.erase(event.name);  // unknown ones have no labels either
    return {};
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
    const model::Pod& pod = event.pod;
    if (pod.uid.empty()) return "no uid";
    if ((is_placed(pod) || (pod.releasing && pod.phase != model::Pod::Phase::kPending)) && pod.node.empty())
      return "runs on no node";
    if (pod.served && pod.group.empty()) return "has no group";
    take_pod(world, pod);
    return {};
  }
  std::string operator()(const model::PodRemoved& event) { return remove_pod(world, event.uid); }
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
  std::string operator()(const model::DeviceClassUpserted& event) {
    return store(world.device_classes, event.device_class.name, event.device_class);
  }
  std::string operator()(const model::DeviceClassRemoved& event) {
    return remove(world.device_classes, event.name);
  }
  std::string operator()(const model::ResourceSliceUpserted& event) {
    return store(world.slices, event.slice.name, event.slice);
  }
  std::string operator()(const model::ResourceSliceRemoved& event) {
    return remove(world.slices, event.name);
  }
  std::string operator()(const model::ResourceClaimUpserted& event) {
    return store(world.resource_claims, event.claim.key, event.claim);
  }
  std::string operator()(const model::ResourceClaimRemoved& event) {
    return remove(world.resource_claims, event.key);
  }
  std::string operator()(const model::DeviceChanged& event) {
    auto node = world.nodes.find(event.node);
    if (node == world.nodes.end()) return "unknown device";
    model::Device* device = model::find_device(node->second, event.slot);
    if (!device) return "unknown device";
    device->healthy = event.healthy;
    return {};
  }
  std::string operator()(const model::PodStarted& event) {
    return change(event.uid, [&](model::Pod& pod) {
      if (is_placed(pod) || pod.releasing) pod.phase = model::Pod::Phase::kRunning;
      pod.started = world.now;
    });
  }
  std::string operator()(const model::PodFinished& event) {
    return change(event.uid, [&](model::Pod& pod) {
      pod.phase = event.succeeded ? model::Pod::Phase::kSucceeded : model::Pod::Phase::kFailed;
      world.memory[event.uid].reserved.reset();
    });
  }
  std::string operator()(const model::CheckpointTaken& event) {
    return change(event.uid, [&](model::Pod& pod) { pod.last_checkpoint = world.now; });
  }
  std::string operator()(const model::UsageSampled& event) {
    if (!world.queues.count(event.queue)) return "not known";
    for (const auto& [dimension, share] : event.shares)
      if (!(share >= 0)) return "negative usage";
    for (const auto& [dimension, share] : event.shares)
      world.usage[{event.queue, event.pool}][dimension] = share;
    return {};
  }
  std::string operator()(const model::BindSucceeded& event) { return take(world, event); }
  std::string operator()(const model::BindFailed& event) { return take(world, event); }
  std::string operator()(const model::EvictionAccepted& event) { return take(world, event); }
  std::string operator()(const model::EvictionRefused& event) { return take(world, event); }

 private:
  template <class Value>
  static std::string store(std::map<std::string, Value>& map, const std::string& key, const Value& value) {
    if (key.empty()) return "no name";
    map[key] = value;
    return {};
  }
  template <class Value>
  static std::string remove(std::map<std::string, Value>& map, const std::string& key) {
    return map.erase(key) > 0 ? std::string() : "not known";
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

void ReferenceScheduler::note_stale_groups() {
  Facts facts = make_facts(world_);
  State state = make_state(world_);
  for (const auto& [key, group] : facts.groups)
    if (is_stale(group, state))
      world_.stale_since.try_emplace(key, world_.now);
    else
      world_.stale_since.erase(key);
}

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
    if (!reason.empty()) {
      world_.now = before;
      report.rejected.push_back({i, reason});
    } else if (!std::holds_alternative<model::ClockAdvanced>(events[i].body)) {
      changed_ = true;
      // Events of one instant count together: what a group lacks between them it never lacked.
      if (i + 1 == events.size() || events[i + 1].time > world_.now) note_stale_groups();
    }
  }
  return report;
}

/// What differs between the verdicts that were told and those that hold now, by group.
std::vector<model::VerdictChanged> ReferenceScheduler::take_verdicts(
    std::map<std::string, model::Verdict> now) {
  std::vector<model::VerdictChanged> changes;
  for (const auto& [key, verdict] : verdicts_) now.try_emplace(key);
  for (const auto& [key, verdict] : now)
    if (!(verdicts_[key] == verdict)) changes.push_back({key, verdict});
  std::erase_if(now, [](const auto& entry) { return entry.second.reasons.empty(); });
  verdicts_ = std::move(now);
  return changes;
}

model::Round ReferenceScheduler::run(const model::RoundRequest&) {
  // What is known is what the last round knew, and time alone changes nothing yet.
  if (!changed_ && !(wake_at_ && *wake_at_ <= world_.now)) return {{}, false, wake_at_};
  Facts facts = make_facts(world_);
  State before = make_state(world_);
  RoundRun run(facts, before);
  run.run();

  model::Round round;
  for (auto& body : run.decisions(before)) {
    if (auto* evict = std::get_if<model::Evict>(&body)) evict->reason = eviction_reason(*evict, facts);
    round.decisions.push_back({++decisions_, std::move(body)});
  }
  State after = std::move(run.state);
  reference::assume(world_, after, round.decisions);
  note_stale_groups();
  for (model::VerdictChanged& change : take_verdicts(std::move(run.verdicts)))
    round.decisions.push_back({++decisions_, std::move(change)});
  round.wake_at = wake_at_ = run.wake_up.at;
  changed_ = false;
  return round;
}

}  // namespace fairlead::reference
