#include "engine/place/bin_pack.h"
#include "engine/place/expected_workload.h"
#include "engine/place/spread.h"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::engine {
namespace {

constexpr TaskShape kShare{.device_count = 1, .device_thousandths = 400};
constexpr TaskShape kWhole{.device_count = 1, .device_thousandths = 1000};
constexpr TaskShape kCpuOnly{.cpu_milli = 1000};

TEST(BinPack, PrefersTheFullestNodeAndTheTightestDevice) {
  const BinPackScorer scorer;
  const std::vector<std::int32_t> full = {300, 500, 400, 400};
  const std::vector<std::int32_t> empty = {1000, 1000};
  const NodeScore on_full = scorer.score(kShare, {.free_thousandths = full}, "");
  EXPECT_EQ(on_full.device, 2);
  EXPECT_GT(on_full.value, scorer.score(kShare, {.free_thousandths = empty}, "").value);
  EXPECT_EQ(scorer.score(kWhole, {.free_thousandths = empty}, "").device, NodeScore::kNoPreference);
}

TEST(BinPack, PlacesCpuOnlyTasksByCpu) {
  const BinPackScorer scorer;
  EXPECT_GT(scorer.score(kCpuOnly, {.free_cpu_milli = 2000}, "").value,
            scorer.score(kCpuOnly, {.free_cpu_milli = 3000}, "").value);
}

TEST(Spread, PrefersTheEmptiestPartAndTheEmptiestDevice) {
  const SpreadScorer scorer;
  const std::vector<std::int32_t> half = {500, 1000, 0, 500};
  const std::vector<std::int32_t> most = {1000, 0, 1000};
  EXPECT_EQ(scorer.score(kShare, {.free_thousandths = half}, ""), (NodeScore{0.5, 1}));
  EXPECT_GT(scorer.score(kShare, {.free_thousandths = most}, "").value, 0.5);
  EXPECT_EQ(scorer.score(kCpuOnly, {.cpu_milli = 4000, .free_cpu_milli = 1000}, "").value, 0.25);
  EXPECT_EQ(scorer.score(kCpuOnly, {}, "").value, 0) << "a node without cpu is full, not undefined";
}

TEST(MostFrequent, AddsUpEqualShapesAndStopsAtTheCoverage) {
  const TaskShape with_memory{.memory_bytes = 7, .device_count = 1, .device_thousandths = 400};
  const std::vector<ExpectedTask> tasks = {{.shape = kWhole, .count = 2},
                                           {.shape = kShare, .count = 3},
                                           {.shape = with_memory, .count = 3},
                                           {.shape = kCpuOnly, .count = 2},
                                           {.shape = {.cpu_milli = 5}, .count = 0}};
  // 10 in all: the shares make 60 %; of the two with 20 % each the larger shape, by cpu first, is taken
  // before.
  const auto half = most_frequent(tasks, 0.6, 100);
  ASSERT_EQ(half.size(), 1U);
  EXPECT_EQ(half[0].shape, kShare);
  EXPECT_EQ(half[0].count, 6);
  const auto more = most_frequent(tasks, 0.61, 100);
  ASSERT_EQ(more.size(), 2U);
  EXPECT_EQ(more[1].shape, kCpuOnly);
  EXPECT_EQ(most_frequent(tasks, 1.0, 100).size(), 3U);
  EXPECT_EQ(most_frequent(tasks, 1.0, 2).size(), 2U);
  EXPECT_TRUE(most_frequent({}, 0.95, 10).empty());
}

}  // namespace
}  // namespace fairlead::engine
