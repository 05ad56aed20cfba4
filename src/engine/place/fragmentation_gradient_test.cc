#include "engine/place/fragmentation_gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace fairlead::engine {
namespace {

TaskShape share(std::int64_t cpu_milli, std::int32_t thousandths) {
  return {.cpu_milli = cpu_milli, .device_count = 1, .device_thousandths = thousandths};
}
TaskShape whole(std::int64_t cpu_milli, std::int32_t count, DeviceModelSet models = kEveryDeviceModel) {
  return {.cpu_milli = cpu_milli, .device_count = count, .device_thousandths = 1000, .device_models = models};
}
TaskShape cpu_only(std::int64_t cpu_milli) { return {.cpu_milli = cpu_milli}; }

NodeState node(std::int64_t free_cpu_milli, const std::vector<std::int32_t>& free, std::int32_t model = 0) {
  return {.free_cpu_milli = free_cpu_milli, .free_thousandths = free, .device_model = model};
}

/// Half of the tasks need half a device, a quarter a whole one, a quarter none.
FragmentationGradientScorer halves_wholes_and_cpu() {
  FragmentationGradientScorer scorer;
  scorer.set_expected_workload(std::vector<ExpectedTask>{
      {.shape = share(1000, 500), .count = 2}, {.shape = whole(1000, 1), .count = 1}, {cpu_only(1000), 1}});
  return scorer;
}

TEST(FragmentationGradient, FragmentationIsWhatExpectedTasksCannotUse) {
  const FragmentationGradientScorer scorer = halves_wholes_and_cpu();
  // 1300 free. The halves and the whole task cannot use the 300, the cpu-only task cannot use anything:
  // 1/2 x 300 + 1/4 x 300 + 1/4 x 1300.
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(10'000, {1000, 300})), 550);
  // Without cpu for them no expected task uses any device.
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(999, {1000, 300})), 1300);
  // Enough for halves (300 useless), too little for a whole one: 1/2 x 300 + 1/4 x 1000 + 1/4 x 1000.
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(10'000, {700, 300})), 650);
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(10'000, {})), 0);
}

TEST(FragmentationGradient, AShareGoesWhereFragmentationFallsMost) {
  const FragmentationGradientScorer scorer = halves_wholes_and_cpu();
  const std::vector<std::int32_t> free = {1000, 300};
  // Before: 550. On slot 0: {700, 300}, 650, a rise of 100: 100 / (1 + e^0.1) = 47.5.
  // On slot 1: {1000, 0}, 1/4 x 1000 = 250, a fall of 300: 100 / (1 + e^-0.3) = 57.4.
  EXPECT_EQ(scorer.score(share(1000, 300), node(10'000, free), ""), (NodeScore{57, 1}));
  // With slot 1 too small for it only the first is left: {400, 300}, 700, a rise of 150: 46.3.
  EXPECT_EQ(scorer.score(share(1000, 600), node(10'000, free), ""), (NodeScore{46, 0}));
}

TEST(FragmentationGradient, OfEqualScoresTheTightestDeviceIsTaken) {
  FragmentationGradientScorer scorer;
  scorer.set_expected_workload(std::vector<ExpectedTask>{{.shape = share(0, 100), .count = 1}});
  // All that is left stays useful on each of them: no change, 50.
  const std::vector<std::int32_t> free = {1000, 900, 400, 700, 400};
  EXPECT_EQ(scorer.score(share(0, 200), node(0, free), ""), (NodeScore{50, 2}));
  // With a task that needs splitting among the expected ones, scores come from whole states, by the same
  // rule.
  const TaskShape split{.device_count = 2, .device_thousandths = 100};
  scorer.set_expected_workload(std::vector<ExpectedTask>{{.shape = split, .count = 1}});
  EXPECT_EQ(scorer.score(share(0, 200), node(0, free), ""), (NodeScore{50, 2}));
}

TEST(FragmentationGradient, WholeDevicesCountTheFreeOnes) {
  FragmentationGradientScorer scorer;
  scorer.set_expected_workload(
      std::vector<ExpectedTask>{{.shape = whole(0, 2), .count = 1}, {.shape = whole(0, 1), .count = 1}});
  const std::vector<std::int32_t> three = {1000, 1000, 1000};
  // Before: all tasks can use all of it, 0. After one: still pairs and singles, 0: no change is 50.
  EXPECT_EQ(scorer.score(whole(0, 1), node(0, three), ""), (NodeScore{50, NodeScore::kNoPreference}));
  // After two: 1000 free that pairs cannot use, 1/2 x 1000, a rise of 500: 100 / (1 + e^0.5) = 37.8.
  EXPECT_EQ(scorer.score(whole(0, 2), node(0, three), "").value, 37);
  const std::vector<std::int32_t> one = {1000, 0, 0};
  // Before: 500 of it is useless on average; after: nothing is left. 100 / (1 + e^-0.5) = 62.2.
  EXPECT_EQ(scorer.score(whole(0, 1), node(0, one), "").value, 62);
}

TEST(FragmentationGradient, TakingTheCpuOfFreeDevicesStrandsThem) {
  const FragmentationGradientScorer scorer = halves_wholes_and_cpu();
  const std::vector<std::int32_t> free = {1000, 300};
  // Nothing is left for expected tasks: from 550 to 1300, a rise of 750: 100 / (1 + e^0.75) = 32.1.
  EXPECT_EQ(scorer.score(cpu_only(9'500), node(10'000, free), "").value, 32);
  // Enough is left: no change.
  EXPECT_EQ(scorer.score(cpu_only(9'000), node(10'000, free), "").value, 50);
}

TEST(FragmentationGradient, TasksThatNameAModelCountOnlyThere) {
  FragmentationGradientScorer scorer;
  constexpr DeviceModelSet kOnlyModel1 = 0b10;
  scorer.set_expected_workload(std::vector<ExpectedTask>{{.shape = whole(0, 1, kOnlyModel1), .count = 3},
                                                         {.shape = whole(0, 1), .count = 1}});
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(0, {1000}, 1)), 0);
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(0, {1000}, 0)), 750);
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(0, {1000}, 63)), 750);
}

TEST(FragmentationGradient, WithoutAWorkloadWholeDevicesAreExpected) {
  const FragmentationGradientScorer scorer;
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(0, {1000, 300})), 300);
  // The partly used device first: 300 to 100 rather than 300 to 1100.
  const std::vector<std::int32_t> free = {1000, 300};
  EXPECT_EQ(scorer.score(share(0, 200), node(0, free), "").device, 1);
}

TEST(FragmentationGradient, ANewWorkloadVoidsEarlierScores) {
  FragmentationGradientScorer scorer;
  const std::uint64_t before = scorer.version();
  scorer.set_expected_workload(std::vector<ExpectedTask>{{.shape = whole(0, 8), .count = 1}});
  EXPECT_GT(scorer.version(), before);
  EXPECT_DOUBLE_EQ(scorer.fragmentation(node(0, {1000, 300})), 1300);
}

// The definition, written down without tables.
double fragmentation_by_definition(const std::vector<ExpectedTask>& tasks, const NodeState& state) {
  double total = 0;
  double sum = 0;
  for (const auto& [shape, count] : tasks) {
    double free = 0;
    double too_small = 0;
    std::int32_t fitting = 0;
    for (const std::int32_t left : state.free_thousandths) {
      free += left;
      if (left < shape.device_thousandths) too_small += left;
      fitting += left >= shape.device_thousandths;
    }
    const bool fits = shape.device_count > 0 && shape.cpu_milli <= state.free_cpu_milli &&
                      (shape.device_models >> state.device_model & 1) != 0 && fitting >= shape.device_count;
    sum += static_cast<double>(count) * (fits ? too_small : free);
    total += static_cast<double>(count);
  }
  return sum / total;
}

double score_by_definition(const std::vector<ExpectedTask>& tasks, const TaskShape& shape,
                           const NodeState& state) {
  const double before = fragmentation_by_definition(tasks, state);
  double best = -1;
  std::vector<std::int32_t> free(state.free_thousandths.begin(), state.free_thousandths.end());
  NodeState after = state;
  after.free_cpu_milli -= shape.cpu_milli;
  after.free_thousandths = free;
  const auto consider = [&] {
    const double fall = before - fragmentation_by_definition(tasks, after);
    // A hair above the exact value, so that a fall that is a whole number of thousandths is not rounded down.
    best = std::max(best, std::floor(100 / (1 + std::exp(-(fall + 1e-7) / 1000))));
  };
  if (shape.shares_a_device()) {
    for (std::int32_t& left : free) {
      if (left < shape.device_thousandths) continue;
      left -= shape.device_thousandths;
      consider();
      left += shape.device_thousandths;
    }
    return best;
  }
  std::int32_t wanted = shape.device_count;
  for (std::int32_t& left : free) {
    if (wanted > 0 && left == 1000) {
      left = 0;
      --wanted;
    }
  }
  consider();
  return best;
}

TEST(FragmentationGradient, TablesEqualTheDefinition) {
  std::uint64_t random = 1;
  const auto below = [&random](std::uint64_t bound) {
    random = random * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return static_cast<std::int32_t>((random >> 33) % bound);
  };
  const auto some_shape = [&below](bool may_split) -> TaskShape {
    const std::int64_t cpu = 500 * below(16);
    const auto models = static_cast<DeviceModelSet>(below(3) == 0 ? below(7) + 1 : 7);
    switch (below(may_split ? 4 : 3)) {
      case 0:
        return cpu_only(cpu);
      case 1:
        return whole(cpu, 1 << below(4), models);
      case 2:
        return {.cpu_milli = cpu,
                .device_count = 1,
                .device_thousandths = 100 + 50 * below(18),
                .device_models = models};
      default:
        return {.cpu_milli = cpu, .device_count = 2, .device_thousandths = 500, .device_models = models};
    }
  };
  int compared = 0;
  for (int round = 0; round < 300; ++round) {
    const bool split = round % 5 == 0;
    std::vector<ExpectedTask> tasks;
    for (int i = 1 + below(30); i > 0; --i)
      tasks.push_back({.shape = some_shape(split), .count = 1 + below(50)});
    FragmentationGradientScorer scorer;
    scorer.set_expected_workload(tasks);
    for (int i = 0; i < 30; ++i) {
      std::vector<std::int32_t> free(static_cast<std::size_t>(1 + below(8)));
      for (std::int32_t& left : free) left = below(2) == 0 ? 1000 : 50 * below(20);
      const NodeState state = node(500 * below(64), free, below(3));
      ASSERT_NEAR(scorer.fragmentation(state), fragmentation_by_definition(tasks, state), 1e-9);
      const TaskShape shape = some_shape(false);
      std::int32_t fitting = 0;
      for (const std::int32_t left : free) fitting += left >= shape.device_thousandths;
      if (fitting < shape.device_count) continue;
      ASSERT_EQ(scorer.score(shape, state, "").value, score_by_definition(tasks, shape, state))
          << "round " << round << ", state " << i;
      ++compared;
    }
  }
  EXPECT_GT(compared, 3000);
}

}  // namespace
}  // namespace fairlead::engine
