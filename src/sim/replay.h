#pragma once

#include "base/result.h"
#include "model/configuration.h"
#include "model/scheduler.h"
#include "sim/load_curve.h"
#include "sim/workload/inflation.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace fairlead::sim {

/// Told now and then how far a replay is: arrivals done, and all of them.
using Progress = std::function<void(std::size_t done, std::size_t total)>;

/// What became of a workload.
struct Replay {
  static constexpr std::int32_t kRejected = -1;
  std::vector<LoadPoint> points;
  std::int64_t placed = 0;          ///< tasks
  std::int64_t failed = 0;          ///< tasks that did not fit when they arrived, and were rejected for ever
  std::int64_t allocated = 0;       ///< thousandths of a device, at the end
  std::vector<std::int32_t> ranks;  ///< per arrival: the rank of its node, or kRejected
};

/// How a replay configures its scheduler.
struct ReplayPolicy {
  model::Placement placement;
  std::vector<model::ExpectedPods> expected;  ///< for strategies that look ahead
};

/// Plays a workload to a scheduler that is still empty. The world is as plain as can be: one queue without
/// limits; each task arrives alone, as a group of one pod, and gets one round; what is bound starts at once
/// and stays, what is not is taken away. Nodes are named so that the order of names is the order of ranks.
///
/// The world keeps its own account of every node. Errors: kInternal when the scheduler refuses an event,
/// binds what did not just arrive, or gives away more than a node has.
base::Result<Replay> replay(const InflationWorkload& workload, double load, const ReplayPolicy& policy,
                            model::Scheduler& scheduler, const Progress& progress);

}  // namespace fairlead::sim
