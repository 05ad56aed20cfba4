#include "manifest/object_text_test.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::manifest {
namespace {

TEST(References, ThatAreMissingAreSaidOnceEach) {
  const std::string group =
      "---\napiVersion: scheduling.run.ai/v2alpha2\nkind: PodGroup\nmetadata: {namespace: team, name: ";
  const ClusterObjects objects = read(queue("q", "''") + group +
                                      "a}\nspec: {queue: lost, priorityClassName: gone, topologyConstraint: "
                                      "{topology: flat, requiredTopologyLevel: x}}\n" +
                                      group + "b}\nspec: {queue: lost, priorityClassName: gone}\n" +
                                      pod("x", "  annotations: {pod-group-name: nobody}\n") +
                                      "---\napiVersion: v1\nkind: Widget\nmetadata: {name: w}\n");
  const auto warnings = messages(objects, Severity::kWarning);
  const std::vector<std::string> beginnings = {
      "PodGroup team/nobody: is not in the input; 1 pods refer to it, first team/x",
      "PriorityClass gone: is not in the input; 2 groups refer to it, first team/a",
      "Queue default-queue: is not in the input; 1 groups refer to it, first team/nobody",
      "Queue lost: is not in the input; 2 groups refer to it, first team/a",
      "Topology flat: is not in the input; 1 groups refer to it, first team/a",
  };
  ASSERT_EQ(warnings.size(), beginnings.size());
  for (std::size_t i = 0; i < warnings.size(); ++i)
    EXPECT_TRUE(warnings[i].starts_with(beginnings[i])) << warnings[i];
  EXPECT_EQ(objects.groups.at(0).fallback_priority, 50);
  EXPECT_EQ(objects.pods.at(0).group, "team/nobody");
  EXPECT_EQ(objects.ignored_kinds, (std::vector<std::pair<std::string, std::size_t>>{{"Widget", 1}}));
}

TEST(References, AnUnknownPriorityClassLeavesThePodsOwnPriority) {
  const GroupOf group = group_of(read(pod("a", "", "  priorityClassName: unseen\n  priority: 70\n")));
  EXPECT_EQ(group.value.priority_class, "unseen");
  EXPECT_EQ(group.value.fallback_priority, 70);
  const std::string standard =
      "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: standard}\nvalue: "
      "30\nglobalDefault: true\n";
  const std::string named =
      "---\napiVersion: scheduling.run.ai/v2alpha2\nkind: PodGroup\nmetadata: {namespace: team, name: "
      "g}\nspec: "
      "{queue: q, priorityClassName: unseen}\n";
  EXPECT_EQ(read(standard + named).groups.at(0).fallback_priority, 30);
}

TEST(Volumes, ClaimsAreJoinedWithVolumesAndClasses) {
  using State = model::VolumeClaim::State;
  const std::string claim =
      "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {namespace: team, name: ";
  const ClusterObjects objects = read(
      claim + "bound}\nspec: {volumeName: pv}\nstatus: {phase: Bound}\n" + claim +
      "late}\nspec: {storageClassName: late}\n" + claim + "now}\nspec: {storageClassName: now}\n" +
      "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv}\nspec: {nodeAffinity: {required: "
      "{nodeSelectorTerms: "
      "[{matchExpressions: [{key: zone, operator: In, values: [b, a]}]}]}}}\n"
      "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: late}\nvolumeBindingMode: "
      "WaitForFirstConsumer\nallowedTopologies: [{matchLabelExpressions: [{key: zone, values: [c]}]}]\n"
      "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: now}\nvolumeBindingMode: "
      "Immediate\n" +
      pod("a", "",
          "  volumes: [{name: v, persistentVolumeClaim: {claimName: absent}}, {name: e, ephemeral: {}}]\n"));
  ASSERT_EQ(objects.volume_claims.size(), 3U);
  EXPECT_EQ(objects.volume_claims[0].state, State::kBound);
  EXPECT_EQ(objects.volume_claims[0].node_terms.at(0).labels.at(0).values,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(objects.volume_claims[1].state, State::kWaitForFirstConsumer);
  EXPECT_EQ(objects.volume_claims[1].node_terms.at(0).labels.at(0).values, (std::vector<std::string>{"c"}));
  EXPECT_EQ(objects.volume_claims[2].state, State::kUnbound);
  EXPECT_EQ(objects.pods[0].constraints.volume_claims, (std::vector<std::string>{"a-e", "absent"}));
  EXPECT_EQ(objects.pods[0].missing_references,
            (std::vector<std::string>{"volume claim team/a-e", "volume claim team/absent"}));
}

TEST(ConfigMaps, CountOnlyWhereTheInputShowsThoseOfTheNamespace) {
  const std::string needy = pod("a", "",
                                "  volumes: [{name: v, configMap: {name: absent}}, {name: w, configMap: "
                                "{name: there}}, {name: x, configMap: "
                                "{name: maybe, optional: true}}]\n  containers: [{envFrom: [{configMapRef: "
                                "{name: env}}], env: [{name: n, "
                                "valueFrom: {configMapKeyRef: {name: key}}}]}]\n");
  const std::string map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: team, name: there}\n";
  EXPECT_TRUE(read(needy).pods[0].missing_references.empty());
  EXPECT_EQ(
      read(needy + map).pods[0].missing_references,
      (std::vector<std::string>{"config map team/absent", "config map team/env", "config map team/key"}));
}

TEST(BindRequests, PutPendingPodsOnTheirWay) {
  const std::string request =
      "---\napiVersion: scheduling.run.ai/v1alpha2\nkind: BindRequest\nmetadata: {namespace: team, name: "
      "a}\nspec: "
      "{podName: a, selectedNode: n1, selectedGPUGroups: [g]}\n";
  const ClusterObjects objects = read(pod("a") + request);
  EXPECT_EQ(objects.pods[0].phase, model::Pod::Phase::kBinding);
  EXPECT_EQ(objects.pods[0].node, "n1");
  EXPECT_EQ(objects.pods[0].device_groups, (std::vector<std::string>{"g"}));
  EXPECT_EQ(read(pod("a") + request + "status: {phase: Failed}\n").pods[0].phase,
            model::Pod::Phase::kPending);
}

TEST(Events, BringEverythingAtOneInstant) {
  const base::Time now = base::Time::from_unix_seconds(5);
  const auto events =
      to_events(read(pod("a") + "---\napiVersion: v1\nkind: Node\nmetadata: {name: node}\n"), now);
  // The clock, two default queues, the node, the group and the pod.
  ASSERT_EQ(events.size(), 6U);
  for (const model::Event& event : events) EXPECT_EQ(event.time, now);
  EXPECT_TRUE(std::holds_alternative<model::PodUpserted>(events.back().body));
}

}  // namespace
}  // namespace fairlead::manifest
