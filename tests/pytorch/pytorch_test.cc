// PyTorch as it is: a DistributedDataParallel script that knows nothing of this platform, started by torchrun
// without an option, is preempted, resumes, and ends at the loss of an undisturbed run.

#include "platform/running_platform.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace fairlead::platform_tests {
namespace {

constexpr const char* kSteps = "150";

/// Everything that the replicas of a workload printed, ended ones included.
std::string all_logs(const RunningPlatform& platform, const std::string& uid) {
  std::string log;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(platform.folder() + "/replicas")) {
    if (entry.path().filename() != "output.log") continue;
    if (entry.path().string().find(uid) == std::string::npos) continue;
    std::ifstream file(entry.path());
    log.append(std::istreambuf_iterator<char>(file), {});
  }
  return log;
}

// The two options only say where output goes: Debian's torchrun fails on its own default of them under its
// Python 3.11.
std::string submit_training(RunningPlatform& platform, const std::string& name) {
  platform.submit(name, R"({"project":"default","priority":"low","replicas":2,"devices":1,
      "environment":{"OMP_NUM_THREADS":"1","PYTHONUNBUFFERED":"1"},
      "command":["torchrun","--redirects","1","--tee","1",")" PYTORCH_SCRIPT R"(","state.pt",")" +
                            std::string(kSteps) + R"("],
      "retries":0,"checkpoint":{"file":"state.pt"}})");
  return RunningPlatform::member(platform.workload(name), "uid");
}

std::string end_of(const std::string& log) {
  const std::size_t at = log.find("done: loss");
  return at == std::string::npos ? "no end in: " + log : log.substr(at, log.find('\n', at) - at);
}

/// Interpreters that share two cores with others are slow to start.
void wait_long(RunningPlatform& platform, const std::string& what, const std::function<bool()>& holds) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i)
    if (platform.holds_soon(holds)) return;
  platform.wait_until(what, holds);
}

TEST(PyTorch, APreemptedTrainingEndsAtTheLossOfAnUndisturbedOne) {
  if (run({"/usr/bin/python3", "-c", "import torch"}).code != 0)
    GTEST_SKIP() << "python3-torch is not installed";
  RunningPlatform platform;
  const std::string alone = submit_training(platform, "alone");
  wait_long(platform, "the undisturbed one ends", [&] { return platform.state("alone") == "succeeded"; });
  ASSERT_EQ(platform.state("alone"), "succeeded") << all_logs(platform, alone);
  const std::string undisturbed = end_of(all_logs(platform, alone));

  const std::string train = submit_training(platform, "train");
  wait_long(platform, "it trains",
            [&] { return all_logs(platform, train).find("step 30 of 2") != std::string::npos; });
  platform.submit("urgent",
                  R"({"project":"default","priority":"high","command":["sleep","0.5"],"devices":3})");
  wait_long(platform, "the urgent one ends", [&] { return platform.state("urgent") == "succeeded"; });
  wait_long(platform, "it ends after all", [&] { return platform.state("train") == "succeeded"; });
  const std::string log = all_logs(platform, train);
  EXPECT_EQ(RunningPlatform::member(platform.workload("train"), "preemptions"), "1");
  EXPECT_NE(log.find("saved step"), std::string::npos) << log;
  EXPECT_NE(log.find("rank 1 goes on at step"), std::string::npos) << log;
  EXPECT_EQ(end_of(log), undisturbed);
}

}  // namespace
}  // namespace fairlead::platform_tests
