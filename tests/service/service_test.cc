// A service from no load to much and back, again and again, on devices that a borrowing training gives up and
// gets back. Each start of a replica takes 200 ms plus or minus 100, and one in twenty fails.
// SERVICE_REQUESTS (4,000) says how many requests there are in all.

#include "platform/running_platform.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::service_tests {
namespace {

using platform_tests::Output;
using platform_tests::RunningPlatform;
using Clock = std::chrono::steady_clock;

constexpr int kDeadlineSeconds = 30;  // requestDeadline of the service
constexpr int kRequestsPerWave = 2000;

/// What became of requests.
struct Tally {
  std::atomic<int> good = 0;
  std::atomic<int> late = 0;  ///< refused at their deadline
  std::mutex mutex;
  std::vector<std::string> failed;  // guarded by mutex

  void fail(std::string what) {
    const std::lock_guard hold(mutex);
    failed.push_back(std::move(what));
  }
};

void ask_once(net::HttpClient& client, int port, int number, Tally& tally) {
  const std::string path = fmt::format("/echo/{}", number);
  net::ClientRequest request;
  request.url = fmt::format("http://127.0.0.1:{}/serve/serving/model{}", port, path);
  request.timeout = base::Duration::seconds(2 * kDeadlineSeconds);
  const auto begun = Clock::now();
  const auto answer = client.send(request);
  const bool deadline_passed = Clock::now() - begun >= std::chrono::seconds(kDeadlineSeconds);
  constexpr int kOk = 200;
  constexpr int kUnavailable = 503;
  if (!answer) {
    tally.fail(fmt::format("{}: {}", path, answer.error().message()));
  } else if (answer->status == kOk && answer->body == path) {
    ++tally.good;
  } else if (answer->status == kUnavailable && deadline_passed && !answer->header("retry-after").empty()) {
    ++tally.late;
  } else {
    tally.fail(fmt::format("{}: {} {}", path, answer->status, answer->body));
  }
}

/// So many requests, so many at a time.
void ask_many(int port, int count, int at_once, Tally& tally) {
  std::atomic<int> next = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < at_once; ++i)
    askers.emplace_back([&] {
      const auto client = net::HttpClient::make();
      for (int number = next++; number < count; number = next++) ask_once(*client, port, number, tally);
    });
  for (std::thread& asker : askers) asker.join();
}

class ServiceTest {
 public:
  explicit ServiceTest(int requests) : waves_(std::max(1, requests / kRequestsPerWave)) {
    starts_folder_ = platform_.folder() + "/replicas-of-the-test";
    std::filesystem::create_directory(starts_folder_);
    make_queue("serving", 3);
    make_queue("research", 1);
  }

  void run() {
    const std::string undisturbed = loss_alone();
    submit("research", "train",
           fmt::format(R"({{"kind":"training","command":["{}","--steps","{}","--pace","{}"],
        "devices":1,"replicas":4,"minimumReplicas":1,"checkpoint":{{"signal":"SIGUSR1","file":"state"}}}})",
                       kTraining, steps(), kPace));
    submit("serving", "model",
           fmt::format(R"({{"kind":"inference","command":["{}","{}","5"],"devices":1,
        "retryDelay":"200ms","service":{{"healthPath":"/health","minimumReplicas":0,"maximumReplicas":3,
        "target":4,"requestDeadline":"{}s","scaleToZeroRetention":"500ms"}}}})",
                       SERVICE_REPLICA, starts_folder_, kDeadlineSeconds));
    platform_.wait_until("the training has all devices", [&] { return running("research", "train") == "4"; });
    Tally tally;
    int fewest = 4;
    for (int wave = 0; wave < waves_; ++wave) {
      ask_many(platform_.port(), kRequestsPerWave / 10, 2, tally);
      ask_many(platform_.port(), kRequestsPerWave * 8 / 10, 16, tally);
      fewest = std::min(fewest, std::atoi(running("research", "train").c_str()));
      ask_many(platform_.port(), kRequestsPerWave / 10, 2, tally);
      platform_.wait_until("the service sleeps", [&] { return running("serving", "model") == "0"; });
      if (testing::Test::HasFailure()) break;
    }
    EXPECT_LT(fewest, 4) << "the devices were the training's";
    for (const std::string& what : tally.failed) ADD_FAILURE() << what;
    platform_.wait_until("the training has all devices again", [&] {
      return running("research", "train") == "4" || state("research", "train") == "succeeded";
    });
    wait_for_training();
    const std::string log = training_log();
    EXPECT_NE(log.find("saved step"), std::string::npos) << "it never gave a device back";
    EXPECT_NE(log.find(undisturbed), std::string::npos) << "undisturbed: " << undisturbed;
    std::cout << fmt::format("{} requests: {} answered, {} refused at their deadline, {} failed; {} starts\n",
                             waves_ * kRequestsPerWave, tally.good.load(), tally.late.load(),
                             tally.failed.size(), starts());
    EXPECT_EQ(tally.good + tally.late, waves_ * kRequestsPerWave);
    EXPECT_GT(starts(), 2) << "so that one has failed";
    const Output verified =
        platform_tests::run({FAIRLEAD_PROGRAM, "ledger", "verify", "--state", platform_.folder()});
    EXPECT_EQ(verified.code, 0) << verified.text;
  }

 private:
  static constexpr const char* kTraining = FAIRLEAD_EXAMPLES "/example_training";
  static constexpr int kPace = 20;
  /// The training lasts about as long as the load.
  int steps() const {
    constexpr int kPerWave = 300;
    return (waves_ + 1) * kPerWave;
  }

  std::string loss_alone() const {
    const Output alone = platform_tests::run({kTraining, "--steps", std::to_string(steps()), "--pace", "0",
                                              "--checkpoint", starts_folder_ + "/alone"});
    EXPECT_EQ(alone.code, 0) << alone.text;
    const std::size_t at = alone.text.find("done:");
    return at == std::string::npos ? "no end" : alone.text.substr(at);
  }
  void make_queue(const std::string& name, int quota) {
    const auto answer = platform_.ask(
        "POST", "/api/v1/queues",
        fmt::format(R"({{"name":"{}","parent":"default-department","resources":{{"gpu":{{"quota":{}}}}}}})",
                    name, quota));
    ASSERT_EQ(answer.status, 201) << answer.body;
  }
  void submit(const std::string& project, const std::string& name, const std::string& spec) {
    platform_.submit(name, fmt::format(R"({{"project":"{}",{})", project, spec.substr(1)));
  }
  std::string status(const std::string& project, const std::string& name, const std::string& member) {
    return RunningPlatform::member(platform_.ask("GET", "/api/v1/workloads/" + project + "/" + name).body,
                                   member);
  }
  std::string running(const std::string& project, const std::string& name) {
    return status(project, name, "replicasRunning");
  }
  std::string state(const std::string& project, const std::string& name) {
    return status(project, name, "state");
  }

  void wait_for_training() {
    const auto deadline = Clock::now() + std::chrono::minutes(5);
    while (state("research", "train") == "running" && Clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    platform_.wait_until("the training ends", [&] { return state("research", "train") == "succeeded"; });
  }
  std::string training_log() const {
    std::string log;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(platform_.folder() + "/replicas")) {
      if (!entry.path().filename().string().starts_with("output.log")) continue;
      std::ifstream file(entry.path());
      log.append(std::istreambuf_iterator<char>(file), {});
    }
    return log;
  }
  int starts() const {
    std::ifstream file(starts_folder_ + "/starts");
    int count = 0;
    file >> count;
    return count;
  }

  int waves_;
  RunningPlatform platform_;
  std::string starts_folder_;
};

TEST(Service, FollowsItsLoadAndLosesNoRequest) {
  constexpr int kUsual = 4000;
  const char* wanted = std::getenv("SERVICE_REQUESTS");
  ServiceTest(wanted == nullptr ? kUsual : std::atoi(wanted)).run();
}

}  // namespace
}  // namespace fairlead::service_tests
