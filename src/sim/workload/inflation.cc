#include "sim/workload/inflation.h"

#include "sim/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>
#include <utility>

namespace fairlead::sim {

base::Result<InflationWorkload> inflate(const OpenbTrace& trace, double load, std::uint64_t seed) {
  if (!(load > 0 && load <= kMostLoad)) {
    return base::Error(
        base::Code::kOutOfRange,
        fmt::format("load {} is not above 0 and at most {}; write 1.3 for 130 % of the devices", load,
                    kMostLoad));
  }
  Random random(seed);
  InflationWorkload workload{.nodes = trace.nodes, .arrivals = {}, .capacity = trace.capacity(), .demand = 0};
  random.shuffle(workload.nodes);

  const auto target = static_cast<std::int64_t>(load * static_cast<double>(workload.capacity));
  std::vector<std::uint32_t> order(trace.tasks.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
  random.shuffle(order);
  for (const std::uint32_t task : order) workload.demand += trace.tasks[task].demand();
  while (workload.demand < target) {
    order.push_back(static_cast<std::uint32_t>(random.below(trace.tasks.size())));
    workload.demand += trace.tasks[order.back()].demand();
  }
  while (workload.demand > target) {
    const auto dropped = order.begin() + static_cast<std::ptrdiff_t>(random.below(order.size()));
    workload.demand -= trace.tasks[*dropped].demand();
    order.erase(dropped);
  }
  workload.arrivals.reserve(order.size());
  for (const std::uint32_t task : order) workload.arrivals.push_back(trace.tasks[task]);
  return workload;
}

std::vector<model::ExpectedPods> typical_tasks(const OpenbTrace& trace, double coverage) {
  using Shape = std::tuple<std::int64_t, std::int32_t, std::int32_t, std::string>;
  struct Kind {
    const Shape* shape;
    const TraceTask* example;
    std::int64_t count;
  };
  std::map<Shape, std::pair<const TraceTask*, std::int64_t>> counts;
  for (const TraceTask& task : trace.tasks) {
    auto& [example, count] = counts[Shape(task.cpu_milli, task.thousandths, task.devices, task.model_list)];
    example = &task;
    ++count;
  }
  std::vector<Kind> kinds;
  kinds.reserve(counts.size());
  for (const auto& [shape, counted] : counts) kinds.push_back({&shape, counted.first, counted.second});
  std::sort(kinds.begin(), kinds.end(), [](const Kind& a, const Kind& b) {
    return a.count != b.count ? a.count > b.count : *a.shape > *b.shape;
  });

  std::vector<model::ExpectedPods> typical;
  std::int64_t covered = 0;
  for (const Kind& kind : kinds) {
    if (static_cast<double>(covered) >= coverage * static_cast<double>(trace.tasks.size())) break;
    covered += kind.count;
    typical.push_back({.cpu_milli = kind.example->cpu_milli,
                       .memory_bytes = 0,
                       .device_count = kind.example->devices,
                       .device_thousandths = kind.example->thousandths,
                       .device_models = kind.example->models,
                       .count = kind.count});
  }
  return typical;
}

}  // namespace fairlead::sim
