#pragma once

#include "cli/environment.h"

#include <cstdint>
#include <string>

namespace fairlead::cli {

/// The part of `fairlead simulate` that replays a site's jobs with time.
struct HistoryOptions {
  enum class Output { kTable, kJson };
  std::string jobs;  ///< a file
  std::string policies = "static,borrow,reclaim";
  std::string discipline = "skip";  ///< skip, strict or both
  std::string since;                ///< RFC 3339 or a date; empty: all
  std::string until;
  std::string tenants;          ///< "NAME=DEVICES,..."; empty: those of the Philly study
  double quota_scale = 0.25;    ///< of the Philly study's quotas
  std::int64_t pool_nodes = 0;  ///< of shared pools; 0: as many as the quotas
  std::int64_t devices_per_node = 8;
  std::string checkpoint_every = "30m";  ///< a duration, or "never"
  std::string restart_cost = "60s";
  std::string submit_column, run_time_column, devices_column, tenant_column, minimum_column;
  bool philly = true;  ///< the Philly trace's columns, tenants and months are the defaults
  Output output = Output::kTable;
};

/// Runs it. Returns an ExitCode.
int run_history(const HistoryOptions& options, const Environment& environment);

}  // namespace fairlead::cli
