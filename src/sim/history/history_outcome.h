#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace fairlead::sim {

/// What became of one job.
struct JobOutcome {
  std::optional<base::Time> started;  ///< first
  std::optional<base::Time> ended;
  std::int32_t evictions = 0;
  double lost_device_seconds = 0;  ///< work done again, and restarts

  /// All of the time from submission to end in which it did not come forward. None: it never ended.
  std::optional<base::Duration> wait(base::Time submitted, base::Duration run_time) const {
    if (!ended) return std::nullopt;
    return *ended - submitted - run_time;
  }
};

/// The state at one instant of the record, in devices.
struct HistorySample {
  base::Time time;
  std::int64_t available = 0;  ///< devices of ready nodes
  std::int64_t waiting_jobs = 0;
  double owed = 0;                      ///< of what fair shares grant and the tenants do not have
  std::vector<std::int64_t> allocated;  ///< by tenant
  std::vector<std::int64_t> waiting;    ///< devices asked for and not given, by tenant
  std::vector<double> fair_share;       ///< by tenant, of what it has and asks for
};

/// The record of one policy.
struct HistoryOutcome {
  std::vector<JobOutcome> jobs;  ///< by job
  std::vector<HistorySample> samples;
  base::Time begin;  ///< first submission
  base::Time end;    ///< last end
  double allocated_device_seconds = 0;
  double available_device_seconds = 0;
  double fragmented_device_seconds = 0;  ///< free while a waiting job asked for no more than was free
  double lost_device_seconds = 0;        ///< allocated, and thrown away by evictions
  std::int64_t evictions = 0;            ///< of jobs
  std::int64_t moves = 0;                ///< of these, to other nodes at once
  std::uint64_t rounds = 0;
  std::size_t unfinished = 0;  ///< jobs that can never start
};

}  // namespace fairlead::sim
