#include "host/loop_fakes_test.h"

#include <gtest/gtest.h>

#include <csignal>

namespace fairlead::host {
namespace {

using world::WorkloadState;

world::WorkloadChange suspend() { return {world::WorkloadChange::Kind::kSuspend, 0, {}, {}}; }
world::WorkloadChange resume() { return {world::WorkloadChange::Kind::kResume, 0, {}, {}}; }
world::WorkloadChange remove() { return {world::WorkloadChange::Kind::kDelete, 0, {}, {}}; }
world::WorkloadChange scale(std::int32_t replicas) {
  return {world::WorkloadChange::Kind::kScale, replicas, {}, {}};
}

std::string variable(const ReplicaSpec& spec, std::string_view name) {
  for (const auto& [key, value] : spec.environment)
    if (key == name) return value;
  return "(absent)";
}

TEST(Loop, RunsAWorkloadFromSubmissionToItsEnd) {
  FakePlatform platform;
  ASSERT_TRUE(platform.start_result) << platform.start_result.error().message();
  const auto answer = platform.submit(training("hello", 1));
  ASSERT_TRUE(answer) << answer.error;
  EXPECT_EQ(answer.view->state, WorkloadState::kStarting);
  const std::string uid = platform.uid("hello");
  ASSERT_TRUE(platform.supervisors.started.contains(uid));
  EXPECT_EQ(variable(platform.supervisors.started[uid], "CUDA_VISIBLE_DEVICES"), "0");
  EXPECT_EQ(platform.loop().view()->devices[0].allocated_thousandths, 1000);
  platform.run("hello");
  EXPECT_EQ(platform.view("hello").state, WorkloadState::kRunning);
  platform.end(uid, 0);
  EXPECT_EQ(platform.view("hello").state, WorkloadState::kSucceeded);
  EXPECT_EQ(platform.loop().view()->devices[0].allocated_thousandths, 0);
  EXPECT_TRUE(platform.replays());
  platform.change("hello", remove());
  EXPECT_EQ(platform.loop().view()->find("default", "hello"), nullptr);
}

TEST(Loop, StartsNothingBeforeItIsWritten) {
  FakePlatform platform;
  platform.ledger.full = true;
  const auto answer = platform.submit(training("hello", 1));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error.find("the disk is full"), std::string::npos) << answer.error;
  EXPECT_TRUE(platform.supervisors.started.empty());
  platform.pass(2);
  EXPECT_FALSE(platform.submit(training("other", 1))) << "a full disk takes nothing";
  platform.ledger.full = false;
  platform.pass(2);
  EXPECT_TRUE(platform.submit(training("hello", 1)));
  EXPECT_EQ(platform.supervisors.started.size(), 1U);
}

TEST(Loop, RemembersWhatProcessesDidWhileNothingCouldBeWritten) {
  FakePlatform platform;
  platform.submit(training("hello", 1));
  platform.run("hello");
  platform.ledger.full = true;
  platform.end(platform.uid("hello"), 0);
  EXPECT_EQ(platform.view("hello").state, WorkloadState::kRunning) << "what is not written is not shown";
  platform.pass(2);
  platform.ledger.full = false;
  platform.pass(2);
  EXPECT_EQ(platform.view("hello").state, WorkloadState::kSucceeded);
}

TEST(Loop, GangsStartTogetherAndKnowEachOther) {
  FakePlatform platform;
  platform.submit(training("gang", 1, 4));
  EXPECT_EQ(platform.count("gang", "Binding"), 4);
  std::set<std::string> ranks;
  std::set<std::string> ports;
  for (const auto& [uid, spec] : platform.supervisors.started) {
    EXPECT_EQ(variable(spec, "WORLD_SIZE"), "4");
    ranks.insert(variable(spec, "RANK"));
    ports.insert(variable(spec, "MASTER_PORT"));
    EXPECT_EQ(variable(spec, "MASTER_ADDR"), "127.0.0.1");
  }
  EXPECT_EQ(ranks, (std::set<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(ports.size(), 1U);
  EXPECT_TRUE(platform.devices_given_once());
  const auto waits = platform.submit(training("too-late", 1, 2));
  ASSERT_TRUE(waits);
  EXPECT_EQ(waits.view->state, WorkloadState::kPending);
  EXPECT_FALSE(platform.view("too-late").verdict.reasons.empty());
}

TEST(Loop, AFailureStopsTheGangAndIsTriedAgainLater) {
  FakePlatform platform;
  model::Workload workload = training("gang", 1, 2);
  workload.retries = 1;
  platform.submit(workload);
  platform.run("gang");
  const std::string other = platform.uid("gang", 1);
  platform.end(platform.uid("gang", 0), 3);
  EXPECT_TRUE(platform.supervisors.stopped.contains(other));
  platform.let_stop();
  EXPECT_EQ(platform.view("gang").state, WorkloadState::kBackOff);
  platform.pass(9);
  EXPECT_EQ(platform.view("gang").state, WorkloadState::kBackOff);
  platform.pass(1);
  EXPECT_EQ(platform.view("gang").state, WorkloadState::kStarting);
  EXPECT_EQ(platform.count("gang", "Binding"), 2);
  platform.run("gang");
  platform.end(platform.uid("gang", 1), 4);
  platform.let_stop();
  EXPECT_EQ(platform.view("gang").state, WorkloadState::kFailed);
  EXPECT_EQ(platform.view("gang").reason, "worker 1 exited with code 4, after 1 restarts");
  EXPECT_TRUE(platform.replays());
}

TEST(Loop, BackOffDoublesUpToSixMinutes) {
  const auto first = base::Duration::seconds(10);
  EXPECT_EQ(back_off(first, 1), base::Duration::seconds(10));
  EXPECT_EQ(back_off(first, 2), base::Duration::seconds(20));
  EXPECT_EQ(back_off(first, 5), base::Duration::seconds(160));
  EXPECT_EQ(back_off(first, 7), base::Duration::seconds(360));
  EXPECT_EQ(back_off(first, 1000), base::Duration::seconds(360));
}

TEST(Loop, WhatRunsOnAfterACrashIsFoundAgain) {
  FakePlatform platform;
  platform.submit(training("long", 2));
  platform.run("long");
  platform.submit(training("next", 1));  // bound, not yet running
  const std::string running = platform.uid("long");
  const std::string binding = platform.uid("next");
  platform.restart();
  EXPECT_EQ(platform.view("long").state, WorkloadState::kRunning);
  EXPECT_EQ(platform.uid("long"), running);
  EXPECT_TRUE(platform.supervisors.started.contains(running)) << "is adopted";
  EXPECT_TRUE(platform.supervisors.started.contains(binding));
  platform.run("next");
  EXPECT_EQ(platform.view("next").state, WorkloadState::kRunning);
  platform.submit(training("full", 2));
  EXPECT_EQ(platform.view("full").state, WorkloadState::kPending) << "the devices are held as before";
  EXPECT_TRUE(platform.devices_given_once());
  platform.end(running, 0);
  EXPECT_EQ(platform.view("full").state, WorkloadState::kStarting);
  EXPECT_TRUE(platform.replays());
}

TEST(Loop, WhatAShutdownEndsGoesOnAtTheNextStart) {
  FakePlatform platform;
  platform.submit(training("work", 4));
  platform.run("work");
  platform.loop().stop_everything();
  platform.pass(0);
  platform.let_stop();
  EXPECT_EQ(platform.loop().live_replicas(), 0U) << "nothing new is placed";
  platform.restart();
  EXPECT_EQ(platform.view("work").state, WorkloadState::kStarting);
  EXPECT_EQ(platform.view("work").failures, 0);
}

TEST(Loop, SuspendedWorkGivesItsDevicesBackAndComesAgain) {
  FakePlatform platform;
  model::Workload workload = training("work", 4);
  workload.checkpoint.signal = "SIGUSR1";
  platform.submit(workload);
  platform.run("work");
  const std::string first = platform.uid("work");
  platform.change("work", suspend());
  EXPECT_EQ(platform.view("work").state, WorkloadState::kStopping);
  EXPECT_EQ(platform.supervisors.stopped[first].first, SIGUSR1);
  EXPECT_EQ(platform.supervisors.stopped[first].second, base::Duration::seconds(30));
  platform.let_stop();
  EXPECT_EQ(platform.view("work").state, WorkloadState::kSuspended);
  platform.submit(training("other", 4));
  EXPECT_EQ(platform.view("other").state, WorkloadState::kStarting);
  platform.run("other");
  platform.change("work", resume());
  EXPECT_EQ(platform.view("work").state, WorkloadState::kPending);
  platform.end(platform.uid("other"), 0);
  EXPECT_EQ(platform.view("work").state, WorkloadState::kStarting);
  EXPECT_NE(platform.uid("work"), first) << "a try of its own";
  EXPECT_TRUE(platform.replays());
}

TEST(Loop, PreemptedWorkIsAskedForACheckpointAndQueuesAgain) {
  FakePlatform platform;
  model::Workload low = training("low", 4);
  low.priority = "low";
  low.checkpoint = {"SIGUSR1", "state"};
  platform.submit(low);
  platform.run("low");
  const std::string first = platform.uid("low");
  platform.files["/state/work/default/low/state"] = platform.now;
  platform.pass(100);
  model::Workload high = training("high", 2);
  high.priority = "high";
  platform.submit(high);
  ASSERT_TRUE(platform.supervisors.stopped.contains(first));
  EXPECT_EQ(platform.supervisors.stopped[first].first, SIGUSR1);
  EXPECT_EQ(platform.view("low").preemptions, 1);
  EXPECT_EQ(platform.view("high").state, WorkloadState::kPending) << "its devices are not free yet";
  EXPECT_TRUE(platform.devices_given_once());
  platform.files["/state/work/default/low/state"] = platform.now - base::Duration::seconds(10);
  platform.let_stop();
  EXPECT_EQ(platform.view("high").state, WorkloadState::kStarting);
  EXPECT_EQ(platform.view("low").state, WorkloadState::kPending);
  std::int64_t lost = 0;
  for (const auto& sample : platform.ledger.usage)
    lost += sample.lost_thousandths * (sample.until - sample.since).nanoseconds() / 1'000'000'000;
  EXPECT_EQ(lost, 4 * 1000 * 10) << "ten seconds on four devices since the checkpoint";
  platform.run("high");
  platform.end(platform.uid("high"), 0);
  EXPECT_EQ(platform.view("low").state, WorkloadState::kStarting);
  EXPECT_TRUE(platform.replays());
}

TEST(Loop, WhatMayNotRestartFailsWhenItIsPreempted) {
  FakePlatform platform;
  model::Workload low = training("low", 4);
  low.priority = "low";
  low.restart_on_preemption = false;
  platform.submit(low);
  platform.run("low");
  model::Workload high = training("high", 4);
  high.priority = "high";
  platform.submit(high);
  platform.let_stop();
  EXPECT_EQ(platform.view("low").state, WorkloadState::kFailed);
}

TEST(Loop, DependenciesAreWaitedFor) {
  FakePlatform platform;
  platform.submit(training("first", 1));
  model::Workload second = training("second", 1);
  second.after = {"first"};
  platform.submit(second);
  EXPECT_EQ(platform.view("second").state, WorkloadState::kPending);
  EXPECT_EQ(platform.view("second").reason, "waits for first to succeed");
  platform.run("first");
  platform.end(platform.uid("first"), 0);
  EXPECT_EQ(platform.view("second").state, WorkloadState::kStarting);
  model::Workload third = training("third", 1);
  third.after = {"nothing"};
  EXPECT_FALSE(platform.submit(third));
}

TEST(Loop, ADependencyThatFailsFailsWhatComesAfter) {
  FakePlatform platform;
  model::Workload first = training("first", 1);
  first.retries = 0;
  platform.submit(first);
  model::Workload second = training("second", 1);
  second.after = {"first"};
  platform.submit(second);
  platform.run("first");
  platform.end(platform.uid("first"), 1);
  EXPECT_EQ(platform.view("second").state, WorkloadState::kFailed);
  EXPECT_EQ(platform.view("second").reason, "comes after first, which failed");
}

TEST(Loop, LimitsOfTimeHold) {
  FakePlatform platform;
  model::Workload limited = training("limited", 1);
  limited.time_limit = base::Duration::seconds(60);
  limited.time_to_live = base::Duration::seconds(100);
  platform.submit(limited);
  platform.run("limited");
  platform.pass(59);
  EXPECT_EQ(platform.view("limited").state, WorkloadState::kRunning);
  platform.pass(1);
  EXPECT_EQ(platform.view("limited").state, WorkloadState::kStopping);
  platform.let_stop();
  EXPECT_EQ(platform.view("limited").state, WorkloadState::kFailed);
  EXPECT_EQ(platform.view("limited").reason, "ran as long as its time limit of 1m0s");
  platform.pass(100);
  EXPECT_EQ(platform.loop().view()->find("default", "limited"), nullptr) << "its time to live is over";
}

TEST(Loop, UnusedDevicesAreTakenBack) {
  FakePlatform platform;
  model::Workload idle = training("idle", 1);
  idle.idle_device_limit = base::Duration::seconds(300);
  platform.submit(idle);
  platform.run("idle");
  device::DeviceReading reading;
  reading.identity = "SIM-0";
  reading.utilisation = 0.5;
  platform.loop().devices_read({reading});
  platform.pass(400);
  EXPECT_EQ(platform.view("idle").state, WorkloadState::kRunning);
  reading.utilisation = 0;
  platform.loop().devices_read({reading});
  platform.pass(1);
  platform.pass(300);
  platform.let_stop();
  EXPECT_EQ(platform.view("idle").state, WorkloadState::kSuspended);
  EXPECT_EQ(platform.view("idle").reason, "did not use its devices for 5m0s");
}

TEST(Loop, ElasticWorkShrinksAndGrows) {
  FakePlatform platform;
  model::Workload elastic = training("elastic", 1, 4, 1);
  elastic.priority = "low";
  platform.submit(elastic);
  platform.run("elastic");
  EXPECT_EQ(platform.count("elastic", "Running"), 4);
  model::Workload urgent = training("urgent", 2);
  urgent.priority = "high";
  platform.submit(urgent);
  EXPECT_EQ(platform.supervisors.stopped.size(), 2U) << "no more than is needed";
  platform.let_stop();
  EXPECT_EQ(platform.view("elastic").state, WorkloadState::kRunning);
  EXPECT_EQ(platform.count("elastic", "Running"), 2);
  platform.run("urgent");
  platform.end(platform.uid("urgent"), 0);
  platform.run("elastic");
  EXPECT_EQ(platform.count("elastic", "Running"), 4);
  platform.change("elastic", scale(1));
  platform.let_stop();
  EXPECT_EQ(platform.count("elastic", "Running"), 1);
  EXPECT_TRUE(platform.replays());
}

TEST(Loop, SharesOfADeviceLieOnOneDevice) {
  FakePlatform platform(1);
  for (const char* name : {"a", "b"}) {
    model::Workload half = training(name, 1);
    half.roles.front().devices.thousandths = 500;
    platform.submit(half);
  }
  EXPECT_EQ(platform.loop().view()->devices[0].allocated_thousandths, 1000);
  EXPECT_EQ(platform.loop().view()->devices[0].workloads.size(), 2U);
  model::Workload third = training("c", 1);
  third.roles.front().devices.thousandths = 100;
  platform.submit(third);
  EXPECT_EQ(platform.view("c").state, WorkloadState::kPending);
}

TEST(Loop, ABadDeviceLosesItsWorkAndComesBackWhenItRecovers) {
  FakePlatform platform(2);
  platform.submit(training("work", 1));
  platform.run("work");
  const std::string first = platform.uid("work");
  device::DeviceReading bad;
  bad.identity = platform.view("work").replicas.front().devices.front();
  bad.healthy = false;
  bad.message = "uncorrected errors";
  platform.loop().devices_read({bad});
  platform.pass(1);
  EXPECT_TRUE(platform.supervisors.stopped.contains(first));
  platform.let_stop();
  ASSERT_EQ(platform.view("work").state, WorkloadState::kStarting);
  EXPECT_NE(platform.view("work").replicas.front().devices.front(), bad.identity);
  platform.submit(training("second", 1));
  EXPECT_EQ(platform.view("second").state, WorkloadState::kPending);
  bad.healthy = true;
  platform.loop().devices_read({bad});
  platform.pass(1);
  EXPECT_EQ(platform.view("second").state, WorkloadState::kStarting);
}

TEST(Loop, TheSameSubmissionTwiceIsOne) {
  FakePlatform platform;
  const auto first = platform.submit(training("one", 1), "key-1");
  const auto again = platform.submit(training("one", 1), "key-1");
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first.view->uid, again.view->uid);
  EXPECT_FALSE(platform.submit(training("one", 1), "key-2"));
  EXPECT_FALSE(platform.submit(training("one", 2), "key-1"));
}

TEST(Loop, AChangeCanInsistOnAVersion) {
  FakePlatform platform;
  platform.submit(training("one", 1));
  world::WorkloadChange change = suspend();
  change.if_version = platform.view("one").version + 1;
  EXPECT_FALSE(platform.change("one", change));
  change.if_version = platform.view("one").version;
  EXPECT_TRUE(platform.change("one", change));
}

TEST(Loop, WhatIsDeletedInTheTurnOfItsSubmissionIsNotAnswered) {
  FakePlatform platform;
  std::string said;
  platform.loop().submit({training("brief", 1), {"ada", std::nullopt}, {}},
                         [&](const auto& answer) { said = answer ? "made" : answer.error().message(); });
  platform.loop().change("default", "brief", {}, {"ada", std::nullopt}, [](const auto&) {});
  platform.loop().turn();
  EXPECT_EQ(said, "workload default/brief was deleted as it was submitted");
}

TEST(Loop, AProcessThatCannotBeStartedIsAFailure) {
  FakePlatform platform;
  platform.supervisors.refuse = "no more processes";
  model::Workload workload = training("one", 1);
  workload.retries = 0;
  platform.submit(workload);
  platform.pass(0);
  EXPECT_EQ(platform.view("one").state, WorkloadState::kFailed);
  EXPECT_EQ(platform.view("one").reason, "worker 0 no more processes");
}

TEST(Loop, NonPreemptibleWorkWaitsForItsQuota) {
  FakePlatform platform;
  model::Queue small;
  small.name = "small";
  small.parent = "default-department";
  small.pools = {{"", {}, {{"gpu", {model::Bound::of(1000), model::Bound::unlimited(), 1}}}}};
  ASSERT_TRUE(platform.put_queue(small));
  model::Workload workload = training("notebook", 2);
  workload.project = "small";
  workload.kind = model::WorkloadKind::kWorkspace;
  platform.submit(workload);
  const auto& view = platform.view("notebook", "small");
  EXPECT_EQ(view.state, WorkloadState::kPending);
  ASSERT_FALSE(view.verdict.reasons.empty());
  EXPECT_EQ(view.verdict.reasons.front().code, model::ReasonCode::kNonPreemptibleOverQuota);
  EXPECT_TRUE(view.reason.starts_with("it is not preemptible, so it must fit the quota of")) << view.reason;
}

struct Refused {
  const char* what;
  std::function<void(model::Workload&)> spoil;
  const char* says;
};
TEST(Loop, RefusesWhatCannotBe) {
  const std::vector<Refused> cases = {
      {"project", [](auto& w) { w.project = "nowhere"; }, "there is no project \"nowhere\""},
      {"department", [](auto& w) { w.project = "default-department"; }, "is a department"},
      {"image", [](auto& w) { w.image = "ubuntu"; }, "containers are not there yet"},
      {"signal", [](auto& w) { w.checkpoint.signal = "SIGKILLER"; }, "is not a signal"},
      {"secret", [](auto& w) { w.secrets = {{"TOKEN", "hub"}}; }, "there is no secret \"hub\""},
      {"name", [](auto& w) { w.name = "Big"; }, "metadata.name"},
  };
  FakePlatform platform;
  for (const Refused& one : cases) {
    model::Workload workload = training("w", 1);
    one.spoil(workload);
    const auto answer = platform.submit(workload);
    ASSERT_FALSE(answer) << one.what;
    EXPECT_NE(answer.error.find(one.says), std::string::npos) << answer.error;
  }
}

}  // namespace
}  // namespace fairlead::host
