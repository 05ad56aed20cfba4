// Fairlead as the scheduler of a cluster: a real etcd and kube-apiserver, simulated kubelets, plain kubectl.

#include "e2e/fault_proxy.h"
#include "e2e/node_simulator.h"
#include "e2e/test_cluster.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

namespace fairlead::e2e {
namespace {

class Kubernetes : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<TestCluster>();
    if (!cluster_->problem().empty()) return;
    // The controller has the rights of its manifests, and no others.
    cluster_->kubectl({"apply", "-f", FAIRLEAD_E2E "/../../deploy/controller"});
    cluster_->apply(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: controller-under-test}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: fairlead-controller}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: fairlead}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: controller-under-test, namespace: fairlead}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: fairlead-lease}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: fairlead}]
)");
  }
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

TEST_F(Kubernetes, RefusesWhatIsNotThereYetWithTheReason) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(R"(
apiVersion: v1
kind: Pod
metadata: {name: half, annotations: {gpu-fraction: "0.5"}}
spec: {schedulerName: fairlead, containers: [{name: main, image: none}]}
)");
  wait_until("the reason is on the pod", [&] { return !waiting("half").empty(); });
  EXPECT_EQ(field("half", R"(.status.conditions[?(@.type=="PodScheduled")].reason)"), "NotSupported");
  EXPECT_NE(waiting("half").find("share of a device"), std::string::npos);
}

TEST_F(Kubernetes, ReclaimsWhatIsBorrowedByEviction) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(queue("all", "", 8, 8) + queue("vision", "all", 4, -1) + queue("speech", "all", 4, -1));
  for (int i = 0; i < 4; ++i) cluster().apply(pod("v" + std::to_string(i), 2, "vision"));
  for (int i = 0; i < 4; ++i) runs("v" + std::to_string(i));
  cluster().apply(pod("s", 4, "speech"));
  runs("s");
  const std::string events = cluster().kubectl(
      {"get", "events", "-o", R"(jsonpath={range .items[*]}{.reason} {.message}{"\n"}{end})"});
  EXPECT_NE(events.find("Evicted reclaimed for"), std::string::npos) << events;
  const std::string left = cluster().kubectl({"get", "pods", "-o", "name"});
  EXPECT_EQ(std::count(left.begin(), left.end(), '\n'), 3) << left;
}

TEST_F(Kubernetes, ADisruptionBudgetIsHonoured) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(queue("all", "", 8, 8) + queue("vision", "all", 0, -1) + queue("speech", "all", 8, -1));
  cluster().apply(pod("kept", 8, "vision"));
  runs("kept");
  cluster().kubectl({"label", "pod", "kept", "app=kept"});
  cluster().apply(R"(
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: kept}
spec: {minAvailable: 1, selector: {matchLabels: {app: kept}}}
)");
  cluster().apply(pod("s", 8, "speech"));
  wait_until("it is said why it waits", [&] { return !waiting("s").empty(); });
  EXPECT_EQ(phase_of("kept"), "Running");
}

TEST_F(Kubernetes, FindsTheQueueOnTheOwner) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(queue("research", "", 0, 0) + queue("other", "", 8, 8));
  cluster().apply(R"(
apiVersion: batch/v1
kind: Job
metadata: {name: job, labels: {kai.scheduler/queue: research}}
spec:
  template:
    spec: {restartPolicy: Never, schedulerName: fairlead, containers: [{name: main, image: none}]}
)");
  const std::string uid = cluster().kubectl({"get", "job", "job", "-o", "jsonpath={.metadata.uid}"});
  // As the job controller, which does not run here, would make it.
  cluster().apply(fmt::format(R"(
apiVersion: v1
kind: Pod
metadata:
  name: job-abc
  ownerReferences: [{{apiVersion: batch/v1, kind: Job, name: job, uid: {}, controller: true}}]
spec: {{schedulerName: fairlead, containers: [{{name: main, image: none, resources: {{limits: {{nvidia.com/gpu: 1}}}}}}]}}
)",
                              uid));
  wait_until("the owner's queue keeps it back", [&] { return !waiting("job-abc").empty(); });
  EXPECT_NE(waiting("job-abc").find("queue research may never hold more than 0 devices"), std::string::npos)
      << waiting("job-abc");
}

TEST_F(Kubernetes, CountsPodsOfOtherSchedulers) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 2, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(R"(
apiVersion: v1
kind: Pod
metadata: {name: other}
spec: {nodeName: gpu-1, containers: [{name: main, image: none, resources: {limits: {nvidia.com/gpu: 8}}}]}
)");
  runs("other");
  cluster().apply(pod("mine", 8, "any"));
  runs("mine");
  EXPECT_EQ(node_of("mine"), "gpu-2");
}

TEST_F(Kubernetes, FollowsTheClusterAfterTheApiServerWasAway) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 2, {}), "");
  const ControllerProcess controller(cluster());
  cluster().apply(pod("before", 8, "any"));
  runs("before");
  cluster().component("stop", "apiserver", "KILL");
  cluster().component("start", "apiserver");
  cluster().apply(pod("after", 8, "any"));
  runs("after");
  EXPECT_NE(node_of("before"), node_of("after"));
}

TEST_F(Kubernetes, AKilledControllerBindsNothingTwice) {
  constexpr int kPods = 60;
  ASSERT_EQ(nodes_->add_nodes("gpu-", 8, {}), "");  // room for 64
  ControllerProcess controller(cluster());
  std::string pods;
  for (int i = 0; i < kPods; ++i) pods += pod("p" + std::to_string(i), 1, "any");
  cluster().apply(pods);
  for (const std::size_t seen : {1U, 20U, 40U}) {
    wait_until("some are bound", [&] { return nodes_->bound() >= seen; });
    controller.end(SIGKILL);
    controller.start();
  }
  wait_until("all are bound", [&] { return nodes_->bound() == kPods; });
  EXPECT_EQ(nodes_->running(), static_cast<std::size_t>(kPods));
}

TEST_F(Kubernetes, WhateverIsLostCutRepeatedOrSwappedEverythingIsBoundOnceAndFits) {
  constexpr int kGangs = 24;
  ASSERT_EQ(nodes_->add_nodes("gpu-", 12, {}), "");  // room for 24 gangs of 4
  FaultProxy proxy(cluster().server(), cluster().folder(), 11);
  proxy.set({.refused = 0.1,
             .lost = 0.15,
             .delayed = 0.3,
             .cut = 0.05,
             .repeated = 0.1,
             .swapped = 0.1,
             .expired = 0.2});
  const ControllerProcess controller(cluster(), {"--alone"}, proxy.kubeconfig());
  std::string manifests = queue("research", "", -1, -1);
  for (int i = 0; i < kGangs; ++i) {
    const std::string name = "g" + std::to_string(i);
    manifests += gang(name, "research", 4);
    for (int k = 0; k < 4; ++k) manifests += pod(fmt::format("{}-{}", name, k), 1, "research", name);
  }
  cluster().apply(manifests);
  wait_until("all run", [&] { return nodes_->running() == kGangs * 4; }, 90);
  EXPECT_GT(proxy.faults(), 50U);
}

TEST_F(Kubernetes, KilledBetweenAWriteAndItsAnswerItBindsNothingTwice) {
  const char* asked = std::getenv("KUBERNETES_KILLS");
  const int kills = asked == nullptr ? 12 : std::atoi(asked);
  const int pods = kills * 12;
  ASSERT_EQ(nodes_->add_nodes("gpu-", pods / 8 + 1, {}), "");
  FaultProxy proxy(cluster().server(), cluster().folder(), 5);
  proxy.set({.delayed = 0.2});
  // Takes no lease, so that it is not waited for: what is under way is the harder case.
  ControllerProcess controller(cluster(), {"--alone"}, proxy.kubeconfig());
  std::mt19937 random(3);
  std::atomic<int> after{0};
  std::atomic<int> killed{0};
  for (int i = 0; i < kills; ++i) {
    std::string manifests;
    for (int k = 0; k < 8; ++k) manifests += pod(fmt::format("k{}-{}", i, k), 1, "any");
    after = static_cast<int>(random() % 8);
    proxy.on_bound([&] {
      // The API server has bound the pod, and the controller does not know it yet.
      if (after-- == 0 && controller.pid() > 0) {
        kill(controller.pid(), SIGKILL);
        ++killed;
      }
    });
    cluster().apply(manifests);
    wait_until("it was killed", [&] { return killed > i; });
    proxy.on_bound({});
    controller.end(SIGKILL);
    controller.start();
    wait_until("all are bound", [&] { return nodes_->bound() == static_cast<std::size_t>(i + 1) * 8; }, 60);
  }
  wait_until("all run", [&] { return nodes_->running() == static_cast<std::size_t>(kills) * 8; });
}

TEST_F(Kubernetes, AStandbyTakesOverWithinFiveSecondsAndAStoppedLeaderGivesUp) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 2, {}), "");
  ControllerProcess first(cluster());
  cluster().apply(pod("a", 1, "any"));
  runs("a");
  ControllerProcess second(cluster());
  wait_until("the second has read the cluster",
             [&] { return second.log().find("the cluster was read") != std::string::npos; });
  kill(first.pid(), SIGSTOP);
  const auto stopped = std::chrono::steady_clock::now();
  cluster().apply(pod("b", 1, "any"));
  wait_until("b is bound", [&] { return !node_of("b").empty(); });
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(8));
  cluster().apply(pod("c", 8, "any") + pod("d", 6, "any"));
  kill(first.pid(), SIGCONT);
  wait_until("the first one steps back",
             [&] { return first.log().find("begins again as a standby") != std::string::npos; });
  runs("c");
  runs("d");
}

TEST_F(Kubernetes, ObservesWithoutWriting) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  cluster().apply(queue("all", "", 8, 8) + queue("vision", "all", 0, -1) + queue("speech", "all", 8, -1));
  {
    const ControllerProcess controller(cluster());
    cluster().apply(pod("borrows", 8, "vision"));
    runs("borrows");
  }
  const ControllerProcess observer(cluster(), {"--observe"}, cluster().kubeconfig("fairlead"));
  cluster().apply(pod("owns", 8, "speech"));
  wait_until("the eviction is thought of", [&] {
    return observer.log().find("would evict default/borrows: reclaimed for") != std::string::npos;
  });
  EXPECT_EQ(phase_of("borrows"), "Running");
  EXPECT_EQ(waiting("owns"), "");
  cluster().kubectl({"delete", "pod", "borrows", "--wait=false"});
  wait_until("the binding is thought of",
             [&] { return observer.log().find("would bind default/owns to gpu-1") != std::string::npos; });
  EXPECT_EQ(node_of("owns"), "");
}

TEST_F(Kubernetes, PlansALiveClusterWithAViewersRights) {
  ASSERT_EQ(nodes_->add_nodes("gpu-", 1, {}), "");
  cluster().apply(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: plan}
rules:
  - {apiGroups: [""], resources: [nodes, pods, namespaces, persistentvolumes, persistentvolumeclaims], verbs: [list]}
  - {apiGroups: [apps, batch, policy, scheduling.k8s.io, storage.k8s.io, scheduling.run.ai, kai.scheduler], resources: ["*"], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: plan}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: plan}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}]
)");
  cluster().apply(queue("research", "", 4, 4) + pod("fits", 4, "research") + pod("waits", 4, "research"));
  const Output plan = run({FAIRLEAD_PROGRAM, "plan", "--kubeconfig", cluster().kubeconfig("viewer")});
  EXPECT_EQ(plan.code, 0) << plan.text;
  EXPECT_NE(plan.text.find("gpu-1"), std::string::npos) << plan.text;
  EXPECT_NE(plan.text.find("queue research may never hold more than 4 devices"), std::string::npos)
      << plan.text;
  EXPECT_EQ(node_of("fits"), "");
}

}  // namespace
}  // namespace fairlead::e2e
