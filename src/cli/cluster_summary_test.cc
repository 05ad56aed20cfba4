#include "cli/cluster_summary.h"

#include "cli/sample_cluster_test.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace fairlead::cli {
namespace {

model::Pod& share(SampleCluster& sample, const std::string& name, std::int64_t thousandths, std::int64_t mib,
                  const std::string& node) {
  sample.group(name, "vision", 1, 1, node);
  model::Pod& pod = sample.objects.pods.back();
  pod.devices = {};
  pod.devices.kind = mib > 0 ? model::DeviceRequest::Kind::kMemory : model::DeviceRequest::Kind::kFraction;
  pod.devices.count = 1;
  pod.devices.thousandths = thousandths;
  pod.devices.memory_mib = mib;
  return pod;
}

TEST(ClusterSummary, AddsUpDevicesBeforeAndAfterThePlan) {
  SampleCluster sample;
  sample.node("a", 8);
  sample.node("b", 8);
  sample.node("c", 8).ready = false;
  sample.node("d", 8, "MI300X", "amd").unschedulable = true;
  sample.queue("vision", "", 8);
  sample.group("runs", "vision", 1, 2, "a");
  sample.group("leaves", "vision", 1, 4, "b");
  sample.objects.pods.back().releasing = true;
  sample.group("starts", "vision", 1, 3);
  sample.group("foreign", "vision", 1, 1, "a");
  sample.objects.pods.back().served = false;
  share(sample, "half", 500, 0, "b");
  // 20,000 of 81,500 MiB are 24.6 hundredths, charged as 25.
  share(sample, "by-memory", 0, 20'000, "b");
  PlanResult result;
  result.binds.push_back({sample.pod("starts-0"), "a", {}, {}, 0});
  result.evictions.push_back({sample.pod("runs-0"), model::EvictionRule::kPreempt, "", ""});
  const ClusterSummary summary = summarise(sample.objects, result);
  ASSERT_EQ(summary.devices.size(), 2u);
  const DeviceLine& h100 = summary.devices[1];
  EXPECT_EQ(h100.model, "H100");
  EXPECT_EQ(h100.nodes, 2u) << "devices of a node that is not ready are not there";
  EXPECT_EQ(h100.total, 16'000);
  EXPECT_EQ(h100.used, 2000 + 4000 + 1000 + 750);
  EXPECT_EQ(h100.used_after, 3000 + 1000 + 750) << "what leaves has left";
  EXPECT_EQ(summary.largest_free.at("nvidia.com/gpu"), 7) << "on b less than one is taken";
  EXPECT_EQ(summary.largest_free.at("amd.com/gpu"), 0) << "its only node takes no new pods";
  EXPECT_EQ(summary.not_ready, 1u);
  EXPECT_EQ(summary.unschedulable, 1u);
  EXPECT_EQ(summary.foreign_pods, 1u);
  EXPECT_EQ(summary.waiting_pods, 1u);
}

TEST(ClusterSummary, QueuesHoldWhatIsBelowThem) {
  SampleCluster sample;
  sample.node("a", 8);
  sample.queue("vision", "science", 4);
  sample.queue("science", "", 8);
  sample.queue("alone", "", 1);
  sample.group("runs", "vision", 1, 2, "a");
  sample.group("leaves", "vision", 1, 1, "a");
  sample.objects.pods.back().releasing = true;
  sample.group("waits", "vision", 2, 3);
  sample.group("gated", "vision", 1, 5);
  sample.objects.pods.back().gated = true;
  PlanResult result;
  result.nominations.push_back({sample.pod("waits-0"), "a"});
  const ClusterSummary summary = summarise(sample.objects, result);
  ASSERT_EQ(summary.queues.size(), 3u);
  EXPECT_EQ(summary.queues[0].name, "alone");
  EXPECT_EQ(summary.queues[1].name, "science");
  EXPECT_EQ(summary.queues[2].name, "vision");
  EXPECT_EQ(summary.queues[2].depth, 1u);
  for (std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    EXPECT_EQ(summary.queues[i].allocated.gpu, 2000) << "without what is leaving";
    EXPECT_EQ(summary.queues[i].requested.gpu, 2000 + 6000) << "without what is gated";
    EXPECT_EQ(summary.queues[i].allocated_after.gpu, 2000 + 3000);
    EXPECT_EQ(summary.queues[i].waiting_pods, 3u);
  }
}

TEST(ClusterSummary, OddInputDoesNotHarm) {
  SampleCluster sample;
  sample.node("a", std::numeric_limits<std::int64_t>::max());
  sample.queue("x", "y", 1);
  sample.queue("y", "x", 1);
  sample.group("in-a-cycle", "x", 1, std::numeric_limits<std::int64_t>::max(), "a");
  sample.group("nowhere", "no-such-queue", 1, 1, "no-such-node");
  sample.objects.pods.back().group = "no/such-group";
  const ClusterSummary summary = summarise(sample.objects, {});
  ASSERT_EQ(summary.devices.size(), 1u);
  EXPECT_EQ(summary.devices[0].total, std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace fairlead::cli
