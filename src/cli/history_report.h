#pragma once

#include "cli/style.h"
#include "sim/history/history_summary.h"
#include "sim/history/job_history.h"

#include <string>
#include <vector>

namespace fairlead::cli {

/// The answer for a person: one row per policy, then who waits longer than alone.
std::string history_table(const sim::JobHistory& history, const std::vector<sim::HistorySummary>& summaries,
                          const Style& style);
/// The same for a program, with each tenant's figures (docs/simulate.md).
std::string history_json(const sim::JobHistory& history, const std::vector<sim::HistorySummary>& summaries);

}  // namespace fairlead::cli
