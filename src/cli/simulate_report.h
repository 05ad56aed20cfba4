#pragma once

#include "cli/simulate_command.h"
#include "cli/style.h"
#include "sim/simulation.h"
#include "sim/trace/openb.h"

#include <string>

namespace fairlead::cli {

/// The answer for a program, ending in a line end. `points` is the mean over the seeds and so are `placed`,
/// `failed` and `wall_seconds`; with several seeds `replays` has each one's own figures (docs/simulate.md).
std::string simulation_json(const SimulateOptions& options, const sim::OpenbTrace& trace,
                            const sim::Simulation& simulation);
/// The answer for a person.
std::string simulation_table(const SimulateOptions& options, const sim::OpenbTrace& trace,
                             const sim::Simulation& simulation, const Style& style);

}  // namespace fairlead::cli
