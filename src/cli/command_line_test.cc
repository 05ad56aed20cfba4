#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace fairlead::cli {
namespace {

/// Binds every pending pod to the first node, which is enough to see that input reaches the scheduler and
/// back.
class FirstNodeScheduler final : public model::Scheduler {
 public:
  model::ApplyReport apply(std::span<const model::Event> events) override {
    for (const model::Event& event : events) {
      if (const auto* node = std::get_if<model::NodeUpserted>(&event.body)) {
        if (node_.empty()) node_ = node->node.name;
      } else if (const auto* pod = std::get_if<model::PodUpserted>(&event.body)) {
        if (pod->pod.phase == model::Pod::Phase::kPending && pod->pod.served) pods_.push_back(pod->pod.uid);
      }
    }
    return {};
  }
  model::Round run(const model::RoundRequest&) override {
    model::Round round;
    for (const std::string& pod : pods_) {
      if (!node_.empty())
        round.decisions.push_back({round.decisions.size() + 1, model::Bind{pod, node_, {}, {}, 0, {}}});
    }
    return round;
  }

 private:
  std::string node_;
  std::vector<std::string> pods_;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome run(std::vector<const char*> arguments, const std::string& input = "", bool terminal = false,
            bool no_colour = false) {
  std::ostringstream out;
  std::ostringstream err;
  Environment environment{out, err, [&]() -> base::Result<std::string> { return input; },
                          [] { return base::Time::from_unix_seconds(1'767'225'600); },
                          [] { return std::make_unique<FirstNodeScheduler>(); }};
  environment.out_is_terminal = terminal;
  environment.no_colour = no_colour;
  arguments.insert(arguments.begin(), "fairlead");
  int code = run_command_line(static_cast<int>(arguments.size()), arguments.data(), environment);
  return {code, out.str(), err.str()};
}

constexpr const char* kObjects = R"([
  {"apiVersion":"v1","kind":"Node","metadata":{"name":"node-a"},
   "status":{"allocatable":{"cpu":"8","memory":"64Gi","pods":"110","nvidia.com/gpu":"8"},
             "conditions":[{"type":"Ready","status":"True"}]}},
  {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"ml","uid":"p"},
   "spec":{"schedulerName":"kai-scheduler","containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"1"}}}]},
   "status":{"phase":"Pending"}}])";

std::string list(const char* items) {
  return std::string(R"({"apiVersion":"v1","kind":"List","items":)") + items + "}";
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
  for (std::vector<const char*> arguments : {std::vector<const char*>{},
                                             {"--help"},
                                             {"plan", "--help"},
                                             {"version", "--help"},
                                             {"completion", "-h"}}) {
    Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, kExitOk);
    EXPECT_NE(outcome.out.find("Example"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("Exit codes"), std::string::npos) << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(CommandLine, VersionIsOneLine) {
  Outcome outcome = run({"version"});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.out.find("fairlead "), 0u);
  EXPECT_EQ(outcome.out.find('\n'), outcome.out.size() - 1);
}

TEST(CommandLine, CompletionNamesCommandsOptionsAndValues) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    Outcome outcome = run({"completion", shell});
    EXPECT_EQ(outcome.code, kExitOk);
    for (const char* word : {"plan", "explain", "wide", "version"}) {
      EXPECT_NE(outcome.out.find(word), std::string::npos) << shell << ": " << word;
    }
  }
}

TEST(CommandLine, WrongUseIsExplained) {
  struct Case {
    std::vector<const char*> arguments;
    std::string part;
  };
  const Case cases[] = {
      {{"plan"}, "plan needs -f FILE_OR_DIR, --context NAME, --kubeconfig FILE, --cycle or --fair-share"},
      {{"plan", "--cycle", "-f", "x"}, "exclude each other"},
      {{"plan", "--cycle", "--explain", "a/b"}, "go with -f"},
      {{"plan", "-f", "x", "-o", "xml"}, "\"xml\" is not one of table|wide|json|yaml"},
      {{"plan", "-f", "x", "--cycles", "0"}, "--cycles"},
      {{"plan", "--nonsense"}, "--nonsense"},
      {{"frobnicate"}, "frobnicate"},
      {{"completion"}, "shell"},
      {{"completion", "tcsh"}, "there is for bash, zsh and fish"},
  };
  for (const Case& c : cases) {
    Outcome outcome = run(c.arguments);
    EXPECT_EQ(outcome.code, kExitUsage) << c.part;
    EXPECT_NE(outcome.err.find(c.part), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(CommandLine, OneCycleFromStandardInput) {
  std::string input =
      std::string(R"({"now":"2026-01-01T00:00:00Z","run":{"actions":["allocate"]},"objects":)") + kObjects +
      "}";
  Outcome outcome = run({"plan", "--cycle"}, input);
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(
      outcome.out,
      "{\"binds\":[{\"pod\":\"ml/p\",\"node\":\"node-a\"}],\"evictions\":[],\"nominations\":[],\"claims\":[],"
      "\"unscheduled\":[]}\n");
}

TEST(CommandLine, ACycleThatIsNoneFails) {
  for (const char* input :
       {"", "[]", "{\"now\":\"2026-01-01T00:00:00Z\",\"objects\":[", "{\"now\":\"today\"}", "nonsense"}) {
    Outcome outcome = run({"plan", "--cycle"}, input);
    EXPECT_EQ(outcome.code, kExitFailed) << input;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err.find("fairlead: "), 0u) << outcome.err;
  }
}

TEST(CommandLine, FairShareAnswersLineByLine) {
  const std::string line =
      R"({"total":{"GPU":4},"resource":"GPU","queues":[{"ID":"a","GPU":{"Deserved":1,"Request":2}}]})";
  Outcome outcome = run({"plan", "--fair-share"}, line + "\n\n" + line + "\n");
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 2);
  outcome = run({"plan", "--fair-share"}, line + "\nnonsense\n");
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_NE(outcome.err.find("line 2"), std::string::npos) << outcome.err;
}

TEST(CommandLine, FilesPlansAndFormats) {
  std::string input = list(kObjects);
  Outcome table = run({"plan", "-f", "-"}, input);
  EXPECT_EQ(table.code, kExitOk) << table.err;
  EXPECT_NE(table.out.find("ml/p"), std::string::npos) << table.out;
  Outcome yaml = run({"plan", "-f", "-", "-o", "yaml"}, input);
  EXPECT_EQ(yaml.out.find("binds:\n- pod: ml/p\n  node: node-a\n"), 0u) << yaml.out;
  Outcome cycles = run({"plan", "-f", "-", "-o", "json", "--cycles", "2"}, input);
  EXPECT_EQ(cycles.out.find("{\n  \"cycles\": [\n"), 0u) << cycles.out;
  Outcome other = run({"plan", "-f", "-", "-o", "json", "--scheduler-name", "another"}, input);
  EXPECT_NE(other.out.find("\"binds\": []"), std::string::npos) << other.out;
}

TEST(CommandLine, ASiteCanSayWhatItsResourcesMean) {
  const std::string rules = testing::TempDir() + "fairlead_accelerators.yaml";
  std::ofstream(rules) << "accelerators: [{resource: example.com/npu, vendor: example}]\n";
  const std::string input = list(
      R"([{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"status":{"allocatable":{"example.com/npu":"4"}}}])");
  Outcome known = run({"plan", "-f", "-", "--accelerators", rules.c_str()}, input);
  EXPECT_EQ(known.code, kExitOk) << known.err;
  EXPECT_NE(known.out.find("example.com/npu"), std::string::npos) << known.out;
  EXPECT_EQ(run({"plan", "-f", "-"}, input).out.find("example.com/npu"), std::string::npos);
  EXPECT_EQ(run({"plan", "-f", "-", "--accelerators", "no/such/file.yaml"}, input).code, kExitFailed);
  std::ofstream(rules) << "accelerators: 5\n";
  Outcome wrong = run({"plan", "-f", "-", "--accelerators", rules.c_str()}, input);
  EXPECT_NE(wrong.err.find("accelerators: \"5\" is a number"), std::string::npos) << wrong.err;
}

TEST(CommandLine, ColoursOnATerminalUnlessNoColourIsSet) {
  std::string input = list(kObjects);
  auto coloured = [](const Outcome& outcome) { return outcome.out.find('\x1b') != std::string::npos; };
  EXPECT_FALSE(coloured(run({"plan", "-f", "-"}, input)));
  EXPECT_TRUE(coloured(run({"plan", "-f", "-"}, input, true)));
  EXPECT_FALSE(coloured(run({"plan", "-f", "-"}, input, true, true)));
  EXPECT_TRUE(coloured(run({"plan", "-f", "-", "--color", "always"}, input)));
  EXPECT_FALSE(coloured(run({"plan", "-f", "-", "--color", "never"}, input, true)));
}

TEST(CommandLine, InputThatCannotBeUsedFails) {
  Outcome missing = run({"plan", "-f", "no/such/file.yaml"});
  EXPECT_EQ(missing.code, kExitFailed);
  EXPECT_NE(missing.err.find("no/such/file.yaml"), std::string::npos) << missing.err;
  Outcome group = run({"plan", "-f", "-", "--explain", "ml/q"}, list(kObjects));
  EXPECT_EQ(group.code, kExitFailed);
  EXPECT_NE(group.err.find("there is no group ml/q"), std::string::npos) << group.err;
  Outcome time = run({"plan", "-f", "-", "--now", "noon"}, list(kObjects));
  EXPECT_EQ(time.code, kExitFailed);
  EXPECT_NE(time.err.find("--now"), std::string::npos) << time.err;
}

TEST(CommandLine, PartsThatWereLeftOutFailOnlyWhenStrict) {
  std::string input = list(
      R"([{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"},"status":{"allocatable":{"cpu":"lots"}}}])");
  Outcome outcome = run({"plan", "-f", "-", "-o", "json"}, input);
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_NE(outcome.err.find("error: "), std::string::npos) << outcome.err;
  EXPECT_EQ(run({"plan", "-f", "-", "--strict"}, input).code, kExitPartial);
}

}  // namespace
}  // namespace fairlead::cli
