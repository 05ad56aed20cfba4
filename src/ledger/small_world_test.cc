#include "ledger/small_world_test.h"

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace fairlead::ledger {
namespace {

model::DimensionQuota quota(const char* dimension, model::Bound amount) {
  return {dimension, {amount, model::Bound::unlimited(), 1}};
}

model::Queue queue(const std::string& name, const std::string& parent, std::int64_t devices) {
  model::Queue made;
  made.name = name;
  made.uid = name;
  made.parent = parent;
  made.pools.push_back(
      {"",
       std::nullopt,
       {quota("gpu", model::Bound::of(devices * 1000)), quota("cpu", model::Bound::unlimited()),
        quota("memory", model::Bound::unlimited())}});
  return made;
}

}  // namespace

SmallWorld::SmallWorld(std::uint64_t seed, std::unique_ptr<model::Scheduler> scheduler)
    : state_(seed),
      scheduler_(std::move(scheduler)),
      now_(base::Time::from_unix_seconds(1'800'000'000)),
      healthy_(static_cast<std::size_t>(kNodes * kDevices), true) {
  model::Configuration configuration;
  configuration.preempt_min_runtime = base::Duration::seconds(20);
  fixed_.push_back({now_, model::ConfigurationChanged{configuration}});
  fixed_.push_back({now_, model::PriorityClassUpserted{{"train", 50, true}}});
  fixed_.push_back({now_, model::PriorityClassUpserted{{"build", 100, false}}});
  fixed_.push_back({now_, model::QueueUpserted{queue("department", "", 12)}});
  fixed_.push_back({now_, model::QueueUpserted{queue("search", "department", 6)}});
  fixed_.push_back({now_, model::QueueUpserted{queue("vision", "department", 3)}});
  fixed_.push_back({now_, model::UsageSampled{"vision", "", {{"gpu", 0.25}}}});
  for (int i = 0; i < kNodes; ++i) {
    model::Node node;
    node.name = "node-" + std::to_string(i);
    node.uid = node.name;
    node.labels.emplace("zone", i == 0 ? "a" : "b");
    node.allocatable.cpu_milli = 32'000;
    node.allocatable.memory_bytes = 256LL << 30;
    model::DeviceSet set{"nvidia.com/gpu", "nvidia", "H100", kDevices, 81'500, {}};
    for (int d = 0; d < kDevices; ++d) set.devices.push_back({node.name + "/" + std::to_string(d), true});
    node.devices.push_back(set);
    fixed_.push_back({now_, model::NodeUpserted{node}});
  }
  scheduler_->apply(snapshot());
}

std::size_t SmallWorld::pick(std::size_t below) {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<std::size_t>((z ^ (z >> 31U)) % below);
}

std::vector<model::Event> SmallWorld::snapshot() const {
  std::vector<model::Event> events = fixed_;
  for (std::size_t i = 0; i < healthy_.size(); ++i) {
    if (healthy_[i]) continue;
    events.push_back({now_, model::DeviceChanged{"node-" + std::to_string(i / kDevices),
                                                 static_cast<std::uint32_t>(i % kDevices), false}});
  }
  for (const auto& [key, group] : groups_) events.push_back({now_, model::GroupUpserted{group}});
  for (const auto& [uid, pod] : pods_) events.push_back({now_, model::PodUpserted{pod}});
  for (model::Event& event : events) event.time = now_;
  return events;
}

void SmallWorld::restart(std::unique_ptr<model::Scheduler> scheduler) {
  scheduler_ = std::move(scheduler);
  // What was assumed and not carried out is forgotten, as after a crash.
  unsettled_.clear();
  scheduler_->apply(snapshot());
}

void SmallWorld::tell(std::vector<model::Event>& events, decltype(model::Event::body) body) {
  events.push_back({now_, std::move(body)});
}

void SmallWorld::submit(std::vector<model::Event>& events) {
  const std::string name = "g" + std::to_string(submitted_++);
  model::PodGroup group;
  group.key = "lab/" + name;
  group.uid = group.key;
  group.created = now_;
  group.queue = pick(2) == 0 ? "search" : "vision";
  group.priority_class = pick(4) == 0 ? "build" : "train";
  const std::size_t pods = 1 + pick(4);
  group.min_member = static_cast<std::int32_t>(1 + pick(pods));
  groups_[group.key] = group;
  tell(events, model::GroupUpserted{group});
  const bool shared = pick(4) == 0;
  const std::int64_t devices = shared ? 1 : 1 + static_cast<std::int64_t>(pick(3));
  for (std::size_t i = 0; i < pods; ++i) {
    model::Pod pod;
    pod.uid = name + "-" + std::to_string(i) + "-0";
    pod.namespace_name = "lab";
    pod.name = pod.uid;
    pod.created = now_;
    pod.group = group.key;
    pod.requests.cpu_milli = 1000;
    pod.requests.memory_bytes = 1LL << 30;
    pod.devices.kind = shared ? model::DeviceRequest::Kind::kFraction : model::DeviceRequest::Kind::kWhole;
    if (!shared) pod.devices.resource = "nvidia.com/gpu";
    pod.devices.count = devices;
    if (shared) pod.devices.thousandths = 300;
    if (pick(5) == 0) pod.constraints.node_selector.emplace("zone", "b");
    pods_[pod.uid] = pod;
    tell(events, model::PodUpserted{pod});
  }
}

void SmallWorld::recreate(std::vector<model::Event>& events, const std::string& uid) {
  model::Pod pod = pods_.at(uid);
  pods_.erase(uid);
  tell(events, model::PodRemoved{uid});
  const std::size_t attempt = uid.rfind('-');
  pod.uid = uid.substr(0, attempt + 1) + std::to_string(std::stoi(uid.substr(attempt + 1)) + 1);
  pod.name = pod.uid;
  pod.created = now_;
  pod.phase = model::Pod::Phase::kPending;
  pod.node.clear();
  pod.device_groups.clear();
  pod.started.reset();
  pod.releasing = false;
  pods_[pod.uid] = pod;
  tell(events, model::PodUpserted{pod});
}

void SmallWorld::settle(std::vector<model::Event>& events) {
  std::vector<model::Decision> later;
  for (const model::Decision& decision : unsettled_) {
    if (pick(4) == 0) {
      later.push_back(decision);
      continue;
    }
    const base::Time retry = now_ + base::Duration::seconds(static_cast<std::int64_t>(pick(60)));
    if (const auto* bind = std::get_if<model::Bind>(&decision.body)) {
      if (pick(8) == 0) {
        const auto scope = pick(2) == 0 ? model::BindFailed::Scope::kPod : model::BindFailed::Scope::kNode;
        tell(events, model::BindFailed{decision.number, scope, retry});
        continue;
      }
      tell(events, model::BindSucceeded{decision.number});
      const auto found = pods_.find(bind->pod);
      if (found == pods_.end()) continue;
      model::Pod& pod = found->second;
      pod.phase = model::Pod::Phase::kRunning;
      pod.node = bind->node;
      pod.device_groups = bind->device_groups;
      pod.started = now_;
      model::PodGroup& group = groups_.at(pod.group);
      group.last_start = now_;
      tell(events, model::GroupUpserted{group});
      tell(events, model::PodUpserted{pod});
    } else if (const auto* evict = std::get_if<model::Evict>(&decision.body)) {
      if (pick(8) == 0) {
        tell(events, model::EvictionRefused{decision.number, retry});
        continue;
      }
      tell(events, model::EvictionAccepted{decision.number});
      if (pods_.contains(evict->pod)) recreate(events, evict->pod);
    }
  }
  unsettled_ = std::move(later);
}

void SmallWorld::live(std::vector<model::Event>& events) {
  std::vector<std::string> running;
  for (const auto& [uid, pod] : pods_) {
    if (pod.phase == model::Pod::Phase::kRunning) running.push_back(uid);
  }
  if (!running.empty() && pick(2) == 0) {
    const std::string& uid = running[pick(running.size())];
    const std::string key = pods_.at(uid).group;
    tell(events, model::PodFinished{uid, true});
    tell(events, model::PodRemoved{uid});
    pods_.erase(uid);
    const bool last = std::none_of(pods_.begin(), pods_.end(),
                                   [&key](const auto& entry) { return entry.second.group == key; });
    if (last) {
      tell(events, model::GroupRemoved{key});
      groups_.erase(key);
    }
  } else if (!running.empty() && pick(2) == 0) {
    model::Pod& pod = pods_.at(running[pick(running.size())]);
    pod.last_checkpoint = now_;
    tell(events, model::CheckpointTaken{pod.uid});
  }
  if (pick(12) == 0) {
    const std::size_t device = pick(healthy_.size());
    healthy_[device] = !healthy_[device];
    tell(events, model::DeviceChanged{"node-" + std::to_string(device / kDevices),
                                      static_cast<std::uint32_t>(device % kDevices), healthy_[device]});
  }
}

std::vector<RoundRecord> SmallWorld::step() {
  now_ = now_ + base::Duration::milliseconds(static_cast<std::int64_t>(pick(30'000)));
  std::vector<model::Event> events;
  tell(events, model::ClockAdvanced{});
  settle(events);
  live(events);
  if (pick(3) != 0) submit(events);
  std::vector<RoundRecord> rounds;
  for (bool more = true; more; events.clear()) {
    RoundRecord round;
    round.time = now_;
    round.events = events;
    if (pick(2) == 0) round.request.max_simulations = 50;
    scheduler_->apply(events);
    model::Round decided = scheduler_->run(round.request);
    more = decided.more && rounds.size() < 5;
    for (const model::Decision& decision : decided.decisions) {
      if (std::holds_alternative<model::Bind>(decision.body) ||
          std::holds_alternative<model::Evict>(decision.body))
        unsettled_.push_back(decision);
    }
    round.decisions = std::move(decided.decisions);
    rounds.push_back(std::move(round));
  }
  return rounds;
}

std::int64_t record(const std::string& path, const RecordedLedger& options) {
  auto ledger = Ledger::open(path);
  EXPECT_TRUE(ledger.ok()) << ledger.error().message();
  SmallWorld world(options.seed, engine::make_engine());
  std::int64_t rounds = 0;
  for (int segment = 0; segment < options.segments; ++segment) {
    EXPECT_TRUE((*ledger)->begin_segment(world.now(), world.snapshot()).ok());
    if (segment > 0) world.restart(engine::make_engine());
    for (int i = 0; i < options.steps; ++i) {
      Batch batch;
      batch.rounds = world.step();
      rounds += static_cast<std::int64_t>(batch.rounds.size());
      const std::string name = "lab/w" + std::to_string(i % 7);
      batch.written.push_back({"workload", name, 0, R"({"step":)" + std::to_string(i) + "}"});
      if (i % 5 == 0) batch.removed.emplace_back("workload", "lab/w" + std::to_string((i + 3) % 7));
      batch.history.push_back({0, world.now(), "workload-submitted", "workload " + name, "ann", "{}"});
      if (i % 3 == 0)
        batch.usage.push_back({world.now(), world.now() + base::Duration::seconds(60), "department", "search",
                               "ann", name, "H100", 1000, 0,
                               i % 2 == 0 ? std::optional<std::int64_t>(400) : std::nullopt, 0});
      const auto done = (*ledger)->commit(std::move(batch));
      EXPECT_TRUE(done.ok()) << done.error().message();
    }
  }
  return rounds;
}

}  // namespace fairlead::ledger
