#include "e2e/test_cluster.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fairlead::e2e {
namespace {

pid_t spawn(const std::vector<std::string>& command, const std::string& output, const std::string& input) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, input.empty() ? "/dev/null" : input.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  const int problem = posix_spawn(&pid, words.front(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return problem == 0 ? pid : 0;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string temporary_file() {
  std::string name = "/tmp/fairlead-e2e-XXXXXX";
  close(mkstemp(name.data()));
  return name;
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

}  // namespace

Output run(const std::vector<std::string>& command, const std::string& input) {
  const std::string output = temporary_file();
  std::string input_file;
  if (!input.empty()) {
    input_file = temporary_file();
    std::ofstream(input_file, std::ios::binary) << input;
  }
  const pid_t pid = spawn(command, output, input_file);
  int status = 0;
  Output result;
  if (pid > 0 && waitpid(pid, &status, 0) == pid) result.code = code_of(status);
  result.text = content(output);
  unlink(output.c_str());
  if (!input_file.empty()) unlink(input_file.c_str());
  return result;
}

TestCluster::TestCluster() {
  std::string pattern = "/tmp/fairlead-cluster-XXXXXX";
  folder_ = mkdtemp(pattern.data());
  const Output up = run({FAIRLEAD_E2E "/cluster", "up", folder_});
  if (up.code != 0) {
    problem_ = up.text;
    return;
  }
  std::string bin = run({FAIRLEAD_E2E "/build", "--only", "kubectl"}).text;
  kubectl_ = bin.substr(0, bin.find('\n')) + "/kubectl";
  auto server = kube::load_kubeconfig(kubeconfig(), "", [](const std::string&) { return std::nullopt; });
  if (!server) {
    problem_ = server.error().message();
    return;
  }
  server_ = std::make_shared<const kube::ApiServer>(std::move(*server));
  client_ = std::make_unique<kube::ApiClient>(server_);
}

TestCluster::~TestCluster() {
  run({FAIRLEAD_E2E "/cluster", "down", folder_});
  std::error_code ignored;
  if (std::getenv("FAIRLEAD_KEEP") == nullptr) std::filesystem::remove_all(folder_, ignored);
}

std::string TestCluster::kubectl(const std::vector<std::string>& arguments, const std::string& input) const {
  std::vector<std::string> command{kubectl_, "--kubeconfig", kubeconfig()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Output output = run(command, input);
  EXPECT_EQ(output.code, 0) << fmt::format("kubectl {}", fmt::join(arguments, " ")) << '\n' << output.text;
  return std::move(output.text);
}

void TestCluster::clear() const {
  const auto erase = [this](const std::string& path) {
    kube::ApiCall call;
    call.method = "DELETE";
    call.path = path;
    static_cast<void>(client_->call_again(call, 3));
  };
  for (const char* name : {"default", "team"}) {
    const std::string space = std::string("/namespaces/") + name;
    erase("/apis/policy/v1" + space + "/poddisruptionbudgets");
    erase("/api/v1" + space + "/pods?gracePeriodSeconds=0");
    erase("/apis/scheduling.run.ai/v2alpha2" + space + "/podgroups");
    erase("/apis/batch/v1" + space + "/jobs?propagationPolicy=Background");
  }
  erase("/apis/scheduling.run.ai/v2/queues");
  erase("/api/v1/nodes");
  wait_until("the pods of the test before are gone",
             [this] { return get("/api/v1/pods").find("\"items\":[]") != std::string::npos; });
}

void TestCluster::component(const std::string& action, const std::string& name,
                            const std::string& signal) const {
  const Output output = run({FAIRLEAD_E2E "/cluster", action, folder_, name, signal});
  EXPECT_EQ(output.code, 0) << output.text;
}

std::string TestCluster::get(const std::string& path) const {
  auto answer = client_->call_again({.path = path}, 20);
  return answer && answer->ok() ? answer->body : std::string();
}

ControllerProcess::ControllerProcess(const TestCluster& cluster, std::vector<std::string> arguments,
                                     const std::string& kubeconfig)
    : log_file_(temporary_file()) {
  command_ = {FAIRLEAD_PROGRAM, "controller",
              "--kubeconfig",   kubeconfig.empty() ? cluster.kubeconfig() : kubeconfig,
              "--metrics-port", "-1"};
  command_.insert(command_.end(), arguments.begin(), arguments.end());
  start();
}

ControllerProcess::~ControllerProcess() {
  if (pid_ > 0) end(SIGTERM);
  if (testing::Test::HasFailure()) ADD_FAILURE() << "the controller's log:\n" << log();
  unlink(log_file_.c_str());
}

void ControllerProcess::start() { pid_ = spawn(command_, log_file_, {}); }

int ControllerProcess::end(int signal_number) {
  kill(pid_, signal_number);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return code_of(status);
}

std::string ControllerProcess::log() const { return content(log_file_); }

bool wait_until(const std::string& what, const std::function<bool()>& holds, int seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "waited in vain: " << what;
      return false;
    }
    constexpr int kMilliseconds = 20;
    poll(nullptr, 0, kMilliseconds);
  }
  return true;
}

}  // namespace fairlead::e2e
