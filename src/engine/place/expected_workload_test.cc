#include "engine/place/expected_workload.h"

#include "engine/place/device_room.h"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::engine {
namespace {

constexpr TaskShape kShare{.device_count = 1, .device_thousandths = 400};
constexpr TaskShape kWhole{.device_count = 1, .device_thousandths = 1000};
constexpr TaskShape kCpuOnly{.cpu_milli = 1000};

TEST(DeviceRoom, TheTightestDeviceIsTheFirstOfTheFullestWithRoom) {
  const std::vector<std::int32_t> free = {300, 500, 400, 400};
  EXPECT_EQ(tightest_device(kShare, free), 2);
  EXPECT_EQ(tightest_device(kWhole, free), NodeScore::kNoPreference);
  EXPECT_EQ(tightest_device(kShare, std::vector<std::int32_t>{399}), NodeScore::kNoPreference);
  EXPECT_EQ(total_free_thousandths(free), 1600);
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
