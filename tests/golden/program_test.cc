#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fairlead {
namespace {

struct Outcome {
  int code = -1;
  std::string output;  ///< standard output and standard error together
};

/// Runs the program through the shell, with the arguments as a person would type them.
Outcome run(const std::string& arguments, const std::string& before = "") {
  Outcome outcome;
  const std::string command = "{ " + before + "'" FAIRLEAD_PROGRAM "' " + arguments + "; } 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> buffer;
  while (std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    outcome.output.append(buffer.data(), size);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Program, SaysItsVersion) {
  const Outcome outcome = run("version");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(outcome.output.starts_with("fairlead ")) << outcome.output;
}

TEST(Program, HelpsWithExamplesAndExitCodes) {
  for (const char* arguments : {"", "--help", "plan --help", "version --help", "completion --help"}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << arguments;
    EXPECT_TRUE(contains(outcome.output, "Example")) << outcome.output;
    EXPECT_TRUE(contains(outcome.output, "Exit codes")) << outcome.output;
  }
}

TEST(Program, ItsReferenceIsTheOneInTheDocs) {
  std::ifstream file("docs/cli.md");
  std::stringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(run("reference").output, committed.str()) << "fairlead reference > docs/cli.md";
}

TEST(Program, ItsBashCompletionCompletes) {
  const std::string script = "bash -c \"source <('" FAIRLEAD_PROGRAM
                             "' completion bash); COMP_WORDS=(fairlead plan -o ''); COMP_CWORD=3; _fairlead; "
                             "echo \\${COMPREPLY[@]}\"; ";
  const Outcome outcome = run("version", script);
  EXPECT_TRUE(outcome.output.starts_with("table wide json yaml\n")) << outcome.output;
}

TEST(Program, BadUseAndBadInputHaveTheirCodesAndSayWhatIsWrong) {
  struct Case {
    std::string before;
    std::string arguments;
    int code;
    std::string part;
  };
  const Case cases[] = {
      {"", "plna", 2, "plna"},
      {"", "plan", 2, "plan needs -f FILE_OR_DIR"},
      {"", "plan -f no-such-folder", 1, "no-such-folder"},
      {"", "plan --cycle < /dev/null", 1, "fairlead: "},
      {"echo nonsense | ", "plan --cycle", 1, "fairlead: "},
      {"echo '{' | ", "plan -f -", 1, "standard input"},
      {"", "plan -f examples/cluster --explain nobody/knows", 1, "there is no group nobody/knows"},
      {"", "plan -f examples/cluster -o xml", 2, "xml"},
  };
  for (const Case& c : cases) {
    const Outcome outcome = run(c.arguments, c.before);
    EXPECT_EQ(outcome.code, c.code) << c.arguments << ": " << outcome.output;
    EXPECT_TRUE(contains(outcome.output, c.part)) << c.arguments << ": " << outcome.output;
  }
}

/// Lines of a text that hold all the parts.
bool has_line(const std::string& text, const std::vector<std::string>& parts) {
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (std::all_of(parts.begin(), parts.end(),
                    [&](const std::string& part) { return contains(line, part); })) {
      return true;
    }
  }
  return false;
}

/// What examples/README.md promises.
TEST(Program, TheExampleShowsABindAnEvictionAndThreeWaits) {
  const Outcome plan = run("plan -f examples/cluster --strict");
  ASSERT_EQ(plan.code, 0) << plan.output;
  const std::vector<std::vector<std::string>> lines = {
      {"assistants/mixtral-tune", "8 amd.com/gpu", "mi300-01"},
      {"language/tokenize", "cpu-01"},
      {"vision/notebook-mary", "0.5 of a device", "dgx-03"},
      {"vision/sweep", "reclaim", "language/llama-pretrain (language)", "waits again"},
      {"language/llama-pretrain", "6 nvidia.com/gpu", "dgx-01 (1), dgx-02 (1)"},
      {"language/giant", "needs 16 devices on one node", "too few devices free"},
      {"search/reindex", "non-preemptible", "quota of queue search, 8 devices (2 in use, 7 more asked for)"},
      {"students/homework-", "and 1 more", "queue students may never hold more than 2 devices"},
  };
  for (const auto& parts : lines)
    EXPECT_TRUE(has_line(plan.output, parts)) << parts[0] << "\n" << plan.output;
  EXPECT_FALSE(contains(plan.output, "INPUT")) << plan.output;
}

TEST(Program, ExplainEndsWithWhatWouldStartTheGroup) {
  struct Case {
    std::string group;
    std::string change;
  };
  const Case cases[] = {
      {"language/giant", "  - each pod asked for "},
      {"reindex", "  - the quota of queue search were 9 devices instead of 8"},
      {"homework-dee", "  - the limit of queue students were "},
  };
  for (const Case& c : cases) {
    const Outcome outcome = run("plan -f examples/cluster --explain " + c.group);
    EXPECT_EQ(outcome.code, 0) << outcome.output;
    const std::size_t heading = outcome.output.find("WOULD START IF");
    ASSERT_NE(heading, std::string::npos) << outcome.output;
    EXPECT_TRUE(contains(outcome.output.substr(heading), c.change)) << outcome.output;
  }
}

TEST(Program, AnswersDoNotDependOnTheOrderOfFiles) {
  const std::string folder = "examples/cluster/";
  const std::string now = " --now 2026-03-02T09:00:00Z -o json";
  const Outcome forward = run("plan -f examples/cluster" + now);
  std::string files;
  for (const char* name : {"waiting", "topology", "running", "queues", "priorities", "nodes"}) {
    files += " " + folder + name + ".yaml";
  }
  EXPECT_EQ(run("plan -f" + files + now).output, forward.output);
}

TEST(Program, AnswersACycle) {
  const Outcome outcome =
      run("plan --cycle", "echo '{\"now\":\"2026-01-01T00:00:00Z\",\"run\":{},\"objects\":[]}' | ");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.output,
            "{\"binds\":[],\"evictions\":[],\"nominations\":[],\"claims\":[],\"unscheduled\":[]}\n");
}

TEST(Program, OutputThatCannotBeWrittenIsAnError) {
  const Outcome outcome = run("version > /dev/full");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_TRUE(contains(outcome.output, "could not be written")) << outcome.output;
}

}  // namespace
}  // namespace fairlead
