// The cases of engine_bench.cc on mixed clusters: 200 shapes of pods, a fifth with affinities or tolerations,
// a tenth with shares of devices, eight queues, three pools.

#include "cluster_events.h"
#include "mixed_cluster.h"
#include "round_timing.h"

#include <fmt/format.h>

#include <memory>
#include <random>

namespace fairlead::bench {
namespace {

const std::vector<std::string> kNames = {"node", "nodeb", "nodec"};

/// Nodes in each pool, under the names above.
void three_pools(ClusterEvents& events, const std::vector<int>& counts) {
  for (std::size_t i = 0; i < kPools.size(); ++i) mixed_nodes(events, kNames[i], counts[i], kPools[i]);
}

void BM_FillMixed(benchmark::State& state) {
  ClusterEvents events(kNow);
  three_pools(events, {200, 200, 200});
  queues(events, "team", 500);
  std::mt19937 random(1);
  for (int i = 0; i < 4000; ++i) {
    ClusterEvents::Group group = one_device_shape(static_cast<int>(random() % kShapes));
    group.name = fmt::format("job-{:05}", i);
    group.queue = fmt::format("team-{}", i % 8);
    group.age_s = 100'000 - i;
    group.pools = {kPools[static_cast<std::size_t>(i) % kPools.size()]};
    events.group(group);
  }
  time_round(state, events.events(), [](const Counts& counts) { return counts.binds == 4000; });
}
BENCHMARK(BM_FillMixed)->Unit(benchmark::kMillisecond);

/// The gang finds room only beside what runs already, in the first pool of three.
void BM_GangOverTopologyMixed(benchmark::State& state) {
  ClusterEvents events(kNow);
  three_pools(events, {640, 100, 100});
  queues(events, "team", 10'000);
  MixedLoad load(events, "team");
  for (int node = 0; node < 640; ++node)
    if (node % 5 == 0) load.fill(kNames[0], node, 3);
  for (std::size_t pool : {1, 2})
    for (int node = 0; node < 100; ++node) load.fill(kNames[pool], node, 6);
  events.add(model::TopologyUpserted{{"tree", {"zone", "block", "rack", "host"}}});
  ClusterEvents::Group gang = constrained_gang("gang", "team-0", 512);
  gang.topology = {"tree", "", "rack"};
  events.group(gang);
  time_round(state, events.events(), [](const Counts& counts) { return counts.binds == 512; });
}
BENCHMARK(BM_GangOverTopologyMixed)->Unit(benchmark::kMillisecond);

/// On each node of each pool one device is held by work that nobody may take away.
void BM_VerdictNoEvictionHelpsMixed(benchmark::State& state) {
  ClusterEvents events(kNow);
  const std::vector<int> sizes{168, 166, 166};
  three_pools(events, sizes);
  queues(events, "lender", 0);
  events.queue("owner", "all", 4000);
  MixedLoad load(events, "lender");
  for (std::size_t pool = 0; pool < sizes.size(); ++pool) {
    for (int node = 0; node < sizes[pool]; ++node) {
      ClusterEvents::Group fixed;
      fixed.name = fmt::format("fixed-{}-{:05}", pool, node);
      fixed.queue = "owner";
      fixed.preemptible = false;
      fixed.age_s = 600'000;
      fixed.share = node % 10 == 0 ? 500 : 0;
      fixed.device_group = fmt::format("fixed-{}-{}", pool, node);
      fixed.nodes = {node_name(kNames[pool], node)};
      fixed.pools = {kPools[pool]};
      events.group(fixed);
      load.fill(kNames[pool], node, 7);
    }
  }
  ClusterEvents::Group gang = constrained_gang("gang", "owner", 10);
  gang.pools = kPools;
  events.group(gang);
  time_round(state, events.events(),
             [](const Counts& counts) { return counts.binds + counts.evictions + counts.nominations == 0; });
}
BENCHMARK(BM_VerdictNoEvictionHelpsMixed)->Unit(benchmark::kMillisecond);

/// Every pod of the first pool has to go, also the halves of devices; those of the other pools stay.
void BM_ReclaimEveryDeviceMixed(benchmark::State& state) {
  ClusterEvents events(kNow);
  const std::vector<int> sizes{500, 100, 100};
  three_pools(events, sizes);
  queues(events, "lender", 0);
  events.queue("owner", "all", 4000);
  MixedLoad load(events, "lender");
  for (int node = 0; node < sizes[0]; ++node) load.fill(kNames[0], node, 8);
  const std::size_t victims = load.pods();
  for (std::size_t pool : {1, 2})
    for (int node = 0; node < sizes[pool]; ++node) load.fill(kNames[pool], node, 8);
  events.group(constrained_gang("gang", "owner", 500));
  time_round(state, events.events(),
             [&](const Counts& counts) { return counts.evictions == victims && counts.nominations == 500; });
}
BENCHMARK(BM_ReclaimEveryDeviceMixed)->Unit(benchmark::kMillisecond);

void BM_ConsolidateMixed(benchmark::State& state) {
  ClusterEvents events(kNow);
  const std::vector<int> sizes{190, 190, 180};
  const std::vector<int> busy{160, 160, 150};
  three_pools(events, sizes);
  queues(events, "team", 4000);
  model::Configuration configuration;
  configuration.max_consolidation_victims = -1;
  events.configuration(configuration);
  MixedLoad load(events, "team");
  // Nodes with one busy device, and others with room for those.
  for (std::size_t pool = 0; pool < sizes.size(); ++pool) {
    for (int node = 0; node < sizes[pool]; ++node) {
      if (node < busy[pool]) {
        load.one(kNames[pool], node);
        continue;
      }
      ClusterEvents::Group group;
      group.name = fmt::format("fixed-{}-{:05}", pool, node);
      group.queue = "team-0";
      group.preemptible = false;
      group.devices = 2;
      group.nodes = {node_name(kNames[pool], node)};
      events.group(group);
    }
  }
  for (int i = 0; i < 41; ++i) {
    ClusterEvents::Group gang = constrained_gang(fmt::format("gang-{:02}", i), "team-1", 10);
    gang.age_s = 1000 - i;
    gang.pools = {kPools[static_cast<std::size_t>(i) % kPools.size()]};
    events.group(gang);
  }
  time_round(state, events.events(),
             [](const Counts& counts) { return counts.evictions == 410 && counts.nominations == 820; });
}
BENCHMARK(BM_ConsolidateMixed)->Unit(benchmark::kMillisecond);

/// 10,000 nodes with more than 100,000 running pods; a device is free on each tenth node.
std::unique_ptr<model::Scheduler> large_mixed_cluster() {
  ClusterEvents events(kNow);
  const std::vector<int> sizes{4000, 3000, 3000};
  three_pools(events, sizes);
  queues(events, "team", 10'000);
  MixedLoad load(events, "team");
  for (std::size_t pool = 0; pool < sizes.size(); ++pool)
    for (int node = 0; node < sizes[pool]; ++node)
      load.fill_with_pods(kNames[pool], node, node % 10 == 0 ? 7 : 8, 10);
  std::unique_ptr<model::Scheduler> engine = engine::make_engine();
  engine->apply(events.events());
  engine->run({});
  return engine;
}

void BM_LargeNothingNewMixed(benchmark::State& state) {
  std::unique_ptr<model::Scheduler> engine = large_mixed_cluster();
  for (auto _ : state) {
    const model::Round round = engine->run({});
    if (!round.decisions.empty()) {
      state.SkipWithError("something was decided");
      return;
    }
  }
}
BENCHMARK(BM_LargeNothingNewMixed)->Unit(benchmark::kMicrosecond);

/// One pod arrives, each time of another shape, is placed, and is gone again: apply and round of the arrival
/// are timed.
void BM_LargeOnePodArrivesMixed(benchmark::State& state) {
  std::unique_ptr<model::Scheduler> engine = large_mixed_cluster();
  const std::vector<model::Event> gone{{kNow, model::PodRemoved{"arriving-0"}},
                                       {kNow, model::GroupRemoved{"bench/arriving"}}};
  int number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    ClusterEvents arrival(kNow);
    ClusterEvents::Group group = one_device_shape(number++ % kShapes);
    group.name = "arriving";
    group.queue = "team-3";
    group.pools = {kPools[static_cast<std::size_t>(number) % kPools.size()]};
    arrival.group(group);
    state.ResumeTiming();
    engine->apply(arrival.events());
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
BENCHMARK(BM_LargeOnePodArrivesMixed)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace fairlead::bench
