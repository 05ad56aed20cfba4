#include "cli/simulate_report.h"

#include "base/json_writer.h"
#include "cli/text_table.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr std::int64_t kThousandths = 1000;
/// A point in ten is shown to people.
constexpr std::size_t kPointsPerRow = 10;
/// Characters of a bar that stands for all devices.
constexpr double kBarWidth = 40;

struct Means {
  double placed = 0;
  double failed = 0;
  double wall_seconds = 0;
};

Means means_of(const sim::Simulation& simulation) {
  Means means;
  for (const sim::SeededReplay& run : simulation.replays) {
    means.placed += static_cast<double>(run.replay.placed);
    means.failed += static_cast<double>(run.replay.failed);
    means.wall_seconds += run.wall.in_seconds();
  }
  const auto count = static_cast<double>(simulation.replays.size());
  return {means.placed / count, means.failed / count, means.wall_seconds / count};
}

std::string percent(double part) { return fmt::format("{:.1f} %", part * 100); }

/// One decimal only where a mean needs it.
std::string tasks_text(double count, const sim::Simulation& simulation) {
  return simulation.replays.size() == 1 ? fmt::format("{:.0f}", count) : fmt::format("{:.1f}", count);
}

double allocated_at_end(const sim::Replay& replay) {
  return replay.points.empty() ? 0 : replay.points.back().allocated;
}

}  // namespace

std::string simulation_json(const SimulateOptions& options, const sim::OpenbTrace& trace,
                            const sim::Simulation& simulation) {
  std::string text;
  base::JsonWriter json(text, 2);
  json.begin_object();
  json.member("trace", options.trace);
  json.member("placement", options.placement);
  json.member("load", options.load);
  json.key("seeds");
  json.begin_array();
  for (const sim::SeededReplay& run : simulation.replays) json.value(run.seed);
  json.end_array();
  json.member("nodes", trace.nodes.size());
  json.member("tasks", trace.tasks.size());
  json.member("gpu_capacity", simulation.capacity / kThousandths);
  json.key("points");
  json.begin_array();
  for (const sim::LoadPoint& point : simulation.mean_points()) {
    json.begin_object();
    json.member("arrived", point.arrived);
    json.member("allocated", point.allocated);
    json.end_object();
  }
  json.end_array();
  const Means means = means_of(simulation);
  json.member("placed", means.placed);
  json.member("failed", means.failed);
  json.member("wall_seconds", means.wall_seconds);
  if (simulation.replays.size() > 1) {
    json.key("replays");
    json.begin_array();
    for (const sim::SeededReplay& run : simulation.replays) {
      json.begin_object();
      json.member("seed", run.seed);
      json.member("allocated", allocated_at_end(run.replay));
      json.member("placed", run.replay.placed);
      json.member("failed", run.replay.failed);
      json.member("wall_seconds", run.wall.in_seconds());
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  text += '\n';
  return text;
}

std::string simulation_table(const SimulateOptions& options, const sim::OpenbTrace& trace,
                             const sim::Simulation& simulation, const Style& style) {
  const std::vector<sim::LoadPoint> points = simulation.mean_points();
  const std::size_t replays = simulation.replays.size();
  std::string text = fmt::format("{} on {} nodes with {} devices, {} tasks to draw from, {}\n\n",
                                 style.heading(options.placement), trace.nodes.size(),
                                 simulation.capacity / kThousandths, trace.tasks.size(),
                                 replays == 1 ? fmt::format("seed {}", simulation.replays.front().seed)
                                              : fmt::format("mean of {} seeds", replays));

  TextTable curve({{"ARRIVED", TextTable::Align::kRight}, {"ALLOCATED", TextTable::Align::kRight}, {"", {}}});
  for (std::size_t i = 0; i < points.size(); ++i) {
    if ((i + 1) % kPointsPerRow != 0 && i + 1 != points.size()) continue;
    const auto bar = static_cast<std::size_t>(points[i].allocated * kBarWidth + 0.5);
    curve.add_row({percent(points[i].arrived), percent(points[i].allocated), std::string(bar, '#')});
  }
  curve.write(text, style);

  if (replays > 1) {
    TextTable seeds({{"SEED", TextTable::Align::kRight},
                     {"ALLOCATED", TextTable::Align::kRight},
                     {"PLACED", TextTable::Align::kRight},
                     {"FAILED", TextTable::Align::kRight},
                     {"SECONDS", TextTable::Align::kRight}});
    for (const sim::SeededReplay& run : simulation.replays) {
      seeds.add_row({fmt::format("{}", run.seed), percent(allocated_at_end(run.replay)),
                     fmt::format("{}", run.replay.placed), fmt::format("{}", run.replay.failed),
                     fmt::format("{:.2f}", run.wall.in_seconds())});
    }
    text += '\n';
    seeds.write(text, style);
  }

  const Means means = means_of(simulation);
  if (!points.empty()) {
    text += fmt::format(
        "\nWith {} of the devices asked for, {} of them are allocated: {} tasks placed, {} did not fit "
        "({:.2f} s{}).\n",
        percent(points.back().arrived), style.good(percent(points.back().allocated)),
        tasks_text(means.placed, simulation), tasks_text(means.failed, simulation), means.wall_seconds,
        replays == 1 ? "" : " a replay");
  }
  return text;
}

}  // namespace fairlead::cli
