#include "manifest/objects.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::manifest {
namespace {

using Severity = Diagnostic::Severity;

ClusterObjects read(const std::string& text) {
  ObjectReader reader(ReadOptions{});
  reader.read(text, "file.yaml");
  return reader.finish();
}

std::vector<std::string> messages(const ClusterObjects& objects, Severity severity) {
  std::vector<std::string> result;
  for (const Diagnostic& diagnostic : objects.diagnostics) {
    if (diagnostic.severity == severity) result.push_back(format(diagnostic));
  }
  return result;
}

std::string queue(const std::string& name, const std::string& parent,
                  const std::string& gpu = "quota: 1, limit: -1, overQuotaWeight: 1",
                  const std::string& labels = "{}") {
  const std::string other = "{quota: -1, limit: -1, overQuotaWeight: 1}";
  return "---\napiVersion: scheduling.run.ai/v2\nkind: Queue\nmetadata: {name: " + name +
         ", labels: " + labels + "}\nspec:\n  parentQueue: " + parent + "\n  resources: {gpu: {" + gpu +
         "}, cpu: " + other + ", memory: " + other + "}\n";
}

std::string pod(const std::string& name, const std::string& metadata = "", const std::string& spec = "") {
  return "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  namespace: team\n  uid: uid-" +
         name + "\n" + metadata + "spec:\n  schedulerName: fairlead\n" + spec;
}

std::string owned_by(const std::string& version, const std::string& kind, const std::string& name) {
  return "  ownerReferences:\n  - {apiVersion: " + version + ", kind: " + kind + ", name: " + name +
         ", uid: uid-" + name + ", controller: true}\n";
}

std::string owner(const std::string& version, const std::string& kind, const std::string& name,
                  const std::string& metadata = "") {
  return "---\napiVersion: " + version + "\nkind: " + kind + "\nmetadata:\n  name: " + name +
         "\n  namespace: team\n  uid: uid-" + name + "\n" + metadata;
}

TEST(Diagnostics, NameFileDocumentFieldValueAndRemedy) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a, labels: {x: 5}}\nspec: {}\n",
       "file.yaml, document 1, Pod a: metadata.labels.x: \"5\" is a number where a text is expected; put it "
       "in quotes"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{resources: {requests: {cpu: "
       "lots}}}]}\n",
       "file.yaml, document 1, Pod a: spec.containers[0].resources.requests.cpu: \"lots\" is not a quantity; "
       "write a number with an "
       "optional unit, such as 500m, 2 or 16Gi"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{resources: {requests: {memory: "
       "99Ei}}}]}\n",
       "file.yaml, document 1, Pod a: spec.containers[0].resources.requests.memory: \"99Ei\" is too large; "
       "write a number with an "
       "optional unit, such as 500m, 2 or 16Gi"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{resources: {limits: {cpu: "
       "'-1'}}}]}\n",
       "file.yaml, document 1, Pod a: spec.containers[0].resources.limits.cpu: \"-1\" is negative; write 0 "
       "or more"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a, annotations: {gpu-fraction: '1.5'}}\nspec: "
       "{schedulerName: fairlead}\n",
       "file.yaml, document 1, Pod a: annotation gpu-fraction \"1.5\" is not a share of a device; write a "
       "number above 0 and below 1, "
       "such as 0.5"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a, creationTimestamp: yesterday}\nspec: {}\n",
       "file.yaml, document 1, Pod a: metadata.creationTimestamp: \"yesterday\" is not an instant; write it "
       "as RFC 3339, such as "
       "2026-01-31T09:00:00Z"},
      {"kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: none}\n",
       "file.yaml, document 1, Pod a: spec.containers: \"none\" is a text where a list is expected; write a "
       "list"},
      {"kind: Pod\napiVersion: v1\nspec: {}\n",
       "file.yaml, document 1, Pod: metadata.name: is missing; give the object a name"},
      {"metadata: {name: a}\n",
       "file.yaml, document 1: names no kind; write the object's apiVersion and kind"},
      {"- 1\n", "file.yaml, document 1: is a list, not an object; write apiVersion, kind and metadata"},
      {"kind: PriorityClass\napiVersion: scheduling.k8s.io/v1\nmetadata: {name: a}\nvalue: 3000000000\n",
       "file.yaml, document 1, PriorityClass a: value: \"3000000000\" is out of range; write a whole number "
       "from -2147483648 to "
       "2147483647"},
      {"kind: List\nitems:\n- {kind: Pod, apiVersion: v1, metadata: {name: a}, spec: 5}\n",
       "file.yaml, document 1, Pod a: items[0].spec: \"5\" is a number where a map is expected; write key: "
       "value pairs"},
      {"{\"kind\": ",
       "file.yaml, document 1: not valid JSON: the text ends where a value is expected; correct the text, or "
       "write it with "
       "kubectl get -o json"},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> errors = messages(read(c.text), Severity::kError);
    EXPECT_TRUE(std::find(errors.begin(), errors.end(), c.message) != errors.end())
        << c.text << (errors.empty() ? "no error" : errors.front());
  }
}

TEST(Diagnostics, TheRestIsLoadedAndASummarySaysWhatIsNot) {
  const ClusterObjects objects = read(pod("good") + pod("bad", "", "  containers: 5\n") + pod("fine"));
  EXPECT_EQ(objects.pods.size(), 2U);
  const auto warnings = messages(objects, Severity::kWarning);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0], "left out because of errors: 1 Pod; the answer holds for the other objects only");
}

TEST(Diagnostics, AHopelessFileIsNotListedWithoutEnd) {
  std::string text = "[";
  for (int i = 0; i < 3000; ++i) text += i == 0 ? "1" : ",1";
  const ClusterObjects objects = read(text + "]");
  EXPECT_LE(objects.diagnostics.size(), 1002U);
  EXPECT_NE(format(objects.diagnostics.back()).find("are not listed"), std::string::npos);
}

TEST(Reader, ReadsListsWhosesItemsLeaveTheirKindToTheList) {
  for (
      const char* text :
      {R"({"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b"},"spec":{}}]})",
       R"({"apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b"},"spec":{}}],"kind":"PodList"})",
       "apiVersion: v1\nitems:\n- metadata: {name: a}\n  spec: {}\n- metadata: {name: b}\n  spec: {}\nkind: "
       "PodList\n",
       R"([{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{}},{"kind":"Pod","apiVersion":"v1","metadata":{"name":"b"},"spec":{}}])",
       "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"},\"spec\":{}}\n{\"kind\":"
       "\"Pod\",\"apiVersion\":\"v1\","
       "\"metadata\":{\"name\":\"b\"},\"spec\":{}}",
       R"({"kind":"List","items":[{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"spec":{}},{"metadata":{"name":"b"},"spec":{}}]}]})",
       "{kind: PodList, apiVersion: v1, items: [{metadata: {name: a}, spec: {}}, {metadata: {name: b}, spec: "
       "{}}]}"}) {
    const ClusterObjects objects = read(text);
    ASSERT_EQ(objects.pods.size(), 2U) << text;
    EXPECT_TRUE(objects.diagnostics.empty()) << text << format(objects.diagnostics.front());
    EXPECT_EQ(objects.pods[1].display_name(), "default/b");
    EXPECT_FALSE(objects.pods[1].served);
  }
}

TEST(Reader, ReadsFoldersInTheOrderOfNames) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "fairlead_reader_test";
  std::filesystem::create_directories(folder / "sub");
  std::ofstream(folder / "b.yaml") << pod("second");
  std::ofstream(folder / "a.json")
      << R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"first"},"spec":{}})";
  std::ofstream(folder / "sub" / "c.yml") << pod("third");
  std::ofstream(folder / "notes.txt") << "not read";
  ObjectReader reader(ReadOptions{});
  ASSERT_TRUE(reader.read_path(folder).ok());
  const ClusterObjects objects = reader.finish();
  ASSERT_EQ(objects.pods.size(), 3U);
  EXPECT_EQ(objects.pods[0].name, "first");
  EXPECT_EQ(objects.pods[2].name, "third");
  std::filesystem::remove_all(folder);
  const auto gone = reader.read_path(folder);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), base::Code::kNotFound);
}

TEST(Reader, ReadsAPipe) {
  const std::filesystem::path pipe = std::filesystem::path(testing::TempDir()) / "fairlead_reader_test_pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer(
      [&] { std::ofstream(pipe) << pod("through-a-pipe", "", "  containers: 5\n") << pod("fine"); });
  ObjectReader reader(ReadOptions{});
  EXPECT_TRUE(reader.read_path(pipe, "standard input").ok());
  writer.join();
  const ClusterObjects objects = reader.finish();
  EXPECT_EQ(objects.pods.size(), 1U);
  EXPECT_EQ(objects.diagnostics.at(0).source, "standard input");
  std::filesystem::remove(pipe);
}

TEST(Reader, ReportsProgress) {
  std::string text = "[";
  for (int i = 0; i < 600; ++i) {
    text += std::string(i == 0 ? "" : ",") +
            R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"n)" + std::to_string(i) + "\"}}";
  }
  text += "]";
  ReadOptions options;
  std::vector<std::size_t> done;
  options.progress = [&](std::string_view source, std::size_t bytes, std::size_t total) {
    EXPECT_EQ(source, "s");
    EXPECT_EQ(total, text.size());
    done.push_back(bytes);
  };
  ObjectReader reader(options);
  reader.read(text, "s");
  EXPECT_EQ(reader.finish().namespaces.size(), 600U);
  EXPECT_EQ(done.size(), 2U);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(Reader, SaysWhatIsThereTwice) {
  const ClusterObjects objects = read(pod("a") + pod("a") + queue("q", "''") + queue("q", "''"));
  EXPECT_EQ(objects.pods.size(), 1U);
  EXPECT_EQ(objects.queues.size(), 1U);
  const auto errors = messages(objects, Severity::kError);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0],
            "file.yaml, document 2, Pod team/a: is in the input twice; the first one counts; remove one of "
            "the two");
}

TEST(Queues, OneNameInSeveralPoolsIsOneQueue) {
  const ClusterObjects objects =
      read(queue("q", "''") +
           queue("q", "''", "quota: 3, limit: 3, overQuotaWeight: 0", "{kai.scheduler/node-pool: blue}"));
  ASSERT_EQ(objects.queues.size(), 1U);
  ASSERT_EQ(objects.queues[0].pools.size(), 2U);
  EXPECT_EQ(objects.queues[0].pools[1].pool, "blue");
  EXPECT_TRUE(objects.diagnostics.empty());
}

TEST(Queues, WithoutAParentOrInACycleTheyAreLeftOutWithTheirSubtree) {
  const ClusterObjects objects = read(
      queue("leaf", "root") + queue("root", "''") + queue("orphan", "nowhere") + queue("below", "orphan") +
      queue("a", "b") + queue("b", "a") + queue("c", "a") + queue("self", "self"));
  ASSERT_EQ(objects.queues.size(), 2U);
  EXPECT_EQ(objects.queues[0].name, "root");  // parents come first
  EXPECT_EQ(objects.queues[1].name, "leaf");
  const auto errors = messages(objects, Severity::kError);
  ASSERT_EQ(errors.size(), 5U);
  EXPECT_EQ(errors[0],
            "Queue orphan: spec.parentQueue: \"nowhere\" is not in the input; the queue and all below it are "
            "left out; create "
            "the parent, or name another one");
  EXPECT_EQ(errors[1],
            "Queue a: spec.parentQueue: \"b\" leads back to itself or to a queue that does; the queue is "
            "left out; name another "
            "parent, or none");
  EXPECT_EQ(messages(objects, Severity::kWarning).back(),
            "left out because of errors: 6 Queue; the answer holds for the other objects only");
}

TEST(Queues, OddNumbersAreWarnings) {
  const struct {
    const char* gpu;
    const char* message;
  } cases[] = {
      {"quota: -2, limit: -1, overQuotaWeight: 1",
       "spec.resources.gpu.quota: \"-2\" is negative and counts as 0"},
      {"quota: 4, limit: 2, overQuotaWeight: 1", "spec.resources.gpu: has a quota above its limit"},
      {"quota: 4, overQuotaWeight: 1", "spec.resources.gpu: has no limit, which allows nothing"},
      {"quota: 4, limit: -1, overQuotaWeight: -3",
       "spec.resources.gpu.overQuotaWeight: \"-3\" is negative and counts as 0"},
  };
  for (const auto& c : cases) {
    const ClusterObjects objects = read(queue("q", "''", c.gpu));
    EXPECT_EQ(objects.queues.size(), 1U);
    const auto warnings = messages(objects, Severity::kWarning);
    ASSERT_EQ(warnings.size(), 1U) << c.gpu;
    EXPECT_NE(warnings[0].find(c.message), std::string::npos) << warnings[0];
  }
}

TEST(Queues, WithoutAnyOneDefaultQueueHoldsAll) {
  const ClusterObjects objects = read(pod("a", "  labels: {kai.scheduler/queue: research}\n"));
  ASSERT_EQ(objects.queues.size(), 2U);
  EXPECT_EQ(objects.queues[1].name, "default-queue");
  EXPECT_EQ(objects.queues[1].parent, "default-parent-queue");
  ASSERT_EQ(objects.groups.size(), 1U);
  EXPECT_EQ(objects.groups[0].queue, "default-queue");
  EXPECT_TRUE(objects.diagnostics.empty());
}

struct GroupOf {
  std::string group;
  model::PodGroup value;
};

/// The group of the first pod.
GroupOf group_of(const ClusterObjects& objects) {
  GroupOf result;
  result.group = objects.pods.at(0).group;
  for (const model::PodGroup& group : objects.groups) {
    if (group.key == result.group) result.value = group;
  }
  return result;
}

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

TEST(Shards, BecomeTheConfiguration) {
  const ClusterObjects objects = read(
      "apiVersion: kai.scheduler/v1\nkind: SchedulingShard\nmetadata: {name: default}\nspec:\n  "
      "placementStrategy: {gpu: spread, cpu: "
      "binpack}\n  kValue: 0.5\n  minRuntime: {preemptMinRuntime: 5m, reclaimMinRuntime: 1h}\n  args: "
      "{default-staleness-grace-period: 90s, max-consolidation-preemptees: '4', full-hierarchy-fairness: "
      "'false', qps: '50'}\n  plugins: "
      "{minruntime: {arguments: {reclaimResolveMethod: queue}}, proportion: {arguments: "
      "{relcaimerSaturationMultiplier: '1.5'}}, elastic: "
      "{enabled: false}, unheard: {}}\n  queueDepthPerAction: {preempt: 7}\n  usageDBConfig: {usageParams: "
      "{halfLifePeriod: 12h}}\n"
      "---\napiVersion: kai.scheduler/v1\nkind: SchedulingShard\nmetadata: {name: blue}\nspec: "
      "{partitionLabelValue: blue, kValue: 3, "
      "placementStrategy: {gpu: binpack, cpu: spread}}\n");
  ASSERT_TRUE(objects.configuration.has_value());
  const model::Configuration& configuration = *objects.configuration;
  EXPECT_EQ(configuration.usage_weight, 0.5);
  EXPECT_EQ(configuration.preempt_min_runtime, base::Duration::seconds(300));
  EXPECT_EQ(configuration.reclaim_min_runtime, base::Duration::seconds(3600));
  EXPECT_EQ(configuration.reclaim_min_runtime_scope, model::MinRuntimeScope::kQueue);
  EXPECT_EQ(configuration.saturation_multiplier, 1.5);
  EXPECT_EQ(configuration.staleness_grace, base::Duration::seconds(90));
  EXPECT_EQ(configuration.max_consolidation_victims, 4);
  EXPECT_FALSE(configuration.full_hierarchy_fairness);
  EXPECT_FALSE(configuration.policies.elastic);
  EXPECT_EQ(configuration.usage_half_life, base::Duration::seconds(12 * 3600));
  EXPECT_EQ(configuration.queue_depth.at(3), 7);
  // Where devices spread, nothing is moved together.
  EXPECT_TRUE(std::find(configuration.actions.begin(), configuration.actions.end(),
                        model::Action::kConsolidate) == configuration.actions.end());
  ASSERT_EQ(configuration.pools.size(), 2U);
  EXPECT_EQ(configuration.pools[0].placement.devices, model::PlacementStrategy::kSpread);
  EXPECT_EQ(configuration.pools[1].pool, "blue");
  EXPECT_EQ(configuration.pools[1].placement.cpu, model::PlacementStrategy::kSpread);
  const auto warnings = messages(objects, Severity::kWarning);
  EXPECT_EQ(warnings.size(), 4U);  // qps, the plugin, the database, and kValue of the second shard
}

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

TEST(Nodes, AQuantityThatCannotBeReadCountsAsNone) {
  const ClusterObjects objects = read(
      "apiVersion: v1\nkind: Node\nmetadata: {name: node}\nstatus: {allocatable: {cpu: x, memory: 1Gi}}\n");
  ASSERT_EQ(objects.nodes.size(), 1U);
  EXPECT_EQ(objects.nodes[0].allocatable.cpu_milli, 0);
  EXPECT_EQ(objects.nodes[0].allocatable.memory_bytes, 1 << 30);
  EXPECT_EQ(messages(objects, Severity::kError).size(), 1U);
}

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
