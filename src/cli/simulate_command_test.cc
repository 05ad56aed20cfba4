#include "cli/simulate_command.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

/// Puts tasks of whole devices on the first node with room.
class FirstFitScheduler final : public model::Scheduler {
 public:
  model::ApplyReport apply(std::span<const model::Event> events) override {
    for (const model::Event& event : events) {
      if (const auto* node = std::get_if<model::NodeUpserted>(&event.body)) {
        nodes_.emplace_back(node->node.name, node->node.devices.front().count);
      }
      if (const auto* pod = std::get_if<model::PodUpserted>(&event.body)) newest_ = pod->pod;
    }
    return {};
  }
  model::Round run(const model::RoundRequest& /*request*/) override {
    for (auto& [name, free] : nodes_) {
      if (free < newest_.devices.count) continue;
      free -= newest_.devices.count;
      model::Bind bind;
      bind.pod = newest_.uid;
      bind.node = name;
      model::Round round;
      round.decisions.push_back({.number = ++decisions_, .body = std::move(bind)});
      return round;
    }
    return {};
  }

 private:
  std::vector<std::pair<std::string, std::int64_t>> nodes_;
  model::Pod newest_;
  std::uint64_t decisions_ = 0;
};

std::string write_file(const std::string& name, const std::string& text) {
  std::string path = testing::TempDir() + "simulate_" + name;
  std::ofstream(path) << text;
  return path;
}

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

/// Four devices, tasks of one device each.
SimulateOptions small_simulation() {
  SimulateOptions options;
  options.nodes =
      write_file("nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\na,9000,900,2,P100\nb,9000,900,2,P100\n");
  options.pods =
      write_file("pods.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\nt,1,1,1,1000\nu,1,1,1,1000\n");
  options.load = 1.5;
  return options;
}

Outcome simulate(const SimulateOptions& options, bool terminal = false) {
  std::ostringstream out;
  std::ostringstream err;
  std::int64_t seconds = 0;
  Environment environment{out, err, {}, [&seconds] { return base::Time::from_unix_seconds(++seconds); }, {}};
  environment.out_is_terminal = terminal;
  environment.err_is_terminal = terminal;
  environment.make_scheduler_with_scorers = [](auto) { return std::make_unique<FirstFitScheduler>(); };
  const int code = run_simulate(options, environment);
  return {code, out.str(), err.str()};
}

TEST(SimulateCommand, AnswersAProgramInJson) {
  SimulateOptions options = small_simulation();
  options.output = SimulateOptions::Output::kJson;
  options.load = 0.5;
  const Outcome outcome = simulate(options);
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.err, "");
  const std::string begin = R"({
  "trace": "openb",
  "placement": "fragmentation",
  "load": 0.5,
  "seeds": [
    42
  ],
  "nodes": 2,
  "tasks": 2,
  "gpu_capacity": 4,
  "points": [
    {
      "arrived": 0.01,
      "allocated": 0
    },
    {
      "arrived": 0.02,
)";
  EXPECT_EQ(outcome.out.substr(0, begin.size()), begin);
  EXPECT_EQ(outcome.out.substr(outcome.out.find("    {\n      \"arrived\": 0.5")), R"(    {
      "arrived": 0.5,
      "allocated": 0.5
    }
  ],
  "placed": 2,
  "failed": 0,
  "wall_seconds": 1
}
)");
}

TEST(SimulateCommand, AnswersAPersonWithATable) {
  const Outcome outcome = simulate(small_simulation());
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.err, "") << "no progress but on a terminal";
  EXPECT_EQ(outcome.out, R"(fragmentation on 2 nodes with 4 devices, 2 tasks to draw from, seed 42

ARRIVED  ALLOCATED
 10.0 %      0.0 %
 20.0 %      0.0 %
 30.0 %     25.0 %  ##########
 40.0 %     25.0 %  ##########
 50.0 %     50.0 %  ####################
 60.0 %     50.0 %  ####################
 70.0 %     50.0 %  ####################
 80.0 %     75.0 %  ##############################
 90.0 %     75.0 %  ##############################
100.0 %    100.0 %  ########################################
110.0 %    100.0 %  ########################################
120.0 %    100.0 %  ########################################
130.0 %    100.0 %  ########################################
140.0 %    100.0 %  ########################################
150.0 %    100.0 %  ########################################

With 150.0 % of the devices asked for, 100.0 % of them are allocated: 4 tasks placed, 2 did not fit (1.00 s).
)");
}

TEST(SimulateCommand, SeveralSeedsGiveTheirMeanAndEachOnesFigures) {
  SimulateOptions options = small_simulation();
  options.seeds = "3-4";
  const Outcome table = simulate(options);
  EXPECT_NE(table.out.find("mean of 2 seeds"), std::string::npos) << table.out;
  EXPECT_NE(
      table.out.find("SEED  ALLOCATED  PLACED  FAILED  SECONDS\n   3    100.0 %       4       2     1.00\n"),
      std::string::npos)
      << table.out;
  options.output = SimulateOptions::Output::kJson;
  const Outcome json = simulate(options);
  EXPECT_NE(json.out.find(R"("replays": [
    {
      "seed": 3,
      "allocated": 1,
      "placed": 4,
      "failed": 2,
      "wall_seconds": 1
    },)"),
            std::string::npos)
      << json.out;
}

TEST(SimulateCommand, ShowsProgressOnATerminalAndTakesItAway) {
  const Outcome outcome = simulate(small_simulation(), true);
  EXPECT_NE(outcome.err.find("\rreplaying [                              ]   0 %"), std::string::npos);
  EXPECT_TRUE(outcome.err.ends_with("100 %\r\x1b[K")) << outcome.err;
}

TEST(SimulateCommand, SaysWhatIsWrongWithTheCommandLine) {
  struct Case {
    void (*change)(SimulateOptions&);
    int code;
    std::string message;
  };
  const Case cases[] = {
      {[](SimulateOptions& options) { options.trace = "borg"; }, kExitUsage,
       "there is no trace format \"borg\"; write --trace openb"},
      {[](SimulateOptions& options) { options.nodes.clear(); }, kExitUsage,
       "simulate needs --nodes FILE: the trace's list of nodes"},
      {[](SimulateOptions& options) { options.pods.clear(); }, kExitUsage,
       "simulate needs --pods FILE: the trace's list of tasks"},
      {[](SimulateOptions& options) { options.load = 130; }, kExitUsage,
       "--load 130 is not above 0 and at most 10; write 1.3 for 130 % of the devices"},
      {[](SimulateOptions& options) { options.placement = "worst-fit"; }, kExitUsage,
       "--placement: there is no placement \"worst-fit\"; choose one of bin-pack, spread, random, best-fit, "
       "packing, "
       "clustering, dot-product, fragmentation-gradient, fragmentation"},
      {[](SimulateOptions& options) { options.seeds = "x"; }, kExitUsage,
       "\"x\" is no list of seeds; write numbers and ranges, such as 42, 42-51 or 1,5,7-9"},
      {[](SimulateOptions& options) { options.pods = "/nonexistent.csv"; }, kExitFailed,
       "cannot read /nonexistent.csv: No such file or directory; check the path"},
  };
  for (const Case& each : cases) {
    SimulateOptions options = small_simulation();
    each.change(options);
    const Outcome outcome = simulate(options);
    EXPECT_EQ(outcome.code, each.code) << each.message;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.substr(0, outcome.err.find('\n')), "fairlead: " + each.message);
  }
}

TEST(Seeds, AreNumbersAndRanges) {
  using Seeds = std::vector<std::uint64_t>;
  EXPECT_EQ(*parse_seeds("42"), (Seeds{42}));
  EXPECT_EQ(*parse_seeds("1,5,7-9"), (Seeds{1, 5, 7, 8, 9}));
  EXPECT_EQ(*parse_seeds("18446744073709551615"), (Seeds{18'446'744'073'709'551'615U}));
  EXPECT_EQ(parse_seeds("0-999")->size(), 1000U);
  for (const char* text :
       {"", "-1", "1-", "3-1", "1,", "1;2", "1 - 2", "0-1000", "0-999,5", "0-18446744073709551615"}) {
    EXPECT_FALSE(parse_seeds(text)) << text;
  }
}

}  // namespace
}  // namespace fairlead::cli
