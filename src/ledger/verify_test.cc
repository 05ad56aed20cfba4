#include "ledger/verify.h"

#include "base/json_reader.h"
#include "engine/engine.h"
#include "ledger/decision_json.h"
#include "ledger/small_world_test.h"
#include "ledger/temporary_folder_test.h"
#include "ledger/verify_json.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

namespace fairlead::ledger {
namespace {

using Outcome = SegmentReport::Outcome;

VerifyOptions with_engine() {
  return {[] { return engine::make_engine(); }, {}};
}

VerifyReport checked(const std::string& path, const VerifyOptions& options = with_engine()) {
  auto report = verify(path, options);
  EXPECT_TRUE(report.ok()) << report.error().message();
  return report.ok() ? *report : VerifyReport();
}

void run_sql(const std::string& path, const std::string& sql) {
  auto database = Database::open(path, Database::Mode::kWrite);
  ASSERT_TRUE(database.ok());
  const auto done = database->execute(sql.c_str());
  ASSERT_TRUE(done.ok()) << sql << ": " << done.error().message();
}

/// Every row of every table as text; empty when it cannot be read.
std::string dump(const std::string& path) {
  std::string text;
  auto database = Database::open(path, Database::Mode::kRead);
  if (!database.ok()) return {};
  const std::pair<const char*, int> tables[] = {{"migration", 1}, {"batch", 11},   {"segment", 7},
                                                {"round", 5},     {"document", 5}, {"history", 7},
                                                {"usage", 13}};
  for (const auto& [table, columns] : tables) {
    auto select = database->prepare(fmt::format("SELECT * FROM {} ORDER BY 1, 2", table));
    if (std::string_view(table) == "migration") select = database->prepare("SELECT * FROM migration");
    if (!select.ok()) return {};
    for (;;) {
      const auto row = select->step();
      if (!row.ok()) return {};
      if (!*row) break;
      for (int i = 0; i < columns; ++i)
        text += fmt::format("{}|{}|{};", select->is_null(i), select->integer(i), select->text(i));
      text += '\n';
    }
  }
  return text;
}

TEST(Verify, ARecordedLedgerIsEqualBitForBit) {
  const TemporaryFolder folder;
  const std::int64_t rounds = record(folder.file(), {.seed = 1, .segments = 3, .steps = 60});
  std::int64_t progressed = 0;
  VerifyOptions options = with_engine();
  options.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_LE(done, total);
    ++progressed;
  };
  const VerifyReport report = checked(folder.file(), options);
  EXPECT_TRUE(report.good());
  EXPECT_TRUE(report.damage.empty()) << report.damage[0];
  ASSERT_EQ(report.segments.size(), 3U);
  std::int64_t decisions = 0;
  for (const SegmentReport& segment : report.segments) {
    EXPECT_EQ(segment.outcome, Outcome::kEqual) << segment.first_difference;
    decisions += segment.decisions;
  }
  EXPECT_EQ(report.rounds, rounds);
  EXPECT_GT(decisions, 200);
  EXPECT_EQ(report.history, 180);
  EXPECT_EQ(report.usage, 60);
  EXPECT_EQ(report.newest_hash.size(), 64U);
  EXPECT_GT(progressed, 50);
}

TEST(Verify, IsGivenUpWhenNobodyWantsItAnyMore) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 3, .steps = 60});
  VerifyOptions options = with_engine();
  int asked = 0;
  options.keep_going = [&] { return ++asked < 3; };
  const auto report = verify(folder.file(), options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), base::Code::kUnavailable);
}

TEST(Verify, AReportReadsBackFromItsJson) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 2, .steps = 10});
  VerifyReport report = checked(folder.file(), with_engine());
  report.damage = {"row 7 of round", "another"};
  report.more_damage = 4;
  report.segments.back().outcome = Outcome::kDifferent;
  report.segments.back().first_difference = "round 3: ...";
  const std::string text = to_json(report);
  base::JsonReader reader;
  const auto read = reader.read(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(verify_report_from(**read)), text);
}

TEST(Verify, PrintsTheFirstDifference) {
  // A scheduler that turns one decision of its twentieth round.
  class Other final : public model::Scheduler {
   public:
    model::ApplyReport apply(std::span<const model::Event> events) override { return engine_->apply(events); }
    model::Round run(const model::RoundRequest& request) override {
      model::Round round = engine_->run(request);
      if (round.decisions.empty() || ++rounds_ < 10) return round;
      round.decisions.back().body = model::Nominate{"someone", "node-2"};
      return round;
    }

   private:
    std::unique_ptr<model::Scheduler> engine_ = engine::make_engine();
    int rounds_ = 0;
  };
  const TemporaryFolder folder;
  record(folder.file(), {});
  const VerifyReport report = checked(folder.file(), {[] { return std::make_unique<Other>(); }, {}});
  EXPECT_FALSE(report.good());
  EXPECT_TRUE(report.damage.empty());
  EXPECT_EQ(report.segments[0].outcome, Outcome::kDifferent);
  EXPECT_NE(report.segments[0].first_difference.find(R"("nominate":{"pod":"someone","node":"node-2"}})"),
            std::string::npos)
      << report.segments[0].first_difference;
}

TEST(Verify, NamesSegmentsOfOtherRevisionsAsSkipped) {
  const TemporaryFolder folder;
  record(folder.file(), {});
  run_sql(folder.file(), "UPDATE segment SET engine_revision=99 WHERE id=(SELECT min(id) FROM segment)");
  const VerifyReport report = checked(folder.file());
  EXPECT_EQ(report.segments[0].outcome, Outcome::kOtherRevision);
  EXPECT_EQ(report.segments[1].outcome, Outcome::kEqual);
  EXPECT_EQ(report.damage.size(), 1U) << "and that the header was altered is seen";
}

TEST(Verify, FindsAnAlterationInEachColumnOfEachTable) {
  const TemporaryFolder folder;
  record(folder.file("whole.db"), {.seed = 2, .segments = 2, .steps = 25});
  // A batch that retention wrote, so that its column is not empty everywhere.
  {
    LedgerOptions options;
    options.keep_time = base::Duration::seconds(900);
    auto ledger = Ledger::open(folder.file("whole.db"), options);
    ASSERT_TRUE(ledger.ok());
    ASSERT_TRUE((*ledger)->apply_retention(base::Time::from_unix_seconds(1'800'000'000 + 1200)).ok());
  }
  ASSERT_TRUE(checked(folder.file("whole.db")).good());
  const std::map<std::string, std::vector<std::string>> tables = {
      {"batch",
       {"number", "rounds", "history", "usage", "documents", "last_position", "last_version", "last_usage",
        "last_round", "retained", "hash"}},
      {"segment", {"id", "batch", "began", "first_round", "engine_revision", "event_version", "snapshot"}},
      {"round", {"id", "batch", "number", "time", "body"}},
      {"document", {"kind", "key", "version", "json", "hash"}},
      {"history", {"position", "batch", "time", "kind", "subject", "actor", "json"}},
      {"usage",
       {"id", "batch", "since", "until", "department", "project", "user", "workload", "device_model",
        "allocated", "over_quota", "used", "lost"}},
  };
  for (const auto& [table, columns] : tables) {
    for (const std::string& column : columns) {
      for (const char* which : {"ASC", "DESC"}) {
        const std::string copy = folder.file("altered.db");
        std::filesystem::copy_file(folder.file("whole.db"), copy,
                                   std::filesystem::copy_options::overwrite_existing);
        run_sql(copy, fmt::format("UPDATE {0} SET {1}=CASE typeof({1}) WHEN 'integer' THEN {1}+1000000 WHEN "
                                  "'null' THEN 0 WHEN 'text' THEN {1}||'x' ELSE x'{3:064d}' END WHERE "
                                  "rowid=(SELECT rowid FROM {0} ORDER BY rowid {2} LIMIT 1)",
                                  table, column, which, 7));
        EXPECT_FALSE(checked(copy).good()) << table << "." << column << " " << which;
      }
    }
    for (const char* which : {"ASC", "DESC"}) {
      // The newest transaction of all cannot be missed by those before it; it had documents or it is empty.
      if (table == "batch" && std::string_view(which) == "DESC") continue;
      const std::string copy = folder.file("altered.db");
      std::filesystem::copy_file(folder.file("whole.db"), copy,
                                 std::filesystem::copy_options::overwrite_existing);
      run_sql(copy,
              fmt::format("DELETE FROM {0} WHERE rowid=(SELECT rowid FROM {0} ORDER BY rowid {1} LIMIT 1)",
                          table, which));
      EXPECT_FALSE(checked(copy).good()) << table << " with a row less, " << which;
    }
  }
}

TEST(Verify, FindsEachAlteredByteOfTheFileThatChangesARow) {
  const TemporaryFolder folder;
  record(folder.file("whole.db"), {.seed = 5, .segments = 1, .steps = 12});
  const std::string before = dump(folder.file("whole.db"));
  ASSERT_FALSE(before.empty());
  std::ifstream in(folder.file("whole.db"), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  std::uint64_t state = 11;
  int changed = 0;
  int found = 0;
  for (int i = 0; i < 250; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    std::string bytes = whole;
    const std::size_t at = (state >> 20U) % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1U << ((state >> 10U) % 8)));
    const std::string copy = folder.file("flipped.db");
    std::ofstream(copy, std::ios::binary | std::ios::trunc) << bytes;
    const bool same = dump(copy) == before;
    const auto report = verify(copy, with_engine());
    const bool good = report.ok() && report->good();
    if (!same) ++changed;
    if (!good) ++found;
    EXPECT_TRUE(same || !good) << "byte " << at;
  }
  EXPECT_GT(changed, 40);
  EXPECT_GE(found, changed);
}

TEST(Verify, ReadsWhileThePlatformWrites) {
  const TemporaryFolder folder;
  record(folder.file(), {});
  auto ledger = Ledger::open(folder.file());
  ASSERT_TRUE(ledger.ok());
  Batch batch;
  batch.written = {{"workload", "new", 0, "{}"}};
  ASSERT_TRUE((*ledger)->commit(batch).ok());
  EXPECT_TRUE(checked(folder.file()).good());
  ASSERT_TRUE((*ledger)->commit(batch).ok());
}

TEST(Verify, WhatIsNotALedgerIsAnError) {
  const TemporaryFolder folder;
  EXPECT_EQ(verify(folder.file("none.db"), with_engine()).error().code(), base::Code::kNotFound);
  std::ofstream(folder.file("text.db")) << std::string(5000, 'x');
  EXPECT_EQ(verify(folder.file("text.db"), with_engine()).error().code(), base::Code::kInternal);
}

}  // namespace
}  // namespace fairlead::ledger
