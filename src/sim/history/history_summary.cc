#include "sim/history/history_summary.h"

#include <algorithm>
#include <cmath>

namespace fairlead::sim {
namespace {

constexpr double kSecondsPerHour = 3600;
/// Slowdowns of jobs that end at once say nothing. Source: the bounded slowdown of Feitelson and Rudolph,
/// "Metrics and benchmarking for parallel job scheduling" (1998).
constexpr double kShortestRunTime = 10;

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

class Waits {
 public:
  void add(const HistoryJob& job, const JobOutcome& outcome) {
    const auto wait = outcome.wait(job.submitted, job.run_time);
    summary_.evictions += outcome.evictions;
    summary_.lost_device_hours += outcome.lost_device_seconds / kSecondsPerHour;
    if (!wait) return;
    const double run = job.run_time.in_seconds();
    waits_.push_back(wait->in_seconds());
    slowdowns_ += std::max(1.0, (wait->in_seconds() + run) / std::max(run, kShortestRunTime));
  }
  WaitSummary finish() {
    std::sort(waits_.begin(), waits_.end());
    summary_.jobs = waits_.size();
    if (waits_.empty()) return summary_;
    double sum = 0;
    for (const double wait : waits_) sum += wait;
    summary_.mean = sum / static_cast<double>(waits_.size());
    summary_.mean_slowdown = slowdowns_ / static_cast<double>(waits_.size());
    summary_.p50 = percentile(waits_, 0.50);
    summary_.p95 = percentile(waits_, 0.95);
    summary_.p99 = percentile(waits_, 0.99);
    return summary_;
  }

 private:
  WaitSummary summary_;
  std::vector<double> waits_;
  double slowdowns_ = 0;
};

/// Sums of doubles in another order may differ in their last digits, which is no longer wait.
bool longer(double shared, double alone) { return shared > alone + 1e-6; }

}  // namespace

HistorySummary summarise(const JobHistory& history, const SharingPolicy& policy, std::int64_t devices,
                         const HistoryOutcome& outcome) {
  HistorySummary summary;
  summary.policy = policy;
  summary.devices = devices;
  Waits all;
  std::vector<Waits> tenants(history.tenants.size());
  for (std::size_t i = 0; i < history.jobs.size(); ++i) {
    all.add(history.jobs[i], outcome.jobs[i]);
    tenants[history.jobs[i].tenant].add(history.jobs[i], outcome.jobs[i]);
  }
  summary.all = all.finish();
  for (Waits& waits : tenants) summary.tenants.push_back(waits.finish());
  if (outcome.available_device_seconds > 0)
    summary.use = outcome.allocated_device_seconds / outcome.available_device_seconds;
  summary.idle_device_hours =
      (outcome.available_device_seconds - outcome.allocated_device_seconds) / kSecondsPerHour;
  summary.lost_device_hours = outcome.lost_device_seconds / kSecondsPerHour;
  summary.fragmented_device_hours = outcome.fragmented_device_seconds / kSecondsPerHour;
  for (const HistorySample& sample : outcome.samples) summary.mean_owed_devices += sample.owed;
  if (!outcome.samples.empty()) summary.mean_owed_devices /= static_cast<double>(outcome.samples.size());
  summary.moves = outcome.moves;
  summary.rounds = outcome.rounds;
  summary.unfinished = outcome.unfinished;
  return summary;
}

std::vector<WorseOff> worse_off(const HistorySummary& alone, const HistorySummary& shared) {
  std::vector<WorseOff> result;
  for (std::size_t i = 0; i < alone.tenants.size(); ++i) {
    const double before = alone.tenants[i].mean;
    const double after = shared.tenants[i].mean;
    if (longer(after, before)) result.push_back({i, before, after});
  }
  return result;
}

bool no_worse(const HistorySummary& alone, const HistorySummary& shared) {
  return shared.unfinished == 0 && !longer(shared.all.mean, alone.all.mean) &&
         !longer(shared.all.p50, alone.all.p50) && !longer(shared.all.p95, alone.all.p95) &&
         !longer(shared.all.p99, alone.all.p99) && worse_off(alone, shared).empty();
}

}  // namespace fairlead::sim
