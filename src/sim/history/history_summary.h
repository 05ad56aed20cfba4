#pragma once

#include "sim/history/history_outcome.h"
#include "sim/history/job_history.h"
#include "sim/history/sharing_policy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::sim {

/// Waiting of some jobs, in seconds. Percentiles by nearest rank.
struct WaitSummary {
  std::size_t jobs = 0;
  double mean = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double mean_slowdown = 0;  ///< (wait + run time) / run time, of run times below 10 s as if they were 10 s
  std::int64_t evictions = 0;
  double lost_device_hours = 0;
};

/// What one policy gave one site.
struct HistorySummary {
  SharingPolicy policy;
  std::int64_t devices = 0;
  WaitSummary all;
  std::vector<WaitSummary> tenants;
  double use = 0;                      ///< useful and lost work over what was available, until the last end
  double idle_device_hours = 0;        ///< not allocated
  double lost_device_hours = 0;        ///< allocated, and thrown away by evictions
  double fragmented_device_hours = 0;  ///< idle while somebody asked for no more than was free
  double mean_owed_devices = 0;        ///< mean over time of what fair shares grant and tenants do not have
  std::int64_t moves = 0;
  std::uint64_t rounds = 0;
  std::size_t unfinished = 0;
};

HistorySummary summarise(const JobHistory& history, const SharingPolicy& policy, std::int64_t devices,
                         const HistoryOutcome& outcome);

/// A tenant that waits longer, on average, than alone with its quota.
struct WorseOff {
  std::size_t tenant = 0;
  double alone = 0;  ///< mean wait in seconds
  double shared = 0;
};
/// `alone` is a policy with a pool per tenant and the same discipline.
std::vector<WorseOff> worse_off(const HistorySummary& alone, const HistorySummary& shared);
/// Whether mean, p50, p95 and p99 are no longer than alone, and no tenant is worse off.
bool no_worse(const HistorySummary& alone, const HistorySummary& shared);

}  // namespace fairlead::sim
