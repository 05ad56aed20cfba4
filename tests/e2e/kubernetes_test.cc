// Fairlead as the scheduler of a cluster: a real etcd and kube-apiserver, simulated kubelets, plain kubectl.

#include "e2e/node_simulator.h"
#include "e2e/test_cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>

namespace fairlead::e2e {
namespace {

class Kubernetes : public testing::Test {
 protected:
  static void SetUpTestSuite() { cluster_ = std::make_unique<TestCluster>(); }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    ASSERT_EQ(cluster_->problem(), "");
    cluster_->clear();
    nodes_ = std::make_unique<NodeSimulator>(cluster_->server(), 4);
  }
  void TearDown() override {
    if (!nodes_) return;
    EXPECT_EQ(nodes_->broken_promises(), std::vector<std::string>());
    nodes_.reset();
  }

  static const TestCluster& cluster() { return *cluster_; }

  static std::string pod(const std::string& name, int devices, const std::string& queue,
                         const std::string& group = {}, const std::string& more = {}) {
    return fmt::format(R"(
apiVersion: v1
kind: Pod
metadata:
  name: {}
  labels: {{kai.scheduler/queue: {}}}
  annotations: {{{}}}
spec:
  schedulerName: fairlead
  terminationGracePeriodSeconds: 0
  {}
  containers:
    - {{name: main, image: none, resources: {{limits: {{nvidia.com/gpu: "{}"}}}}}}
---
)",
                       name, queue, group.empty() ? "" : "pod-group-name: " + group, more, devices);
  }

  static std::string queue(const std::string& name, const std::string& parent, int quota, int limit) {
    return fmt::format(R"(
apiVersion: scheduling.run.ai/v2
kind: Queue
metadata: {{name: {}}}
spec:
  {}
  resources:
    gpu: {{quota: {}, limit: {}, overQuotaWeight: 1}}
    cpu: {{quota: -1, limit: -1, overQuotaWeight: 1}}
    memory: {{quota: -1, limit: -1, overQuotaWeight: 1}}
---
)",
                       name, parent.empty() ? "" : "parentQueue: " + parent, quota, limit);
  }

  static std::string gang(const std::string& name, const std::string& queue, int minimum) {
    return fmt::format(R"(
apiVersion: scheduling.run.ai/v2alpha2
kind: PodGroup
metadata: {{name: {}}}
spec: {{queue: {}, minMember: {}}}
---
)",
                       name, queue, minimum);
  }

  std::string field(const std::string& pod, const std::string& path) const {
    return cluster_->kubectl({"get", "pod", pod, "-o", "jsonpath={" + path + "}"});
  }
  std::string node_of(const std::string& pod) const { return field(pod, ".spec.nodeName"); }
  std::string phase_of(const std::string& pod) const { return field(pod, ".status.phase"); }
  std::string waiting(const std::string& pod) const {
    return field(pod, R"(.status.conditions[?(@.type=="PodScheduled")].message)");
  }
  void runs(const std::string& pod) const {
    wait_until(pod + " runs", [&] { return phase_of(pod) == "Running"; });
  }

  static std::unique_ptr<TestCluster> cluster_;
  std::unique_ptr<NodeSimulator> nodes_;
};

std::unique_ptr<TestCluster> Kubernetes::cluster_;

TEST_F(Kubernetes, BindsAPod) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(pod("one", 1, "any"));
  runs("one");
  EXPECT_EQ(node_of("one"), "gpu-1");
  EXPECT_EQ(field("one", ".metadata.annotations.received-resource-type"), "Regular");
  wait_until("the event is there", [&] {
    return cluster().kubectl({"get", "events", "-o", "jsonpath={.items[*].reason}"}).find("Scheduled") !=
           std::string::npos;
  });
}

TEST_F(Kubernetes, StartsAGangTogetherOrNotAtAll) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 2, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(queue("research", "", 32, 32) + gang("llama", "research", 3) +
                  pod("llama-0", 8, "research", "llama") + pod("llama-1", 8, "research", "llama") +
                  pod("llama-2", 8, "research", "llama"));
  // Two of three would fit. That they wait is written on each, and on the group.
  wait_until("the reason is on the pod", [&] { return !waiting("llama-2").empty(); });
  EXPECT_EQ(node_of("llama-0") + node_of("llama-1") + node_of("llama-2"), "");
  wait_until("the reason is on the group", [&] {
    return cluster().kubectl(
               {"get", "podgroup", "llama", "-o", "jsonpath={.status.schedulingConditions[0].type}"}) ==
           "UnschedulableOnNodePool";
  });
  ASSERT_EQ(nodes_->add_nodes("more-", 1, {}), "");
  for (const char* name : {"llama-0", "llama-1", "llama-2"}) runs(name);
  EXPECT_EQ(nodes_->bound(), 3U);
}

TEST_F(Kubernetes, KeepsAQueueWithinItsLimit) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 2, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(queue("research", "", 2, 4) + pod("a", 3, "research"));
  runs("a");
  cluster().apply(pod("b", 3, "research"));
  wait_until("b is told why it waits", [&] { return !waiting("b").empty(); });
  EXPECT_EQ(waiting("b"), "queue research may never hold more than 4 devices (3 in use, 3 more asked for)");
  cluster().kubectl({"delete", "pod", "a", "--wait=false"});
  runs("b");
}

}  // namespace
}  // namespace fairlead::e2e
