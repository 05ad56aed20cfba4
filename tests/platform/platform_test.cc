// The platform of one machine as people meet it: the real program, its API, real processes.

#include "platform/running_platform.h"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace fairlead::platform_tests {
namespace {

TEST(Platform, SubmittedWorkRunsEndsAndReplays) {
  RunningPlatform platform;
  platform.submit(
      "hello",
      R"({"project":"default","command":["sh","-c","echo hi from $CUDA_VISIBLE_DEVICES"],"devices":2})");
  platform.wait_for_state("hello", "succeeded");
  EXPECT_EQ(platform.log("hello"), "hi from 0,1\n");
  EXPECT_NE(platform.ask("GET", "/api/v1/workloads").body.find("\"hello\""), std::string::npos);
  const Output verified = run({FAIRLEAD_PROGRAM, "ledger", "verify", "--state", platform.folder()});
  EXPECT_EQ(verified.code, 0) << verified.text;
}

TEST(Platform, WorkOutlivesAKillAndIsFoundAgain) {
  RunningPlatform platform;
  platform.submit("long", R"({"project":"default","command":["sleep","1217"],"devices":1,"replicas":2})");
  platform.wait_for_state("long", "running");
  const std::string before = RunningPlatform::member(platform.workload("long"), "pid");
  EXPECT_EQ(platform.end(SIGKILL), -SIGKILL);
  EXPECT_EQ(RunningPlatform::processes_with("1217"), 2);
  platform.start();
  platform.wait_for_state("long", "running");
  EXPECT_EQ(RunningPlatform::processes_with("1217"), 2) << "neither lost nor started twice";
  EXPECT_EQ(RunningPlatform::member(platform.workload("long"), "pid"), before);
  platform.submit("three", R"({"project":"default","command":["true"],"devices":3})");
  EXPECT_EQ(platform.state("three"), "pending") << "the devices are held as before";
  const Output verified = run({FAIRLEAD_PROGRAM, "ledger", "verify", "--state", platform.folder()});
  EXPECT_EQ(verified.code, 0) << verified.text;
}

TEST(Platform, WhatEndsWhileNobodyLooksIsAccountedFor) {
  RunningPlatform platform;
  const std::string gate = platform.folder() + "/gate";
  platform.submit("short", R"({"project":"default","command":["sh","-c","while ! test -e )" + gate +
                               R"(; do sleep 0.05; done; echo done"],"devices":1})");
  platform.wait_for_state("short", "running");
  platform.end(SIGKILL);
  std::ofstream(gate) << "open";
  platform.wait_until("it has ended", [&] { return RunningPlatform::processes_with(gate) == 0; });
  platform.start();
  platform.wait_for_state("short", "succeeded");
  EXPECT_EQ(platform.log("short"), "done\n");
}

TEST(Platform, ServiceManagersLeaveWorkAndPeopleDoNot) {
  RunningPlatform platform;
  platform.submit("work", R"({"project":"default","command":["sleep","1327"],"devices":1})");
  platform.wait_for_state("work", "running");
  EXPECT_EQ(platform.end(SIGTERM), 0);
  EXPECT_EQ(RunningPlatform::processes_with("1327"), 1);
  platform.start();
  const Output down = run({FAIRLEAD_PROGRAM, "down", "--state", platform.folder()});
  EXPECT_EQ(down.code, 0) << down.text;
  EXPECT_EQ(RunningPlatform::processes_with("1327"), 0);
  EXPECT_EQ(RunningPlatform::processes_with(platform.folder() + "/replicas"), 0) << "no supervisor is left";
  EXPECT_EQ(platform.end(0), 0);
  platform.start();
  platform.wait_for_state("work", "running");
}

TEST(Platform, AnotherOneIsToldWhoHoldsWhat) {
  RunningPlatform platform;
  const std::string port = std::to_string(platform.port());
  const Output same_state = run({FAIRLEAD_PROGRAM, "up", "--state", platform.folder(), "--port", "0"});
  EXPECT_EQ(same_state.code, 1);
  EXPECT_NE(same_state.text.find("another Fairlead (process " + std::to_string(platform.pid()) + ")"),
            std::string::npos)
      << same_state.text;
  const Output same_port =
      run({FAIRLEAD_PROGRAM, "up", "--state", platform.folder() + "/other", "--port", port});
  EXPECT_EQ(same_port.code, 1);
  EXPECT_NE(same_port.text.find("port " + port + " is taken by fairlead (process " +
                                std::to_string(platform.pid()) + ")"),
            std::string::npos)
      << same_port.text;
}

TEST(Platform, SecretsReachTheProcessAndNothingElse) {
  RunningPlatform platform;
  const std::string secret = "correct-horse-battery-staple";
  const auto stored = platform.ask("PUT", "/api/v1/secrets/default/hub", R"({"value":")" + secret + R"("})");
  ASSERT_EQ(stored.status / 100, 2) << stored.body;
  platform.submit("reader", R"({"project":"default","secrets":{"TOKEN":"hub"},
      "command":["sh","-c","printf %s \"$TOKEN\" | wc -c; sleep 0.2"]})");
  platform.wait_for_state("reader", "succeeded");
  EXPECT_EQ(platform.log("reader"), std::to_string(secret.size()) + "\n");
  for (const char* path : {"/api/v1/workloads/default/reader", "/api/v1/events", "/api/v1/audit"})
    EXPECT_EQ(platform.ask("GET", path).body.find(secret), std::string::npos) << path;
  platform.end(SIGINT);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(platform.folder())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    EXPECT_EQ(text.find(secret), std::string::npos) << entry.path();
  }
  platform.start();
}

TEST(Platform, APreemptedTrainingEndsAsAnUndisturbedOne) {
  const std::string program = FAIRLEAD_EXAMPLES "/example_training";
  RunningPlatform platform;
  const Output undisturbed =
      run({program, "--steps", "400", "--pace", "0", "--checkpoint", platform.folder() + "/alone"});
  ASSERT_EQ(undisturbed.code, 0);
  const std::string end = undisturbed.text.substr(undisturbed.text.find("done:"));
  platform.submit("train",
                  R"({"project":"default","priority":"low","command":[")" + program +
                      R"(","--steps","400","--pace","10"],"devices":1,"replicas":4,"minimumReplicas":2,
      "checkpoint":{"signal":"SIGUSR1","file":"state"}})");
  platform.wait_until("it trains",
                      [&] { return platform.log("train").find("step 100") != std::string::npos; });
  platform.submit("urgent",
                  R"({"project":"default","priority":"high","command":["sleep","0.5"],"devices":3})");
  platform.wait_for_state("urgent", "succeeded");
  platform.wait_for_state("train", "succeeded");
  EXPECT_NE(RunningPlatform::member(platform.workload("train"), "preemptions"), "0");
  std::string log;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(platform.folder() + "/replicas")) {
    if (entry.path().filename() != "output.log") continue;
    std::ifstream file(entry.path());
    log.append(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_NE(log.find("saved step"), std::string::npos) << log;
  EXPECT_NE(log.find(end), std::string::npos) << "undisturbed: " << end << log;
}

TEST(Platform, AServiceWakesServesAndSleeps) {
  RunningPlatform platform;
  const std::string program = FAIRLEAD_EXAMPLES "/example_service";
  platform.submit("chat", R"({"project":"default","kind":"inference","command":[")" + program +
                              R"(","--load","200","--work","50"],"devices":1,
      "service":{"healthPath":"/health","minimumReplicas":0,"maximumReplicas":3,"target":2,
                 "scaleToZeroRetention":"1s"}})");
  EXPECT_EQ(platform.state("chat"), "pending");
  const Output asked =
      run({program, "--ask", std::to_string(platform.port()), "/serve/default/chat/x", "100", "8"});
  EXPECT_EQ(asked.code, 0) << asked.text;
  EXPECT_NE(asked.text.find("100 of 100"), std::string::npos) << asked.text;
  platform.wait_until("it sleeps again", [&] { return RunningPlatform::processes_with(program) == 0; });
  const Output again =
      run({program, "--ask", std::to_string(platform.port()), "/serve/default/chat/x", "1", "1"});
  EXPECT_EQ(again.code, 0) << again.text;
}

TEST(Platform, CrashesComeBackWithBackOffAndGiveUp) {
  RunningPlatform platform;
  platform.submit("crash",
                  R"({"project":"default","command":["sh","-c","exit 3"],"retries":1,"retryDelay":"200ms"})");
  platform.wait_for_state("crash", "failed");
  EXPECT_NE(platform.workload("crash").find("worker 0 exited with code 3, after 1 restarts"),
            std::string::npos)
      << platform.workload("crash");
}

}  // namespace
}  // namespace fairlead::platform_tests
