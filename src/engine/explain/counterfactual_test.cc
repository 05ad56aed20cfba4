#include "engine/explain/counterfactual.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace fairlead::engine {
namespace {

using Kind = Counterfactual::Kind;

/// A scheduler of a few rules, so that what the search finds can be worked out by hand: a group is placed
/// when its pool has room for its minimum of pods and its queue's limit, and for non-preemptible work its
/// quota, allows them.
class ToyScheduler final : public model::Scheduler {
 public:
  model::ApplyReport apply(std::span<const model::Event> events) override {
    for (const model::Event& event : events) {
      if (const auto* node = std::get_if<model::NodeUpserted>(&event.body))
        nodes_[node->node.name] = node->node;
      if (const auto* queue = std::get_if<model::QueueUpserted>(&event.body))
        queues_[queue->queue.name] = queue->queue;
      if (const auto* group = std::get_if<model::GroupUpserted>(&event.body)) group_ = group->group;
      if (const auto* pod = std::get_if<model::PodUpserted>(&event.body)) pods_[pod->pod.uid] = pod->pod;
    }
    return {};
  }

  model::Round run(const model::RoundRequest&) override {
    model::Round round;
    std::int64_t room = 0;
    std::int64_t devices = pods_.begin()->second.devices.count;
    std::string pool = group_.pools.empty() ? "" : group_.pools.front();
    for (const auto& [name, node] : nodes_) {
      if (node.pool == pool) room += node.devices.front().count / devices;
    }
    const model::Queue& queue = queues_[group_.queue];
    const model::Quota amounts = queue.pools.front().dimensions.front().quota;
    std::int64_t want = group_.min_member * devices * 1000;
    bool preemptible = group_.preemptible.value_or(false);
    model::Reason reason;
    reason.queue = queue.name;
    reason.dimension = "gpu";
    reason.want = want;
    if (!amounts.limit.allows(want)) {
      reason.code = model::ReasonCode::kOverLimit;
    } else if (!preemptible && !amounts.quota.allows(want)) {
      reason.code = model::ReasonCode::kNonPreemptibleOverQuota;
    } else if (room < group_.min_member) {
      reason.code = model::ReasonCode::kNodesDoNotFit;
    } else {
      round.decisions.push_back({1, model::Bind{pods_.begin()->first, nodes_.begin()->first, {}, {}, 0, {}}});
      return round;
    }
    model::VerdictChanged change;
    change.group = group_.key;
    change.verdict.reasons.push_back(std::move(reason));
    round.decisions.push_back({1, std::move(change)});
    return round;
  }

 private:
  std::map<std::string, model::Node> nodes_;
  std::map<std::string, model::Queue> queues_;
  std::map<std::string, model::Pod> pods_;
  model::PodGroup group_;
};

struct Setting {
  std::int32_t pods = 4;
  std::int64_t devices = 8;
  std::int64_t nodes = 2;       ///< of 8 devices, in the default pool
  std::int64_t spot_nodes = 0;  ///< of 8 devices, in pool "spot"
  std::int64_t quota = 100;     ///< devices
  model::Bound limit = model::Bound::unlimited();
};

std::vector<model::Event> cluster_of(const Setting& setting) {
  std::vector<model::Event> events;
  auto add = [&](auto body) { events.push_back({base::Time::from_unix_seconds(100), std::move(body)}); };
  for (std::int64_t i = 0; i < setting.nodes + setting.spot_nodes; ++i) {
    model::Node node;
    node.name = (i < setting.nodes ? "node-" : "spot-") + std::to_string(i);
    node.pool = i < setting.nodes ? "" : "spot";
    node.labels["kubernetes.io/hostname"] = node.name;
    node.devices.push_back({"nvidia.com/gpu", "nvidia", "H100", 8, 0, {}});
    add(model::NodeUpserted{std::move(node)});
  }
  model::Queue queue;
  queue.name = "research";
  queue.pools.push_back(
      {"", std::nullopt, {{"gpu", {model::Bound::of(setting.quota * 1000), setting.limit, 1}}}});
  add(model::QueueUpserted{std::move(queue)});
  model::PodGroup group;
  group.key = "ml/train";
  group.queue = "research";
  group.min_member = setting.pods;
  add(model::GroupUpserted{std::move(group)});
  for (std::int32_t i = 0; i < setting.pods; ++i) {
    model::Pod pod;
    pod.uid = "train-" + std::to_string(i);
    pod.group = "ml/train";
    pod.devices.kind = model::DeviceRequest::Kind::kWhole;
    pod.devices.resource = "nvidia.com/gpu";
    pod.devices.count = setting.devices;
    add(model::PodUpserted{std::move(pod)});
  }
  return events;
}

CounterfactualAnswer ask(const Setting& setting, std::size_t max_plans = 200) {
  const std::vector<model::Event> events = cluster_of(setting);
  CounterfactualQuestion question;
  question.cluster = events;
  question.group = "ml/train";
  question.max_plans = max_plans;
  return find_counterfactuals(question, [] { return std::make_unique<ToyScheduler>(); });
}

TEST(Counterfactual, ASmallerGangSmallerPodsOrMoreNodes) {
  // 4 pods of 8 devices on 2 nodes of 8.
  CounterfactualAnswer answer = ask({});
  EXPECT_FALSE(answer.places);
  EXPECT_TRUE(answer.complete);
  ASSERT_EQ(answer.verdict.reasons.size(), 1u);
  const std::vector<Counterfactual> expected = {{Kind::kFewerPods, "", "", 4, 2},
                                                {Kind::kSmallerPods, "", "", 8, 4},
                                                {Kind::kMoreNodes, "node-0", "", 0, 2}};
  EXPECT_EQ(answer.changes, expected);
}

TEST(Counterfactual, AnotherPool) {
  Setting setting;
  setting.spot_nodes = 4;
  const auto changes = ask(setting).changes;
  EXPECT_NE(std::find(changes.begin(), changes.end(), Counterfactual{Kind::kOtherPool, "spot", "", 0, 0}),
            changes.end());
}

TEST(Counterfactual, QuotaOfTheBindingQueueOrPreemptible) {
  Setting setting;
  setting.nodes = 4;
  setting.quota = 20;
  const std::vector<Counterfactual> expected = {{Kind::kFewerPods, "", "", 4, 2},
                                                {Kind::kSmallerPods, "", "", 8, 5},
                                                {Kind::kPreemptible, "", "", 0, 0},
                                                {Kind::kMoreQuota, "research", "gpu", 20'000, 32'000}};
  EXPECT_EQ(ask(setting).changes, expected);
}

TEST(Counterfactual, LimitOfTheBindingQueue) {
  Setting setting;
  setting.nodes = 4;
  setting.limit = model::Bound::of(31'000);
  const auto changes = ask(setting).changes;
  EXPECT_NE(std::find(changes.begin(), changes.end(),
                      Counterfactual{Kind::kHigherLimit, "research", "gpu", 31'000, 32'000}),
            changes.end());
}

TEST(Counterfactual, AGroupThatIsPlacedNeedsNone) {
  Setting setting;
  setting.pods = 2;
  CounterfactualAnswer answer = ask(setting);
  EXPECT_TRUE(answer.places);
  EXPECT_TRUE(answer.changes.empty());
  EXPECT_EQ(answer.plans, 1u);
}

TEST(Counterfactual, StopsAtItsLimitAndSaysSo) {
  CounterfactualAnswer answer = ask({}, 3);
  EXPECT_FALSE(answer.complete);
  EXPECT_LE(answer.plans, 3u);
}

}  // namespace
}  // namespace fairlead::engine
