#include "sim/plain_replay_test.h"

#include "sim/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string_view>

namespace fairlead::sim {
namespace {

std::vector<std::string> model_names(const std::vector<TraceNode>& nodes) {
  std::set<std::string> names;
  for (const TraceNode& node : nodes) names.insert(node.model);
  return {names.begin(), names.end()};
}

std::int32_t number_of(const std::vector<std::string>& models, std::string_view name) {
  const auto found = std::find(models.begin(), models.end(), name);
  return static_cast<std::int32_t>(found - models.begin());
}

struct PlainNode {
  const TraceNode* trace;
  std::string name;
  std::int32_t model;
  std::int64_t cpu;
  std::int64_t memory;
  std::vector<std::int32_t> free;
  engine::DeviceCountClasses classes = 0;

  bool fits(const TraceTask& task) const {
    if (task.cpu_milli > cpu || task.memory_mib > memory) return false;
    if (!task.models.empty() && !std::binary_search(task.models.begin(), task.models.end(), trace->model)) {
      return false;
    }
    std::int32_t devices = 0;
    for (const std::int32_t left : free) devices += left >= task.thousandths;
    return task.devices == 0 || devices >= task.devices;
  }
};

}  // namespace

std::vector<engine::ExpectedTask> expected_tasks(const OpenbTrace& trace, double coverage) {
  const std::vector<std::string> models = model_names(trace.nodes);
  std::vector<engine::ExpectedTask> tasks;
  for (const model::ExpectedPods& pods : typical_tasks(trace, coverage)) {
    engine::DeviceModelSet allowed = pods.device_models.empty() ? engine::kEveryDeviceModel : 0;
    for (const std::string& name : pods.device_models) {
      const std::int32_t number = number_of(models, name);
      if (number < static_cast<std::int32_t>(models.size())) allowed |= engine::DeviceModelSet{1} << number;
    }
    tasks.push_back({.shape = {.cpu_milli = pods.cpu_milli,
                               .device_count = pods.device_count,
                               .device_thousandths = pods.device_thousandths,
                               .device_models = allowed},
                     .count = pods.count});
  }
  return tasks;
}

PlainReplay plain_replay(const InflationWorkload& workload, double load,
                         const engine::PlacementScorer& scorer) {
  const std::vector<std::string> models = model_names(workload.nodes);
  std::vector<PlainNode> nodes;
  for (const TraceNode& node : workload.nodes) {
    nodes.push_back({&node, fmt::format("{:07}-{}", nodes.size(), node.name), number_of(models, node.model),
                     node.cpu_milli, node.memory_mib,
                     std::vector<std::int32_t>(static_cast<std::size_t>(node.devices), 1000)});
  }
  PlainReplay replay;
  LoadCurve curve(workload.capacity, load);
  std::int64_t arrived = 0;
  std::int64_t allocated = 0;
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    const TraceTask& task = workload.arrivals[i];
    const engine::TaskShape shape{.cpu_milli = task.cpu_milli,
                                  .memory_bytes = task.memory_mib << 20,
                                  .device_count = task.devices,
                                  .device_thousandths = task.thousandths};
    const std::string pod = fmt::format("{:07}", i);
    PlainNode* best = nullptr;
    engine::NodeScore best_score;
    for (PlainNode& node : nodes) {
      if (!node.fits(task)) continue;
      const engine::NodeScore score = scorer.score(shape,
                                                   {.name = node.name,
                                                    .cpu_milli = node.trace->cpu_milli,
                                                    .memory_bytes = node.trace->memory_mib << 20,
                                                    .free_cpu_milli = node.cpu,
                                                    .free_memory_bytes = node.memory << 20,
                                                    .free_thousandths = node.free,
                                                    .device_model = node.model,
                                                    .running_classes = node.classes},
                                                   pod);
      if (best != nullptr && score.value <= best_score.value) continue;
      best = &node;
      best_score = score;
    }
    arrived += task.demand();
    if (best == nullptr) {
      ++replay.failed;
      replay.ranks.push_back(Replay::kRejected);
    } else {
      ++replay.placed;
      replay.ranks.push_back(static_cast<std::int32_t>(best - nodes.data()));
      allocated += task.demand();
      best->cpu -= task.cpu_milli;
      best->memory -= task.memory_mib;
      best->classes |= engine::device_count_class(shape);
      if (shape.shares_a_device()) {
        best->free[static_cast<std::size_t>(best_score.device)] -= task.thousandths;
      } else {
        std::int32_t wanted = task.devices;
        for (std::int32_t& left : best->free) {
          if (wanted == 0) break;
          if (left < 1000) continue;
          left = 0;
          --wanted;
        }
      }
    }
    curve.add(arrived, allocated);
  }
  replay.points = curve.points();
  return replay;
}

}  // namespace fairlead::sim
