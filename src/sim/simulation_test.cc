#include "sim/simulation.h"

#include "engine/engine.h"
#include "engine/place/fragmentation_gradient.h"
#include "sim/placement/baselines.h"
#include "sim/plain_replay_test.h"
#include "sim/replay.h"
#include "sim/small_trace_test.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace fairlead::sim {
namespace {

TEST(PlainReplay, LooksAheadBetterThanChance) {
  const OpenbTrace trace = small_trace();
  engine::FragmentationGradientScorer gradient;
  gradient.set_expected_workload(expected_tasks(trace, 0.95));
  double looking_ahead = 0;
  double chance = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto workload = inflate(trace, 1.3, seed);
    ASSERT_TRUE(workload);
    looking_ahead += plain_replay(*workload, 1.3, gradient).points.back().allocated;
    chance += plain_replay(*workload, 1.3, RandomScorer(seed)).points.back().allocated;
  }
  EXPECT_GT(looking_ahead / 10, 0.9);
  EXPECT_GT(looking_ahead, chance + 0.2);
}

/// The scorer behind a name, told what to expect.
std::unique_ptr<engine::PlacementScorer> scorer_of(const std::string& placement, const OpenbTrace& trace,
                                                   std::uint64_t seed) {
  std::unique_ptr<engine::PlacementScorer> scorer = std::make_unique<engine::FragmentationGradientScorer>();
  for (const engine::NamedScorerFactory& factory : baseline_scorers(limits_of(trace), seed)) {
    if (factory.name == placement) scorer = factory.make();
  }
  scorer->set_expected_workload(expected_tasks(trace, 0.95));
  return scorer;
}

class OnTheEngine : public testing::TestWithParam<std::string> {};

TEST_P(OnTheEngine, EachTaskGoesWhereThePlainReplayPutsIt) {
  const OpenbTrace trace = small_trace();
  const SimulationPorts ports{
      .make_scheduler = [](auto scorers) { return engine::make_engine({std::move(scorers)}); },
      .clock = [] { return base::Time(); },
      .progress = {}};
  const auto simulation =
      simulate(trace, {.placement = GetParam(), .load = 1.3, .seeds = {1, 2, 3, 4, 5, 6}}, ports);
  ASSERT_TRUE(simulation) << simulation.error().message();
  for (const SeededReplay& run : simulation->replays) {
    const auto workload = inflate(trace, 1.3, run.seed);
    const PlainReplay plain = plain_replay(*workload, 1.3, *scorer_of(GetParam(), trace, run.seed));
    EXPECT_GT(run.replay.failed, 0) << "a cluster that is never full proves little";
    EXPECT_EQ(run.replay.failed, plain.failed) << "seed " << run.seed;
    EXPECT_EQ(run.replay.ranks, plain.ranks) << "seed " << run.seed;
    EXPECT_EQ(run.replay.points, plain.points) << "seed " << run.seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Placements, OnTheEngine,
                         testing::Values("fragmentation-gradient", "fragmentation", "best-fit", "packing",
                                         "clustering", "dot-product", "random"),
                         [](const auto& placement) {
                           std::string name = placement.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace fairlead::sim
