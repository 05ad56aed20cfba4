#include "cli/plan.h"

#include "cli/sample_cluster_test.h"

#include <gtest/gtest.h>

#include <utility>

namespace fairlead::cli {
namespace {

/// Answers every round with decisions that a test has written.
class FakeScheduler final : public model::Scheduler {
 public:
  explicit FakeScheduler(model::Round round) : round_(std::move(round)) {}
  model::ApplyReport apply(std::span<const model::Event> events) override {
    events_ += events.size();
    return report;
  }
  model::Round run(const model::RoundRequest&) override { return round_; }
  std::size_t events() const { return events_; }

  model::ApplyReport report;

 private:
  model::Round round_;
  std::size_t events_ = 0;
};

model::Decision decision(auto body) { return {0, std::move(body)}; }

PlanInput example() {
  SampleCluster cluster;
  cluster.node("node-a", 8);
  cluster.queue("research", "", 8);
  cluster.group("waits", "research", 2, 8);
  cluster.group("runs", "research", 1, 4, "node-a");
  cluster.group("starts", "research", 1, 4);
  return {std::move(cluster.objects), base::Time::from_unix_seconds(1'767'225'600), {}};
}

TEST(Plan, NamesPodsAndGroupsByTheirPlaceInTheInput) {
  model::Verdict verdict;
  verdict.reasons.push_back({model::ReasonCode::kNodesDoNotFit, "", "", 0, 0, 0, "", {}, {}});
  model::Round round;
  round.decisions = {
      decision(model::Bind{"starts-0", "node-a", {}, {"g1"}, 500, {}}),
      decision(model::Evict{"runs-0", model::EvictionRule::kReclaim, "ml/waits", "for ml/waits"}),
      decision(model::Nominate{"waits-0", "node-a"}),
      decision(model::Nominate{"waits-1", "node-a"}),
      decision(model::WithdrawNomination{"waits-1"}),
      decision(model::VerdictChanged{"ml/waits", verdict}),
      decision(model::Bind{"nobody", "node-a", {}, {}, 0, {}})};
  round.more = true;
  FakeScheduler scheduler(std::move(round));
  scheduler.report.rejected.push_back({0, "a pod without a UID"});
  const PlanInput input = example();
  PlanResult result = plan(input, scheduler);
  EXPECT_GT(scheduler.events(), 0u);
  ASSERT_EQ(result.binds.size(), 1u);
  EXPECT_EQ(input.cluster.pods[result.binds[0].pod].name, "starts-0");
  EXPECT_EQ(result.binds[0].device_groups, std::vector<std::string>{"g1"});
  ASSERT_EQ(result.evictions.size(), 1u);
  EXPECT_EQ(input.cluster.pods[result.evictions[0].pod].name, "runs-0");
  ASSERT_EQ(result.nominations.size(), 1u);
  EXPECT_EQ(input.cluster.pods[result.nominations[0].pod].name, "waits-0");
  ASSERT_EQ(result.waiting.size(), 1u);
  EXPECT_EQ(input.cluster.groups[result.waiting[0].group].key, "ml/waits");
  EXPECT_EQ(result.waiting[0].pods, 2u);
  EXPECT_EQ(result.waiting[0].verdict, verdict);
  EXPECT_EQ(result.rejected, std::vector<std::string>{"a pod without a UID"});
  EXPECT_TRUE(result.more);
}

TEST(Plan, TheNextCycleSeesWhatWasDecided) {
  using Phase = model::Pod::Phase;
  PlanInput input = example();
  input.cluster.pods[0].nominated_node = "node-a";
  model::Pod leaving;
  leaving.name = leaving.uid = "of-another-scheduler";
  leaving.served = false;
  leaving.releasing = true;
  leaving.phase = Phase::kRunning;
  input.cluster.pods.insert(input.cluster.pods.begin(), leaving);
  PlanResult result;
  result.binds.push_back({4, "node-a", {}, {"g1"}, 500});
  result.evictions.push_back({3, model::EvictionRule::kReclaim, "ml/waits", ""});
  const PlanInput next = next_cycle(std::move(input), result);
  const auto& pods = next.cluster.pods;
  ASSERT_EQ(pods.size(), 4u) << "a pod of another scheduler that was leaving has left";
  EXPECT_EQ(pods[0].nominated_node, "");
  EXPECT_EQ(pods[2].name, "runs-0");
  EXPECT_EQ(pods[2].phase, Phase::kPending);
  EXPECT_EQ(pods[2].node, "");
  EXPECT_FALSE(pods[2].releasing);
  EXPECT_EQ(pods[3].phase, Phase::kRunning);
  EXPECT_EQ(pods[3].node, "node-a");
  EXPECT_EQ(pods[3].device_groups, std::vector<std::string>{"g1"});
}

}  // namespace
}  // namespace fairlead::cli
