#include "ledger/ledger.h"

#include "ledger/temporary_folder_test.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace fairlead::ledger {
namespace {

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(1'800'000'000 + seconds); }

std::unique_ptr<Ledger> open(const std::string& path, LedgerOptions options = {}) {
  auto ledger = Ledger::open(path, options);
  EXPECT_TRUE(ledger.ok()) << ledger.error().message();
  return ledger.ok() ? std::move(*ledger) : nullptr;
}

RoundRecord round_at(std::int64_t seconds) {
  RoundRecord round;
  round.time = at(seconds);
  round.events.push_back({at(seconds), model::PodStarted{"pod-" + std::to_string(seconds)}});
  round.decisions.push_back(
      {static_cast<std::uint64_t>(seconds), model::Bind{"pod", "node", {0, 1}, {}, 0, {}}});
  return round;
}

std::vector<std::string> keys(Ledger& ledger, const std::string& kind) {
  std::vector<std::string> found;
  EXPECT_TRUE(ledger
                  .each_document(kind,
                                 [&](const Document& document) {
                                   found.push_back(document.key + "@" + std::to_string(document.version) +
                                                   "=" + document.json);
                                 })
                  .ok());
  return found;
}

TEST(Ledger, KeepsDocumentsOverARestart) {
  const TemporaryFolder folder;
  {
    auto ledger = open(folder.file());
    Batch batch;
    batch.written = {{"workload", "b", 0, "{1}"}, {"workload", "a", 0, "{2}"}, {"queue", "a", 0, "{3}"}};
    ASSERT_TRUE(ledger->commit(batch).ok());
    EXPECT_EQ(ledger->last_version(), 3U);
    Batch next;
    next.written = {{"workload", "b", 0, "{4}"}};
    next.removed = {{"queue", "a"}, {"queue", "never there"}};
    ASSERT_TRUE(ledger->commit(next).ok());
  }
  auto ledger = open(folder.file());
  EXPECT_EQ(keys(*ledger, "workload"), (std::vector<std::string>{"a@2={2}", "b@4={4}"}));
  EXPECT_TRUE(keys(*ledger, "queue").empty());
  const auto found = ledger->document("workload", "b");
  ASSERT_TRUE(found.ok());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->json, "{4}");
  EXPECT_EQ((*found)->version, 4U);
  EXPECT_FALSE(ledger->document("workload", "c")->has_value());
  EXPECT_EQ(ledger->last_version(), 4U) << "a version is never given twice";
}

TEST(Ledger, GivesHistoryPositionsWithoutGaps) {
  const TemporaryFolder folder;
  {
    auto ledger = open(folder.file());
    for (int i = 0; i < 3; ++i) {
      Batch batch;
      batch.history = {{0, at(i), "submitted", "workload p/a", "ann", R"({"i":1})"},
                       {0, at(i), "started", "workload p/b", "", "{}"}};
      ASSERT_TRUE(ledger->commit(batch).ok());
    }
    EXPECT_EQ(ledger->last_position(), 6U);
  }
  auto ledger = open(folder.file());
  EXPECT_EQ(ledger->last_position(), 6U);
  auto reader = LedgerReader::open(folder.file());
  ASSERT_TRUE(reader.ok()) << reader.error().message();
  const auto some = (*reader)->history(1, 2);
  ASSERT_TRUE(some.ok());
  ASSERT_EQ(some->size(), 2U);
  EXPECT_EQ((*some)[0].position, 2U);
  EXPECT_EQ((*some)[1].subject, "workload p/a");
  EXPECT_EQ((*some)[1].actor, "ann");
  EXPECT_EQ((*some)[1].json, R"({"i":1})");
  EXPECT_EQ((*some)[1].time, at(1));
  const auto of_one = (*reader)->history(2, 10, "workload p/b");
  ASSERT_TRUE(of_one.ok());
  ASSERT_EQ(of_one->size(), 2U);
  EXPECT_EQ((*of_one)[0].position, 4U);
  // What is committed while the reader is open is seen by its next question.
  Batch batch;
  batch.history = {{0, at(9), "ended", "workload p/a", "", "{}"}};
  ASSERT_TRUE(ledger->commit(batch).ok());
  EXPECT_EQ((*reader)->history(6, 10)->size(), 1U);
}

TEST(Ledger, TakesRoundsOnlyInASegmentAndInOrder) {
  const TemporaryFolder folder;
  auto ledger = open(folder.file());
  Batch batch;
  batch.rounds = {round_at(1)};
  const auto early = ledger->commit(batch);
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code(), base::Code::kFailedPrecondition);
  ASSERT_TRUE(ledger->begin_segment(at(0), std::vector<model::Event>{{at(0), model::ClockAdvanced{}}}).ok());
  EXPECT_EQ(ledger->open_segment_bytes(), 0);
  ASSERT_TRUE(ledger->commit(batch).ok());
  EXPECT_GT(ledger->open_segment_bytes(), 50);
  batch.rounds[0].number = 3;
  const auto gap = ledger->commit(batch);
  ASSERT_FALSE(gap.ok());
  EXPECT_EQ(gap.error().message(), "round 3 was committed where 2 comes next");
  batch.rounds[0].number = 2;
  EXPECT_TRUE(ledger->commit(batch).ok());
}

TEST(Ledger, HasOneWriter) {
  const TemporaryFolder folder;
  auto first = open(folder.file());
  const auto second = Ledger::open(folder.file());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), base::Code::kFailedPrecondition);
  EXPECT_NE(second.error().message().find("process " + std::to_string(::getpid())), std::string::npos)
      << second.error().message();
  first.reset();
  EXPECT_TRUE(Ledger::open(folder.file()).ok());
}

TEST(Ledger, AddsUpUsage) {
  const TemporaryFolder folder;
  auto ledger = open(folder.file());
  Batch batch;
  const auto hour = [](int h) { return at(h * 3600); };
  batch.usage = {
      {hour(0), hour(2), "eng", "search", "ann", "search/a", "H100", 4000, 1000, 1000, 0},
      {hour(2), hour(3), "eng", "search", "bob", "search/b", "H100", 2000, 0, std::nullopt, 2000},
      {hour(0), hour(1), "eng", "vision", "ann", "vision/c", "MI300X", 500, 0, 600, 0},
  };
  ASSERT_TRUE(ledger->commit(batch).ok());
  auto reader = LedgerReader::open(folder.file());
  ASSERT_TRUE(reader.ok());
  const auto rows = (*reader)->usage(LedgerReader::UsageBy::kProject, hour(1), hour(10));
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 1U) << "what ended before is not counted";
  const auto& row = (*rows)[0];
  EXPECT_EQ(row.name, "search");
  EXPECT_EQ(row.device_model, "H100");
  EXPECT_DOUBLE_EQ(row.allocated_hours, 4 + 2);
  EXPECT_DOUBLE_EQ(row.used_hours.value(), 1);
  EXPECT_DOUBLE_EQ(row.idle_hours.value(), 3);
  EXPECT_DOUBLE_EQ(row.over_quota_hours, 1);
  EXPECT_DOUBLE_EQ(row.lost_hours, 2);
  const auto users = (*reader)->usage(LedgerReader::UsageBy::kUser, hour(0), hour(10));
  ASSERT_EQ(users->size(), 3U);
  EXPECT_EQ((*users)[0].name, "ann");
  EXPECT_EQ((*users)[1].device_model, "MI300X");
  EXPECT_DOUBLE_EQ((*users)[1].idle_hours.value(), 0) << "use above the share is not negative idleness";
  EXPECT_FALSE((*users)[2].used_hours.has_value()) << "nothing measured it";
}

TEST(Ledger, NothingOfAFailedBatchIsKept) {
  const TemporaryFolder folder;
  auto ledger = open(folder.file());
  Batch bad;
  bad.written = {{"workload", "a", 0, "{}"}};
  bad.rounds = {round_at(1)};
  EXPECT_FALSE(ledger->commit(bad).ok());
  EXPECT_TRUE(keys(*ledger, "workload").empty());
  EXPECT_EQ(ledger->last_version(), 0U);
}

}  // namespace
}  // namespace fairlead::ledger
