#include "host/launch.h"
#include "host/supervisor_bench_test.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

namespace fairlead::host {
namespace {

std::string account_home() {
  const NamedValues environment = account_environment({}, std::nullopt);
  return environment.front().second;
}

TEST(Supervisors, RunAReplicaAndReportHowItEnded) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  ASSERT_TRUE(platform->start(platform.shell("hello", "echo out; echo err >&2; exit 3"), {}).ok());
  ASSERT_TRUE(platform.wait_for_end("hello"));
  EXPECT_EQ(platform.started.count("hello"), 1U);
  const ReplicaState& state = platform.ended["hello"];
  EXPECT_EQ(state.error, "");
  EXPECT_EQ(state.exit_code, 3);
  EXPECT_FALSE(state.exit_signal.has_value());
  EXPECT_EQ(state.boot_id, boot_id());
  EXPECT_EQ(platform.log("hello"), "out\nerr\n");
}

TEST(Supervisors, ReportTheSignalThatEndedIt) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  ASSERT_TRUE(platform->start(platform.shell("killed", "kill -9 $$"), {}).ok());
  ASSERT_TRUE(platform.wait_for_end("killed"));
  EXPECT_EQ(platform.ended["killed"].exit_signal, SIGKILL);
  EXPECT_FALSE(platform.ended["killed"].exit_code.has_value());
}

TEST(Supervisors, SayWhyACommandCouldNotBeStarted) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  ReplicaSpec missing = platform.shell("missing", "");
  missing.command = {"no-such-program-anywhere"};
  ReplicaSpec nowhere = platform.shell("nowhere", "true");
  nowhere.working_directory = folder.path() + "/nowhere";
  ReplicaSpec refused = platform.shell("refused", "");
  refused.command = {folder.path()};
  for (const ReplicaSpec& spec : {missing, nowhere, refused}) ASSERT_TRUE(platform->start(spec, {}).ok());
  const struct {
    const char* uid;
    const char* words;
  } cases[] = {
      {"missing", "no-such-program-anywhere"}, {"nowhere", "workingDirectory"}, {"refused", "denied"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.uid);
    ASSERT_TRUE(platform.wait_for_end(c.uid));
    EXPECT_NE(platform.ended[c.uid].error.find(c.words), std::string::npos) << platform.ended[c.uid].error;
    EXPECT_EQ(platform.started.count(c.uid), 0U);
  }
  ReplicaSpec empty = platform.shell("empty", "");
  empty.command.clear();
  EXPECT_FALSE(platform->start(empty, {}).ok());
}

TEST(Supervisors, GiveAReplicaItsEnvironmentAndNothingOfThePlatforms) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  setenv("FAIRLEAD_TEST_LEAK", "leaked", 1);
  ReplicaSpec spec =
      platform.shell("environment", "echo \"$RANK/$FAIRLEAD_TEST_LEAK/$HOME\"; ls /proc/self/fd");
  spec.environment = {{"RANK", "7"}};
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("environment"));
  unsetenv("FAIRLEAD_TEST_LEAK");
  const std::string log = platform.log("environment");
  EXPECT_EQ(log.substr(0, log.find('\n')), std::string("7//") + account_home());
  EXPECT_EQ(log.substr(log.find('\n') + 1), "0\n1\n2\n3\n") << "3 is the folder that ls reads";
}

TEST(Supervisors, HandOverSecretsWithoutWritingThem) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  const std::string secret = "correct-horse-battery-staple";
  Signpost post(folder.path() + "/post");
  Signpost hold(folder.path() + "/hold");
  ReplicaSpec spec =
      platform.shell("secret", "[ \"$TOKEN\" = " + secret.substr(0, 7) + "$REST ] && echo same > " +
                                   post.path() + "; read line < " + hold.path());
  spec.environment = {{"REST", secret.substr(7)}};
  ASSERT_TRUE(platform->start(spec, {{"TOKEN", secret}}).ok());
  ASSERT_EQ(post.next(), "same");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    const auto text = base::read_file(entry.path().string());
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(text->find(secret), std::string::npos) << entry.path();
  }
  ASSERT_TRUE(platform.wait_for_start("secret"));
  for (const std::int64_t pid : {platform.started["secret"].supervisor_pid, platform.started["secret"].pid}) {
    const auto arguments = base::read_file("/proc/" + std::to_string(pid) + "/cmdline");
    EXPECT_TRUE(arguments.ok() && arguments->find(secret) == std::string::npos);
  }
  ASSERT_TRUE(platform->stop("secret", SIGTERM, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("secret"));
}

TEST(Supervisors, StopWithTheSignalAndLetTheReplicaEnd) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  Signpost post(folder.path() + "/post");
  ASSERT_TRUE(platform
                  ->start(platform.shell("polite", "trap 'echo saved; exit 0' USR1; echo ready > " +
                                                       post.path() + "; while :; do sleep 0.05; done"),
                          {})
                  .ok());
  ASSERT_EQ(post.next(), "ready");
  ASSERT_TRUE(platform.wait_for_start("polite"));
  ASSERT_TRUE(platform->stop("polite", SIGUSR1, base::Duration::seconds(600)).ok());
  ASSERT_TRUE(platform.wait_for_end("polite"));
  EXPECT_EQ(platform.ended["polite"].exit_code, 0);
  EXPECT_EQ(platform.log("polite"), "saved\n");
}

TEST(Supervisors, KillTheWholeTreeAfterTheGrace) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  Signpost post(folder.path() + "/post");
  // One that ignores the signal, and one that has left its session and its parent.
  ASSERT_TRUE(
      platform
          ->start(platform.shell("stubborn", "trap '' TERM; (setsid sh -c 'echo $$ > " + post.path() +
                                                 "; exec sleep 1000' &) ; while :; do sleep 1000; done"),
                  {})
          .ok());
  const auto escaped = static_cast<pid_t>(std::atoi(post.next().c_str()));
  ASSERT_GT(escaped, 0);
  ASSERT_TRUE(platform.wait_for_start("stubborn"));
  ASSERT_TRUE(platform->stop("stubborn", SIGTERM, base::Duration::milliseconds(50)).ok());
  ASSERT_TRUE(platform.wait_for_end("stubborn"));
  EXPECT_EQ(platform.ended["stubborn"].exit_signal, SIGKILL);
  EXPECT_FALSE(process_entry(escaped).has_value()) << "all had ended before the end was told";
}

TEST(Supervisors, KillWhatAReplicaLeavesBehind) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  Signpost post(folder.path() + "/post");
  Signpost hold(folder.path() + "/hold");
  ASSERT_TRUE(platform
                  ->start(platform.shell("leaver", "(setsid sh -c 'echo $$ > " + post.path() +
                                                       "; exec sleep 1000' &); read line < " + hold.path()),
                          {})
                  .ok());
  const std::string line = post.next();
  std::ofstream(hold.path()) << "go\n";
  const auto left = static_cast<pid_t>(std::atoi(line.c_str()));
  ASSERT_GT(left, 0);
  ASSERT_TRUE(platform.wait_for_end("leaver"));
  EXPECT_EQ(platform.ended["leaver"].exit_code, 0);
  EXPECT_FALSE(process_entry(left).has_value());
}

TEST(Supervisors, SendASignal) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  Signpost post(folder.path() + "/post");
  ASSERT_TRUE(
      platform
          ->start(platform.shell("signalled", "trap 'echo got > " + post.path() + "' USR2; echo ready > " +
                                                  post.path() + "; while :; do sleep 0.05; done"),
                  {})
          .ok());
  ASSERT_EQ(post.next(), "ready");
  ASSERT_TRUE(platform->signal("signalled", SIGUSR2).ok());
  EXPECT_EQ(post.next(), "got");
  ASSERT_TRUE(platform->stop("signalled", 0, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("signalled"));
  EXPECT_FALSE(platform->signal("nobody", SIGTERM).ok());
}

TEST(Supervisors, StartingATryTwiceIsHarmless) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  SupervisorBench other(folder.path());
  Signpost post(folder.path() + "/post");
  const ReplicaSpec spec =
      platform.shell("once", "echo $$ > " + post.path() + "; echo ran; read line < " + post.path() + "x");
  Signpost end(post.path() + "x");
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_TRUE(other->start(spec, {}).ok());
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_TRUE(platform.wait_for_start("once"));
  ASSERT_TRUE(other.wait_for_start("once"));
  EXPECT_EQ(platform.started["once"].pid, other.started["once"].pid);
  std::ofstream(end.path()) << "go\n";
  ASSERT_TRUE(platform.wait_for_end("once"));
  ASSERT_TRUE(other.wait_for_end("once"));
  EXPECT_EQ(platform.log("once"), "ran\n");
  // And once more after it has ended.
  platform.restart();
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("once"));
  EXPECT_EQ(platform.ended["once"].exit_code, 0);
  EXPECT_EQ(platform.log("once"), "ran\n");
  EXPECT_FALSE(platform.told_twice || other.told_twice);
}

TEST(Supervisors, AReplicaSurvivesThePlatformAndIsAdopted) {
  const TestFolder folder;
  Signpost post(folder.path() + "/post");
  Signpost end(folder.path() + "/end");
  const pid_t first = fork();
  if (first == 0) {
    SupervisorBench platform(folder.path());
    const bool started =
        platform
            ->start(platform.shell("survivor",
                                   "echo $$ > " + post.path() + "; read line < " + end.path() + "; exit 5"),
                    {})
            .ok();
    if (!started || !platform.wait_for_start("survivor")) _exit(1);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(first, &status, 0), first);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::string pid = post.next();
  SupervisorBench platform(folder.path());
  ASSERT_TRUE(platform->start(platform.shell("survivor", "exit 99"), {}).ok());
  ASSERT_TRUE(platform.wait_for_start("survivor"));
  EXPECT_EQ(std::to_string(platform.started["survivor"].pid), pid);
  EXPECT_TRUE(is_alive(static_cast<pid_t>(platform.started["survivor"].pid),
                       platform.started["survivor"].start_ticks));
  std::ofstream(end.path()) << "go\n";
  ASSERT_TRUE(platform.wait_for_end("survivor"));
  EXPECT_EQ(platform.ended["survivor"].exit_code, 5);
}

TEST(Supervisors, WorkThatNoRecordKnowsIsEnded) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  for (const char* uid : {"known", "stranger"}) {
    ASSERT_TRUE(platform->start(platform.shell(uid, "sleep 1000 & sleep 1000"), {}).ok());
    ASSERT_TRUE(platform.wait_for_start(uid));
  }
  const auto known = platform.started["known"];
  const auto stranger = platform.started["stranger"];
  platform.restart();
  platform->end_strangers({"known"});
  EXPECT_TRUE(is_gone(static_cast<pid_t>(stranger.pid)));
  EXPECT_TRUE(is_gone(static_cast<pid_t>(stranger.supervisor_pid)));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/replicas/stranger"));
  EXPECT_TRUE(is_alive(static_cast<pid_t>(known.pid), known.start_ticks));
  ASSERT_TRUE(platform->start(platform.shell("known", ""), {}).ok());
  ASSERT_TRUE(platform.wait_for_start("known"));
  ASSERT_TRUE(platform->stop("known", SIGKILL, base::Duration()).ok());
  EXPECT_TRUE(platform.wait_for_end("known"));
}

TEST(Supervisors, WhatEndedWhileNoPlatformRanIsReported) {
  const TestFolder folder;
  Signpost post(folder.path() + "/post");
  const pid_t first = fork();
  if (first == 0) {
    SupervisorBench platform(folder.path());
    (void)platform->start(platform.shell("early", "echo done > " + post.path() + "; exit 4"), {});
    raise(SIGKILL);
  }
  waitpid(first, nullptr, 0);
  ASSERT_EQ(post.next(), "done");
  SupervisorBench platform(folder.path());
  ASSERT_TRUE(platform->start(platform.shell("early", "exit 99"), {}).ok());
  ASSERT_TRUE(platform.wait_for_end("early"));
  EXPECT_EQ(platform.ended["early"].exit_code, 4);
}

TEST(Supervisors, ATreeWhoseSupervisorWasKilledIsKilledAndReported) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  Signpost post(folder.path() + "/post");
  ASSERT_TRUE(platform
                  ->start(platform.shell("lost", "(setsid sh -c 'echo $$ > " + post.path() +
                                                     "; exec sleep 1000' &); while :; do sleep 1000; done"),
                          {})
                  .ok());
  const auto child = static_cast<pid_t>(std::atoi(post.next().c_str()));
  ASSERT_TRUE(platform.wait_for_start("lost"));
  const ReplicaState state = platform.started["lost"];
  ASSERT_EQ(kill(static_cast<pid_t>(state.supervisor_pid), SIGKILL), 0);
  ASSERT_TRUE(platform.wait_for_end("lost"));
  EXPECT_NE(platform.ended["lost"].error, "");
  EXPECT_TRUE(is_gone(static_cast<pid_t>(state.pid)));
  EXPECT_TRUE(is_gone(child));
  const auto stored = base::read_file(folder.path() + "/replicas/lost/state.json");
  ASSERT_TRUE(stored.ok());
  const auto decoded = decode_state(*stored);
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(decoded->ended.has_value());
}

TEST(Supervisors, ATryOfAnEarlierBootIsReportedAsEnded) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  const ReplicaSpec spec = platform.shell("old", "true");
  std::filesystem::create_directories(spec.folder);
  ReplicaState state;
  state.uid = "old";
  state.boot_id = "another boot";
  state.pid = getpid();  // whoever has that number now is not to be harmed
  state.start_ticks = 1;
  ASSERT_TRUE(base::write_atomically(ReplicaPaths(spec.folder).state, encode_state(state)).ok());
  ASSERT_TRUE(platform->start(spec, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("old"));
  EXPECT_NE(platform.ended["old"].error.find("started anew"), std::string::npos);
}

TEST(Supervisors, ForgettingLeavesLogsAndTheStateOnly) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  ASSERT_TRUE(platform->start(platform.shell("gone", "echo x"), {}).ok());
  ASSERT_TRUE(platform.wait_for_end("gone"));
  const std::string group = platform.ended["gone"].cgroup;
  platform->forget("gone");
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() + "/replicas/gone")) {
    left.push_back(entry.path().filename().string());
  }
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<std::string>{"logs", "state.json"}));
  EXPECT_FALSE(platform->use("gone").has_value());
}

TEST(Supervisors, TellWhatAReplicaUses) {
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  Signpost post(folder.path() + "/post");
  // A child of the child burns cpu time and is waited for; the time must not get lost.
  ASSERT_TRUE(
      platform
          ->start(platform.shell("busy",
                                 "sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'; echo done > " +
                                     post.path() + "; read line < " + post.path() + "x"),
                  {})
          .ok());
  Signpost hold(post.path() + "x");
  ASSERT_EQ(post.next(), "done");
  ASSERT_TRUE(platform.wait_for_start("busy"));
  const auto use = platform->use("busy");
  ASSERT_TRUE(use.has_value());
  EXPECT_GT(use->cpu_nanoseconds, 20'000'000);
  EXPECT_GT(use->memory_bytes, 0);
  EXPECT_FALSE(use->pids.empty());
  ASSERT_TRUE(platform->stop("busy", 0, {}).ok());
  ASSERT_TRUE(platform.wait_for_end("busy"));
}

TEST(Supervisors, RefuseAnotherAccountWithoutTheRight) {
  if (geteuid() == 0) GTEST_SKIP() << "root may run work as any account";
  const TestFolder folder;
  SupervisorBench platform(folder.path());
  ReplicaSpec spec = platform.shell("other", "true");
  spec.account = geteuid() + 1;
  const auto started = platform->start(spec, {});
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), base::Code::kPermissionDenied);
}

}  // namespace
}  // namespace fairlead::host
