#pragma once

#include "base/result.h"
#include "base/time.h"
#include "engine/place/placement_scorer.h"
#include "model/scheduler.h"
#include "sim/placement/baselines.h"
#include "sim/replay.h"
#include "sim/trace/openb.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sim {

/// The words for placement strategies, in the order in which help lists them.
std::span<const std::string_view> placement_names();
/// Errors: kInvalidArgument for another word; the message lists the known ones.
base::Result<model::Placement> placement_of(std::string_view name);

/// The largest cpu and the most devices that a node of the trace has.
NodeLimits limits_of(const OpenbTrace& trace);

/// Makes an empty scheduler that knows these strategies besides its own.
using SchedulerMaker =
    std::function<std::unique_ptr<model::Scheduler>(std::vector<engine::NamedScorerFactory> scorers)>;

struct SimulationRequest {
  std::string placement;             ///< one of placement_names()
  double load = 1.3;                 ///< demand over capacity
  std::vector<std::uint64_t> seeds;  ///< one replay each, at least one
};

struct SeededReplay {
  std::uint64_t seed = 0;
  Replay replay;
  base::Duration wall;  ///< from making the workload to the last arrival
};

struct Simulation {
  std::int64_t capacity = 0;  ///< thousandths of a device
  std::vector<SeededReplay> replays;

  /// The curves' mean.
  std::vector<LoadPoint> mean_points() const;
};

/// What a simulation needs from outside.
struct SimulationPorts {
  SchedulerMaker make_scheduler;
  std::function<base::Time()> clock;  ///< only for the wall times
  Progress progress;                  ///< over all replays; may be empty
};

/// Replays the trace once for each seed. Errors: kInvalidArgument, kOutOfRange; kInternal for a scheduler at
/// fault.
base::Result<Simulation> simulate(const OpenbTrace& trace, const SimulationRequest& request,
                                  const SimulationPorts& ports);

}  // namespace fairlead::sim
