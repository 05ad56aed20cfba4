#pragma once

#include "base/time.h"
#include "sim/history/history_replay.h"
#include "sim/history/job_history.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace fairlead::sim {

/// The progress of one job while pods come and go. Work is counted in nanoseconds of running with all pods.
class RunningJob {
 public:
  RunningJob(const HistoryJob& job, std::int64_t devices_per_node)
      : work_(job.run_time.nanoseconds()),
        pods_(static_cast<std::int32_t>((job.devices + devices_per_node - 1) / devices_per_node)),
        devices_per_pod_(pods_ == 1 ? job.devices : devices_per_node) {
    if (job.minimum_devices > 0 && job.minimum_devices < job.devices) make_elastic(job);
    minimum_ = elastic_ ? minimum_ : pods_;
  }

  std::int32_t pods() const { return pods_; }
  std::int32_t minimum_pods() const { return minimum_; }
  std::int32_t running_pods() const { return running_; }
  std::int64_t devices_per_pod() const { return devices_per_pod_; }
  bool progresses() const { return running_ >= minimum_; }

  /// Pods were added (or taken away, below 0) at `now`. Returns device-nanoseconds of work that is lost.
  double change(base::Time now, std::int32_t by, const RestartCost& cost) {
    double lost = 0;
    const bool ran = progresses();
    const std::int32_t before = running_;
    running_ += by;
    if (ran) {
      // A job that only changes its size takes a checkpoint first; one that is stopped goes back to its last.
      const std::int64_t useful = useful_until(now, before);
      const std::int64_t kept = progresses() ? useful : checkpointed(useful, before, cost);
      done_ += kept;
      lost = static_cast<double>(useful - kept) * static_cast<double>(pods_ * devices_per_pod_);
    }
    if (progresses()) {
      overhead_ = ran || started_before_ ? cost.restart.nanoseconds() : 0;
      lost += static_cast<double>(overhead_) * static_cast<double>(running_ * devices_per_pod_);
      since_ = now;
      started_before_ = true;
    }
    return lost;
  }

  /// When it ends, if nothing changes; only while it progresses.
  base::Time end() const {
    const std::int64_t left = work_ - done_;
    const std::int64_t time = (left * pods_ + running_ - 1) / running_;
    return since_ + base::Duration::nanoseconds(overhead_ + time);
  }

 private:
  /// Pods of one device each (or of whole nodes, when even the minimum fills one).
  void make_elastic(const HistoryJob& job) {
    elastic_ = true;
    if (pods_ == 1) {
      pods_ = static_cast<std::int32_t>(job.devices);
      devices_per_pod_ = 1;
    }
    minimum_ = std::clamp(
        static_cast<std::int32_t>((job.minimum_devices + devices_per_pod_ - 1) / devices_per_pod_), 1, pods_);
  }
  /// Work done since `since_` with so many pods, restarts not counted.
  std::int64_t useful_until(base::Time now, std::int32_t running) const {
    const std::int64_t time = (now - since_).nanoseconds() - overhead_;
    return std::min(std::max<std::int64_t>(time, 0) * running / pods_, work_ - done_);
  }
  std::int64_t checkpointed(std::int64_t useful, std::int32_t running, const RestartCost& cost) const {
    if (!cost.checkpoint_every) return -done_;  // everything, also of earlier runs
    const std::int64_t every = cost.checkpoint_every->nanoseconds();
    if (every == 0) return useful;
    const std::int64_t time = useful * pods_ / running;
    return time / every * every * running / pods_;
  }

  std::int64_t work_;
  std::int32_t pods_;
  std::int64_t devices_per_pod_;
  std::int32_t minimum_ = 0;
  bool elastic_ = false;
  std::int32_t running_ = 0;
  std::int64_t done_ = 0;      ///< work that an eviction cannot take
  std::int64_t overhead_ = 0;  ///< of the present run, before it comes forward
  base::Time since_;
  bool started_before_ = false;
};

}  // namespace fairlead::sim
