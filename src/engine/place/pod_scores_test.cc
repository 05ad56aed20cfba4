#include "engine/place/pod_scores.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::engine {
namespace {

/// What a scorer was asked, by the test that made it.
struct Asked {
  int times = 0;
  NodeState node;
  std::vector<std::int32_t> free;
  TaskShape shape;
  std::vector<ExpectedTask> workload;
};

class RecordingScorer final : public PlacementScorer {
 public:
  RecordingScorer(Asked& asked, bool by_pod) : asked_(asked), by_pod_(by_pod) {}
  std::string_view name() const override { return "recording"; }
  bool depends_on_pod() const override { return by_pod_; }
  bool reads_running_classes() const override { return true; }
  std::uint64_t version() const override { return version_; }
  void set_expected_workload(std::span<const ExpectedTask> tasks) override {
    asked_.workload.assign(tasks.begin(), tasks.end());
    ++version_;
  }
  NodeScore score(const TaskShape& shape, const NodeState& node, std::string_view /*pod*/) const override {
    ++asked_.times;
    asked_.node = node;
    asked_.free.assign(node.free_thousandths.begin(), node.free_thousandths.end());
    asked_.shape = shape;
    return {.value = 7, .device = 0};
  }

 private:
  Asked& asked_;
  bool by_pod_;
  std::uint64_t version_ = 1;
};

class PodScoresTest : public testing::Test {
 protected:
  void SetUp() override {
    model::Node node;
    node.name = node.uid = "n";
    node.allocatable = {.cpu_milli = 8000, .memory_bytes = 1 << 20, .counted = {}};
    node.devices = {{.resource = "nvidia.com/gpu",
                     .vendor = "nvidia",
                     .model = "T4",
                     .count = 4,
                     .memory_mib = 1000,
                     .devices = {}}};
    tell(model::NodeUpserted{node});
    placement_.named = "recording";
  }

  template <class Body>
  void tell(Body body) {
    const base::Result<void> taken = cluster_.apply({.time = {}, .body = std::move(body)});
    ASSERT_TRUE(taken) << taken.error().message();
  }

  /// A pod with a share, or with whole devices; on the node unless it is pending.
  model::PodId add_pod(const std::string& uid, std::int64_t devices, std::int64_t thousandths,
                       const std::string& group) {
    model::Pod pod;
    pod.uid = uid;
    pod.namespace_name = "ns";
    pod.name = uid;
    pod.served = false;
    pod.requests.cpu_milli = 1000;
    pod.devices.count = devices;
    pod.devices.resource = "nvidia.com/gpu";
    pod.devices.kind =
        thousandths < 1000 ? model::DeviceRequest::Kind::kFraction : model::DeviceRequest::Kind::kWhole;
    if (thousandths < 1000) pod.devices.thousandths = thousandths;
    if (!group.empty()) {
      pod.phase = model::Pod::Phase::kRunning;
      pod.node = "n";
      if (thousandths < 1000) pod.device_groups = {group};
    }
    tell(model::PodUpserted{pod});
    return cluster_.find_pod(uid);
  }

  void expect(std::vector<model::ExpectedPods> pods) {
    model::Configuration configuration;
    configuration.expected_pods = std::move(pods);
    tell(model::ConfigurationChanged{std::move(configuration)});
  }

  PodScores scores(bool by_pod = false) {
    return PodScores(
        {{"recording", [this, by_pod] { return std::make_unique<RecordingScorer>(asked_, by_pod); }}});
  }
  model::NodeId node() const { return cluster_.nodes().find("n"); }

  model::Cluster cluster_;
  model::Placement placement_;
  Asked asked_;
};

TEST_F(PodScoresTest, BinPackAndSpreadAreNotItsBusiness) {
  const model::PodId pod = add_pod("p", 1, 1000, "");
  PodScores own = scores();
  placement_.named.clear();
  EXPECT_FALSE(own.turn_to(cluster_, pod, placement_));
  placement_.named = "unknown";
  EXPECT_FALSE(own.turn_to(cluster_, pod, placement_));
  placement_.devices = model::PlacementStrategy::kFragmentationGradient;
  EXPECT_TRUE(own.turn_to(cluster_, pod, placement_));
}

TEST_F(PodScoresTest, ShowsTheNodeAsItIs) {
  add_pod("share", 1, 300, "g");
  add_pod("pair", 2, 1000, "on the node");
  const model::PodId pod = add_pod("p", 1, 400, "");
  PodScores own = scores();
  ASSERT_TRUE(own.turn_to(cluster_, pod, placement_));
  EXPECT_EQ(own.of(node()), 7);
  EXPECT_EQ(asked_.free, (std::vector<std::int32_t>{700, 1000, 0, 0}));
  EXPECT_EQ(asked_.node.free_cpu_milli, 6000);
  EXPECT_EQ(asked_.node.cpu_milli, 8000);
  EXPECT_EQ(asked_.node.running_classes, 0b101U) << "shares and pairs";
  EXPECT_EQ(asked_.shape.device_thousandths, 400);
  // The first device is the shared one.
  const auto device = own.device(node());
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(cluster_.device_group_name(*device), "g");
}

TEST_F(PodScoresTest, KeepsScoresUntilTheNodeChanges) {
  const model::PodId pod = add_pod("p", 1, 1000, "");
  expect({{.device_count = 1, .device_thousandths = 1000}});
  PodScores own = scores();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(own.turn_to(cluster_, pod, placement_));
    own.of(node());
  }
  EXPECT_EQ(asked_.times, 1);
  const model::PodId twin = add_pod("twin", 1, 1000, "");
  ASSERT_TRUE(own.turn_to(cluster_, twin, placement_));
  own.of(node());
  EXPECT_EQ(asked_.times, 1) << "pods of one class share scores";
  add_pod("q", 1, 1000, "on the node");
  ASSERT_TRUE(own.turn_to(cluster_, pod, placement_));
  own.of(node());
  EXPECT_EQ(asked_.times, 2);
  EXPECT_FALSE(own.device(node()).has_value()) << "whole devices are all alike";
}

TEST_F(PodScoresTest, ScoresByPodAreNotKept) {
  const model::PodId pod = add_pod("p", 1, 1000, "");
  PodScores own = scores(true);
  ASSERT_TRUE(own.turn_to(cluster_, pod, placement_));
  own.of(node());
  own.of(node());
  EXPECT_EQ(asked_.times, 2);
}

TEST_F(PodScoresTest, TellsTheConfiguredWorkloadWithItsModels) {
  const model::PodId pod = add_pod("p", 1, 1000, "");
  expect({{.cpu_milli = 5,
           .device_count = 2,
           .device_thousandths = 1000,
           .device_models = {"T4", "A10"},
           .count = 3},
          {.cpu_milli = 6}});
  PodScores own = scores();
  ASSERT_TRUE(own.turn_to(cluster_, pod, placement_));
  ASSERT_EQ(asked_.workload.size(), 2U);
  EXPECT_EQ(asked_.workload[0].shape.device_models, 0b11U) << "A10 and T4, by name";
  EXPECT_EQ(asked_.workload[0].count, 3);
  EXPECT_EQ(asked_.workload[1].shape.device_models, kEveryDeviceModel);
  own.of(node());
  EXPECT_EQ(asked_.node.device_model, 1);
}

TEST_F(PodScoresTest, WithoutAConfiguredWorkloadTheKnownPodsAreExpected) {
  for (int i = 0; i < 20; ++i) add_pod("p" + std::to_string(i), 1, 500, "");
  PodScores own = scores();
  ASSERT_TRUE(own.turn_to(cluster_, cluster_.find_pod("p0"), placement_));
  ASSERT_EQ(asked_.workload.size(), 1U);
  EXPECT_EQ(asked_.workload[0].shape.device_thousandths, 500);
  EXPECT_EQ(asked_.workload[0].count, 20);
  // Two more of 20 are no more than a tenth; the third is.
  add_pod("q0", 1, 1000, "");
  add_pod("q1", 1, 1000, "");
  ASSERT_TRUE(own.turn_to(cluster_, cluster_.find_pod("p0"), placement_));
  EXPECT_EQ(asked_.workload.size(), 1U);
  add_pod("q2", 1, 1000, "");
  ASSERT_TRUE(own.turn_to(cluster_, cluster_.find_pod("p0"), placement_));
  EXPECT_EQ(asked_.workload.size(), 2U);
}

}  // namespace
}  // namespace fairlead::engine
