#pragma once

#include "base/result.h"
#include "model/configuration.h"
#include "sim/trace/openb.h"

#include <cstdint>
#include <vector>

namespace fairlead::sim {

/// More and more tasks of a trace on a cluster until it is full: who arrives, in which order. Tasks never
/// leave.
///
/// From one generator, in this order: the nodes (sorted by name) are shuffled, and the place of a node is its
/// rank; the tasks (sorted by name) are shuffled; while their demand is below load x capacity, tasks drawn
/// uniformly from the trace are appended; while it is above, a task chosen uniformly is dropped. Source:
/// "Monte-Carlo workload inflation", Weng et al., USENIX ATC 2023.
struct InflationWorkload {
  std::vector<TraceNode> nodes;     ///< by rank, which breaks ties between nodes
  std::vector<TraceTask> arrivals;  ///< in order
  std::int64_t capacity = 0;        ///< thousandths of a device
  std::int64_t demand = 0;          ///< of all arrivals, thousandths
};

/// The highest load that can be asked for.
inline constexpr double kMostLoad = 10;

/// `load` is demand over capacity, in (0, kMostLoad]. Errors: kOutOfRange.
base::Result<InflationWorkload> inflate(const OpenbTrace& trace, double load, std::uint64_t seed);

/// The tasks that a strategy should prepare for: the most frequent (cpu, share, devices, models) of the
/// trace, of equals the larger first, until they are at least `coverage` of its tasks. Source: as above, with
/// a coverage of 0.95.
std::vector<model::ExpectedPods> typical_tasks(const OpenbTrace& trace, double coverage);

}  // namespace fairlead::sim
