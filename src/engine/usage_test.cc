#include "engine/usage.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace fairlead::engine {
namespace {

using base::Duration;
using base::Time;

constexpr Time kStart = Time::from_unix_seconds(1'700'000'000);

Time after(std::int64_t seconds) { return kStart + Duration::seconds(seconds); }

TEST(CurrentUsage, CountsForFiveMinutes) {
  EXPECT_EQ(current_usage(0.25, kStart, after(0)), 0.25);
  EXPECT_EQ(current_usage(0.25, kStart, after(300)), 0.25);
  EXPECT_EQ(current_usage(0.25, kStart, after(301)), 0);
}

TEST(CurrentUsage, TellsWhenItChanges) {
  const std::optional<Time> at = usage_changes_at(kStart, after(10));
  ASSERT_TRUE(at.has_value());
  EXPECT_EQ(current_usage(0.25, kStart, *at - Duration::nanoseconds(1)), 0.25);
  EXPECT_EQ(current_usage(0.25, kStart, *at), 0);
  EXPECT_EQ(usage_changes_at(kStart, *at), std::nullopt) << "nothing changes after that";
}

TEST(DecayedUsage, HalvesWithEachHalfLife) {
  DecayedUsage usage(Duration::seconds(60), 2);
  EXPECT_EQ(usage.share(0, 0), 0);
  usage.sample(kStart, std::array<std::int64_t, 2>{4000, 0}, std::array<std::int64_t, 2>{8000, 100});
  EXPECT_EQ(usage.share(0, 0), 0.5);
  EXPECT_EQ(usage.share(0, 1), 0);
  EXPECT_EQ(usage.share(1, 0), 0) << "a queue that is not known";
  // One half-life later the first sample weighs one half: (4000 / 2 + 0) / (8000 / 2 + 8000).
  usage.sample(after(60), std::array<std::int64_t, 4>{0, 50, 8000, 0},
               std::array<std::int64_t, 2>{8000, 100});
  EXPECT_DOUBLE_EQ(usage.share(0, 0), 2000.0 / 12000.0);
  EXPECT_DOUBLE_EQ(usage.share(0, 1), 50.0 / 150.0);
  EXPECT_DOUBLE_EQ(usage.share(1, 0), 8000.0 / 12000.0) << "a queue that came later has no earlier use";
  EXPECT_EQ(usage.sampled_at(), after(60));
}

TEST(DecayedUsage, AgreesWithTheSumWrittenOut) {
  const double half_life = 97;
  DecayedUsage usage(Duration::seconds(97), 1);
  std::vector<std::array<double, 3>> history;  // time, allocated, capacity
  std::int64_t now = 0;
  for (int i = 0; i < 400; ++i) {
    now += 1 + (i * 37) % 301;
    const std::int64_t allocated = (i * 7919) % 8001;
    const std::int64_t capacity = i % 50 < 25 ? 8000 : 16000;
    usage.sample(after(now), std::array<std::int64_t, 1>{allocated}, std::array<std::int64_t, 1>{capacity});
    history.push_back(
        {static_cast<double>(now), static_cast<double>(allocated), static_cast<double>(capacity)});
    double use = 0;
    double total = 0;
    for (const auto& [time, amount, of] : history) {
      const double weight = std::exp2(-(static_cast<double>(now) - time) / half_life);
      use += weight * amount;
      total += weight * of;
    }
    EXPECT_NEAR(usage.share(0, 0), use / total, 1e-12) << "after sample " << i;
  }
}

TEST(DecayedUsage, ForgetsWhatIsAgesOld) {
  DecayedUsage usage(Duration::seconds(1), 1);
  usage.sample(kStart, std::array<std::int64_t, 1>{8000}, std::array<std::int64_t, 1>{8000});
  usage.sample(after(100'000'000), std::array<std::int64_t, 1>{2000}, std::array<std::int64_t, 1>{8000});
  EXPECT_EQ(usage.share(0, 0), 0.25);
  usage.sample(after(0), std::array<std::int64_t, 1>{4000}, std::array<std::int64_t, 1>{8000});
  EXPECT_EQ(usage.share(0, 0), 0.375) << "a clock that goes back counts as one that stands still";
}

TEST(DecayedUsage, WithoutCapacityThereIsNoShare) {
  DecayedUsage usage(Duration::seconds(60), 1);
  usage.sample(kStart, std::array<std::int64_t, 1>{1}, std::array<std::int64_t, 1>{0});
  EXPECT_EQ(usage.share(0, 0), 0);
}

}  // namespace
}  // namespace fairlead::engine
