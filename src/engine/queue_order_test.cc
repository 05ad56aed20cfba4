#include "engine/queue_order.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fairlead::engine {
namespace {

using model::Bound;

/// A queue with one dimension of devices and one of millicores, of a pool with 16 devices and 64 cores, as
/// the steps below change it.
struct TestQueue {
  DimensionStanding gpu;
  DimensionStanding cpu;
  std::int32_t priority = 100;
  std::int64_t age = 0;
  std::string uid = "uid";

  TestQueue() {
    gpu.piece = 1000;
    gpu.total = 16'000;
    gpu.allocated = 4'000;
    gpu.fair_share = 8'000;
    gpu.deserved = Bound::of(2'000);
    gpu.chunk = 1'000;
    cpu.total = 64'000;
    cpu.allocated = 4'000;
    cpu.fair_share = 32'000;
    cpu.deserved = Bound::of(8'000);
    cpu.chunk = 1'000;
  }
};

int compare(const TestQueue& a, const TestQueue& b) {
  const DimensionStanding of_a[] = {a.gpu, a.cpu};
  const DimensionStanding of_b[] = {b.gpu, b.cpu};
  return compare_queues(rank_queue({of_a, a.priority, base::Time::from_unix_seconds(a.age), a.uid}),
                        rank_queue({of_b, b.priority, base::Time::from_unix_seconds(b.age), b.uid}));
}

/// Expects `a` before `b`, and not after it when they change places.
void expect_before(const TestQueue& a, const TestQueue& b, const char* why) {
  EXPECT_LT(compare(a, b), 0) << why;
  EXPECT_GT(compare(b, a), 0) << why;
}

TEST(QueueOrder, NotAboveFairShareComesFirst) {
  TestQueue above;
  above.priority = 900;
  above.gpu.allocated = 9'000;
  above.cpu.allocated = 33'000;
  expect_before(TestQueue(), above, "above in every dimension");
  TestQueue above_in_one;
  above_in_one.priority = 900;
  above_in_one.gpu.allocated = 9'000;
  expect_before(above_in_one, TestQueue(), "above in one dimension only does not count");
}

TEST(QueueOrder, WithinQuotaWithTheChunkComesSecond) {
  TestQueue within;
  within.gpu.allocated = 1'000;
  TestQueue beyond;
  beyond.gpu.allocated = 1'500;
  beyond.priority = 900;
  expect_before(within, beyond, "1.5 + 1 devices are above the quota of 2");
  within.gpu.deserved = Bound::unlimited();
  within.cpu.deserved = Bound::unlimited();
  within.gpu.allocated = 12'000;
  expect_before(within, beyond, "a quota without bound holds anything");
}

TEST(QueueOrder, HigherPriorityComesThird) {
  TestQueue high;
  high.priority = 101;
  high.gpu.allocated = 7'000;
  expect_before(high, TestQueue(), "whatever its share");
}

TEST(QueueOrder, HoldingWhatItMayNotComesLater) {
  TestQueue forbidden;
  forbidden.cpu.limit = Bound::of(0);
  forbidden.cpu.allocated = 0;
  TestQueue other;
  other.gpu.allocated = 7'000;
  other.cpu.deserved = Bound::of(0);
  forbidden.cpu.chunk = 1;
  expect_before(other, forbidden, "the chunk alone is a violation");
  forbidden.cpu.chunk = 0;
  expect_before(forbidden, other, "holding nothing of it is none, and its dominant share is lower");
}

TEST(QueueOrder, LowerDominantShareWithTheChunkComesFifth) {
  TestQueue small;
  small.gpu.chunk = 1'000;
  TestQueue large;
  large.gpu.chunk = 2'000;
  large.gpu.allocated = 3'500;
  expect_before(small, large, "5 of 8 against 5.5 of 8, though the other has less now");
  large.gpu.victims = 1'000;
  expect_before(large, small, "without its victims it has 4.5 of 8");
}

TEST(QueueOrder, DominantShareIsOfTheLargestDimension) {
  TestQueue cores;
  cores.cpu.allocated = 30'000;
  TestQueue devices;
  devices.gpu.allocated = 5'000;
  expect_before(devices, cores, "6 of 8 devices against 31 of 32 cores");
}

TEST(QueueOrder, WithoutBoundTheShareIsOfTheTotal) {
  TestQueue unlimited;
  unlimited.gpu.deserved = Bound::unlimited();
  unlimited.gpu.allocated = 8'000;
  unlimited.cpu.allocated = 9'000;
  TestQueue limited;
  limited.gpu.allocated = 4'000;
  limited.cpu.allocated = 9'000;
  expect_before(unlimited, limited, "9 of 16 against 5 of 8");
  unlimited.gpu.limit = Bound::of(10'000);
  expect_before(limited, unlimited, "9 of 10 against 5 of 8");
}

TEST(QueueOrder, NothingAllocatableCountsAThousandAPiece) {
  TestQueue one;
  one.gpu.limit = Bound::of(0);
  one.gpu.allocated = 1'000;
  TestQueue half = one;
  half.gpu.allocated = 500;
  expect_before(half, one, "1500 against 2000");
}

TEST(QueueOrder, LowerDominantShareNowComesSixth) {
  TestQueue less;
  less.gpu.allocated = 3'000;
  less.gpu.chunk = 2'000;
  expect_before(less, TestQueue(), "both have 5 of 8 with the chunk; 3 of 8 against 4 of 8 now");
}

TEST(QueueOrder, SmallerAllocatableComesSeventh) {
  TestQueue weak;
  weak.cpu.fair_share = 31'000;
  weak.age = 5;
  expect_before(weak, TestQueue(), "smaller in one, larger in none");
  TestQueue mixed;
  mixed.cpu.fair_share = 31'000;
  mixed.gpu.fair_share = 8'000;
  mixed.age = 5;
  TestQueue other;
  other.cpu.fair_share = 32'000;
  other.gpu.fair_share = 7'000;
  other.gpu.allocated = 3'500;
  other.gpu.chunk = 875;
  mixed.gpu.allocated = 4'000;
  mixed.gpu.chunk = 1'000;
  expect_before(other, mixed, "equal shares, smaller in one and larger in the other: age decides");
}

TEST(QueueOrder, UnlimitedIsTheLargestAllocatable) {
  TestQueue unlimited;
  unlimited.gpu.deserved = Bound::unlimited();
  unlimited.gpu.allocated = 8'000;
  unlimited.gpu.chunk = 2'000;
  unlimited.cpu.deserved = Bound::of(0);
  TestQueue limited;
  limited.age = 5;
  expect_before(limited, unlimited, "equal shares of 5/8 and 4/8; 8 devices are less than no bound");
}

TEST(QueueOrder, OlderThenSmallerUidComesLast) {
  TestQueue young;
  young.age = 1;
  young.uid = "a";
  expect_before(TestQueue(), young, "age before uid");
  TestQueue other;
  other.uid = "uie";
  expect_before(TestQueue(), other, "uid last");
  EXPECT_EQ(compare(TestQueue(), TestQueue()), 0);
}

TEST(QueueOrder, AllocatableIsQuotaOrFairShareWithinTheLimit) {
  const auto of = [](Bound deserved, std::int64_t fair, Bound limit) {
    DimensionStanding dimension;
    dimension.deserved = deserved;
    dimension.fair_share = fair;
    dimension.limit = limit;
    return allocatable(dimension);
  };
  EXPECT_EQ(of(Bound::of(2), 5, Bound::unlimited()), Bound::of(5));
  EXPECT_EQ(of(Bound::of(7), 5, Bound::unlimited()), Bound::of(7));
  EXPECT_EQ(of(Bound::of(7), 5, Bound::of(3)), Bound::of(3));
  EXPECT_EQ(of(Bound::unlimited(), 5, Bound::of(9)), Bound::of(9));
  EXPECT_EQ(of(Bound::unlimited(), 5, Bound::unlimited()), Bound::unlimited());
}

}  // namespace
}  // namespace fairlead::engine
