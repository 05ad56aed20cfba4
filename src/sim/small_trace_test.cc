#include "sim/small_trace_test.h"

#include "sim/random.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace fairlead::sim {

OpenbTrace small_trace() {
  OpenbTrace trace;
  for (int i = 0; i < 12; ++i) {
    const std::int32_t devices = i == 11 ? 0 : i % 3 == 0 ? 8 : i % 3 == 1 ? 4 : 2;
    trace.nodes.push_back({.name = fmt::format("node-{:02}", i),
                           .cpu_milli = 12'000 * (devices == 0 ? 4 : devices),
                           .memory_mib = 65'536 * (devices == 0 ? 4 : devices),
                           .devices = devices,
                           .model = devices == 0   ? ""
                                    : devices == 8 ? "big"
                                    : devices == 4 ? "middle"
                                                   : "small"});
  }
  Random random(5);
  const std::vector<std::int32_t> shares = {100, 250, 250, 460, 500, 810, 1000, 1000};
  for (int i = 0; i < 200; ++i) {
    TraceTask task;
    task.name = fmt::format("task-{:03}", i);
    task.cpu_milli = 1000 * static_cast<std::int64_t>(1 + random.below(12));
    task.memory_mib = 1024 * static_cast<std::int64_t>(1 + random.below(64));
    const std::uint64_t kind = random.below(10);
    if (kind > 0) {
      task.devices = kind == 9 ? 4 : kind == 8 ? 2 : 1;
      task.thousandths = task.devices > 1 ? 1000 : shares[random.below(shares.size())];
      if (random.below(5) == 0) {
        task.model_list = "big|middle";
        task.models = {"big", "middle"};
      }
    }
    trace.tasks.push_back(task);
  }
  return trace;
}

}  // namespace fairlead::sim
