#include "cli/history_command.h"

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace fairlead::cli {
namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run(const HistoryOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  Environment environment{out, err, {}, {}, [] { return engine::make_engine(); }};
  const int code = run_history(options, environment);
  return {code, out.str(), err.str()};
}

/// A team that wants two nodes at once, and one that comes later.
HistoryOptions two_teams() {
  HistoryOptions options;
  options.jobs = testing::TempDir() + "history_jobs.csv";
  std::ofstream(options.jobs) << "timestamp,duration,num_gpus,cluster\n"
                                 "0,36000,8,vision\n0,14400,8,vision\n100,3600,8,speech\n";
  options.philly = false;
  options.tenants = "vision=8,speech=8";
  options.policies = "static,borrow";
  return options;
}

TEST(HistoryCommand, ComparesPoliciesAndNamesWhoIsWorseOff) {
  const Outcome outcome = run(two_teams());
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_NE(outcome.out.find("static, skip"), std::string::npos) << outcome.out;
  EXPECT_NE(
      outcome.out.find("borrow, skip: tenant speech waits 14300 s on average, 0 s alone with its quota"),
      std::string::npos)
      << outcome.out;
  HistoryOptions json = two_teams();
  json.output = HistoryOptions::Output::kJson;
  EXPECT_NE(run(json).out.find("\"discipline\": \"skip\""), std::string::npos);
}

TEST(HistoryCommand, SaysWhatIsWrongAndWhatToWrite) {
  struct Case {
    void (*spoil)(HistoryOptions&);
    int code;
    const char* message;
  };
  const Case cases[] = {
      {[](HistoryOptions& options) { options.jobs.clear(); }, kExitUsage,
       "fairlead: simulate needs --jobs FILE: the site's jobs as CSV, one line a job\n"},
      {[](HistoryOptions& options) { options.tenants = "vision"; }, kExitUsage,
       "fairlead: --tenants: \"vision\" is not NAME=DEVICES; write for example vision=64,speech=32\n"},
      {[](HistoryOptions& options) { options.tenants.clear(); }, kExitUsage,
       "fairlead: simulate --trace csv needs --tenants NAME=DEVICES,...: the teams' quotas\n"},
      {[](HistoryOptions& options) { options.policies = "luck"; }, kExitUsage,
       "fairlead: --policy: there is no policy \"luck\"; write one of one-pool, static, borrow, reclaim, "
       "consolidate, time-fair\n"},
      {[](HistoryOptions& options) { options.tenants = "nobody=8"; }, kExitFailed,
       "has no job of these tenants and this time; check --tenants, --since and --until\n"},
  };
  for (const Case& one : cases) {
    HistoryOptions options = two_teams();
    one.spoil(options);
    const Outcome outcome = run(options);
    EXPECT_EQ(outcome.code, one.code) << one.message;
    EXPECT_NE(outcome.err.find(one.message), std::string::npos) << outcome.err;
    EXPECT_TRUE(outcome.out.empty());
  }
}

}  // namespace
}  // namespace fairlead::cli
