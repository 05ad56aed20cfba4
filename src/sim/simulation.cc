#include "sim/simulation.h"

#include "sim/placement/baselines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fairlead::sim {
namespace {

constexpr std::array<std::string_view, 9> kPlacements = {
    "bin-pack",     "spread",     "random",      "best-fit",
    "packing",      "clustering", "dot-product", "fragmentation-gradient",
    "fragmentation"};
/// How much of the trace's tasks the gradient prepares for.
constexpr double kTypicalCoverage = 0.95;

}  // namespace

NodeLimits limits_of(const OpenbTrace& trace) {
  NodeLimits limits;
  for (const TraceNode& node : trace.nodes) {
    limits.cpu_milli = std::max(limits.cpu_milli, node.cpu_milli);
    limits.device_thousandths =
        std::max(limits.device_thousandths, node.devices * model::kThousandthsPerDevice);
  }
  return limits;
}

std::span<const std::string_view> placement_names() { return kPlacements; }

base::Result<model::Placement> placement_of(std::string_view name) {
  const auto everywhere = [](model::PlacementStrategy strategy) {
    model::Placement placement;
    placement.devices = strategy;
    placement.cpu = strategy;
    return placement;
  };
  if (name == "bin-pack") return everywhere(model::PlacementStrategy::kBinPack);
  if (name == "spread") {
    model::Placement placement = everywhere(model::PlacementStrategy::kSpread);
    placement.pack_shares = false;
    return placement;
  }
  if (name == "fragmentation" || name == "fragmentation-gradient") {
    return everywhere(model::PlacementStrategy::kFragmentationGradient);
  }
  if (std::find(kPlacements.begin(), kPlacements.end(), name) == kPlacements.end()) {
    std::string known;
    for (const std::string_view candidate : kPlacements) {
      known += known.empty() ? "" : ", ";
      known += candidate;
    }
    return base::invalid_argument(fmt::format("there is no placement \"{}\"; choose one of {}", name, known));
  }
  model::Placement placement;
  placement.named = name;
  return placement;
}

std::vector<LoadPoint> Simulation::mean_points() const {
  std::vector<std::vector<LoadPoint>> curves;
  curves.reserve(replays.size());
  for (const SeededReplay& run : replays) curves.push_back(run.replay.points);
  return mean_of(curves);
}

base::Result<Simulation> simulate(const OpenbTrace& trace, const SimulationRequest& request,
                                  const SimulationPorts& ports) {
  const base::Result<model::Placement> placement = placement_of(request.placement);
  if (!placement) return placement.error();
  const ReplayPolicy policy{.placement = *placement, .expected = typical_tasks(trace, kTypicalCoverage)};
  Simulation simulation{.capacity = trace.capacity(), .replays = {}};
  for (std::size_t i = 0; i < request.seeds.size(); ++i) {
    const std::uint64_t seed = request.seeds[i];
    const base::Time begin = ports.clock();
    const base::Result<InflationWorkload> workload = inflate(trace, request.load, seed);
    if (!workload) return workload.error();
    const std::unique_ptr<model::Scheduler> scheduler =
        ports.make_scheduler(baseline_scorers(limits_of(trace), seed));
    // Replays differ a little in length; as many arrivals as the present one has stand for each of them.
    const Progress progress = [&](std::size_t done, std::size_t total) {
      if (ports.progress) ports.progress(i * total + done, request.seeds.size() * total);
    };
    base::Result<Replay> result = replay(*workload, request.load, policy, *scheduler, progress);
    if (!result) return result.error();
    simulation.replays.push_back({.seed = seed, .replay = std::move(*result), .wall = ports.clock() - begin});
  }
  return simulation;
}

}  // namespace fairlead::sim
