#include "engine/engine.h"
#include "ledger/faulty_disk_test.h"
#include "ledger/ledger.h"
#include "ledger/small_world_test.h"
#include "ledger/sqlite.h"
#include "ledger/temporary_folder_test.h"
#include "ledger/verify.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace fairlead::ledger {
namespace {

using Fault = FaultyDisk::Fault;

base::Time at(std::int64_t seconds) { return base::Time::from_unix_seconds(1'800'000'000 + seconds); }

/// A batch that touches every table; `n` tells it from others.
Batch batch_of(int n) {
  Batch batch;
  RoundRecord round;
  round.time = at(n);
  round.events.push_back({at(n), model::ClockAdvanced{}});
  batch.rounds.push_back(round);
  batch.written.push_back({"workload", "w" + std::to_string(n % 10), 0, std::to_string(n)});
  batch.written.push_back({"counter", "n", 0, std::to_string(n)});
  // Large enough that a transaction takes several pages.
  batch.history.push_back({0, at(n), "kind", "subject", "", std::string(6000, 'x')});
  batch.usage.push_back({at(n), at(n + 1), "d", "p", "u", "w", "m", 1000, 0, std::nullopt, 0});
  return batch;
}

int counter(Ledger& ledger) {
  const auto document = ledger.document("counter", "n");
  if (!document.ok() || !document->has_value()) return -1;
  return std::atoi((*document)->json.c_str());
}

void expect_verifies(const std::string& path) {
  const auto report = verify(path, {[] { return engine::make_engine(); }, {}});
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_TRUE(report->good()) << (report->damage.empty() ? "a segment differs" : report->damage[0]);
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

class DiskFault : public testing::TestWithParam<Fault> {};

TEST_P(DiskFault, NothingOfTheBatchIsKeptAndWritingGoesOnAfterwards) {
  FaultyDisk disk;
  int failed = 0;
  for (int after = 0; after < 60; after += after < 12 ? 1 : 11) {
    const TemporaryFolder folder;
    auto ledger = Ledger::open(folder.file());
    ASSERT_TRUE(ledger.ok());
    ASSERT_TRUE((*ledger)->begin_segment(at(0), {}).ok());
    int n = 0;
    for (; n < 3; ++n) ASSERT_TRUE((*ledger)->commit(batch_of(n)).ok());
    disk.break_after(after, GetParam());
    while (n < 40) {
      const auto done = (*ledger)->commit(batch_of(n));
      if (!done.ok()) {
        EXPECT_EQ(done.error().code(), base::Code::kUnavailable) << done.error().message();
        EXPECT_NE(done.error().message().find(';'), std::string::npos)
            << "without a remedy: " << done.error().message();
        ++failed;
        break;
      }
      ++n;
    }
    EXPECT_EQ(counter(**ledger), n - 1) << "what is read is what was committed";
    EXPECT_EQ((*ledger)->last_position(), static_cast<std::uint64_t>(n));
    // It stays refused while the fault lasts, and harmless.
    EXPECT_TRUE(!disk.met() || !(*ledger)->commit(batch_of(n)).ok());
    disk.mend();
    ASSERT_TRUE((*ledger)->begin_segment(at(n), {}).ok());
    ASSERT_TRUE((*ledger)->commit(batch_of(n)).ok()) << "writing goes on by itself";
    ledger->reset();
    auto again = Ledger::open(folder.file());
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(counter(**again), n);
    again->reset();
    expect_verifies(folder.file());
  }
  EXPECT_GT(failed, 8);
}
INSTANTIATE_TEST_SUITE_P(FullOrSyncFailsOrReadOnly, DiskFault,
                         testing::Values(Fault::kFull, Fault::kSyncFails, Fault::kReadOnly));

TEST(LedgerFaults, ADiskThatIsFullAtTheFirstStartIsAnErrorAndThenServes) {
  FaultyDisk disk;
  for (int after = 0; after < 12; ++after) {
    const TemporaryFolder folder;
    disk.break_after(after, Fault::kFull);
    auto ledger = Ledger::open(folder.file());
    EXPECT_TRUE(ledger.ok() || ledger.error().code() == base::Code::kUnavailable) << ledger.error().message();
    if (ledger.ok()) ledger->reset();
    disk.mend();
    ledger = Ledger::open(folder.file());
    ASSERT_TRUE(ledger.ok()) << ledger.error().message();
    ASSERT_TRUE((*ledger)->begin_segment(at(0), {}).ok());
    EXPECT_TRUE((*ledger)->commit(batch_of(1)).ok());
  }
}

/// Runs `body` in a child, as an account that root's rights do not help, and returns its exit status.
int as_nobody(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

TEST(LedgerFaults, AFolderThatMayOnlyBeReadIsAnErrorForWritersAndServesReaders) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 1, .steps = 3});
  ::chmod(folder.file().c_str(), 0444);
  std::filesystem::remove(folder.file() + ".lock");
  ::chmod(folder.path().c_str(), 0555);
  EXPECT_EQ(as_nobody([&] {
              const auto ledger = Ledger::open(folder.file());
              if (ledger.ok() || ledger.error().code() != base::Code::kUnavailable) return 1;
              if (ledger.error().message().find("account may write it") == std::string::npos) return 2;
              if (!LedgerReader::open(folder.file()).ok()) return 3;
              return verify(folder.file(), {[] { return engine::make_engine(); }, {}}).ok() ? 0 : 4;
            }),
            0);
  ::chmod(folder.path().c_str(), 0755);
  // The folder may be written but not the database.
  EXPECT_EQ(as_nobody([&] {
              const auto ledger = Ledger::open(folder.file());
              return ledger.ok() || ledger.error().code() != base::Code::kUnavailable ? 1 : 0;
            }),
            0);
}

TEST(LedgerFaults, AFolderThatIsNotThereIsAnErrorThatSaysSo) {
  const TemporaryFolder folder;
  const auto ledger = Ledger::open(folder.file("not/there.db"));
  ASSERT_FALSE(ledger.ok());
  EXPECT_EQ(ledger.error().code(), base::Code::kUnavailable);
  EXPECT_NE(ledger.error().message().find("check that the folder exists"), std::string::npos);
  EXPECT_FALSE(Ledger::open(folder.path()).ok()) << "a folder is no database";
}

TEST(LedgerFaults, ANewerSchemaIsLeftAlone) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 1, .steps = 3});
  {
    auto database = Database::open(folder.file(), Database::Mode::kWrite);
    ASSERT_TRUE(database->execute("PRAGMA user_version=99; PRAGMA wal_checkpoint(TRUNCATE)").ok());
  }
  const std::string before = content(folder.file());
  const auto ledger = Ledger::open(folder.file());
  ASSERT_FALSE(ledger.ok());
  EXPECT_EQ(ledger.error().code(), base::Code::kFailedPrecondition);
  EXPECT_NE(ledger.error().message().find("schema 99"), std::string::npos) << ledger.error().message();
  EXPECT_EQ(LedgerReader::open(folder.file()).error().code(), base::Code::kFailedPrecondition);
  EXPECT_TRUE(content(folder.file()) == before) << "and not a byte of it changes";
}

TEST(LedgerFaults, AnotherProgramsDatabaseIsLeftAlone) {
  const TemporaryFolder folder;
  {
    auto database = Database::open(folder.file(), Database::Mode::kWrite);
    ASSERT_TRUE(database->execute("CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)").ok());
  }
  const auto ledger = Ledger::open(folder.file());
  ASSERT_FALSE(ledger.ok());
  EXPECT_EQ(ledger.error().code(), base::Code::kFailedPrecondition);
}

TEST(LedgerFaults, ADamagedDatabaseNeverCrashesAndIsNotTakenForWhole) {
  const TemporaryFolder folder;
  record(folder.file("whole.db"), {.seed = 3, .segments = 1, .steps = 10});
  const std::string whole = content(folder.file("whole.db"));
  std::uint64_t state = 17;
  const auto pick = [&state](std::size_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::size_t>(state >> 24U) % below;
  };
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string bytes = whole;
    if (i % 4 == 0) bytes.resize(pick(bytes.size()));
    for (std::size_t flips = i % 4 == 0 ? 0 : 1 + pick(20); flips > 0; --flips)
      bytes[pick(bytes.size())] = static_cast<char>(pick(256));
    const std::string copy = folder.file("damaged.db");
    std::filesystem::remove(copy + "-wal");
    std::filesystem::remove(copy + "-shm");
    std::ofstream(copy, std::ios::binary | std::ios::trunc) << bytes;
    auto ledger = Ledger::open(copy);
    if (!ledger.ok()) {
      ++refused;
      EXPECT_NE(ledger.error().message().find_first_of(";:"), std::string::npos);
      continue;
    }
    // An empty file is a new ledger; all others that open have their documents whole.
    std::size_t documents = 0;
    EXPECT_TRUE((*ledger)->each_document("workload", [&](const Document&) { ++documents; }).ok());
    EXPECT_EQ(documents, bytes.empty() ? 0U : 7U);
    (void)(*ledger)->commit(batch_of(i));
  }
  EXPECT_GT(refused, 50);
}

TEST(LedgerFaults, ALogThatWasCutShortLeavesAPrefixOfTheBatches) {
  const TemporaryFolder folder;
  auto ledger = Ledger::open(folder.file("live.db"));
  ASSERT_TRUE(ledger.ok());
  ASSERT_TRUE((*ledger)->begin_segment(at(0), {}).ok());
  for (int n = 0; n < 12; ++n) ASSERT_TRUE((*ledger)->commit(batch_of(n)).ok());
  const std::string main = content(folder.file("live.db"));
  const std::string log = content(folder.file("live.db-wal"));
  ASSERT_GT(log.size(), 12U * 6000U);
  std::set<int> seen;
  for (std::size_t i = 0; i <= 40; ++i) {
    const TemporaryFolder copy;
    std::ofstream(copy.file(), std::ios::binary) << main;
    std::ofstream(copy.file() + "-wal", std::ios::binary) << log.substr(0, log.size() * i / 40);
    auto opened = Ledger::open(copy.file());
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    seen.insert(counter(**opened));
    opened->reset();
    expect_verifies(copy.file());
  }
  EXPECT_GT(seen.size(), 8U);
  EXPECT_EQ(*seen.rbegin(), 11);
}

TEST(LedgerFaults, WhatWasAnsweredSurvivesKill) {
  // The child dies at a seeded write or sync of SQLite; it tells of each commit that was answered.
  const TemporaryFolder folder;
  std::uint64_t state = 5;
  int last = -1;
  int kills = 0;
  int beyond = 0;
  for (int run = 0; run < 60; ++run) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const auto after = static_cast<std::int64_t>((state >> 30U) % 60);
    int answers[2];
    ASSERT_EQ(::pipe(answers), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(answers[0]);
      FaultyDisk disk;
      disk.break_after(after, run % 2 == 0 ? Fault::kKill : Fault::kKillAtSync);
      auto ledger = Ledger::open(folder.file());
      if (!ledger.ok()) ::_exit(1);
      int n = counter(**ledger) + 1;
      if (!(*ledger)->begin_segment(at(n), {}).ok()) ::_exit(2);
      for (int i = 0; i < 30; ++i, ++n) {
        if (!(*ledger)->commit(batch_of(n)).ok()) ::_exit(3);
        if (::write(answers[1], &n, sizeof(n)) != sizeof(n)) ::_exit(4);
      }
      ::_exit(0);
    }
    ::close(answers[1]);
    int n = 0;
    while (::read(answers[0], &n, sizeof(n)) == sizeof(n)) last = n;
    ::close(answers[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
    if (WIFSIGNALED(status)) ++kills;
    auto ledger = Ledger::open(folder.file());
    ASSERT_TRUE(ledger.ok()) << ledger.error().message();
    const int found = counter(**ledger);
    EXPECT_TRUE(found == last || found == last + 1) << "answered " << last << ", found " << found;
    if (found == last + 1) ++beyond;
    last = found;
    if (run % 10 == 9) expect_verifies(folder.file());
  }
  EXPECT_GT(kills, 40);
  EXPECT_GT(beyond, 15) << "too few died between the write and its answer";
}

}  // namespace
}  // namespace fairlead::ledger
