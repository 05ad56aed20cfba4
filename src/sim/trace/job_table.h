#pragma once

#include "base/result.h"
#include "base/time.h"
#include "sim/history/job_history.h"
#include "sim/trace/csv.h"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::sim {

/// Which columns of a table of jobs mean what, and in which units. The defaults are those of the Philly trace
/// as published with ElasticFlow.
struct JobColumns {
  std::string submitted = "timestamp";  ///< RFC 3339, "2017-10-09 07:01:55" (UTC), or seconds since 1970
  std::string run_time = "duration";    ///< seconds, or [days-]hours:minutes:seconds
  std::string devices = "num_gpus";     ///< a number, or a TRES list that has gres/gpu=N
  std::string tenant = "cluster";
  std::string minimum_devices;  ///< empty: no job is elastic
};

/// Which jobs of a table count.
struct JobSelection {
  std::optional<base::Time> since;  ///< submitted not before
  std::optional<base::Time> until;  ///< submitted before
  std::vector<Tenant> tenants;      ///< empty: all, each with the quota that its peak asked for
};

/// Reads a history from a table of jobs. Jobs without devices or run time, and those larger than their
/// tenant's quota, are left out and counted. Errors: kInvalidArgument by line and column.
base::Result<JobHistory> read_jobs(const CsvTable& table, const JobColumns& columns,
                                   const JobSelection& selection);

/// The tenant study's tenants: eleven virtual clusters of the Philly trace, quotas in devices.
std::vector<Tenant> philly_tenants(double scale, std::int64_t devices_per_node);

}  // namespace fairlead::sim
