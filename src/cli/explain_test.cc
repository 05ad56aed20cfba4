#include "cli/explain.h"

#include "cli/golden_test.h"
#include "cli/sample_cluster_test.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace fairlead::cli {
namespace {

struct Example {
  PlanInput input;
  PlanResult result;
};

Example example() {
  SampleCluster sample;
  sample.node("node-a", 8);
  sample.queue("science", "", 16);
  sample.queue("vision", "science", 8, model::Bound::of(8000));
  sample.objects.priority_classes.push_back({"urgent", 120, false});
  sample.group("first", "vision", 1, 8).priority_class = "urgent";
  model::PodGroup& train = sample.group("train", "vision", 2, 8);
  train.owner = "PyTorchJob ml/train";
  sample.group("later", "vision", 1, 1);
  model::Reason limit;
  limit.code = model::ReasonCode::kOverLimit;
  limit.queue = "vision";
  limit.dimension = "gpu";
  limit.have = 0;
  limit.want = 16000;
  limit.limit = 8000;
  model::Reason nodes;
  nodes.nodes = {{model::NodeReason::kDevices, 1}};
  PlanResult result;
  for (std::size_t i = 0; i < 3; ++i) result.waiting.push_back({i, i == 1 ? 2u : 1u, {}});
  result.waiting[1].verdict.reasons = {limit, nodes};
  return {{std::move(sample.objects), base::Time::from_unix_seconds(1'767'225'600), {}}, std::move(result)};
}

TEST(Explain, TellsEverythingAboutAWaitingGroup) {
  Example e = example();
  Explanation explanation = explain(e.input, e.result, 1, {});
  EXPECT_EQ(explanation.position, 2u) << "behind the urgent one, before the later one";
  EXPECT_EQ(explanation.waiting_in_queue, 3u);
  using Kind = engine::Counterfactual::Kind;
  explanation.changes.emplace();
  explanation.changes->changes = {{Kind::kFewerPods, "", "", 2, 1},
                                  {Kind::kSmallerPods, "", "", 8, 4},
                                  {Kind::kPreemptible, "", "", 0, 0},
                                  {Kind::kOtherPool, "spot", "", 0, 0},
                                  {Kind::kMoreQuota, "vision", "gpu", 8000, 16000},
                                  {Kind::kHigherLimit, "vision", "gpu", 8000, 16000},
                                  {Kind::kMoreNodes, "node-a", "", 0, 1}};
  {
    const std::string text = explanation_text(e.input.cluster, explanation, Style(), 0);
    EXPECT_EQ(text, golden("explain.txt", text));
  }
  {
    const std::string text = explanation_json(e.input.cluster, explanation, 2);
    EXPECT_EQ(text, golden("explain.json", text));
  }
}

TEST(Explain, TellsWhatBecomesOfGroupsThatDoNotWait) {
  using Fate = Explanation::Fate;
  SampleCluster sample;
  sample.node("node-a", 8);
  sample.queue("q", "", 8);
  sample.group("runs", "q", 1, 1, "node-a");
  sample.group("starts", "q", 1, 1);
  sample.group("later", "q", 1, 1);
  sample.group("done", "q", 1, 1);
  sample.objects.pods.back().phase = model::Pod::Phase::kSucceeded;
  PlanResult result;
  result.binds.push_back({sample.pod("starts-0"), "node-a", {}, {}, 0});
  result.nominations.push_back({sample.pod("later-0"), "node-a"});
  result.waiting.push_back({2, 1, {}});
  const PlanInput input{std::move(sample.objects), {}, {}};
  EXPECT_EQ(explain(input, result, 0, {}).fate, Fate::kRuns);
  EXPECT_EQ(explain(input, result, 1, {}).fate, Fate::kStarts);
  EXPECT_EQ(explain(input, result, 1, {}).places, std::vector<std::string>{"node-a (1)"});
  EXPECT_EQ(explain(input, result, 2, {}).fate, Fate::kStartsLater);
  EXPECT_EQ(explain(input, result, 3, {}).fate, Fate::kFinished);
}

TEST(FindGroup, TakesAKeyANameOrAPod) {
  SampleCluster sample;
  sample.group("train", "q", 2, 1);
  sample.group("train-large", "q", 1, 1);
  EXPECT_EQ(*find_group(sample.objects, "ml/train"), 0u);
  EXPECT_EQ(*find_group(sample.objects, "train-large"), 1u);
  EXPECT_EQ(*find_group(sample.objects, "train-1"), 0u);
  EXPECT_EQ(*find_group(sample.objects, "ml/train-large-0"), 1u);
  EXPECT_EQ(find_group(sample.objects, "trai").error().message(),
            "there is no group trai; did you mean ml/train, ml/train-large");
  sample.group("train", "q", 1, 1).key = "other/train";
  EXPECT_EQ(find_group(sample.objects, "train").error().message(),
            "group train exists in 2 namespaces; write NAMESPACE/NAME, for example ml/train");
}

}  // namespace
}  // namespace fairlead::cli
