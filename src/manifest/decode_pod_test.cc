#include "manifest/object_text_test.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::manifest {
namespace {

TEST(Pods, AskForTheLargerOfStartingAndRunning) {
  const model::Pod value =
      read(pod("a", "",
               "  overhead: {cpu: 100m}\n"
               "  initContainers:\n"
               "  - resources: {requests: {cpu: 5, memory: 1Gi}}\n"
               "  - {restartPolicy: Always, resources: {requests: {cpu: 1}}}\n"
               "  - resources: {requests: {cpu: 2, memory: 3Gi}}\n"
               "  containers:\n"
               "  - resources: {requests: {cpu: 1}, limits: {cpu: 9, memory: 1Gi, amd.com/gpu: 2}}\n"
               "  - resources: {requests: {cpu: 1, rdma/hca: 1}}\n"))
          .pods.at(0);
  EXPECT_EQ(value.requests.cpu_milli, 5100);
  EXPECT_EQ(value.requests.memory_bytes, std::int64_t{3} << 30U);
  EXPECT_EQ(value.devices.kind, model::DeviceRequest::Kind::kWhole);
  EXPECT_EQ(value.devices.resource, "amd.com/gpu");
  EXPECT_EQ(value.devices.count, 2);
  EXPECT_EQ(value.requests.counted, (std::vector<model::ResourceCount>{{"rdma/hca", 1}}));
}

TEST(Pods, AskForDevicesOfTwoKindsAndNoMore) {
  const auto asking = [](const std::string& third) {
    return read(pod("a", "",
                    "  containers:\n"
                    "  - resources: {limits: {nvidia.com/gpu: 1}}\n"
                    "  - resources: {limits: {nvidia.com/gpu: 1, huawei.com/Ascend910: 4" +
                        third + "}}\n"));
  };
  const model::DeviceRequest both = asking("").pods.at(0).devices;
  EXPECT_EQ(both.kind, model::DeviceRequest::Kind::kWhole);
  EXPECT_EQ(both.resource, "huawei.com/Ascend910");
  EXPECT_EQ(both.count, 4);
  EXPECT_EQ(both.second_resource, "nvidia.com/gpu");
  EXPECT_EQ(both.second_count, 2);
  const ClusterObjects three = asking(", amd.com/gpu: 1");
  EXPECT_TRUE(three.pods.empty());
  EXPECT_EQ(messages(three, Severity::kError).size(), 1U);
}

TEST(Pods, KnowPartitionsAndTheOldWayToAskForThem) {
  const model::Partition two{"nvidia.com/mig-1g.10gb", 2, 1000};
  const model::Pod asked =
      read(pod("a", "", "  containers: [{resources: {limits: {nvidia.com/mig-1g.10gb: 2}}}]\n")).pods.at(0);
  EXPECT_EQ(asked.devices.partitions.at(0), two);
  EXPECT_FALSE(asked.legacy_partition_request);
  const model::Pod old = read(pod("a", "  annotations: {nvidia.com/mig-1g.10gb: '2'}\n")).pods.at(0);
  EXPECT_EQ(old.devices.partitions.at(0), two);
  EXPECT_TRUE(old.legacy_partition_request);
}

TEST(Pods, ThatRunOrAreSomebodyElsesStillCountWhenPartOfThemIsWrong) {
  const std::string wrong = "  containers: [{resources: {requests: {cpu: x, memory: 1Gi}}}]\n";
  const std::string odd = "  annotations: {gpu-memory: lots}\n";
  EXPECT_TRUE(read(pod("a", "", wrong)).pods.empty());
  EXPECT_TRUE(read(pod("a", odd)).pods.empty());
  for (const std::string& text :
       {pod("a", odd, wrong + "  nodeName: node\n"),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {gpu-memory: lots}}\nspec:\n" + wrong}) {
    const ClusterObjects objects = read(text);
    ASSERT_EQ(objects.pods.size(), 1U);
    EXPECT_EQ(objects.pods[0].requests.memory_bytes, 1 << 30);
    EXPECT_EQ(messages(objects, Severity::kError).size(), 2U);
  }
}

TEST(Pods, ReadTheirConstraints) {
  const model::Constraints value =
      read(pod("a", "  labels: {app: x}\n",
               "  hostNetwork: true\n"
               "  nodeSelector: {zone: a}\n"
               "  tolerations: [{key: k, operator: Exists, effect: NoSchedule}, {operator: Exists}]\n"
               "  containers: [{ports: [{containerPort: 80}, {hostPort: 90, hostIP: 0.0.0.0, containerPort: "
               "91}]}]\n"
               "  topologySpreadConstraints: [{maxSkew: 2, topologyKey: zone, whenUnsatisfiable: "
               "ScheduleAnyway, labelSelector: {matchLabels: "
               "{a: b}}, matchLabelKeys: [app]}]\n"
               "  affinity:\n"
               "    nodeAffinity:\n"
               "      requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: "
               "[{key: metadata.name, operator: In, "
               "values: [node]}]}, {matchExpressions: [{key: size, operator: Gt, values: ['3']}]}]}\n"
               "      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5, preference: "
               "{matchExpressions: [{key: z, operator: Exists}]}}]\n"
               "    podAffinity:\n"
               "      requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: host, labelSelector: "
               "{matchLabels: {app: x}}}]\n"
               "    podAntiAffinity:\n"
               "      preferredDuringSchedulingIgnoredDuringExecution: [{weight: 9, podAffinityTerm: "
               "{topologyKey: host, namespaces: [z, b], "
               "labelSelector: {matchExpressions: [{key: app, operator: NotIn, values: [q]}]}}}]\n"))
          .pods.at(0)
          .constraints;
  EXPECT_EQ(value.node_selector.at("zone"), "a");
  EXPECT_EQ(value.tolerations.size(), 2U);
  ASSERT_EQ(value.host_ports.size(), 2U);
  EXPECT_EQ(value.host_ports[0].port, 80);
  EXPECT_EQ(value.host_ports[1].ip, "");
  ASSERT_EQ(value.spread.size(), 1U);
  EXPECT_FALSE(value.spread[0].required);
  EXPECT_EQ(value.spread[0].selector->requirements.size(), 2U);
  EXPECT_TRUE(value.has_required_nodes);
  EXPECT_EQ(value.required_nodes.size(), 2U);
  EXPECT_EQ(value.preferred_nodes.at(0).weight, 5);
  EXPECT_EQ(value.required_affinity.at(0).namespaces, (std::vector<std::string>{"team"}));
  EXPECT_EQ(value.preferred_anti_affinity.at(0).weight, 9);
  EXPECT_EQ(value.preferred_anti_affinity.at(0).namespaces, (std::vector<std::string>{"b", "z"}));
}

}  // namespace
}  // namespace fairlead::manifest
