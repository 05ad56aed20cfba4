#pragma once

#include "model/scheduler.h"
#include "scenario.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::scenarios {

using SchedulerFactory = std::function<std::unique_ptr<model::Scheduler>()>;

/// What a run of a scenario did.
struct RunReport {
  std::string failure;                 ///< what was not as the table says; empty: everything was
  std::vector<std::string> decisions;  ///< of all rounds, in order
};

/// Runs a scenario from an empty scheduler. With a seed other than 0 the objects of the start arrive in
/// another order, which must not matter. After each round a second one runs, without events, and must decide
/// nothing.
RunReport run_scenario(const Scenario& scenario, const SchedulerFactory& make, std::uint64_t seed);

}  // namespace fairlead::scenarios
