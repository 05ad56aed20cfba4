// Rounds that serve resource claims: 10,000 nodes whose driver offers 8 devices each.

#include "cluster_events.h"
#include "round_timing.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

namespace fairlead::bench {
namespace {

constexpr int kNodes = 10'000;
constexpr int kDevicesOfNode = 8;

/// Nodes without devices of their own; a driver offers devices to claims there.
void offer_devices(ClusterEvents& events) {
  events.add(model::DeviceClassUpserted{
      {"gpu.example.com",
       {R"(device.driver == "gpu.example.com" && device.attributes["gpu.example.com"].type == "gpu")"},
       {}}});
  events.nodes("node", kNodes, "", [](int, model::Node& node) { node.devices.clear(); });
  for (int i = 0; i < kNodes; ++i) {
    model::ResourceSlice slice;
    slice.name = node_name("slice", i);
    slice.driver = "gpu.example.com";
    slice.pool = node_name("node", i);
    slice.reach.node = slice.pool;
    for (int d = 0; d < kDevicesOfNode; ++d) {
      model::OfferedDevice device;
      device.name = fmt::format("gpu-{}", d);
      const auto text = [](std::string value) {
        return model::AttributeValue{model::AttributeValue::Kind::kText, 0, false, std::move(value)};
      };
      device.attributes = {{"productName", text("H100")},
                           {"type", text("gpu")},
                           {"uuid", text(fmt::format("GPU-{}-{}", i, d))}};
      device.capacities = {{"memory", std::int64_t{80} * 1024 * 1024 * 1024 * 1000, {}}};
      slice.devices.push_back(std::move(device));
    }
    events.add(model::ResourceSliceUpserted{std::move(slice)});
  }
}

/// `count` jobs of one pod with one claim each, for so many devices.
void waiting_claims(ClusterEvents& events, int count, std::int64_t devices, const std::string& selector) {
  for (int i = 0; i < count; ++i) {
    const std::string name = fmt::format("job-{:05}", i);
    model::ResourceClaim claim;
    claim.key = "bench/" + name;
    claim.uid = name;
    claim.from_template = true;
    model::ClaimRequest request;
    request.name = "gpu";
    request.choices.emplace_back();
    request.choices.front().device_class = "gpu.example.com";
    request.choices.front().count = devices;
    if (!selector.empty()) request.choices.front().selectors = {selector};
    claim.requests.push_back(std::move(request));
    events.add(model::ResourceClaimUpserted{std::move(claim)});
    model::PodGroup group;
    group.key = "bench/" + name;
    group.uid = name;
    group.created = kNow - base::Duration::seconds(1'000'000 - i);
    group.queue = fmt::format("team-{}", i % 8);
    events.add(model::GroupUpserted{group});
    model::Pod pod;
    pod.namespace_name = "bench";
    pod.name = pod.uid = name;
    pod.created = group.created;
    pod.group = group.key;
    pod.requests.cpu_milli = 1000;
    pod.requests.memory_bytes = 1'000'000'000;
    pod.claims = {"bench/" + name};
    events.add(model::PodUpserted{std::move(pod)});
  }
}

void BM_OneDeviceClaims(benchmark::State& state) {
  ClusterEvents events(kNow);
  offer_devices(events);
  queues(events, "team", 100'000);
  waiting_claims(events, static_cast<int>(state.range(0)), 1, "");
  time_round(state, events.events(),
             [&](const Counts& counts) { return counts.binds == static_cast<std::size_t>(state.range(0)); });
  state.counters["decisions"] =
      benchmark::Counter(static_cast<double>(state.range(0)), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_OneDeviceClaims)->Arg(20'000)->Arg(80'000)->Unit(benchmark::kMillisecond);

/// What the cluster costs to be told: devices examined by the selectors of the class.
void BM_TellOfDevices(benchmark::State& state) {
  ClusterEvents events(kNow);
  offer_devices(events);
  queues(events, "team", 100'000);
  waiting_claims(events, 1, 1,
                 R"(device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("40Gi")))");
  for (auto _ : state) {
    std::unique_ptr<model::Scheduler> engine = engine::make_engine();
    benchmark::DoNotOptimize(engine->apply(events.events()));
  }
}
BENCHMARK(BM_TellOfDevices)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fairlead::bench
