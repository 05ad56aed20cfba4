#pragma once

#include "engine/place/placement_scorer.h"
#include "model/scheduler.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::engine {

struct EngineOptions {
  /// Placement strategies besides the engine's own, by name.
  std::vector<NamedScorerFactory> scorers;
  /// For tests: when set, every sum of the state is worked out again after each batch of events and each
  /// round, and what differs is reported here. O(everything) each time.
  std::function<void(const std::string& differences)> on_wrong_sums = {};
  /// For tests: false forgets before each round and each try what is kept to save work, and the search for
  /// victims simulates every try. Decisions are the same.
  bool keep_caches = true;
};

/// The incremental engine: what model::Scheduler promises, on a state that each event only changes where it
/// must.
std::unique_ptr<model::Scheduler> make_engine(EngineOptions options = {});

}  // namespace fairlead::engine
