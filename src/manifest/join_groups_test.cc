#include "manifest/object_text_test.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::manifest {
namespace {

TEST(Owners, GroupPodsByKind) {
  const std::string replica_set = owned_by("apps/v1", "ReplicaSet", "rs");
  const std::string deployment =
      owner("apps/v1", "ReplicaSet", "rs", owned_by("apps/v1", "Deployment", "web")) +
      owner("apps/v1", "Deployment", "web");
  const struct {
    const char* what;
    std::string metadata;
    std::string others;
    const char* group;
    std::int32_t priority;
  } cases[] = {
      {"a pod alone", "", "", "team/pg-a-uid-a", 50},
      {"a Job's pods each for itself", owned_by("batch/v1", "Job", "job"), owner("batch/v1", "Job", "job"),
       "team/pg-a-uid-a", 50},
      {"a CronJob's by Job", owned_by("batch/v1", "Job", "job"),
       owner("batch/v1", "Job", "job", owned_by("batch/v1", "CronJob", "nightly")) +
           owner("batch/v1", "CronJob", "nightly"),
       "team/pg-job-uid-job", 50},
      {"a Deployment's each for itself", replica_set, deployment, "team/pg-a-uid-a", 125},
      {"a Deployment's whose ReplicaSet is not there", "  labels: {pod-template-hash: x}\n" + replica_set, "",
       "team/pg-a-uid-a", 125},
      {"a ReplicaSet's", replica_set, owner("apps/v1", "ReplicaSet", "rs"), "team/pg-rs-uid-rs", 50},
      {"a StatefulSet's", owned_by("apps/v1", "StatefulSet", "db"), owner("apps/v1", "StatefulSet", "db"),
       "team/pg-db-uid-db", 50},
      {"an unknown kind's", owned_by("example.com/v1", "Thing", "t"), owner("example.com/v1", "Thing", "t"),
       "team/pg-t-uid-t", 50},
      {"an owner that decides nothing", owned_by("batch/v1", "Job", "job"),
       owner("batch/v1", "Job", "job", owned_by("argoproj.io/v1alpha1", "Workflow", "flow")) +
           owner("argoproj.io/v1alpha1", "Workflow", "flow"),
       "team/pg-a-uid-a", 50},
      {"Spark's by application", "  labels: {spark-app-selector: spark-1}\n", "", "team/pg-spark-1", 50},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    const GroupOf group = group_of(read(pod("a", c.metadata) + c.others));
    EXPECT_EQ(group.group, c.group);
    EXPECT_EQ(group.value.min_member, 1);
    EXPECT_EQ(group.value.fallback_priority, c.priority);
    EXPECT_TRUE(group.value.made_from_owner);
  }
}

TEST(Owners, SetQueuePriorityAndPreemptibility) {
  const std::string queues =
      queue("root", "''") + queue("o", "root") + queue("p", "root") + queue("proj", "root");
  const std::string settings =
      "  labels: {kai.scheduler/queue: p, kai.scheduler/preemptibility: preemptible}\n";
  const std::string owner_settings =
      "  labels: {kai.scheduler/queue: o, priorityClassName: high, kai.scheduler/preemptibility: "
      "non-preemptible}\n"
      "  annotations: {kai.scheduler/topology: tree, kai.scheduler/topology-required-placement: rack}\n";
  const std::string high =
      "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 90\n";

  GroupOf group =
      group_of(read(queues + high + pod("a", settings + owned_by("example.com/v1", "Thing", "t")) +
                    owner("example.com/v1", "Thing", "t", owner_settings)));
  EXPECT_EQ(group.value.queue, "o");
  EXPECT_EQ(group.value.priority_class, "high");
  EXPECT_EQ(group.value.preemptible, false);
  EXPECT_EQ(group.value.topology.required_level, "rack");
  EXPECT_EQ(group.value.owner, "Thing team/t");

  group = group_of(read(queues + high + pod("a", settings, "  priorityClassName: high\n")));
  EXPECT_EQ(group.value.queue, "p");
  EXPECT_EQ(group.value.priority_class, "high");
  EXPECT_EQ(group.value.preemptible, true);

  EXPECT_EQ(group_of(read(queues + pod("a", "  labels: {project: proj}\n"))).value.queue, "proj");
  EXPECT_EQ(group_of(read(queues + pod("a", "  labels: {project: proj, kai.scheduler/node-pool: blue}\n")))
                .value.queue,
            "proj-blue");
  EXPECT_EQ(group_of(read(queues + pod("a"))).value.queue, "default-queue");
}

TEST(Owners, ThatAreNotInTheInputAreSaidOnce) {
  const ClusterObjects objects = read(pod("a", owned_by("kubeflow.org/v1", "PyTorchJob", "x")) +
                                      pod("b", owned_by("kubeflow.org/v1", "PyTorchJob", "x")) +
                                      pod("c", owned_by("kubeflow.org/v1", "PyTorchJob", "z")));
  EXPECT_EQ(objects.groups.size(), 2U);
  EXPECT_EQ(messages(objects, Severity::kWarning),
            (std::vector<std::string>{"2 groups were made for owners that are not in the input (first "
                                      "PyTorchJob team/x); each has minimum "
                                      "1; pass the owners too when their pods must start together"}));
}

TEST(Owners, FinishedPodsMakeNoGroups) {
  const std::string job = owned_by("example.com/v1", "Thing", "t");
  const std::string done = "status: {phase: Succeeded}\n";
  EXPECT_TRUE(read(pod("a", job) + done).pods.empty());
  EXPECT_TRUE(read(pod("a", job) + done).groups.empty());
  const ClusterObjects objects = read(pod("a", job) + done + pod("b", job));
  EXPECT_EQ(objects.pods.size(), 2U);
  EXPECT_EQ(objects.groups.size(), 1U);
}

TEST(Owners, OfAnyShapeAreNoReasonToComplain) {
  const ClusterObjects objects = read("kind: Kustomization\nmetadata: 5\nresources: [a]\n");
  EXPECT_TRUE(objects.diagnostics.empty());
  EXPECT_EQ(objects.ignored_kinds.size(), 1U);
}

TEST(Owners, TheOrderOfTheInputDoesNotMatter) {
  const std::string old_pod =
      pod("old", "  creationTimestamp: 2026-01-01T00:00:00Z\n  labels: {kai.scheduler/queue: p}\n" +
                     owned_by("example.com/v1", "Thing", "t"));
  const std::string new_pod =
      pod("new", "  creationTimestamp: 2026-01-02T00:00:00Z\n  labels: {kai.scheduler/queue: q}\n" +
                     owned_by("example.com/v1", "Thing", "t"));
  const std::string queues = queue("p", "''") + queue("q", "''");
  EXPECT_EQ(read(queues + old_pod + new_pod).groups.at(0).queue, "p");
  EXPECT_EQ(read(queues + new_pod + old_pod).groups.at(0).queue, "p");
}

TEST(PodGroups, AcceptBothSchemas) {
  const std::string head =
      "apiVersion: scheduling.run.ai/v2alpha2\nkind: PodGroup\nmetadata: {namespace: team, name: g}\nspec:\n "
      " queue: q\n";
  const auto group = [&](const std::string& spec) { return read(head + spec).groups; };
  const auto older = group(
      "  minMember: 2\n  parallelism: 3\n  completions: 3\n  backoffLimit: 1\n  markUnschedulable: false\n  "
      "schedulingBackoff: -1\n  subGroups: [{name: A, minMember: 1}, {name: b, minMember: 1, parent: a}]\n");
  ASSERT_EQ(older.size(), 1U);
  EXPECT_EQ(older[0].min_member, 2);
  const auto newer = group(
      "  minMember: null\n  minSubGroup: 1\n  preemptionDelay: 30s\n  stalenessGracePeriod: -1s\n  "
      "subGroups: [{name: a, "
      "minSubGroup: 1}, {name: b, parent: a, minMember: 0}]\n");
  ASSERT_EQ(newer.size(), 1U);
  EXPECT_EQ(newer[0].min_sub_group, 1);
  EXPECT_EQ(newer[0].preemption_delay, base::Duration::seconds(30));
  EXPECT_EQ(newer[0].staleness_grace, base::Duration::seconds(-1));
  for (const char* wrong : {"  subGroups: [{name: a}, {name: A}]\n", "  subGroups: [{name: a, parent: x}]\n",
                            "  subGroups: [{name: a, parent: b}, {name: b, parent: a}]\n",
                            "  minMember: -1\n", "  subGroups: [{minMember: 1}]\n"}) {
    EXPECT_TRUE(group(wrong).empty()) << wrong;
  }
}

}  // namespace
}  // namespace fairlead::manifest
