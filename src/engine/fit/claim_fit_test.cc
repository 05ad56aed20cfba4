// Claims as a round serves them: what each kind of request gets, what is left for others, and what is said
// where it gets nothing.

#include "engine/engine.h"
#include "model/event.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::engine {
namespace {

using model::AttributeValue;

constexpr std::int64_t kGi = 1024LL * 1024 * 1024 * 1000;

/// A small cluster: nodes of one queue with drivers' devices and pods with claims.
class Claims : public testing::Test {
 protected:
  Claims() {
    scheduler_ = make_engine(options());
    model::Queue queue;
    queue.name = queue.uid = "team";
    queue.pools = {{"",
                    {},
                    {{"gpu", {model::Bound::of(1'000'000), model::Bound::unlimited(), 0}},
                     {"cpu", {model::Bound::unlimited(), model::Bound::unlimited(), 0}},
                     {"memory", {model::Bound::unlimited(), model::Bound::unlimited(), 0}}}}};
    tell(model::QueueUpserted{queue});
    tell(model::DeviceClassUpserted{{"gpu.example.com", {R"(device.driver == "gpu.example.com")"}, {}}});
  }

  static EngineOptions options() {
    EngineOptions options;
    options.on_wrong_sums = [](const std::string& wrong) { ADD_FAILURE() << wrong; };
    return options;
  }

  void tell(auto body) { events_.push_back({base::Time(), std::move(body)}); }

  void node(const std::string& name, model::Labels labels = {}) {
    model::Node node;
    node.name = name;
    node.labels = std::move(labels);
    node.allocatable.cpu_milli = 64'000;
    node.allocatable.memory_bytes = 1LL << 40;
    tell(model::NodeUpserted{node});
  }

  static model::OfferedDevice device(const std::string& name) {
    model::OfferedDevice device;
    device.name = name;
    return device;
  }
  static std::vector<model::OfferedDevice> devices(int count) {
    std::vector<model::OfferedDevice> list;
    for (int i = 0; i < count; ++i) list.push_back(device(fmt::format("gpu-{}", i)));
    return list;
  }

  /// The only slice of a node's pool.
  model::ResourceSlice slice(const std::string& node, std::vector<model::OfferedDevice> devices) {
    model::ResourceSlice slice;
    slice.name = node + "-slice";
    slice.driver = "gpu.example.com";
    slice.pool = node;
    slice.reach.node = node;
    slice.devices = std::move(devices);
    return slice;
  }
  void offer(const std::string& node, std::vector<model::OfferedDevice> devices) {
    tell(model::ResourceSliceUpserted{slice(node, std::move(devices))});
  }

  static model::ClaimRequest request(std::int64_t count, const std::string& name = "gpu") {
    model::ClaimRequest request;
    request.name = name;
    request.choices.emplace_back();
    request.choices.front().device_class = "gpu.example.com";
    request.choices.front().count = count;
    return request;
  }
  model::ResourceClaim claim(const std::string& name, std::vector<model::ClaimRequest> requests) {
    model::ResourceClaim claim;
    claim.key = "ns/" + name;
    claim.uid = name;
    claim.from_template = true;
    claim.requests = std::move(requests);
    return claim;
  }

  /// A pod of its own group with these claims.
  void pod(const std::string& name, const std::vector<std::string>& claims, const std::string& on = "") {
    model::PodGroup group;
    group.key = "ns/" + name;
    group.uid = name;
    group.created = base::Time::from_unix_seconds(++age_);
    group.queue = "team";
    if (!groups_.contains(name)) tell(model::GroupUpserted{group});
    groups_.insert(name);
    model::Pod pod;
    pod.uid = pod.name = name;
    pod.namespace_name = "ns";
    pod.group = "ns/" + name;
    pod.created = group.created;
    pod.requests.cpu_milli = 1000;
    for (const std::string& claim : claims) pod.claims.push_back("ns/" + claim);
    if (!on.empty()) {
      pod.node = on;
      pod.phase = model::Pod::Phase::kRunning;
    }
    tell(model::PodUpserted{pod});
  }
  void pod_with_claim(const std::string& name, std::vector<model::ClaimRequest> requests) {
    tell(model::ResourceClaimUpserted{claim(name, std::move(requests))});
    pod(name, {name});
  }

  /// One round: "a on n1: n1/gpu-0, n1/gpu-1; b waits: claim ns/b, request gpu: in use (1 of 2)".
  std::string round() {
    const model::ApplyReport report = scheduler_->apply(events_);
    for (const auto& rejected : report.rejected) ADD_FAILURE() << rejected.reason;
    events_.clear();
    std::vector<std::string> lines;
    for (const model::Decision& decision : scheduler_->run({}).decisions) {
      if (const auto* bind = std::get_if<model::Bind>(&decision.body)) {
        binds_.push_back(*bind);
        std::string line = fmt::format("{} on {}:", bind->pod, bind->node);
        for (const model::ClaimAllocation& one : bind->claims)
          for (const model::AllocatedDevice& device : one.allocation.devices) {
            line += fmt::format(" {}/{}", device.pool, device.device);
            for (const model::Counter& consumed : device.consumed)
              line += fmt::format("[{}={}]", consumed.name, consumed.amount / kGi);
          }
        lines.push_back(line);
      } else if (const auto* evict = std::get_if<model::Evict>(&decision.body)) {
        lines.push_back(fmt::format("{} leaves", evict->pod));
      } else if (const auto* nominate = std::get_if<model::Nominate>(&decision.body)) {
        lines.push_back(fmt::format("{} later on {}", nominate->pod, nominate->node));
      } else if (const auto* changed = std::get_if<model::VerdictChanged>(&decision.body)) {
        if (changed->verdict.reasons.empty()) continue;
        const model::Reason& reason = changed->verdict.reasons.front();
        std::string line = fmt::format("{} waits: {}", changed->group.substr(3), reason.detail);
        for (const model::ClaimShortage& one : reason.claims)
          line += fmt::format("{} {} {} {}/{} on {}", one.claim.substr(3), one.request,
                              static_cast<int>(one.reason), one.have, one.want, one.nodes);
        lines.push_back(line);
      }
    }
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
    return text;
  }
  static std::string shortage(model::ClaimReason reason, const std::string& rest) {
    const auto at = rest.find('#');
    return rest.substr(0, at) + std::to_string(static_cast<int>(reason)) + rest.substr(at + 1);
  }

  std::unique_ptr<model::Scheduler> scheduler_;
  std::vector<model::Event> events_;
  std::vector<model::Bind> binds_;
  std::set<std::string> groups_;
  std::int64_t age_ = 0;
};

TEST_F(Claims, AnExactCountGetsTheFirstFreeDevicesOfOneNode) {
  node("n1");
  node("n2");
  offer("n1", devices(2));
  offer("n2", devices(4));
  pod_with_claim("a", {request(1)});
  pod_with_claim("b", {request(3)});
  pod_with_claim("c", {request(3)});
  EXPECT_EQ(round(), "a on n1: n1/gpu-0; b on n2: n2/gpu-0 n2/gpu-1 n2/gpu-2; c waits: " +
                         shortage(model::ClaimReason::kInUse, "c gpu # 1/3 on 2"));
  ASSERT_EQ(binds_.size(), 2u);
  const model::Allocation& first = binds_.front().claims.front().allocation;
  EXPECT_EQ(first.devices.front().request, "gpu");
  EXPECT_EQ(first.devices.front().driver, "gpu.example.com");
  ASSERT_EQ(first.nodes.size(), 1u);
  EXPECT_EQ(first.nodes.front().fields.front().values, std::vector<std::string>{"n1"});
}

TEST_F(Claims, WhatTheWorldHasRecordedIsTaken) {
  node("n1");
  offer("n1", devices(2));
  model::ResourceClaim running = claim("a", {request(1)});
  running.allocation.emplace();
  running.allocation->devices.push_back({"gpu", "gpu.example.com", "n1", "gpu-0", false, "", {}, {}, {}, {}});
  running.reserved_for = {"a"};
  tell(model::ResourceClaimUpserted{running});
  pod("a", {"a"}, "n1");
  pod_with_claim("b", {request(1)});
  EXPECT_EQ(round(), "b on n1: n1/gpu-1");

  // Until the claim itself is freed the device is not, though the pod has gone.
  tell(model::PodRemoved{"a"});
  pod_with_claim("c", {request(1)});
  EXPECT_EQ(round(), "c waits: " + shortage(model::ClaimReason::kInUse, "c gpu # 0/1 on 1"));
  running.allocation.reset();
  running.reserved_for.clear();
  tell(model::ResourceClaimUpserted{running});
  EXPECT_EQ(round(), "c on n1: n1/gpu-0");
}

TEST_F(Claims, SelectorsTaintsAndTolerationsDecideWhichDevices) {
  node("n1");
  std::vector<model::OfferedDevice> list = devices(3);
  for (auto& device : list) device.attributes = {{"model", {AttributeValue::Kind::kText, 0, false, "old"}}};
  list[2].attributes.front().value.text = "new";
  list[0].taints = {{"broken", "", model::DeviceTaint::Effect::kNoSchedule}};
  offer("n1", list);
  model::ClaimRequest of_new = request(1);
  of_new.choices.front().selectors = {R"(device.attributes["gpu.example.com"].model == "new")"};
  pod_with_claim("a", {of_new});
  pod_with_claim("b", {of_new});
  pod_with_claim("c", {request(1)});
  pod_with_claim("d", {request(1)});
  model::ClaimRequest tolerant = request(1);
  tolerant.choices.front().tolerations = {{"broken", true, "", {}}};
  pod_with_claim("e", {tolerant});
  model::ClaimRequest failing = request(1);
  failing.choices.front().selectors = {R"(device.attributes["gpu.example.com"].absent == 1)"};
  pod_with_claim("f", {failing});
  model::ClaimRequest wrong = request(1);
  wrong.choices.front().selectors = {"device.name"};
  pod_with_claim("g", {wrong});
  EXPECT_EQ(
      round(),
      "a on n1: n1/gpu-2; c on n1: n1/gpu-1; e on n1: n1/gpu-0; b waits: " +
          shortage(model::ClaimReason::kInUse, "b gpu # 0/1 on 1; d waits: ") +
          shortage(model::ClaimReason::kInUse, "d gpu # 0/1 on 1; f waits: ") +
          shortage(model::ClaimReason::kSelectorFailed, "f gpu # 0/1 on 1; g waits: ") +
          "resource claim ns/g, request gpu: selector 1 of the request: at character 12: a device has no "
          "name here; it has driver, attributes, capacity and allowMultipleAllocations");
}

TEST_F(Claims, AListGivesItsFirstChoiceThatCanBeHad) {
  tell(model::DeviceClassUpserted{
      {"large.example.com", {R"(device.attributes["gpu.example.com"].size > 40)"}, {}}});
  node("n1");
  std::vector<model::OfferedDevice> list = devices(3);
  for (int i = 0; i < 3; ++i)
    list[static_cast<std::size_t>(i)].attributes = {
        {"size", {AttributeValue::Kind::kInteger, i == 0 ? 80 : 40, false, ""}}};
  offer("n1", list);
  model::ClaimRequest preferred;
  preferred.name = "gpu";
  preferred.prioritized = true;
  preferred.choices.resize(2);
  preferred.choices[0].name = "large";
  preferred.choices[0].device_class = "large.example.com";
  preferred.choices[1].name = "two";
  preferred.choices[1].device_class = "gpu.example.com";
  preferred.choices[1].count = 2;
  pod_with_claim("a", {preferred});
  pod_with_claim("b", {preferred});
  pod_with_claim("c", {preferred});
  EXPECT_EQ(round(), "a on n1: n1/gpu-0; b on n1: n1/gpu-1 n1/gpu-2; c waits: " +
                         shortage(model::ClaimReason::kInUse, "c gpu/two # 0/2 on 1"));
  EXPECT_EQ(binds_[1].claims.front().allocation.devices.front().request, "gpu/two");
}

TEST_F(Claims, AllTakesEveryDeviceOfANodeThatHasSome) {
  node("n1");
  node("n2");
  offer("n2", devices(3));
  model::ClaimRequest all = request(1);
  all.choices.front().all = true;
  pod_with_claim("a", {all});
  pod_with_claim("b", {all});
  EXPECT_EQ(round(), "a on n2: n2/gpu-0 n2/gpu-1 n2/gpu-2; b waits: " +
                         shortage(model::ClaimReason::kNoDevice, "b gpu # 0/1 on 1") +
                         shortage(model::ClaimReason::kInUse, "b gpu # 0/1 on 1"));
}

TEST_F(Claims, AnAdministratorGetsWhatOthersHaveAndTakesNothing) {
  node("n1");
  offer("n1", devices(1));
  pod_with_claim("a", {request(1)});
  model::ClaimRequest admin = request(1);
  admin.choices.front().admin_access = true;
  pod_with_claim("b", {admin});
  pod_with_claim("c", {admin});
  EXPECT_EQ(round(), "a on n1: n1/gpu-0; b on n1: n1/gpu-0; c on n1: n1/gpu-0");
}

TEST_F(Claims, ConstraintsTieDevicesTogether) {
  node("n1");
  std::vector<model::OfferedDevice> list = devices(4);
  const char* roots[] = {"x", "y", "y", "x"};
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i].attributes = {
        {"resource.kubernetes.io/pcieRoot", {AttributeValue::Kind::kText, 0, false, roots[i]}}};
  offer("n1", list);
  const auto tied = [&](const std::string& name, bool distinct) {
    model::ResourceClaim made = claim(name, {request(1, "one"), request(1, "two")});
    made.constraints = {{{}, "resource.kubernetes.io/pcieRoot", distinct}};
    tell(model::ResourceClaimUpserted{made});
    pod(name, {name});
  };
  tied("a", true);
  tied("b", false);
  EXPECT_EQ(round(), "a on n1: n1/gpu-0 n1/gpu-1; b waits: " +
                         shortage(model::ClaimReason::kConstraint, "b one # 2/1 on 1"));
}

/// Four memory slices, which a whole device or its partitions take.
model::ResourceSlice partitioned(model::ResourceSlice slice) {
  slice.shared_counters = {{"gpu-0", {{"slices", 4000}}}};
  const auto add = [&](const std::string& name, std::int64_t slices) {
    model::OfferedDevice device;
    device.name = name;
    device.attributes = {{"slices", {AttributeValue::Kind::kInteger, slices, false, ""}}};
    device.consumes = {{"gpu-0", {{"slices", slices * 1000}}}};
    slice.devices.push_back(device);
  };
  add("whole", 4);
  add("half-0", 2);
  add("half-1", 2);
  add("quarter-0", 1);
  add("quarter-1", 1);
  return slice;
}

TEST_F(Claims, PartitionsShareTheCountersOfTheirDevice) {
  node("n1");
  tell(model::ResourceSliceUpserted{partitioned(slice("n1", {}))});
  const auto of = [&](int slices) {
    model::ClaimRequest wanted = request(1);
    wanted.choices.front().selectors = {
        fmt::format(R"(device.attributes["gpu.example.com"].slices == {})", slices)};
    return wanted;
  };
  pod_with_claim("a", {of(2)});
  pod_with_claim("b", {of(4)});
  pod_with_claim("c", {of(1)});
  pod_with_claim("d", {of(2)});
  pod_with_claim("e", {of(1)});
  EXPECT_EQ(round(), "a on n1: n1/half-0; c on n1: n1/quarter-0; e on n1: n1/quarter-1; b waits: " +
                         shortage(model::ClaimReason::kCounters, "b gpu # 0/1 on 1; d waits: ") +
                         shortage(model::ClaimReason::kCounters, "d gpu # 0/1 on 1"));
}

TEST_F(Claims, SharesOfADeviceAddUpToItsCapacity) {
  node("n1");
  std::vector<model::OfferedDevice> list = devices(2);
  for (auto& device : list) {
    device.shared = true;
    model::CapacityPolicy policy;
    policy.least = 8 * kGi;
    policy.step = 8 * kGi;
    policy.most = 80 * kGi;
    device.capacities = {{"memory", 80 * kGi, policy}};
  }
  offer("n1", list);
  const auto of = [&](std::int64_t gibibytes) {
    model::ClaimRequest wanted = request(1);
    if (gibibytes > 0) wanted.choices.front().capacities = {{"memory", gibibytes * kGi}};
    return wanted;
  };
  pod_with_claim("a", {of(30)});
  pod_with_claim("b", {of(0)});
  pod_with_claim("c", {of(48)});
  pod_with_claim("d", {of(1)});
  pod_with_claim("e", {of(81)});
  EXPECT_EQ(round(),
            "a on n1: n1/gpu-0[memory=32]; b on n1: n1/gpu-1[memory=80]; c on n1: n1/gpu-0[memory=48]; "
            "d waits: " +
                shortage(model::ClaimReason::kInUse, "d gpu # 0/1 on 1; e waits: ") +
                shortage(model::ClaimReason::kCapacity, "e gpu # 0/1 on 1"));
  const std::string share = binds_[0].claims.front().allocation.devices.front().share;
  EXPECT_EQ(share.size(), 36u);
  EXPECT_NE(share, binds_[2].claims.front().allocation.devices.front().share);
}

TEST_F(Claims, OnlyTheNewestCompleteGenerationOfAPoolCounts) {
  node("n1");
  model::ResourceSlice first = slice("n1", devices(1));
  first.generation = 1;
  tell(model::ResourceSliceUpserted{first});
  model::ResourceSlice half = slice("n1", {device("gpu-8")});
  half.name = "half";
  half.generation = 2;
  half.slice_count = 2;
  tell(model::ResourceSliceUpserted{half});
  pod_with_claim("a", {request(1)});
  EXPECT_EQ(round(), "a waits: " + shortage(model::ClaimReason::kPoolIncomplete, "a gpu # 0/1 on 1"));
  model::ResourceSlice other = slice("n1", {device("gpu-9")});
  other.name = "other";
  other.generation = 2;
  other.slice_count = 2;
  tell(model::ResourceSliceUpserted{other});
  EXPECT_EQ(round(), "a on n1: n1/gpu-8");
}

TEST_F(Claims, DevicesBeyondANodeAreReachedByLabel) {
  tell(model::DeviceClassUpserted{{"net.example.com", {R"(device.driver == "net.example.com")"}, {}}});
  node("n1", {{"rack", "1"}});
  node("n2", {{"rack", "2"}});
  offer("n1", devices(1));
  offer("n2", devices(1));
  model::ResourceSlice fabric;
  fabric.name = "fabric";
  fabric.driver = "net.example.com";
  fabric.pool = "fabric";
  fabric.reach_by_device = true;
  fabric.devices = {device("port-0"), device("port-1")};
  fabric.devices[0].reach.terms = {{{{"rack", model::Requirement::Operator::kIn, {"2"}}}, {}}};
  fabric.devices[1].reach.all_nodes = true;
  tell(model::ResourceSliceUpserted{fabric});
  model::ClaimRequest port = request(1, "port");
  port.choices.front().device_class = "net.example.com";
  model::ClaimRequest ports = request(2, "port");
  ports.choices.front().device_class = "net.example.com";
  pod_with_claim("a", {request(1), ports});
  pod_with_claim("b", {port});
  EXPECT_EQ(round(), "a on n2: n2/gpu-0 fabric/port-0 fabric/port-1; b waits: " +
                         shortage(model::ClaimReason::kInUse, "b port # 0/1 on 2"));
}

TEST_F(Claims, PodsShareAClaimOfTheirQueueWhereItsDevicesAre) {
  node("n1");
  node("n2");
  offer("n1", devices(1));
  offer("n2", devices(1));
  model::ResourceClaim shared = claim("shared", {request(1)});
  shared.from_template = false;
  shared.queue = "team";
  tell(model::ResourceClaimUpserted{shared});
  pod("a", {"shared"});
  pod("b", {"shared"});
  pod_with_claim("c", {request(1)});
  EXPECT_EQ(round(), "a on n1: n1/gpu-0; b on n1: n1/gpu-0; c on n2: n2/gpu-0");

  model::ResourceClaim unlabelled = shared;
  unlabelled.key = "ns/unlabelled";
  unlabelled.queue = "";
  tell(model::ResourceClaimUpserted{unlabelled});
  pod("d", {"unlabelled"});
  model::ResourceClaim foreign = shared;
  foreign.key = "ns/foreign";
  foreign.queue = "other";
  tell(model::ResourceClaimUpserted{foreign});
  pod("e", {"foreign"});
  EXPECT_EQ(
      round(),
      "d waits: pod ns/d cannot be scheduled: DRA claim unlabelled is a shared GPU claim but does not have a "
      "queue label (kai.scheduler/queue); e waits: pod ns/e cannot be scheduled: DRA claim foreign is a "
      "shared "
      "GPU claim of queue other, and the pod's queue is team");
}

TEST_F(Claims, WithoutTheFeatureTheirPodsWait) {
  model::Configuration configuration;
  configuration.claims.enabled = false;
  tell(model::ConfigurationChanged{configuration});
  node("n1");
  offer("n1", devices(1));
  pod_with_claim("a", {request(1)});
  EXPECT_EQ(round(),
            "a waits: pod ns/a cannot be scheduled, it references resource claims <a> while dynamic resource "
            "allocation feature is not enabled in cluster");
}

TEST_F(Claims, AFailedBindGivesItsDevicesBack) {
  node("n1");
  offer("n1", devices(1));
  pod_with_claim("a", {request(1)});
  EXPECT_EQ(round(), "a on n1: n1/gpu-0");
  pod_with_claim("b", {request(1)});
  tell(model::BindFailed{1, model::BindFailed::Scope::kPod, base::Time::from_unix_seconds(100)});
  EXPECT_EQ(round(), "b on n1: n1/gpu-0; a waits: ");
}

TEST_F(Claims, AGangGetsAllItsDevicesOrNone) {
  node("n1");
  node("n2");
  offer("n1", devices(2));
  offer("n2", devices(1));
  const auto gang = [&](const std::string& name, int pods) {
    model::PodGroup group;
    group.key = "ns/" + name;
    group.uid = name;
    group.queue = "team";
    group.min_member = pods;
    group.created = base::Time::from_unix_seconds(++age_);
    tell(model::GroupUpserted{group});
    for (int i = 0; i < pods; ++i) {
      const std::string uid = fmt::format("{}-{}", name, i);
      tell(model::ResourceClaimUpserted{claim(uid, {request(1)})});
      model::Pod pod;
      pod.uid = pod.name = uid;
      pod.namespace_name = "ns";
      pod.group = group.key;
      pod.claims = {"ns/" + uid};
      tell(model::PodUpserted{pod});
    }
  };
  gang("four", 4);
  gang("two", 2);
  const std::string decided = round();
  EXPECT_NE(decided.find("two-0 on "), std::string::npos) << decided;
  EXPECT_NE(decided.find("two-1 on "), std::string::npos) << decided;
  EXPECT_EQ(decided.find("four-0 on "), std::string::npos) << decided;
}

TEST_F(Claims, QuotasCountTheirDevices) {
  model::Queue small;
  small.name = small.uid = "small";
  small.pools = {{"", {}, {{"gpu", {model::Bound::of(2000), model::Bound::of(2000), 0}}}}};
  tell(model::QueueUpserted{small});
  node("n1");
  offer("n1", devices(4));
  for (const char* name : {"a", "b"}) {
    model::PodGroup group;
    group.key = std::string("ns/") + name;
    group.uid = name;
    group.queue = "small";
    group.created = base::Time::from_unix_seconds(++age_);
    tell(model::GroupUpserted{group});
    groups_.insert(name);
  }
  pod_with_claim("a", {request(2)});
  pod_with_claim("b", {request(1)});
  const model::ApplyReport report = scheduler_->apply(events_);
  events_.clear();
  const model::Round decided = scheduler_->run({});
  const auto* verdict = std::get_if<model::VerdictChanged>(&decided.decisions.back().body);
  ASSERT_NE(verdict, nullptr);
  EXPECT_EQ(verdict->verdict.reasons.front().code, model::ReasonCode::kOverLimit);
  EXPECT_EQ(verdict->verdict.reasons.front().have, 2000);
  EXPECT_EQ(verdict->verdict.reasons.front().want, 1000);
}

TEST_F(Claims, TooManyCombinationsAreNotAllTried) {
  model::Configuration configuration;
  configuration.claims.max_steps = 50;
  tell(model::ConfigurationChanged{configuration});
  node("n1");
  std::vector<model::OfferedDevice> list = devices(12);
  for (std::size_t i = 0; i < list.size(); ++i)
    list[i].attributes = {{"id", {AttributeValue::Kind::kInteger, static_cast<std::int64_t>(i), false, ""}}};
  offer("n1", list);
  model::ResourceClaim made = claim("a", {request(3, "x"), request(3, "y")});
  made.constraints = {{{}, "gpu.example.com/id", false}};
  tell(model::ResourceClaimUpserted{made});
  pod("a", {"a"});
  EXPECT_EQ(round(), "a waits: " + shortage(model::ClaimReason::kWorkLimit, "a x # 12/3 on 1"));
}

}  // namespace
}  // namespace fairlead::engine
