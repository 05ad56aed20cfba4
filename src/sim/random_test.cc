#include "sim/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace fairlead::sim {
namespace {

TEST(Random, SplitMixIsThePublishedSequence) {
  // The first values of the reference code for seed 1234567.
  std::uint64_t state = 1'234'567;
  EXPECT_EQ(split_mix_64(state), 6'457'827'717'110'365'317U);
  EXPECT_EQ(split_mix_64(state), 3'203'168'211'198'807'973U);
  EXPECT_EQ(split_mix_64(state), 9'817'491'932'198'370'423U);
}

TEST(Random, IsThatSequenceFromTheSeed) {
  Random random(1'234'567);
  EXPECT_EQ(random.next(), 6'457'827'717'110'365'317U);
  // The high half of 3203168211198807973 x 1000: figures in the documentation rest on these values.
  EXPECT_EQ(random.below(1000), 173U);
}

TEST(Random, BelowStaysBelowAndReachesEverything) {
  Random random(7);
  std::array<int, 6> seen{};
  for (int i = 0; i < 6000; ++i) ++seen.at(random.below(6));
  for (const int count : seen) EXPECT_NEAR(count, 1000, 150);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, BelowIsUnbiasedForHugeBounds) {
  // Three quarters of the range: without drawing again one third of the values would come twice as often.
  Random random(3);
  constexpr std::uint64_t kBound = std::uint64_t{3} << 62;
  int low = 0;
  for (int i = 0; i < 9000; ++i) low += random.below(kBound) < kBound / 3;
  EXPECT_NEAR(low, 3000, 200);
}

TEST(Random, ShuffleKeepsTheElements) {
  std::vector<int> values(100);
  for (int i = 0; i < 100; ++i) values[static_cast<std::size_t>(i)] = i;
  std::vector<int> shuffled = values;
  Random(1).shuffle(shuffled);
  EXPECT_NE(shuffled, values);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, values);
}

}  // namespace
}  // namespace fairlead::sim
