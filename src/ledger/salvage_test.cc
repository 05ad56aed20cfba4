#include "ledger/salvage.h"

#include "engine/engine.h"
#include "ledger/ledger.h"
#include "ledger/small_world_test.h"
#include "ledger/sqlite.h"
#include "ledger/temporary_folder_test.h"
#include "ledger/verify.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace fairlead::ledger {
namespace {

bool verifies(const std::string& path) {
  const auto report = verify(path, {[] { return engine::make_engine(); }, {}});
  EXPECT_TRUE(report.ok()) << report.error().message();
  return report.ok() && report->good();
}

std::size_t documents(const std::string& path) {
  auto ledger = Ledger::open(path);
  EXPECT_TRUE(ledger.ok()) << ledger.error().message();
  std::size_t count = 0;
  if (!ledger.ok()) return 0;
  EXPECT_TRUE((*ledger)->each_document("workload", [&count](const Document&) { ++count; }).ok());
  return count;
}

TEST(BackUp, CopiesALedgerThatIsBeingWritten) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 1, .steps = 10});
  auto ledger = Ledger::open(folder.file());
  ASSERT_TRUE(ledger.ok());
  Batch batch;
  batch.written = {{"workload", "lab/new", 0, "{}"}};
  ASSERT_TRUE((*ledger)->commit(batch).ok());
  const auto done = back_up(folder.file(), folder.file("copy.db"));
  ASSERT_TRUE(done.ok()) << done.error().message();
  ASSERT_TRUE((*ledger)->commit(batch).ok());
  EXPECT_TRUE(verifies(folder.file("copy.db")));
  EXPECT_EQ(documents(folder.file("copy.db")), 8U);
  EXPECT_EQ(back_up(folder.file(), folder.file("copy.db")).error().code(), base::Code::kAlreadyExists);
  EXPECT_EQ(back_up(folder.file("none.db"), folder.file("copy2.db")).error().code(), base::Code::kNotFound);
}

TEST(Salvage, KeepsTheDocumentsThatAreAsTheyWereWritten) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 1, .steps = 10});
  {
    auto database = Database::open(folder.file(), Database::Mode::kWrite);
    ASSERT_TRUE(database->execute("UPDATE document SET json='{}' WHERE key='lab/w1'").ok());
  }
  EXPECT_FALSE(Ledger::open(folder.file()).ok());
  const auto report = salvage(folder.file(), folder.file("new.db"));
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->documents, 6);
  EXPECT_EQ(report->history, 10);
  EXPECT_EQ(report->usage, 4);
  ASSERT_EQ(report->lost.size(), 1U);
  EXPECT_EQ(report->lost[0], "document workload lab/w1");
  EXPECT_TRUE(verifies(folder.file("new.db")));
  EXPECT_EQ(documents(folder.file("new.db")), 6U);
}

TEST(Salvage, FindsRowsOnBothSidesOfADamagedPage) {
  const TemporaryFolder folder;
  {
    auto ledger = Ledger::open(folder.file());
    ASSERT_TRUE(ledger.ok());
    Batch batch;
    for (int i = 0; i < 200; ++i)
      batch.written.push_back({"workload", std::to_string(i), 0, std::string(1000, 'w')});
    ASSERT_TRUE((*ledger)->commit(batch).ok());
  }
  std::ifstream in(folder.file(), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  in.close();
  // The page that holds the middle of the documents.
  const std::size_t at = bytes.find(std::string(500, 'w'), bytes.size() / 2) / 4096 * 4096;
  bytes.replace(at, 4096, std::string(4096, '\x7f'));
  std::ofstream(folder.file(), std::ios::binary | std::ios::trunc) << bytes;
  EXPECT_FALSE(Ledger::open(folder.file()).ok());
  const auto report = salvage(folder.file(), folder.file("new.db"));
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_GT(report->documents, 180);
  EXPECT_LT(report->documents, 200);
  EXPECT_EQ(report->lost.size(), 1U);
  EXPECT_TRUE(verifies(folder.file("new.db")));
}

}  // namespace
}  // namespace fairlead::ledger
