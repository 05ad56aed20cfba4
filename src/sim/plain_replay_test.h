#pragma once

#include "engine/place/placement_scorer.h"
#include "sim/load_curve.h"
#include "sim/workload/inflation.h"

#include <cstdint>
#include <vector>

namespace fairlead::sim {

/// What became of a workload in a plain replay.
struct PlainReplay {
  std::vector<std::int32_t> ranks;  ///< as Replay::ranks
  std::vector<LoadPoint> points;
  std::int64_t placed = 0;
  std::int64_t failed = 0;
};

/// The replay written down as the method states it, one loop and no cache: what the replay on the engine is
/// compared with. The scorer must have been told the workload (expected_tasks).
PlainReplay plain_replay(const InflationWorkload& workload, double load,
                         const engine::PlacementScorer& scorer);

/// Typical tasks as a scorer takes them, with the models numbered in the order of their names.
std::vector<engine::ExpectedTask> expected_tasks(const OpenbTrace& trace, double coverage);

}  // namespace fairlead::sim
