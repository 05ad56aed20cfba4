#include "sim/placement/baselines.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace fairlead::sim {
namespace {

using engine::NodeScore;
using engine::NodeState;
using engine::TaskShape;

constexpr NodeLimits kLimits{.cpu_milli = 128'000, .device_thousandths = 8000};
constexpr TaskShape kShare{.cpu_milli = 8000, .device_count = 1, .device_thousandths = 500};
constexpr TaskShape kWhole{.cpu_milli = 8000, .device_count = 1, .device_thousandths = 1000};
constexpr TaskShape kPair{.cpu_milli = 8000, .device_count = 2, .device_thousandths = 1000};
constexpr TaskShape kCpuOnly{.cpu_milli = 8000};

NodeState node(const std::vector<std::int32_t>& free, engine::DeviceCountClasses running = 0) {
  return {.free_cpu_milli = 64'000, .free_thousandths = free, .running_classes = running};
}

TEST(BestFit, ScoresWhatIsLeft) {
  const std::vector<std::int32_t> free = {1000, 600, 500, 0};
  // cpu left (64000 - 8000) / 128000 = 0.4375, devices left (2100 - 500) / 8000 = 0.2: 100 (1 - 0.31875)
  // = 68.1.
  EXPECT_EQ(BestFitScorer(kLimits).score(kShare, node(free), ""), (NodeScore{68, 2}));
}

TEST(DotProduct, ScoresFreeTimesAsked) {
  const std::vector<std::int32_t> free = {1000, 1000, 1000, 1000};
  // cpu 0.5 x 0.0625 = 0.03125, devices 0.5 x 0.25 = 0.125: 100 (1 - 0.078125) = 92.2.
  EXPECT_EQ(DotProductScorer(kLimits).score(kPair, node(free), "").value, 92);
}

TEST(Packing, PrefersDevicesInUseThenNodesInUse) {
  const PackingScorer scorer;
  const std::vector<std::int32_t> in_use = {600, 1000, 1000, 1000};
  const std::vector<std::int32_t> idle = {1000, 1000};
  // On the device with 600 left: 100 - 60 / 10.
  EXPECT_EQ(scorer.score(kShare, node(in_use), ""), (NodeScore{94, 0}));
  // On free devices of a node in use: 50 - devices taken.
  EXPECT_EQ(scorer.score(kPair, node(in_use), "").value, 48);
  // On an idle node: 33 - its devices.
  EXPECT_EQ(scorer.score(kShare, node(idle), ""), (NodeScore{31, 0}));
  EXPECT_EQ(scorer.score(kCpuOnly, node(in_use), "").value, scorer.score(kCpuOnly, node(idle), "").value);
}

TEST(Clustering, PrefersNodesThatRunTheSameKind) {
  const ClusteringScorer scorer(kLimits);
  const std::vector<std::int32_t> free = {1000, 1000, 0, 0};
  const engine::DeviceCountClasses shares = engine::device_count_class(kShare);
  const engine::DeviceCountClasses wholes = engine::device_count_class(kWhole);
  const engine::DeviceCountClasses pairs = engine::device_count_class(kPair);
  // 25 x (8000 - 2000) / 8000 = 18.75, cut off to 18, in each.
  EXPECT_EQ(scorer.score(kWhole, node(free, wholes), "").value, 75 + 18);
  EXPECT_EQ(scorer.score(kWhole, node(free, wholes | pairs), "").value, 50 + 18);
  EXPECT_EQ(scorer.score(kWhole, node(free), "").value, 25 + 18);
  EXPECT_EQ(scorer.score(kWhole, node(free, shares | pairs), "").value, 18);
  EXPECT_EQ(scorer.score(kCpuOnly, node(free, wholes), "").value, 0);
}

TEST(RandomPlacement, GivesEachNodeTheSameChance) {
  const RandomScorer scorer(1);
  const std::vector<std::int32_t> free = {1000, 200, 700};
  std::array<int, 4> chosen{};
  std::array<int, 3> device{};
  for (int pod = 0; pod < 4000; ++pod) {
    std::size_t best = 0;
    NodeScore best_score{.value = -1};
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      NodeState state = node(free);
      const std::string name = "node-" + std::to_string(i);
      state.name = name;
      const NodeScore score = scorer.score(kShare, state, std::to_string(pod));
      if (score.value > best_score.value) {
        best_score = score;
        best = i;
      }
    }
    ++chosen.at(best);
    ++device.at(static_cast<std::size_t>(best_score.device));
  }
  for (const int count : chosen) EXPECT_NEAR(count, 1000, 120);
  EXPECT_NEAR(device[0], 2000, 150);
  EXPECT_EQ(device[1], 0) << "too small for the share";
  EXPECT_NEAR(device[2], 2000, 150);
}

TEST(RandomPlacement, DependsOnSeedPodAndNodeOnly) {
  const std::vector<std::int32_t> free = {1000};
  NodeState state = node(free);
  state.name = "node-a";
  const RandomScorer one(1);
  EXPECT_EQ(one.score(kShare, state, "p"), RandomScorer(1).score(kShare, state, "p"));
  EXPECT_NE(one.score(kShare, state, "p"), RandomScorer(2).score(kShare, state, "p"));
  EXPECT_NE(one.score(kShare, state, "p"), one.score(kShare, state, "q"));
  EXPECT_TRUE(one.depends_on_pod());
}

TEST(Baselines, AreMadeByName) {
  std::vector<std::string> names;
  for (const engine::NamedScorerFactory& factory : baseline_scorers(kLimits, 1)) {
    names.push_back(factory.name);
    EXPECT_EQ(factory.make()->name(), factory.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"best-fit", "dot-product", "packing", "clustering", "random"}));
}

}  // namespace
}  // namespace fairlead::sim
