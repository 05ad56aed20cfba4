#include "host/loop_fakes_test.h"

#include <gtest/gtest.h>

#include <csignal>

namespace fairlead::host {
namespace {

using world::WorkloadState;

model::Workload service(std::int32_t minimum, std::int32_t maximum) {
  model::Workload workload = training("chat", 1);
  workload.kind = model::WorkloadKind::kInference;
  workload.service.emplace();
  workload.service->minimum_replicas = workload.service->initial_replicas = minimum;
  workload.service->maximum_replicas = maximum;
  return workload;
}

/// Makes everything of the service healthy that runs.
void heal(FakePlatform& platform) {
  for (const auto& replica : std::vector(platform.view("chat").replicas))
    if (replica.state == "Running") platform.loop().replica_healthy(replica.uid, true);
  platform.pass(0);
}

TEST(LoopService, SleepsUntilItIsWanted) {
  FakePlatform platform;
  platform.submit(service(0, 3));
  EXPECT_EQ(platform.view("chat").state, WorkloadState::kPending);
  EXPECT_EQ(platform.view("chat").reason, "sleeps; a request wakes it");
  EXPECT_EQ(platform.view("chat").address, "/serve/default/chat/");
  platform.loop().service_wants("default/chat", 2);
  platform.pass(0);
  EXPECT_EQ(platform.count("chat", "Binding"), 2);
  platform.run("chat");
  EXPECT_EQ(platform.view("chat").state, WorkloadState::kRunning);
  const auto services = platform.loop().services();
  ASSERT_EQ(services.size(), 1U);
  EXPECT_EQ(services[0].replicas.size(), 2U);
  EXPECT_NE(services[0].replicas[0].port, services[0].replicas[1].port);
  platform.loop().service_wants("default/chat", 0);
  platform.pass(0);
  platform.let_stop();
  EXPECT_EQ(platform.view("chat").state, WorkloadState::kPending);
  EXPECT_TRUE(platform.replays());
}

TEST(LoopService, WhatServesIsDrainedBeforeItEnds) {
  FakePlatform platform;
  platform.submit(service(0, 3));
  platform.loop().service_wants("default/chat", 1);
  platform.pass(0);
  platform.run("chat");
  heal(platform);
  const std::string uid = platform.uid("chat");
  platform.loop().service_wants("default/chat", 0);
  platform.pass(0);
  EXPECT_TRUE(platform.supervisors.stopped.empty());
  EXPECT_TRUE(platform.loop().services()[0].replicas[0].draining);
  platform.loop().replica_drained(uid);
  platform.pass(0);
  EXPECT_EQ(platform.supervisors.stopped.at(uid).first, SIGTERM);
}

TEST(LoopService, DrainingHasItsLimit) {
  FakePlatform platform;
  platform.submit(service(1, 1));
  platform.run("chat");
  heal(platform);
  platform.change("chat", {world::WorkloadChange::Kind::kDelete, 0, {}, {}});
  EXPECT_TRUE(platform.supervisors.stopped.empty());
  platform.pass(30);
  EXPECT_EQ(platform.supervisors.stopped.size(), 1U);
}

TEST(LoopService, ReplicasAboveTheMinimumBorrow) {
  FakePlatform platform;
  model::Queue small;
  small.name = "small";
  small.parent = "default-department";
  small.pools = {{"", {}, {{"gpu", {model::Bound::of(1000), model::Bound::unlimited(), 1}}}}};
  platform.put_queue(small);
  model::Workload chat = service(1, 3);
  chat.project = "small";
  chat.service->initial_replicas = 3;
  platform.submit(chat);
  EXPECT_EQ(platform.count("chat", "Binding", "small"), 3) << "one within the quota, two borrowed";
}

TEST(LoopService, ABorrowingTrainingGivesDevicesBack) {
  FakePlatform platform;
  model::Workload elastic = training("train", 1, 4, 1);
  platform.submit(elastic);
  platform.run("train");
  model::Workload chat = service(0, 2);
  chat.priority = "very-high";
  platform.submit(chat);
  platform.loop().service_wants("default/chat", 1);
  platform.pass(0);
  EXPECT_EQ(platform.supervisors.stopped.size(), 1U);
  platform.let_stop();
  EXPECT_EQ(platform.count("chat", "Binding"), 1);
  EXPECT_EQ(platform.count("train", "Running"), 3);
  platform.run("chat");
  platform.loop().service_wants("default/chat", 0);
  platform.pass(0);
  platform.let_stop();
  EXPECT_EQ(platform.count("train", "Binding"), 1) << "and grows again";
}

TEST(LoopService, AnUpdateHasOneSpareAndTakesOver) {
  FakePlatform platform;
  platform.submit(service(2, 2));
  platform.run("chat");
  heal(platform);
  const std::string first = platform.uid("chat");
  model::Workload next = service(2, 2);
  next.roles.front().command = {"serve", "v2"};
  ASSERT_TRUE(platform.change("chat", {world::WorkloadChange::Kind::kReplace, 0, next, {}}));
  EXPECT_EQ(platform.count("chat", "Running"), 2);
  EXPECT_EQ(platform.count("chat", "Binding"), 1);
  for (int step = 0; step < 4; ++step) {
    platform.run("chat");
    heal(platform);
    const auto services = platform.loop().services();
    for (const auto& one : services[0].replicas)
      if (one.draining) platform.loop().replica_drained(one.uid);
    platform.pass(0);
    platform.let_stop();
  }
  EXPECT_EQ(platform.count("chat", "Running"), 2);
  for (const auto& replica : platform.view("chat").replicas)
    if (replica.state == "Running") {
      EXPECT_EQ(platform.supervisors.started.at(replica.uid).command,
                (std::vector<std::string>{"serve", "v2"}));
    }
  EXPECT_TRUE(platform.ledger.has_history("service-updated"));
}

TEST(LoopService, AnUpdateThatFailsIsTakenBack) {
  FakePlatform platform;
  platform.submit(service(1, 1));
  platform.run("chat");
  heal(platform);
  const std::string old = platform.uid("chat");
  model::Workload next = service(1, 1);
  next.roles.front().command = {"serve", "broken"};
  platform.change("chat", {world::WorkloadChange::Kind::kReplace, 0, next, {}});
  std::string spare;
  for (const auto& replica : platform.view("chat").replicas)
    if (replica.state == "Binding") spare = replica.uid;
  platform.run("chat");
  platform.end(spare, 1);
  EXPECT_EQ(platform.view("chat").spec.roles.front().command, std::vector<std::string>{"train"});
  EXPECT_EQ(platform.count("chat", "Running"), 1);
  EXPECT_EQ(platform.count("chat", "Binding"), 0);
  EXPECT_NE(platform.view("chat").reason.find("taken back"), std::string::npos)
      << platform.view("chat").reason;
}

TEST(LoopService, WhatDoesNotBecomeHealthyIsReplaced) {
  FakePlatform platform;
  model::Workload chat = service(1, 1);
  chat.service->start_deadline = base::Duration::seconds(60);
  platform.submit(chat);
  platform.run("chat");
  const std::string first = platform.uid("chat");
  platform.pass(60);
  EXPECT_TRUE(platform.supervisors.stopped.contains(first));
  platform.let_stop();
  platform.pass(10);
  EXPECT_EQ(platform.count("chat", "Binding"), 1);
}

}  // namespace
}  // namespace fairlead::host
