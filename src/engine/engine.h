#pragma once

#include "engine/place/placement_scorer.h"
#include "model/scheduler.h"

#include <memory>
#include <vector>

namespace fairlead::engine {

struct EngineOptions {
  /// Placement strategies besides the engine's own, by name.
  std::vector<NamedScorerFactory> scorers;
  /// For tests: works every sum of the state out again after each batch of events and each round, and ends
  /// the program where one is wrong.
  bool check_sums = false;
};

/// The incremental engine: what model::Scheduler promises, on a state that each event only changes where it
/// must.
std::unique_ptr<model::Scheduler> make_engine(EngineOptions options = {});

}  // namespace fairlead::engine
