#include "platform/running_platform.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fairlead::platform_tests {
namespace {

constexpr int kPatienceSeconds = 30;

void pause_between_looks() {
  constexpr int kMilliseconds = 20;
  poll(nullptr, 0, kMilliseconds);
}

pid_t spawn(const std::vector<std::string>& command, const std::string& output,
            const std::vector<std::string>& environment = {}) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::vector<char*> variables;
  for (const std::string& variable : environment) variables.push_back(const_cast<char*>(variable.c_str()));
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  variables.push_back(nullptr);
  pid_t pid = 0;
  const int problem = posix_spawnp(&pid, words.front(), &actions, nullptr, words.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  return problem == 0 ? pid : 0;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

}  // namespace

Output run(const std::vector<std::string>& command) {
  std::string output = "/tmp/fairlead-output-XXXXXX";
  close(mkstemp(output.data()));
  const pid_t pid = spawn(command, output);
  int status = 0;
  Output result;
  if (pid > 0 && waitpid(pid, &status, 0) == pid) result.code = code_of(status);
  result.text = content(output);
  unlink(output.c_str());
  return result;
}

RunningPlatform::RunningPlatform(Setup setup) : RunningPlatform(std::move(setup), Later()) { start(); }

RunningPlatform::RunningPlatform(Setup setup, Later)
    : setup_(std::move(setup)), client_(net::HttpClient::make()) {
  folder_ = setup_.folder;
  if (folder_.empty()) {
    std::string pattern = "/tmp/fairlead-platform-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    own_folder_ = true;
  }
  log_ = "/tmp/fairlead-up-XXXXXX";
  close(mkstemp(log_.data()));
}

RunningPlatform::~RunningPlatform() {
  if (pid_ > 0) end(SIGINT);
  unlink(log_.c_str());
  std::error_code ignored;
  if (own_folder_) std::filesystem::remove_all(folder_, ignored);
}

void RunningPlatform::start() {
  if (!try_start()) ADD_FAILURE() << "the platform ended with " << ended_with_ << ": " << output();
}

bool RunningPlatform::try_start(const std::vector<std::string>& environment) {
  unlink(log_.c_str());
  std::vector<std::string> command = setup_.before;
  for (const char* word : {FAIRLEAD_PROGRAM, "up", "--port", "0", "--state"}) command.emplace_back(word);
  command.push_back(folder_);
  command.emplace_back("--simulate-devices");
  command.push_back(setup_.devices);
  std::vector<std::string> variables = environment;
  variables.insert(variables.end(), setup_.environment.begin(), setup_.environment.end());
  pid_ = spawn(command, log_, variables);
  wait_until("the platform answers", [&] {
    // The first line tells the port: "Fairlead 0.1.0 at http://127.0.0.1:40123/".
    const std::string text = output();
    const std::size_t at = text.find("127.0.0.1:");
    if (has_ended()) return true;
    if (at == std::string::npos) return false;
    port_ = std::atoi(text.c_str() + at + 10);
    return ask("GET", "/api/v1/health").status == 200;
  });
  return pid_ != 0;
}

bool RunningPlatform::has_ended() {
  int status = 0;
  if (pid_ != 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = 0;
    ended_with_ = code_of(status);
  }
  return pid_ == 0;
}

std::string RunningPlatform::output() const { return content(log_); }

int RunningPlatform::end(int signal_number) {
  if (pid_ == 0) return ended_with_;
  kill(pid_, signal_number);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = 0;
  return ended_with_ = code_of(status);
}

net::ClientResponse RunningPlatform::ask(const std::string& method, const std::string& path,
                                         const std::string& body) {
  net::ClientRequest request;
  request.method = method;
  request.url = "http://platform" + path;
  request.unix_socket = folder_ + "/socket";
  request.body = body;
  if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
  auto answer = client_->send(request);
  return answer ? std::move(*answer) : net::ClientResponse();
}

void RunningPlatform::submit(const std::string& name, const std::string& spec) {
  const auto answer =
      ask("POST", "/api/v1/workloads", R"({"metadata":{"name":")" + name + R"("},"spec":)" + spec + "}");
  ASSERT_EQ(answer.status, 201) << answer.body;
}

std::string RunningPlatform::member(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  const std::size_t at = json.find(key);
  if (at == std::string::npos) return {};
  std::size_t begin = at + key.size();
  if (json[begin] == '"') return json.substr(begin + 1, json.find('"', begin + 1) - begin - 1);
  return json.substr(begin, json.find_first_of(",}]", begin) - begin);
}

void RunningPlatform::wait_until(const std::string& what, const std::function<bool()>& holds) {
  if (!holds_soon(holds)) ADD_FAILURE() << "waited in vain: " << what;
}

bool RunningPlatform::holds_soon(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    pause_between_looks();
  }
  return true;
}

int RunningPlatform::processes_with(const std::string& text) {
  int count = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || std::atoi(pid.c_str()) == getpid())
      continue;
    if (content(entry.path() / "cmdline").find(text) != std::string::npos) ++count;
  }
  return count;
}

}  // namespace fairlead::platform_tests
