#include "engine/engine.h"
#include "ledger/ledger.h"
#include "ledger/small_world_test.h"
#include "ledger/temporary_folder_test.h"
#include "ledger/verify.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace fairlead::ledger {
namespace {

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(1'800'000'000 + seconds); }

/// A ledger with ten segments, one every 100 seconds, of ten batches each.
void fill(Ledger& ledger) {
  for (int segment = 0; segment < 10; ++segment) {
    ASSERT_TRUE(ledger.begin_segment(at(segment * 100), {}).ok());
    for (int i = 0; i < 10; ++i) {
      const base::Time now = at(segment * 100 + i * 10);
      Batch batch;
      RoundRecord round;
      round.time = now;
      round.events.push_back({now, model::PodStarted{std::string(20'000, 'u')}});
      batch.rounds.push_back(round);
      batch.written.push_back({"counter", "n", 0, std::to_string(i)});
      batch.history.push_back({0, now, "kind", "subject", "", "{}"});
      batch.usage.push_back(
          {now, now + base::Duration::seconds(10), "d", "p", "u", "w", "m", 1000, 0, std::nullopt, 0});
      ASSERT_TRUE(ledger.commit(batch).ok());
    }
  }
}

VerifyReport checked(const std::string& path) {
  const auto report = verify(path, {[] { return engine::make_engine(); }, {}});
  EXPECT_TRUE(report.ok());
  EXPECT_TRUE(report.ok() && report->damage.empty()) << report->damage[0];
  return *report;
}

TEST(Retention, DeletesWholeSegmentsHistoryAndUsageByAge) {
  const TemporaryFolder folder;
  LedgerOptions options;
  options.keep_time = base::Duration::seconds(500);
  auto ledger = Ledger::open(folder.file(), options);
  ASSERT_TRUE(ledger.ok());
  fill(**ledger);
  ASSERT_TRUE((*ledger)->apply_retention(at(1050)).ok());
  const VerifyReport report = checked(folder.file());
  // What ended before 550: segments of 0 to 400; that of 500 ended at 600.
  ASSERT_EQ(report.segments.size(), 5U);
  EXPECT_EQ(report.segments[0].segment.began, at(500));
  EXPECT_EQ(report.rounds, 50);
  EXPECT_EQ(report.history, 45);
  EXPECT_EQ(report.usage, 46) << "a sample counts until its end";
  EXPECT_TRUE(report.retained);
  auto reader = LedgerReader::open(folder.file());
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->history(0, 1)->at(0).time, at(550));
  EXPECT_EQ((*ledger)->last_position(), 100U) << "positions go on";
  // Nothing more to delete: nothing is written.
  const std::string hash = report.newest_hash;
  ASSERT_TRUE((*ledger)->apply_retention(at(1050)).ok());
  EXPECT_EQ(checked(folder.file()).newest_hash, hash);
}

TEST(Retention, KeepsTheOpenSegmentHoweverOldItIs) {
  const TemporaryFolder folder;
  LedgerOptions options;
  options.keep_time = base::Duration::seconds(1);
  auto ledger = Ledger::open(folder.file(), options);
  ASSERT_TRUE(ledger.ok());
  fill(**ledger);
  ASSERT_TRUE((*ledger)->apply_retention(at(1'000'000)).ok());
  const VerifyReport report = checked(folder.file());
  ASSERT_EQ(report.segments.size(), 1U);
  EXPECT_EQ(report.rounds, 10);
  EXPECT_EQ(report.history, 0);
  EXPECT_EQ(report.documents, 1) << "documents are not history";
  // And it can be written on, opened again, and cleaned again.
  Batch batch;
  batch.history.push_back({0, at(1'000'001), "kind", "subject", "", "{}"});
  ASSERT_TRUE((*ledger)->commit(batch).ok());
  ASSERT_TRUE((*ledger)->apply_retention(at(2'000'000)).ok());
  ledger->reset();
  EXPECT_TRUE(Ledger::open(folder.file(), options).ok());
  EXPECT_EQ(checked(folder.file()).history, 0);
}

TEST(Retention, DeletesTheOldestSegmentsBeyondTheSizeAndShrinksTheFile) {
  const TemporaryFolder folder;
  LedgerOptions options;
  options.keep_bytes = 1'000'000;
  auto ledger = Ledger::open(folder.file(), options);
  ASSERT_TRUE(ledger.ok());
  fill(**ledger);
  ASSERT_TRUE((*ledger)->apply_retention(at(1000)).ok());
  const VerifyReport report = checked(folder.file());
  EXPECT_LT(report.segments.size(), 6U);
  EXPECT_GT(report.segments.size(), 2U);
  EXPECT_EQ(report.history, 100);
  ledger->reset();
  EXPECT_LT(std::filesystem::file_size(folder.file()), 1'200'000U);
  EXPECT_EQ(checked(folder.file()).segments.size(), report.segments.size());
}

TEST(Retention, AReplayOfWhatIsLeftIsEqual) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 9, .segments = 4, .steps = 30});
  LedgerOptions options;
  options.keep_bytes = 1;
  auto ledger = Ledger::open(folder.file(), options);
  ASSERT_TRUE(ledger.ok());
  ASSERT_TRUE((*ledger)->apply_retention(at(100)).ok());
  const VerifyReport report = checked(folder.file());
  EXPECT_TRUE(report.good());
  EXPECT_EQ(report.segments.size(), 1U);
}

}  // namespace
}  // namespace fairlead::ledger
