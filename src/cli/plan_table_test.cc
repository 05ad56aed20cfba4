#include "cli/plan_table.h"

#include "cli/golden_test.h"
#include "cli/plan_json.h"
#include "cli/sample_cluster_test.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace fairlead::cli {
namespace {

model::Verdict verdict(model::Reason reason) {
  model::Verdict verdict;
  verdict.reasons.push_back(std::move(reason));
  return verdict;
}

struct Example {
  manifest::ClusterObjects cluster;
  PlanResult result;
};

/// A plan with something in each section: binds on several nodes, an eviction, a move, nominations, two kinds
/// of waits of which one is shared by many groups, and faults in the input.
Example example() {
  SampleCluster sample;
  sample.node("node-a", 8);
  sample.node("node-b", 8);
  sample.node("node-c", 8, "MI300X", "amd").ready = false;
  sample.node("node-d", 0);
  sample.queue("research", "", 16);
  sample.queue("vision", "research", 8, model::Bound::of(8000));
  sample.queue("language", "research", 8);
  sample.group("detector", "vision", 3, 2);
  sample.group("sweep", "vision", 1, 4, "node-a");
  sample.group("notebook", "language", 1, 1, "node-b");
  sample.group("train", "language", 2, 4);
  sample.group("huge", "language", 1, 16);
  for (int i = 0; i < 37; ++i) sample.group("trial-" + std::to_string(i), "vision", 1, 1);
  PlanResult result;
  for (int i = 0; i < 3; ++i) {
    result.binds.push_back(
        {sample.pod("detector-" + std::to_string(i)), i < 2 ? "node-b" : "node-a", {}, {}, 0});
  }
  result.evictions.push_back(
      {sample.pod("sweep-0"), model::EvictionRule::kReclaim, "ml/train", "reclaimed for ml/train"});
  result.evictions.push_back(
      {sample.pod("notebook-0"), model::EvictionRule::kConsolidate, "ml/train", "moved"});
  result.nominations.push_back({sample.pod("notebook-0"), "node-a"});
  result.nominations.push_back({sample.pod("train-0"), "node-a"});
  result.nominations.push_back({sample.pod("train-1"), "node-b"});
  model::Reason too_large;
  too_large.nodes = {{model::NodeReason::kNotReady, 1}, {model::NodeReason::kDevices, 2}};
  result.waiting.push_back({sample.group_index("huge"), 1, verdict(too_large)});
  model::Reason releasing;
  releasing.code = model::ReasonCode::kWaitingForRelease;
  result.waiting.push_back({sample.group_index("train"), 2, verdict(releasing)});
  model::Reason limit;
  limit.code = model::ReasonCode::kOverLimit;
  limit.queue = "vision";
  limit.dimension = "gpu";
  limit.have = 8000;
  limit.want = 1000;
  limit.limit = 8000;
  for (int i = 0; i < 37; ++i) {
    result.waiting.push_back({sample.group_index("trial-" + std::to_string(i)), 1, verdict(limit)});
  }
  manifest::Diagnostic fault;
  fault.source = "pods.yaml";
  fault.document = 2;
  fault.object = "Pod ml/odd-0";
  fault.field = "spec.containers[0].resources.requests.cpu";
  fault.value = "lots";
  fault.message = "is not a quantity";
  fault.remedy = "write a number of CPUs such as 500m or 4";
  sample.objects.diagnostics.push_back(fault);
  fault.document = 3;
  fault.object = "Pod ml/odd-1";
  fault.field = "spec.containers[1].resources.requests.cpu";
  sample.objects.diagnostics.push_back(fault);
  sample.objects.ignored_kinds = {{"ConfigMap", 12}, {"Service", 3}};
  result.rejected.push_back("the pod ml/odd-2: it has no UID");
  return {std::move(sample.objects), std::move(result)};
}

TEST(PlanTable, ShowsEverySection) {
  const Example e = example();
  {
    const std::string text = plan_table(e.cluster, e.result, {});
    EXPECT_EQ(text, golden("plan_table.txt", text));
  }
}

TEST(PlanTable, WideShowsMoreColumns) {
  const Example e = example();
  TableOptions options;
  options.wide = true;
  {
    const std::string text = plan_table(e.cluster, e.result, options);
    EXPECT_EQ(text, golden("plan_wide.txt", text));
  }
}

TEST(PlanTable, FitsANarrowTerminal) {
  const Example e = example();
  TableOptions options;
  options.width = 110;
  {
    const std::string text = plan_table(e.cluster, e.result, options);
    EXPECT_EQ(text, golden("plan_narrow.txt", text));
  }
}

TEST(PlanTable, AnEmptyClusterSaysSo) {
  {
    const std::string text = plan_table({}, {}, {});
    EXPECT_EQ(text, golden("plan_empty.txt", text));
  }
}

TEST(PlanTable, ManyPlacementsAreFoldedUnlessWide) {
  SampleCluster sample;
  sample.node("node-a", 8);
  sample.queue("research", "", 8);
  PlanResult result;
  for (int i = 0; i < 100; ++i) {
    sample.group("small-" + std::to_string(i), "research", 1, 1);
    result.binds.push_back({sample.objects.pods.size() - 1, "node-a", {}, {}, 0});
  }
  std::string table = plan_table(sample.objects, result, {});
  EXPECT_NE(table.find("ml/small-0 and 99 more  research   100  1 nvidia.com/gpu, 4 CPUs, 32Gi  node-a"),
            std::string::npos)
      << table;
  TableOptions wide;
  wide.wide = true;
  EXPECT_NE(plan_table(sample.objects, result, wide).find("ml/small-57 "), std::string::npos);
}

TEST(PlanJson, HasTheFixedFields) {
  Example e = example();
  e.result.binds.resize(1);
  e.result.binds[0].devices = {0, 1};
  e.result.binds[0].device_groups = {"shared-1"};
  e.result.waiting.resize(1);
  EXPECT_EQ(
      plan_json(e.cluster, e.result, 0),
      R"~({"binds":[{"pod":"ml/detector-0","node":"node-b","devices":[0,1],"gpuGroups":["shared-1"]}],)~"
      R"~("evictions":[{"pod":"ml/sweep-0","reason":"reclaimed for ml/train","rule":"reclaim","for":"ml/train"},)~"
      R"~({"pod":"ml/notebook-0","reason":"moved","rule":"consolidate","for":"ml/train"}],)~"
      R"~("nominations":[{"pod":"ml/notebook-0","node":"node-a"},{"pod":"ml/train-0","node":"node-a"},)~"
      R"~({"pod":"ml/train-1","node":"node-b"}],"claims":[],)~"
      R"~("unscheduled":[{"group":"ml/huge","pods":1,"reasons":[{"reason":"NodesDoNotFit",)~"
      R"~("message":"needs 16 devices on one node; the most free on one is 3 (2 nodes: too few devices free, 1 node: not ready)",)~"
      R"~("nodes":{"NotReady":1,"TooFewDevices":2}}]}]})~"
      "\n");
}

TEST(PlanJson, AnEmptyPlanIsComplete) {
  EXPECT_EQ(plan_json({}, {}, 0),
            "{\"binds\":[],\"evictions\":[],\"nominations\":[],\"claims\":[],\"unscheduled\":[]}\n");
}

}  // namespace
}  // namespace fairlead::cli
