#include "cli/ledger_command.h"

#include "cli/command_line.h"
#include "cli/usage_command.h"
#include "engine/engine.h"
#include "ledger/ledger.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr base::Time at(std::int64_t seconds) {
  return base::Time::from_unix_seconds(1'800'000'000 + seconds);
}

/// A state folder with a small ledger.
class LedgerCommand : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "fairlead-cli-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    auto ledger = ledger::Ledger::open(folder_ + "/fairlead.db");
    ASSERT_TRUE(ledger.ok());
    ASSERT_TRUE((*ledger)->begin_segment(at(0), {}).ok());
    ledger::Batch batch;
    ledger::RoundRecord round;
    round.time = at(1);
    round.events.push_back({at(1), model::ClockAdvanced{}});
    batch.rounds.push_back(round);
    batch.usage.push_back(
        {at(0), at(3600), "eng", "search, \"new\"", "ann", "search/a", "H100", 2000, 500, 1500, 0});
    batch.usage.push_back(
        {at(0), at(3600), "eng", "vision", "bob", "vision/b", "", 1000, 0, std::nullopt, 0});
    ASSERT_TRUE((*ledger)->commit(batch).ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  int run(std::vector<std::string> arguments) {
    out_.str({});
    err_.str({});
    Environment environment{out_, err_, [] { return base::Result<std::string>(std::string()); },
                            [] { return at(7200); }, [] { return engine::make_engine(); }};
    environment.state_folder = folder_;
    std::vector<const char*> argv = {"fairlead"};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return run_command_line(static_cast<int>(argv.size()), argv.data(), environment, {});
  }

  std::string folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(LedgerCommand, VerifySaysThatAllIsEqual) {
  EXPECT_EQ(run({"ledger", "verify"}), kExitOk) << err_.str();
  EXPECT_NE(out_.str().find("unaltered   2 transactions: 1 rounds, 0 documents"), std::string::npos)
      << out_.str();
  EXPECT_NE(out_.str().find("equal       segment 1, 2027-01-15T08:00:00Z to now: 1 rounds"),
            std::string::npos)
      << out_.str();
  EXPECT_EQ(run({"ledger", "verify", "--state", folder_ + "/fairlead.db", "-o", "json"}), kExitOk);
  EXPECT_NE(out_.str().find("\"good\": true"), std::string::npos) << out_.str();
}

TEST_F(LedgerCommand, VerifyOfSomethingElseFails) {
  EXPECT_EQ(run({"ledger", "verify", "--state", "/nowhere"}), kExitFailed);
  EXPECT_NE(err_.str().find("there is no such file"), std::string::npos) << err_.str();
}

TEST_F(LedgerCommand, BackupAndSalvageMakeLedgersThatVerify) {
  const std::string copy = folder_ + "/copy.db";
  const std::string mended = folder_ + "/mended.db";
  EXPECT_EQ(run({"ledger", "backup", copy}), kExitOk) << err_.str();
  EXPECT_EQ(run({"ledger", "verify", "--state", copy}), kExitOk) << out_.str();
  EXPECT_EQ(run({"ledger", "backup", copy}), kExitFailed);
  EXPECT_NE(err_.str().find("is there already"), std::string::npos) << err_.str();
  EXPECT_EQ(run({"ledger", "salvage", "--state", copy, mended}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), mended + " has 0 documents, 0 history entries and 2 usage samples.\n");
  EXPECT_EQ(run({"ledger", "verify", "--state", mended}), kExitOk) << out_.str();
}

TEST_F(LedgerCommand, UsageAddsUpByProject) {
  EXPECT_EQ(run({"ledger", "usage", "-o", "csv"}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(),
            "name,device_model,allocated_hours,used_hours,idle_hours,over_quota_hours,lost_hours\n"
            "\"search, \"\"new\"\"\",H100,2,1.5,0.5,0.5,0\n"
            "vision,,1,,,0,0\n");
  EXPECT_EQ(run({"ledger", "usage", "--by", "department", "--since", "90m", "-o", "json"}), kExitOk)
      << err_.str();
  EXPECT_NE(out_.str().find("\"usedHours\": null"), std::string::npos) << out_.str();
  EXPECT_NE(out_.str().find("\"allocatedHours\": 1,"), std::string::npos) << "half of the time counts";
  EXPECT_EQ(run({"ledger", "usage"}), kExitOk);
  EXPECT_NE(out_.str().find("vision"), std::string::npos);
}

TEST_F(LedgerCommand, UsageRefusesTimesThatMakeNoSense) {
  EXPECT_EQ(run({"ledger", "usage", "--since", "yesterday"}), kExitUsage);
  EXPECT_NE(err_.str().find("--since: \"yesterday\" is neither"), std::string::npos) << err_.str();
  EXPECT_EQ(run({"ledger", "usage", "--since", "1h", "--until", "2h"}), kExitUsage);
}

}  // namespace
}  // namespace fairlead::cli
