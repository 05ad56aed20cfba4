#include "engine/place/fragmentation_gradient.h"
#include "sim/placement/baselines.h"
#include "sim/plain_replay_test.h"
#include "sim/small_trace_test.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fairlead::sim
