#include "sim/replay.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::sim {
namespace {

/// A scheduler that does what a test tells it, and remembers what it was told.
class ScriptedScheduler final : public model::Scheduler {
 public:
  /// Where the pod goes, given the nodes in the order in which they were told.
  using Choice =
      std::function<std::optional<model::Bind>(const model::Pod&, const std::vector<model::Node>&)>;

  explicit ScriptedScheduler(Choice choice) : choice_(std::move(choice)) {}

  model::ApplyReport apply(std::span<const model::Event> events) override {
    for (const model::Event& event : events) {
      EXPECT_GE(event.time, now_);
      now_ = event.time;
      if (const auto* node = std::get_if<model::NodeUpserted>(&event.body)) nodes.push_back(node->node);
      if (const auto* pod = std::get_if<model::PodUpserted>(&event.body)) pods[pod->pod.uid] = pod->pod;
      if (const auto* pod = std::get_if<model::PodRemoved>(&event.body)) pods.erase(pod->uid);
      if (const auto* bound = std::get_if<model::BindSucceeded>(&event.body))
        succeeded.push_back(bound->decision);
      if (const auto* changed = std::get_if<model::ConfigurationChanged>(&event.body)) {
        configuration = changed->configuration;
      }
      if (std::holds_alternative<model::GroupUpserted>(event.body)) ++groups;
      if (std::holds_alternative<model::GroupRemoved>(event.body)) --groups;
      if (std::holds_alternative<model::QueueUpserted>(event.body)) ++queues;
    }
    return reject_all ? model::ApplyReport{{{0, "because"}}} : model::ApplyReport{};
  }

  model::Round run(const model::RoundRequest& /*request*/) override {
    model::Round round;
    const model::Pod& newest = pods.rbegin()->second;
    if (std::optional<model::Bind> bind = choice_(newest, nodes)) {
      round.decisions.push_back({.number = ++decisions_, .body = std::move(*bind)});
    } else {
      round.decisions.push_back({.number = ++decisions_, .body = model::VerdictChanged{newest.group, {}}});
    }
    return round;
  }

  std::vector<model::Node> nodes;
  std::map<std::string, model::Pod> pods;
  std::vector<std::uint64_t> succeeded;
  model::Configuration configuration;
  int groups = 0;
  int queues = 0;
  bool reject_all = false;

 private:
  Choice choice_;
  base::Time now_;
  std::uint64_t decisions_ = 0;
};

TraceTask task(std::int32_t devices, std::int32_t thousandths, std::vector<std::string> models = {}) {
  TraceTask result{.cpu_milli = 1000, .memory_mib = 1024, .devices = devices, .thousandths = thousandths};
  result.models = std::move(models);
  return result;
}

InflationWorkload workload(std::vector<TraceTask> arrivals) {
  InflationWorkload result;
  result.nodes = {{.name = "zebra", .cpu_milli = 8000, .memory_mib = 8192, .devices = 2, .model = "P100"},
                  {.name = "ant", .cpu_milli = 8000, .memory_mib = 8192, .devices = 2, .model = "T4"}};
  result.arrivals = std::move(arrivals);
  result.capacity = 4000;
  return result;
}

model::Bind bind_to(const model::Pod& pod, const model::Node& node, std::vector<std::string> groups = {}) {
  return {.pod = pod.uid,
          .node = node.name,
          .devices = {},
          .device_groups = std::move(groups),
          .share_thousandths = 0,
          .claims = {}};
}

TEST(Replay, CountsWhatIsPlacedAndTakesAwayWhatIsNot) {
  ScriptedScheduler scheduler(
      [](const model::Pod& pod, const std::vector<model::Node>& nodes) -> std::optional<model::Bind> {
        if (pod.devices.count == 2) return std::nullopt;
        if (pod.devices.shares_devices()) return bind_to(pod, nodes[1], {"g"});
        return bind_to(pod, nodes[0]);
      });
  std::vector<std::size_t> progress;
  const auto result = replay(workload({task(1, 1000), task(2, 1000), task(1, 500), task(0, 0)}), 1.0, {},
                             scheduler, [&progress](std::size_t done, std::size_t total) {
                               progress.push_back(done);
                               EXPECT_EQ(total, 4U);
                             });
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->placed, 3);
  EXPECT_EQ(result->failed, 1);
  EXPECT_EQ(result->allocated, 1500);
  EXPECT_EQ(result->ranks, (std::vector<std::int32_t>{0, Replay::kRejected, 1, 0}));
  ASSERT_EQ(result->points.size(), 100U);
  EXPECT_DOUBLE_EQ(result->points[24].allocated, 0.25);
  EXPECT_DOUBLE_EQ(result->points[74].allocated, 0.25);
  // The share and the cpu-only task arrive at 3500 of 4000.
  EXPECT_DOUBLE_EQ(result->points[87].allocated, 0.375);
  EXPECT_EQ(scheduler.queues, 1);
  // The rejected task and its group are gone; each binding got its outcome.
  EXPECT_EQ(scheduler.groups, 3);
  EXPECT_EQ(scheduler.pods.size(), 3U);
  EXPECT_EQ(scheduler.succeeded, (std::vector<std::uint64_t>{1, 3, 4}));
  EXPECT_EQ(progress, (std::vector<std::size_t>{0, 4}));
}

TEST(Replay, NamesNodesByRankAndTasksByWhatTheyNeed) {
  ScriptedScheduler scheduler([](const model::Pod& pod, const std::vector<model::Node>& nodes) {
    return bind_to(pod, nodes[0], {"g"});
  });
  ReplayPolicy policy;
  policy.placement.named = "random";
  policy.expected = {{.cpu_milli = 7}};
  ASSERT_TRUE(replay(workload({task(1, 460, {"P100", "T4"})}), 1.0, policy, scheduler, {}));
  ASSERT_EQ(scheduler.nodes.size(), 2U);
  EXPECT_LT(scheduler.nodes[0].name, scheduler.nodes[1].name);
  EXPECT_EQ(scheduler.nodes[0].name, "0000000-zebra");
  EXPECT_EQ(scheduler.nodes[0].devices.front().devices.size(), 2U);
  EXPECT_EQ(scheduler.nodes[0].devices.front().memory_mib, 1000);
  EXPECT_EQ(scheduler.configuration.actions, std::vector<model::Action>{model::Action::kAllocate});
  EXPECT_EQ(scheduler.configuration.pools.front().placement.named, "random");
  EXPECT_EQ(scheduler.configuration.expected_pods.front().cpu_milli, 7);
  ASSERT_EQ(scheduler.pods.size(), 1U);
  const model::Pod& pod = scheduler.pods.begin()->second;
  EXPECT_EQ(pod.devices.kind, model::DeviceRequest::Kind::kFraction);
  EXPECT_EQ(pod.devices.thousandths, 460);
  EXPECT_EQ(pod.requests.memory_bytes, std::int64_t{1} << 30);
  ASSERT_EQ(pod.constraints.required_nodes.size(), 1U);
  for (const model::Node& node : scheduler.nodes) {
    EXPECT_TRUE(model::matches(pod.constraints.required_nodes.front(), node.labels, node.name));
  }
}

TEST(Replay, AFaultOfTheSchedulerIsAnError) {
  const auto error_of = [](ScriptedScheduler::Choice choice, std::vector<TraceTask> arrivals) {
    ScriptedScheduler scheduler(std::move(choice));
    const auto result = replay(workload(std::move(arrivals)), 1.0, {}, scheduler, {});
    return result ? "no error" : result.error().message();
  };
  using Nodes = std::vector<model::Node>;
  EXPECT_EQ(
      error_of([](const model::Pod& pod, const Nodes& nodes) { return bind_to(pod, nodes[0]); },
               {task(2, 1000), task(1, 1000)}),
      "the scheduler is at fault: task 0000001 was bound to node 0000000-zebra, but 0 devices are entirely "
      "free, the task takes 1; please report this");
  EXPECT_EQ(error_of([](const model::Pod& pod, const Nodes& nodes) { return bind_to(pod, nodes[0]); },
                     {task(1, 1000, {"T4"})}),
            "the scheduler is at fault: task 0000000 was bound to node 0000000-zebra, but its devices are "
            "P100, the "
            "task may use ; please report this");
  EXPECT_EQ(
      error_of([](const model::Pod&, const Nodes& nodes) { return bind_to({}, nodes[0]); }, {task(1, 1000)}),
      "the scheduler is at fault: decision 1 is not the one binding of task 0000000; please report this");
  EXPECT_EQ(
      error_of([](const model::Pod& pod, const Nodes&) { return bind_to(pod, {}); }, {task(1, 1000)}),
      "the scheduler is at fault: task 0000000 was bound to \"\", which is no node; please report this");
}

TEST(Replay, ARefusedEventIsAnError) {
  ScriptedScheduler scheduler(
      [](const model::Pod&, const std::vector<model::Node>&) { return std::nullopt; });
  scheduler.reject_all = true;
  const auto result = replay(workload({task(1, 1000)}), 1.0, {}, scheduler, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), base::Code::kInternal);
}

}  // namespace
}  // namespace fairlead::sim
