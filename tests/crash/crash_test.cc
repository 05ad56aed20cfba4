// Kills the platform at seeded moments under a steady load of submissions, as `kill -9` does, and looks after
// each start whether anything that was promised is broken. CRASH_KILLS (20) and CRASH_SEED (1) choose.

#include "crash/load.h"
#include "crash/observations.h"
#include "platform/running_platform.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::crash_tests {
namespace {

using platform_tests::Output;
using platform_tests::RunningPlatform;

constexpr int kClients = 4;

int number_from(const char* variable, int otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::atoi(value);
}

class CrashTest {
 public:
  CrashTest(int kills, std::uint64_t seed) : random_(seed), kills_wanted_(kills) {
    std::string pattern = "/tmp/fairlead-crash-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    platform_tests::Setup setup;
    setup.devices = "8x H100-80GB";
    setup.folder = folder_ + "/state";
    platform_ = std::make_unique<RunningPlatform>(std::move(setup), RunningPlatform::Later());
    const std::string worker = fmt::format(R"("{}","{}")", CRASH_WORKER, folder_);
    for (int i = 0; i < kClients; ++i)
      clients_.push_back(std::make_unique<Client>(i, random_(), platform_->folder(), worker));
  }
  ~CrashTest() {
    platform_.reset();
    std::error_code ignored;
    if (!testing::Test::HasFailure()) {
      std::filesystem::remove_all(folder_, ignored);
    } else {
      std::cout << "kept for a look: " << folder_ << '\n';
    }
  }

  void run() {
    start();
    while (kills_ < kills_wanted_ && !testing::Test::HasFailure()) {
      crash_under_load();
      if (testing::Test::HasFailure()) return;
      if (below(8) == 0) crash_while_starting();
      start();
      check();
    }
    end();
  }
  void print_counts() const {
    int acknowledged = 0;
    for (const auto& client : clients_) acknowledged += client->acknowledged();
    std::cout << fmt::format("{} kills, {} of them between a write and its answer; {} acknowledged writes\n",
                             kills_, between_, acknowledged);
  }
  int kills() const { return kills_; }
  int between() const { return between_; }

 private:
  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
  std::string plan_file() const { return folder_ + "/plan"; }

  void write_plan(const std::string& text) const {
    std::ofstream(plan_file() + ".new") << text;
    std::filesystem::rename(plan_file() + ".new", plan_file());
  }
  void drop_plan() const { std::filesystem::remove(plan_file()); }

  bool try_start() {
    return platform_->try_start(
        {fmt::format("LD_PRELOAD={}", CRASH_AT_SYNC), "FAIRLEAD_CRASH_PLAN=" + plan_file()});
  }
  void start() {
    if (!try_start()) ADD_FAILURE() << "it does not start again: " << platform_->output();
  }

  void crash_under_load() {
    const int choice = below(100);
    const int syncs = 1 + below(40);
    const bool by_clock = choice >= 85;
    std::string plan;
    if (choice < 50) {
      plan = fmt::format("after {} 0", syncs);
    } else if (choice < 65) {
      plan = fmt::format("before {} 0", syncs);
    } else {
      plan = fmt::format("after {} {}", syncs, 20 + below(3000));
    }
    if (!by_clock) write_plan(plan);
    std::vector<std::thread> threads;
    for (const auto& client : clients_) threads.emplace_back([&client] { client->work(); });
    if (by_clock) {
      constexpr int kLongest = 300;
      const int milliseconds = below(kLongest);
      poll(nullptr, 0, milliseconds);
      platform_->end(SIGKILL);
      plan = fmt::format("at {} ms", milliseconds);
    }
    platform_->wait_until("it is killed " + plan, [&] { return platform_->has_ended(); });
    for (std::thread& thread : threads) thread.join();
    drop_plan();
    count_kill(plan);
    for (const auto& client : clients_) EXPECT_EQ(client->complaint(), "") << "at kill " << kills_;
    EXPECT_EQ(devices_given_twice(processes_of(platform_->folder())), "") << "at kill " << kills_;
  }

  void crash_while_starting() {
    const std::string plan = fmt::format("{} {} 0", below(2) == 0 ? "before" : "after", 1 + below(4));
    write_plan(plan);
    if (try_start()) platform_->end(SIGKILL);  // it has done fewer syncs
    drop_plan();
    count_kill(plan + ", while it started");
  }

  void count_kill(const std::string& plan) {
    ++kills_;
    EXPECT_EQ(platform_->end(0), -SIGKILL) << plan << ": " << platform_->output();
    last_plan_ = plan;
  }

  void check() {
    const auto what = fmt::format("after kill {} ({})", kills_, last_plan_);
    EXPECT_EQ(devices_given_twice(processes_of(platform_->folder())), "") << what;
    const auto found = workloads_of(*platform_);
    EXPECT_EQ(devices_given_twice(found), "") << what;
    std::map<std::string, std::string> uids;
    for (const auto& [name, workload] : found) uids[name] = workload.uid;
    bool unanswered_write = false;
    for (const auto& client : clients_) {
      for (const auto& [name, state] : client->known()) {
        const auto at = found.find(name);
        const bool there = at != found.end() && at->second.state != "stopping";
        if (state == Known::kThere) {
          EXPECT_TRUE(at != found.end()) << name << " was acknowledged and is lost, " << what;
        }
        if (state == Known::kGone) {
          EXPECT_FALSE(there) << name << " was deleted and is back, " << what;
        }
        unanswered_write = unanswered_write || (state == Known::kAsked && at != found.end()) ||
                           (state == Known::kDeleteAsked && !there);
        uids.erase(name);
      }
    }
    if (unanswered_write) ++between_;
    for (const auto& [name, uid] : uids) ADD_FAILURE() << name << " was never submitted, " << what;
    for (const auto& [name, workload] : found) uids[name] = workload.uid;
    for (const auto& client : clients_) {
      client->make_up_for(uids);
      EXPECT_EQ(client->complaint(), "") << what;
    }
    settle(what);
    EXPECT_EQ(complaints_in_journal(folder_), "") << what;
    const Output verified =
        platform_tests::run({FAIRLEAD_PROGRAM, "ledger", "verify", "--state", platform_->folder()});
    EXPECT_EQ(verified.code, 0) << what << ": " << verified.text;
  }

  // Processes come and go: at some instant what runs is what the platform says.
  void settle(const std::string& what) {
    std::string wrong;
    platform_->wait_until("processes and replicas agree, " + what, [&] {
      const auto processes = processes_of(platform_->folder());
      const auto workloads = workloads_of(*platform_);
      EXPECT_EQ(devices_given_twice(processes), "") << what;
      wrong = not_accounted_for(processes, workloads) + folders_left_over(platform_->folder(), workloads);
      return wrong.empty();
    });
    EXPECT_EQ(wrong, "") << what;
  }

  void end() {
    platform_->end(SIGINT);
    EXPECT_TRUE(processes_of(platform_->folder()).empty());
    EXPECT_EQ(complaints_in_journal(folder_), "");
    const Output verified =
        platform_tests::run({FAIRLEAD_PROGRAM, "ledger", "verify", "--state", platform_->folder()});
    EXPECT_EQ(verified.code, 0) << verified.text;
    std::cout << verified.text;
  }

  std::mt19937_64 random_;
  int kills_wanted_;
  std::string folder_;
  std::unique_ptr<RunningPlatform> platform_;
  std::vector<std::unique_ptr<Client>> clients_;
  int kills_ = 0;
  int between_ = 0;
  std::string last_plan_;
};

TEST(Crash, NothingPromisedIsBroken) {
  constexpr int kUsualKills = 20;
  CrashTest test(number_from("CRASH_KILLS", kUsualKills),
                 static_cast<std::uint64_t>(number_from("CRASH_SEED", 1)));
  test.run();
  test.print_counts();
  EXPECT_GE(2 * test.between(), test.kills()) << "too few kills between a write and its answer";
}

}  // namespace
}  // namespace fairlead::crash_tests
