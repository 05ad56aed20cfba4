#include "sim/history/history_replay.h"

#include "engine/engine.h"
#include "sim/history/history_summary.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace fairlead::sim {
namespace {

using base::Duration;

constexpr std::int64_t kHour = 3600;

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(1'000'000 + seconds); }

HistoryJob job(std::uint32_t tenant, std::int64_t submitted, std::int64_t seconds, std::int64_t devices) {
  HistoryJob job;
  job.tenant = tenant;
  job.submitted = at(submitted);
  job.run_time = Duration::seconds(seconds);
  job.devices = devices;
  return job;
}

/// Two tenants with a node of eight devices each.
JobHistory two_tenants(std::vector<HistoryJob> jobs) {
  JobHistory history;
  history.tenants = {{"vision", 8}, {"speech", 8}};
  history.jobs = std::move(jobs);
  return history;
}

HistoryOutcome play(const JobHistory& history, std::string_view policy,
                    model::QueueDiscipline discipline = model::QueueDiscipline::kSkip) {
  HistoryRequest request;
  request.policy = *sharing_policy(policy, discipline);
  request.fleet = {2, 8};
  const auto engine = engine::make_engine();
  auto outcome = replay_history(history, request, *engine);
  EXPECT_TRUE(outcome.ok()) << outcome.error().message();
  return outcome.ok() ? *std::move(outcome) : HistoryOutcome{};
}

std::int64_t ended(const HistoryOutcome& outcome, std::size_t index) {
  return (outcome.jobs[index].ended.value_or(at(-1)) - at(0)).nanoseconds() / 1'000'000'000;
}

TEST(HistoryReplay, StaticQuotasLeaveTheOtherNodeIdle) {
  const JobHistory history = two_tenants({job(0, 0, 10 * kHour, 8), job(0, 0, kHour, 8)});
  const HistoryOutcome outcome = play(history, "static");
  EXPECT_EQ(ended(outcome, 0), 10 * kHour);
  EXPECT_EQ(ended(outcome, 1), 11 * kHour);
  const HistorySummary summary = summarise(history, *sharing_policy("static", {}), 16, outcome);
  EXPECT_DOUBLE_EQ(summary.use, 0.5);
  EXPECT_DOUBLE_EQ(summary.all.mean, 5 * kHour);
}

TEST(HistoryReplay, BorrowingUsesItAndMakesItsOwnerWait) {
  const JobHistory history =
      two_tenants({job(0, 0, 10 * kHour, 8), job(0, 0, 4 * kHour, 8), job(1, 100, kHour, 8)});
  const HistoryOutcome alone = play(history, "static");
  const HistoryOutcome outcome = play(history, "borrow");
  EXPECT_EQ(ended(outcome, 1), 4 * kHour);
  EXPECT_EQ(ended(outcome, 2), 5 * kHour);
  EXPECT_EQ(outcome.evictions, 0);
  const auto worse = worse_off(summarise(history, *sharing_policy("static", {}), 16, alone),
                               summarise(history, *sharing_policy("borrow", {}), 16, outcome));
  ASSERT_EQ(worse.size(), 1U);
  EXPECT_EQ(worse[0].tenant, 1U);
  EXPECT_DOUBLE_EQ(worse[0].alone, 0);
  EXPECT_DOUBLE_EQ(worse[0].shared, 4 * kHour - 100);
}

TEST(HistoryReplay, ReclaimGivesItBackAtThePriceOfWorkSinceTheCheckpoint) {
  const JobHistory history =
      two_tenants({job(0, 0, 10 * kHour, 8), job(0, 60, 4 * kHour, 8), job(1, 2000, kHour, 8)});
  const HistoryOutcome outcome = play(history, "reclaim");
  EXPECT_EQ(ended(outcome, 2), 2000 + kHour);
  EXPECT_EQ(outcome.evictions, 1);
  EXPECT_EQ(outcome.jobs[1].evictions, 1);
  // It ran 1,940 s, of which a checkpoint kept 1,800; the rest is done again, after a restart of 60 s.
  EXPECT_DOUBLE_EQ(outcome.jobs[1].lost_device_seconds, 8 * (140 + 60));
  EXPECT_EQ(ended(outcome, 1), 2000 + kHour + 60 + 4 * kHour - 1800);
}

TEST(HistoryReplay, StrictQueuesPassNothingOver) {
  const JobHistory history = two_tenants({job(0, 0, kHour, 4), job(0, 1, kHour, 8), job(0, 2, kHour, 4)});
  EXPECT_EQ(ended(play(history, "static"), 2), 2 + kHour);
  EXPECT_EQ(ended(play(history, "static", model::QueueDiscipline::kStrict), 2), 3 * kHour);
}

TEST(HistoryReplay, AnOutageStopsWhatRanThere) {
  JobHistory history = two_tenants({job(0, 0, 3 * kHour, 8)});
  for (std::uint32_t node = 0; node < 2; ++node) history.outages.push_back({node, at(kHour), at(2 * kHour)});
  const HistoryOutcome outcome = play(history, "one-pool");
  EXPECT_EQ(ended(outcome, 0), 4 * kHour + 60);
  EXPECT_EQ(outcome.jobs[0].evictions, 1);
}

TEST(HistoryReplay, WhatCanNeverStartIsCounted) {
  const HistoryOutcome outcome = play(two_tenants({job(0, 0, kHour, 24), job(1, 0, kHour, 1)}), "one-pool");
  EXPECT_EQ(outcome.unfinished, 1U);
  EXPECT_EQ(ended(outcome, 1), kHour);
}

}  // namespace
}  // namespace fairlead::sim
