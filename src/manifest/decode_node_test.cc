#include "manifest/object_text_test.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::manifest {
namespace {

TEST(Nodes, TellPartitionsAndStrategies) {
  const auto node = [](const std::string& labels, const std::string& allocatable) {
    return read("apiVersion: v1\nkind: Node\nmetadata: {name: node, labels: {" + labels +
                "}}\nspec: {unschedulable: true, taints: [{key: k, effect: "
                "NoExecute}]}\nstatus: {allocatable: {" +
                allocatable + "}, conditions: [{type: Ready, status: Unknown}]}\n")
        .nodes.at(0);
  };
  using Strategy = model::Node::PartitionStrategy;
  const std::string mixed = "nvidia.com/mig.strategy: mixed";
  EXPECT_EQ(node(mixed, "nvidia.com/gpu: 8").partition_strategy, Strategy::kNone);
  EXPECT_EQ(node(mixed, "nvidia.com/mig-1g.10gb: 7").partition_strategy, Strategy::kMixed);
  EXPECT_EQ(
      node(mixed + ", node-role.kubernetes.io/mig-enabled: 'true'", "nvidia.com/gpu: 8").partition_strategy,
      Strategy::kMixed);
  EXPECT_EQ(node(mixed + ", node-role.kubernetes.io/mig-enabled: 'false'", "nvidia.com/mig-1g.10gb: 7")
                .partition_strategy,
            Strategy::kNone);
  const model::Node value =
      node("kai.scheduler/node-pool: blue", "nvidia.com/mig-2g.20gb: 3, pods: 50, cpu: 1500m");
  EXPECT_EQ(value.partitions.at(0), (model::Partition{"nvidia.com/mig-2g.20gb", 3, 2000}));
  EXPECT_EQ(value.pod_capacity, 50);
  EXPECT_EQ(value.allocatable.cpu_milli, 1500);
  EXPECT_EQ(value.pool, "blue");
  EXPECT_TRUE(value.unschedulable);
  EXPECT_FALSE(value.ready);
  EXPECT_EQ(value.taints.at(0).effect, model::Taint::Effect::kNoExecute);
}

TEST(Nodes, SharesAreOfTheLargestKindWhoseMemoryIsKnown) {
  const auto first = [](const std::string& labels) {
    return read("apiVersion: v1\nkind: Node\nmetadata: {name: node, labels: {" + labels +
                "}}\nstatus: {allocatable: {nvidia.com/gpu: 2, huawei.com/Ascend910: 8}}\n")
        .nodes.at(0)
        .devices.at(0)
        .resource;
  };
  EXPECT_EQ(first(""), "huawei.com/Ascend910");
  EXPECT_EQ(first("nvidia.com/gpu.memory: '81920'"), "nvidia.com/gpu");
}

TEST(Nodes, AQuantityThatCannotBeReadCountsAsNone) {
  const ClusterObjects objects = read(
      "apiVersion: v1\nkind: Node\nmetadata: {name: node}\nstatus: {allocatable: {cpu: x, memory: 1Gi}}\n");
  ASSERT_EQ(objects.nodes.size(), 1U);
  EXPECT_EQ(objects.nodes[0].allocatable.cpu_milli, 0);
  EXPECT_EQ(objects.nodes[0].allocatable.memory_bytes, 1 << 30);
  EXPECT_EQ(messages(objects, Severity::kError).size(), 1U);
}

}  // namespace
}  // namespace fairlead::manifest
