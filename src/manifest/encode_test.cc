#include "manifest/encode.h"

#include "manifest/cycle.h"
#include "model/json/codec.h"
#include "model/json/events.h"
#include "model/json/values_test.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::manifest {
namespace {

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(1'800'000'000 + seconds); }

/// Writes, reads, and expects the same values; returns what objects could not say.
std::vector<model::Event> round_trip(const CycleDocument& document) {
  const std::string text = write_cycle(document);
  const auto read = read_cycle(text);
  EXPECT_TRUE(read.ok()) << read.error().message();
  if (!read.ok()) return {};
  const auto difference = exact_difference(read->objects, document.objects);
  EXPECT_TRUE(difference.empty()) << model::json::events_to_json(difference);
  EXPECT_TRUE(model::json::same(read->configuration, document.configuration));
  EXPECT_TRUE(model::json::same(read->state.assumptions, document.state.assumptions));
  EXPECT_TRUE(model::json::same(read->state.limits, document.state.limits));
  EXPECT_TRUE(model::json::same(read->state.usage, document.state.usage));
  EXPECT_EQ(read->now, document.now);
  // Values that only the state can say come last.
  EXPECT_TRUE(!read->state.exact.empty() || write_cycle(*read) == text);
  return read->state.exact;
}

model::DimensionQuota quota(const char* dimension, model::Bound amount, model::Bound limit, double weight) {
  return {dimension, {amount, limit, weight}};
}

model::Queue queue_in(const std::string& pool) {
  model::Queue queue;
  queue.name = "search";
  queue.uid = "queue-uid";
  queue.created = at(1);
  queue.display_name = "Search";
  queue.preempt_min_runtime = base::Duration::seconds(90);
  queue.fair_between_users = true;
  queue.pools.push_back({pool,
                         7,
                         {quota("gpu", model::Bound::of(2500), model::Bound::unlimited(), 2),
                          quota("cpu", model::Bound::of(1000), model::Bound::of(4000), 0.1),
                          quota("memory", model::Bound::of(3'000'000), model::Bound::unlimited(), 1),
                          quota("gpu/H100", model::Bound::of(1000), model::Bound::of(2000), 1)}});
  return queue;
}

model::LabelSelector selects(const char* key, const char* value) {
  return {{{key, model::Requirement::Operator::kIn, {value}}}};
}

model::Pod pod_named(const std::string& name) {
  model::Pod pod;
  pod.uid = "uid-" + name;
  pod.namespace_name = "lab";
  pod.name = name;
  pod.created = at(5);
  pod.labels.emplace("app", name);
  pod.group = "lab/gang";
  pod.requests.cpu_milli = 1500;
  pod.requests.memory_bytes = 1'000'000'007;
  return pod;
}

TEST(Encode, ObjectsSayWhatTheyCan) {
  CycleDocument document;
  document.now = at(100);
  ClusterObjects& objects = document.objects;
  objects.topologies.push_back({"racks", {"zone", "rack"}});
  objects.priority_classes = {{"train", 50, true}, {"build", 100, false}};
  objects.namespaces.push_back({"lab", {}});
  objects.namespaces.back().second.emplace("team", "a");
  objects.queues.push_back(queue_in(""));
  model::Node node;
  node.name = "n1";
  node.uid = "node-uid";
  node.created = at(2);
  node.labels.emplace("rack", "r1");
  node.labels.emplace("kai.scheduler/node-pool", "blue");
  node.labels.emplace("nvidia.com/gpu.product", "H100");
  node.pool = "blue";
  node.taints.push_back({"dedicated", "lab", model::Taint::Effect::kNoExecute});
  node.unschedulable = true;
  node.ready = false;
  node.allocatable = {31'999, 1'000'001, {{"rdma/hca", 4}}};
  node.pod_capacity = 64;
  node.devices.push_back({"nvidia.com/gpu", "nvidia", "H100", 8, 0, {}});
  objects.nodes.push_back(node);
  model::PodGroup group;
  group.key = "lab/gang";
  group.uid = "group-uid";
  group.created = at(3);
  group.queue = "search";
  group.priority_class = "train";
  group.preemptible = false;
  group.min_member = 2;
  group.topology = {"racks", "zone", "rack"};
  group.sub_groups = {{"leaders", "", 1, std::nullopt, {"racks", "", "rack"}},
                      {"workers", "", 0, 1, {}},
                      {"left", "workers", 2, std::nullopt, {}}};
  group.last_start = at(4);
  group.stale_since = base::Time::from_unix_nanoseconds(1'800'000'000'123'456'789);
  group.preemption_delay = base::Duration::milliseconds(1500);
  group.staleness_grace = base::Duration::seconds(-1);
  group.pools = {"blue", "green"};
  group.user = "ann";
  group.user_verified = true;
  group.owner = "Job lab/gang";
  objects.groups.push_back(group);

  model::Pod running = pod_named("running");
  running.phase = model::Pod::Phase::kRunning;
  running.node = "n1";
  running.started = at(50);
  running.last_checkpoint = at(60);
  running.devices.kind = model::DeviceRequest::Kind::kWhole;
  running.devices.resource = "nvidia.com/gpu";
  running.devices.count = 2;
  running.releasing = true;
  running.release_deadline = at(130);
  objects.pods.push_back(running);
  model::Pod binding = pod_named("binding");
  binding.phase = model::Pod::Phase::kBinding;
  binding.node = "n1";
  binding.device_groups = {"g-1"};
  binding.devices = {model::DeviceRequest::Kind::kFraction, "", 1, 125, 0, {}, {}, {}};
  objects.pods.push_back(binding);
  model::Pod waiting = pod_named("waiting");
  waiting.nominated_node = "n1";
  waiting.gated = true;
  waiting.devices = {model::DeviceRequest::Kind::kMemory, "", 2, 0, 4096, {}, {}, {}};
  waiting.constraints.node_selector.emplace("zone", "z");
  waiting.constraints.has_required_nodes = true;
  waiting.constraints.required_nodes = {{{{"rack", model::Requirement::Operator::kNotIn, {"r2", "r3"}}}, {}},
                                        {{}, {{"metadata.name", model::Requirement::Operator::kIn, {"n1"}}}}};
  std::sort(waiting.constraints.required_nodes.begin(), waiting.constraints.required_nodes.end());
  waiting.constraints.preferred_nodes = {
      {10, {{{"rack", model::Requirement::Operator::kGreaterThan, {"3"}}}, {}}}};
  waiting.constraints.tolerations = {{"", true, "", std::nullopt},
                                     {"dedicated", false, "lab", model::Taint::Effect::kNoSchedule}};
  waiting.constraints.required_affinity = {{selects("app", "x"), {"lab"}, std::nullopt, "zone", 0}};
  waiting.constraints.required_anti_affinity = {{selects("app", "y"), {}, model::LabelSelector(), "rack", 0}};
  waiting.constraints.preferred_affinity = {{std::nullopt, {"a", "b"}, std::nullopt, "rack", 30}};
  waiting.constraints.preferred_anti_affinity = {{selects("app", "z"), {"lab"}, std::nullopt, "zone", 1}};
  waiting.constraints.spread = {{2, 3, "zone", false, selects("app", "w"), false, true}};
  waiting.constraints.host_ports = {{"", "TCP", 80}, {"10.0.0.1", "UDP", 53}};
  waiting.constraints.volume_claims = {"data", "scratch"};
  objects.pods.push_back(waiting);
  model::Pod foreign = pod_named("foreign");
  foreign.served = false;
  foreign.group.clear();
  foreign.phase = model::Pod::Phase::kBound;
  foreign.node = "n1";
  objects.pods.push_back(foreign);

  objects.volume_claims = {{"lab/data",
                            model::VolumeClaim::State::kBound,
                            {{{{"zone", model::Requirement::Operator::kIn, {"z"}}}, {}}}},
                           {"lab/scratch",
                            model::VolumeClaim::State::kWaitForFirstConsumer,
                            {{{{"zone", model::Requirement::Operator::kIn, {"y", "z"}}}, {}}}},
                           {"lab/never", model::VolumeClaim::State::kUnbound, {}}};
  objects.disruption_budgets.push_back(
      {"lab/budget", selects("app", "running"), 3, 50, std::nullopt, true, false});
  document.configuration.usage_weight = 0.5;

  const auto exact = round_trip(document);
  EXPECT_TRUE(exact.empty()) << "objects could say this: " << model::json::events_to_json(exact);
}

TEST(Encode, WhatObjectsCannotSayIsKeptExactly) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    model::json::ValueMaker maker(seed, seed % 2 == 0);
    CycleDocument document;
    document.now = at(static_cast<std::int64_t>(seed));
    maker.fill(document.configuration);
    maker.fill(document.state.assumptions);
    maker.fill(document.state.usage);
    maker.fill(document.state.limits);
    const auto several = [&maker](auto& list, auto name) {
      for (int i = 0; i < 3; ++i) {
        auto& value = list.emplace_back();
        maker.fill(value);
        name(value) = "lab/thing-" + std::to_string(i);
      }
    };
    ClusterObjects& objects = document.objects;
    const auto by_name = [](auto& value) -> std::string& { return value.name; };
    const auto by_key = [](auto& value) -> std::string& { return value.key; };
    several(objects.topologies, by_name);
    several(objects.priority_classes, by_name);
    several(objects.queues, by_name);
    several(objects.nodes, by_name);
    several(objects.groups, by_key);
    several(objects.volume_claims, by_key);
    several(objects.disruption_budgets, by_key);
    several(objects.pods, [](model::Pod& pod) -> std::string& { return pod.uid; });
    objects.configuration = document.configuration;
    round_trip(document);
  }
}

TEST(CycleState, WhatIsNoStateIsAnError) {
  const auto read = [](const std::string& state) {
    return read_cycle(R"({"now":"2026-01-01T00:00:00Z","objects":[],"state":)" + state + "}");
  };
  EXPECT_TRUE(read("{}").ok());
  EXPECT_TRUE(read("null").ok());
  for (const auto& [state, why] : std::vector<std::pair<std::string, std::string>>{
           {"[]", "state is not an object"},
           {R"({"usage":{}})", "usage: is not a list"},
           {R"({"assumptions":{"pods":[{"state":"flying"}]}})",
            "assumptions.pods.[0].state: is not a known name"},
           {R"({"limits":{"max_groups":-1}})", "limits.max_groups: is not a number of its type"},
           {R"({"exact":[{"pod_flew":{}}]})", "pod_flew: is not a kind that is known"}}) {
    const auto document = read(state);
    ASSERT_FALSE(document.ok()) << state;
    EXPECT_NE(document.error().message().find(why), std::string::npos) << document.error().message();
  }
}

}  // namespace
}  // namespace fairlead::manifest
