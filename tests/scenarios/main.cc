// Runs every scenario of every table on every scheduler.

#include "engine/engine.h"
#include "fields.h"
#include "reference/reference_scheduler.h"
#include "run.h"
#include "table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace {

using namespace fairlead;
using scenarios::Scenario;

constexpr int kShuffles = 3;

struct NamedScheduler {
  std::string name;
  scenarios::SchedulerFactory make;
};
/// The schedulers that must decide as the tables say.
std::vector<NamedScheduler> schedulers() {
  return {{"engine", [] { return engine::make_engine(); }},
          {"reference", [] { return std::make_unique<reference::ReferenceScheduler>(); }}};
}

class ScenarioTest : public testing::Test {
 public:
  ScenarioTest(Scenario scenario, scenarios::SchedulerFactory make)
      : scenario_(std::move(scenario)), make_(std::move(make)) {}

  void TestBody() override {
    scenarios::RunReport report = scenarios::run_scenario(scenario_, make_, 0);
    EXPECT_TRUE(report.failure.empty())
        << scenario_.table << ".yaml, \"" << scenario_.name << "\", " << report.failure;
    for (int seed = 1; seed <= kShuffles; ++seed) {
      scenarios::RunReport shuffled =
          scenarios::run_scenario(scenario_, make_, static_cast<std::uint64_t>(seed));
      EXPECT_EQ(shuffled.decisions, report.decisions)
          << scenario_.table << ".yaml, \"" << scenario_.name << "\": the order of objects matters (seed "
          << seed << ")";
    }
  }

 private:
  Scenario scenario_;
  scenarios::SchedulerFactory make_;
};

/// What GoogleTest takes as a name.
std::string test_name(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return text;
}

void register_table(const std::filesystem::path& path) {
  for (const Scenario& scenario : scenarios::read_table(path.string()))
    for (const NamedScheduler& scheduler : schedulers()) {
      if (!scenario.only.empty() && scenario.only != scheduler.name) continue;
      testing::RegisterTest(
          test_name(scenario.table).c_str(), (scheduler.name + "_" + test_name(scenario.name)).c_str(),
          nullptr, nullptr, path.c_str(), 1,
          [scenario, make = scheduler.make]() -> testing::Test* { return new ScenarioTest(scenario, make); });
    }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::filesystem::path> tables;
  for (const auto& entry : std::filesystem::directory_iterator(FAIRLEAD_TABLES))
    if (entry.path().extension() == ".yaml") tables.push_back(entry.path());
  std::sort(tables.begin(), tables.end());
  try {
    for (const std::filesystem::path& table : tables) register_table(table);
  } catch (const scenarios::TableError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return RUN_ALL_TESTS();
}
