#include "engine/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fairlead::engine {
namespace {

using model::Bound;

constexpr std::int64_t kDevice = 1000;

/// A sibling in whole devices, as the tables below write it; the position in the table is the age.
struct Row {
  double deserved;  ///< -1: unlimited
  double limit;     ///< -1: unlimited
  double request;
  double weight;
  double usage = 0;
  std::int32_t priority = 100;
  double expected = 0;
};

Bound bound(double devices) {
  return devices < 0 ? Bound::unlimited() : Bound::of(static_cast<std::int64_t>(devices * kDevice));
}

struct Answer {
  std::vector<double> shares;
  double remaining = 0;
};

Answer divide(const std::vector<Row>& rows, double total, double k) {
  std::vector<std::string> uids;
  for (std::size_t i = 0; i < rows.size(); ++i) uids.push_back("uid-" + std::to_string(i));
  std::vector<Sibling> siblings;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Sibling sibling;
    sibling.deserved = bound(rows[i].deserved);
    sibling.limit = bound(rows[i].limit);
    sibling.request = static_cast<std::int64_t>(rows[i].request * kDevice);
    sibling.over_quota_weight = rows[i].weight;
    sibling.usage = rows[i].usage;
    sibling.priority = rows[i].priority;
    sibling.created = base::Time::from_unix_seconds(static_cast<std::int64_t>(i));
    sibling.uid = uids[i];
    siblings.push_back(sibling);
  }
  std::vector<std::int64_t> shares(rows.size());
  FairShareScratch scratch;
  const std::int64_t left =
      divide_fairly(siblings, static_cast<std::int64_t>(total * kDevice), kDevice, k, scratch, shares);
  Answer answer;
  for (const std::int64_t share : shares) answer.shares.push_back(static_cast<double>(share) / kDevice);
  answer.remaining = static_cast<double>(left) / kDevice;
  return answer;
}

struct Case {
  const char* what;
  double total;
  double k;
  std::vector<Row> rows;
  double remaining;
};

const Case kCases[] = {
    {"nobody asks", 8, 1, {{4, -1, 0, 1, 0, 100, 0}}, 8},
    {"what is deserved is capped by the request", 8, 1, {{4, -1, 3, 0, 0, 100, 3}}, 5},
    {"what is deserved is capped by the limit", 8, 1, {{4, 2, 6, 1, 0, 100, 2}}, 6},
    {"the first step may exceed the total", 4, 1, {{4, -1, 4, 1, 0, 100, 4}, {3, -1, 3, 1, 0, 100, 3}}, 0},
    {"an unlimited quota deserves the total", 5, 1, {{-1, -1, 9, 0, 0, 100, 5}}, 0},
    {"without weight nothing over quota", 8, 1, {{1, -1, 6, 0, 0, 100, 1}, {1, -1, 6, 2, 0, 100, 6}}, 1},
    {"weights divide what is left", 9, 1, {{0, -1, 9, 1, 0, 100, 3}, {0, -1, 9, 2, 0, 100, 6}}, 0},
    {"what one cannot use goes to the others", 9, 1, {{0, -1, 1, 1, 0, 100, 1}, {0, -1, 9, 2, 0, 100, 8}}, 0},
    {"the higher priority is served first", 5, 1, {{1, -1, 9, 9, 0, 100, 1}, {1, -1, 4, 1, 0, 200, 4}}, 0},
    {"the older queue gets the odd device", 5, 1, {{0, -1, 9, 1, 0, 100, 3}, {0, -1, 9, 1, 0, 100, 2}}, 0},
    {"the larger fraction goes before age", 5, 1, {{0, -1, 9, 1, 0, 100, 1}, {0, -1, 9, 3, 0, 100, 4}}, 0},
    {"a request of part of a device is met exactly",
     3,
     1,
     {{0, -1, 1.5, 1, 0, 100, 1.5}, {0, -1, 9, 1, 0, 100, 1.5}},
     0},
    {"past usage counts against a queue", 8, 1, {{0, -1, 9, 1, 0.5, 100, 3}, {0, -1, 9, 1, 0, 100, 5}}, 0},
    {"without k past usage does not count", 8, 0, {{0, -1, 9, 1, 0.5, 100, 4}, {0, -1, 9, 1, 0, 100, 4}}, 0},
    {"a negative k is 0", 8, -3, {{0, -1, 9, 1, 0.5, 100, 4}, {0, -1, 9, 1, 0, 100, 4}}, 0},
    {"who used everything gets nothing over quota",
     6,
     1,
     {{1, -1, 9, 1, 1, 100, 1}, {0, -1, 9, 1, 0, 100, 5}},
     0},
};

TEST(FairShare, DividesAsStated) {
  for (const Case& test : kCases) {
    const Answer answer = divide(test.rows, test.total, test.k);
    std::vector<double> expected;
    for (const Row& row : test.rows) expected.push_back(row.expected);
    EXPECT_EQ(answer.shares, expected) << test.what;
    EXPECT_EQ(answer.remaining, test.remaining) << test.what;
  }
}

TEST(FairShare, LeftoverPiecesGoDownTheBucketsAndAreNotCappedByTheLimit) {
  // Of 2.5 left over, the first bucket cuts 1.25 each to 1; half a device stays, and the older of the two
  // gets it.
  const Answer answer = divide({{0, 1.5, 9, 1}, {0, 1.5, 9, 1}}, 2.5, 1);
  EXPECT_EQ(answer.shares, (std::vector<double>{1.5, 1}));
  EXPECT_EQ(answer.remaining, 0);

  const Answer beyond = divide({{0, 1.5, 9, 1}, {0, 9, 9, 1}}, 2.75, 1);
  EXPECT_EQ(beyond.shares, (std::vector<double>{1.75, 1}))
      << "0.75 left over, to the older of equal fractions";
}

TEST(FairShare, AnswerDoesNotDependOnTheOrderOfTheInput) {
  std::vector<Sibling> siblings(5);
  const char* uids[] = {"e", "b", "d", "a", "c"};
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    siblings[i].uid = uids[i];
    siblings[i].request = 9 * kDevice;
    siblings[i].over_quota_weight = 0.1 * static_cast<double>(i + 1);
    siblings[i].usage = 0.05 * static_cast<double>(i);
  }
  const auto by_uid = [&](std::vector<Sibling> in) {
    FairShareScratch scratch;
    std::vector<std::int64_t> shares(in.size());
    divide_fairly(in, 17'300, kDevice, 0.7, scratch, shares);
    std::vector<std::pair<std::string, std::int64_t>> named;
    for (std::size_t i = 0; i < in.size(); ++i) named.emplace_back(in[i].uid, shares[i]);
    std::sort(named.begin(), named.end());
    return named;
  };
  const auto expected = by_uid(siblings);
  std::sort(siblings.begin(), siblings.end(),
            [](const Sibling& a, const Sibling& b) { return a.uid < b.uid; });
  do {
    EXPECT_EQ(by_uid(siblings), expected);
  } while (std::next_permutation(siblings.begin(), siblings.end(),
                                 [](const Sibling& a, const Sibling& b) { return a.uid < b.uid; }));
}

TEST(FairShare, WeightsBeyondReasonGiveNobodyAnything) {
  const Answer answer = divide({{0, -1, 9, 1e308}, {0, -1, 9, 1e308}}, 8, 1);
  EXPECT_EQ(answer.shares, (std::vector<double>{0, 0})) << "the sum of the weights is not finite";
  EXPECT_EQ(answer.remaining, 8);
}

}  // namespace
}  // namespace fairlead::engine
