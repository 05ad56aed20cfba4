// The engine's rounds on synthetic clusters of equal pods. Every case checks what was decided; what is timed
// is Scheduler::run, and apply where it says so.

#include "cluster_events.h"
#include "round_timing.h"

#include <fmt/format.h>

#include <memory>

namespace fairlead::bench {
namespace {

void BM_FillOneDeviceGroups(benchmark::State& state) {
  ClusterEvents events(kNow);
  events.nodes("node", 500);
  queues(events, "team", 500);
  for (int i = 0; i < 4000; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("job-{:05}", i);
    group.queue = fmt::format("team-{}", i % 8);
    group.age_s = 100'000 - i;
    events.group(group);
  }
  time_round(state, events.events(), [](const Counts& counts) { return counts.binds == 4000; });
}
BENCHMARK(BM_FillOneDeviceGroups)->Unit(benchmark::kMillisecond);

void BM_GangOverTopology(benchmark::State& state) {
  ClusterEvents events(kNow);
  events.nodes("node", 512);
  queues(events, "team", 10'000);
  events.add(model::TopologyUpserted{{"tree", {"zone", "block", "rack", "host"}}});
  ClusterEvents::Group group;
  group.name = "gang";
  group.queue = "team-0";
  group.pods = 512;
  group.devices = 8;
  group.topology = {"tree", "", "rack"};
  events.group(group);
  time_round(state, events.events(), [](const Counts& counts) { return counts.binds == 512; });
}
BENCHMARK(BM_GangOverTopology)->Unit(benchmark::kMillisecond);

/// Fills all devices of `nodes` nodes with one-device jobs of a queue.
void fill(ClusterEvents& events, int nodes, const std::string& queue, bool preemptible) {
  for (int i = 0; i < nodes * 8; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("running-{:05}", i);
    group.queue = queue;
    group.age_s = 500'000 - i;
    group.preemptible = preemptible;
    group.nodes = {node_name("node", i * 7 % nodes)};
    events.group(group);
  }
}

void BM_VerdictNoEvictionHelps(benchmark::State& state) {
  ClusterEvents events(kNow);
  events.nodes("node", 500);
  events.queue("all", "", 100'000);
  events.queue("owner", "all", 4000);
  events.queue("lender", "all", 0);
  // One device of each node is held by work that nobody may take away.
  for (int i = 0; i < 500; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("fixed-{:05}", i);
    group.queue = "owner";
    group.preemptible = false;
    group.age_s = 600'000;
    group.nodes = {node_name("node", i)};
    events.group(group);
  }
  for (int i = 0; i < 3500; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("running-{:05}", i);
    group.queue = "lender";
    group.age_s = 500'000 - i;
    group.nodes = {node_name("node", i % 500)};
    events.group(group);
  }
  ClusterEvents::Group gang;
  gang.name = "gang";
  gang.queue = "owner";
  gang.pods = 10;
  gang.devices = 8;
  events.group(gang);
  time_round(state, events.events(),
             [](const Counts& counts) { return counts.binds + counts.evictions + counts.nominations == 0; });
}
BENCHMARK(BM_VerdictNoEvictionHelps)->Unit(benchmark::kMillisecond);

void BM_ReclaimEveryDevice(benchmark::State& state) {
  ClusterEvents events(kNow);
  events.nodes("node", 500);
  events.queue("all", "", 100'000);
  events.queue("owner", "all", 4000);
  events.queue("lender", "all", 0);
  fill(events, 500, "lender", true);
  ClusterEvents::Group gang;
  gang.name = "gang";
  gang.queue = "owner";
  gang.pods = 500;
  gang.devices = 8;
  events.group(gang);
  time_round(state, events.events(),
             [](const Counts& counts) { return counts.evictions == 4000 && counts.nominations == 500; });
}
BENCHMARK(BM_ReclaimEveryDevice)->Unit(benchmark::kMillisecond);

void BM_Consolidate(benchmark::State& state) {
  ClusterEvents events(kNow);
  events.nodes("node", 500);
  queues(events, "team", 4000);
  model::Configuration configuration;
  configuration.max_consolidation_victims = -1;
  events.configuration(configuration);
  // 410 nodes with one busy device each; 90 with room for those.
  for (int i = 0; i < 500; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("small-{:05}", i);
    group.queue = "team-0";
    group.age_s = 500'000 - i;
    group.preemptible = i < 410;
    group.devices = i < 410 ? 1 : 3;
    group.nodes = {node_name("node", i)};
    events.group(group);
  }
  for (int i = 0; i < 41; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("gang-{:02}", i);
    group.queue = "team-1";
    group.pods = 10;
    group.devices = 8;
    group.age_s = 1000 - i;
    events.group(group);
  }
  time_round(state, events.events(),
             [](const Counts& counts) { return counts.evictions == 410 && counts.nominations == 820; });
}
BENCHMARK(BM_Consolidate)->Unit(benchmark::kMillisecond);

/// 10,000 nodes with 100,000 running pods, a tenth of the devices free on each tenth node.
std::unique_ptr<model::Scheduler> large_cluster() {
  ClusterEvents events(kNow);
  events.nodes("node", 10'000);
  queues(events, "team", 10'000);
  int pod = 0;
  for (int node = 0; node < 10'000; ++node) {
    const int devices = node % 10 == 0 ? 4 : 8;
    for (int i = 0; i < 10; ++i, ++pod) {
      ClusterEvents::Group group;
      group.name = fmt::format("running-{:06}", pod);
      group.queue = fmt::format("team-{}", pod % 8);
      group.age_s = 500'000 - pod;
      group.devices = i < devices ? 1 : 0;
      group.nodes = {node_name("node", node)};
      events.group(group);
    }
  }
  std::unique_ptr<model::Scheduler> engine = engine::make_engine();
  engine->apply(events.events());
  engine->run({});
  return engine;
}

void BM_LargeNothingNew(benchmark::State& state) {
  std::unique_ptr<model::Scheduler> engine = large_cluster();
  for (auto _ : state) {
    const model::Round round = engine->run({});
    if (!round.decisions.empty()) {
      state.SkipWithError("something was decided");
      return;
    }
  }
}
BENCHMARK(BM_LargeNothingNew)->Unit(benchmark::kMicrosecond);

/// A group of one pod with one device arrives in the queue team-3; and goes.
std::vector<model::Event> one_arrives() {
  ClusterEvents::Group group;
  group.name = "arriving";
  group.queue = "team-3";
  ClusterEvents arrival(kNow);
  arrival.group(group);
  return arrival.events();
}
std::vector<model::Event> it_is_gone() {
  return {{kNow, model::PodRemoved{"arriving-0"}}, {kNow, model::GroupRemoved{"bench/arriving"}}};
}

/// One pod arrives, is placed, and is gone again: apply and round of the arrival are timed.
void BM_LargeOnePodArrives(benchmark::State& state) {
  std::unique_ptr<model::Scheduler> engine = large_cluster();
  const std::vector<model::Event> arrival = one_arrives();
  const std::vector<model::Event> gone = it_is_gone();
  for (auto _ : state) {
    engine->apply(arrival);
    const model::Round round = engine->run({});
    state.PauseTiming();
    if (count(round).binds != 1) {
      state.SkipWithError("it was not bound");
      return;
    }
    engine->apply(gone);
    engine->run({});
    state.ResumeTiming();
  }
}
BENCHMARK(BM_LargeOnePodArrives)->Unit(benchmark::kMicrosecond);

/// A full cluster of 500 nodes, and 10,000 groups of one device each that wait in eight queues.
std::unique_ptr<model::Scheduler> backlog() {
  ClusterEvents events(kNow);
  events.nodes("node", 500);
  queues(events, "team", 500);
  for (int i = 0; i < 14'000; ++i) {
    ClusterEvents::Group group;
    group.name = fmt::format("job-{:05}", i);
    group.queue = fmt::format("team-{}", i % 8);
    group.age_s = 500'000 - i;
    if (i < 4000) group.nodes = {node_name("node", i * 7 % 500)};
    events.group(group);
  }
  std::unique_ptr<model::Scheduler> engine = engine::make_engine();
  engine->apply(events.events());
  engine->run({});
  return engine;
}

/// Behind 10,000 waiting groups one more arrives, and waits, too: apply and round are timed.
void BM_BacklogOneGroupArrives(benchmark::State& state) {
  std::unique_ptr<model::Scheduler> engine = backlog();
  const std::vector<model::Event> arrival = one_arrives();
  const std::vector<model::Event> gone = it_is_gone();
  for (auto _ : state) {
    engine->apply(arrival);
    const model::Round round = engine->run({});
    state.PauseTiming();
    const auto* verdict = round.decisions.size() == 1
                              ? std::get_if<model::VerdictChanged>(&round.decisions.front().body)
                              : nullptr;
    if (verdict == nullptr || verdict->group != "bench/arriving" || verdict->verdict.reasons.empty()) {
      state.SkipWithError("it was not told that it waits, or something else was decided");
      return;
    }
    engine->apply(gone);
    engine->run({});
    state.ResumeTiming();
  }
}
BENCHMARK(BM_BacklogOneGroupArrives)->Unit(benchmark::kMicrosecond);

/// A pod ends, and the first of 10,000 waiting groups gets its device; apply and round are timed.
void BM_BacklogOnePodEnds(benchmark::State& state) {
  std::unique_ptr<model::Scheduler> engine = backlog();
  std::vector<std::string> running;
  for (int i = 0; i < 4000; ++i) running.push_back(fmt::format("job-{:05}-0", i));
  std::size_t next = 0;
  int age = 400'000;
  for (auto _ : state) {
    engine->apply(std::vector<model::Event>{{kNow, model::PodRemoved{running[next]}}});
    const model::Round round = engine->run({});
    state.PauseTiming();
    const auto* bind =
        round.decisions.size() == 2 ? std::get_if<model::Bind>(&round.decisions.front().body) : nullptr;
    if (bind == nullptr || !std::holds_alternative<model::VerdictChanged>(round.decisions.back().body)) {
      state.SkipWithError("not exactly one group was bound and told so");
      return;
    }
    running.push_back(bind->pod);
    ++next;
    ClusterEvents after(kNow);
    after.add(model::BindSucceeded{round.decisions.front().number});
    after.add(model::PodStarted{bind->pod});
    ClusterEvents::Group group;  // so that 10,000 wait again
    group.name = fmt::format("later-{:06}", age);
    group.queue = fmt::format("team-{}", next % 8);
    group.age_s = --age;
    after.group(group);
    engine->apply(after.events());
    engine->run({});
    state.ResumeTiming();
  }
}
BENCHMARK(BM_BacklogOnePodEnds)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fairlead::bench
