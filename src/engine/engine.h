#pragma once

#include "engine/place/placement_scorer.h"
#include "model/scheduler.h"

#include <memory>
#include <vector>

namespace fairlead::engine {

struct EngineOptions {
  /// Placement strategies besides the engine's own, by name.
  std::vector<NamedScorerFactory> scorers;
};

/// The incremental engine: what model::Scheduler promises, on a state that each event only changes where it
/// must.
std::unique_ptr<model::Scheduler> make_engine(EngineOptions options = {});

}  // namespace fairlead::engine
