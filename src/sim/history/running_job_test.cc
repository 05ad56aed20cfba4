#include "sim/history/running_job.h"

#include <gtest/gtest.h>

namespace fairlead::sim {
namespace {

using base::Duration;

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(seconds); }
HistoryJob job_of(std::int64_t seconds, std::int64_t devices, std::int64_t minimum = 0) {
  HistoryJob job;
  job.run_time = Duration::seconds(seconds);
  job.devices = devices;
  job.minimum_devices = minimum;
  return job;
}

TEST(RunningJob, UpToANodeIsOnePodAndMoreAreWholeNodes) {
  const RunningJob small(job_of(10, 5), 8);
  EXPECT_EQ(small.pods(), 1);
  EXPECT_EQ(small.devices_per_pod(), 5);
  const RunningJob large(job_of(10, 12), 8);
  EXPECT_EQ(large.pods(), 2);
  EXPECT_EQ(large.devices_per_pod(), 8);
  EXPECT_EQ(large.minimum_pods(), 2);
}

TEST(RunningJob, AnEvictionGoesBackToTheLastCheckpoint) {
  struct Case {
    std::optional<Duration> every;
    std::int64_t lost_seconds;  ///< of an eviction 2,500 s after the start
  };
  for (const Case& one :
       {Case{Duration::seconds(1800), 700}, Case{Duration::seconds(0), 0}, Case{std::nullopt, 2500}}) {
    const RestartCost cost{.checkpoint_every = one.every, .restart = Duration::seconds(60)};
    RunningJob job(job_of(10'000, 4), 8);
    EXPECT_EQ(job.change(at(0), 1, cost), 0);
    EXPECT_EQ(job.end(), at(10'000));
    EXPECT_DOUBLE_EQ(job.change(at(2500), -1, cost), static_cast<double>(one.lost_seconds) * 4e9);
    EXPECT_FALSE(job.progresses());
    // The restart is lost time, too.
    EXPECT_DOUBLE_EQ(job.change(at(3000), 1, cost), 60 * 4e9);
    EXPECT_EQ(job.end(), at(3000 + 60 + 10'000 - 2500 + one.lost_seconds));
  }
}

TEST(RunningJob, WithoutCheckpointsEarlierRunsAreLostToo) {
  const RestartCost cost{.checkpoint_every = std::nullopt, .restart = Duration()};
  RunningJob job(job_of(1000, 1), 8);
  job.change(at(0), 1, cost);
  job.change(at(500), -1, cost);
  job.change(at(600), 1, cost);
  job.change(at(900), -1, cost);
  job.change(at(1000), 1, cost);
  EXPECT_EQ(job.end(), at(2000));
}

TEST(RunningJob, AnElasticJobIsAsFastAsItIsLarge) {
  const RestartCost cost{.checkpoint_every = Duration::seconds(1800), .restart = Duration()};
  RunningJob job(job_of(100, 4, 2), 8);
  EXPECT_EQ(job.pods(), 4);
  EXPECT_EQ(job.minimum_pods(), 2);
  job.change(at(0), 1, cost);
  EXPECT_FALSE(job.progresses());
  job.change(at(10), 1, cost);
  EXPECT_EQ(job.end(), at(210));
  job.change(at(110), 2, cost);  // half of it is done, and a change of size loses nothing
  EXPECT_EQ(job.end(), at(160));
}

}  // namespace
}  // namespace fairlead::sim
