#pragma once

#include "base/descriptor.h"
#include "base/files.h"
#include "host/process.h"
#include "host/replica_files.h"
#include "host/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {

/// How long a test waits for something that is to happen before it fails. Nothing waits that long when all
/// is well.
inline constexpr int kDeadlineMilliseconds = 20'000;

/// A folder for one test, removed with all that is in it.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = "/tmp/fairlead-test-XXXXXX";
    path_ = mkdtemp(pattern.data()) == nullptr ? std::string() : pattern;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A named pipe by which a workload tells the test how far it is.
class Signpost {
 public:
  explicit Signpost(std::string path) : path_(std::move(path)) {
    mkfifo(path_.c_str(), 0666);
    chmod(path_.c_str(), 0666);
    pipe_ = base::Descriptor(open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  }
  const std::string& path() const { return path_; }
  /// The next line that was written, or empty at the deadline.
  std::string next() {
    std::string line;
    for (;;) {
      char c = 0;
      if (read(pipe_.get(), &c, 1) == 1) {
        if (c == '\n') return line;
        line += c;
        continue;
      }
      pollfd watched{pipe_.get(), POLLIN, 0};
      if (::poll(&watched, 1, kDeadlineMilliseconds) <= 0) return {};
    }
  }

 private:
  std::string path_;
  base::Descriptor pipe_;
};

/// A platform as far as supervisors see one.
class SupervisorBench {
 public:
  explicit SupervisorBench(std::string root) : root_(std::move(root)) { restart(); }

  /// Another platform of the same state folder takes over.
  void restart() {
    supervisors_.reset();
    started.clear();
    ended.clear();
    Supervisors::Callbacks callbacks;
    callbacks.on_started = [this](const ReplicaState& state) { started[state.uid] = state; };
    callbacks.on_ended = [this](const ReplicaState& state) {
      told_twice = told_twice || ended.count(state.uid) > 0;
      ended[state.uid] = state;
    };
    auto made = Supervisors::make("/proc/self/exe", root_, std::move(callbacks));
    if (made) supervisors_ = std::move(*made);
  }

  Supervisors& supervisors() { return *supervisors_; }
  Supervisors* operator->() { return supervisors_.get(); }

  ReplicaSpec shell(const std::string& uid, const std::string& script) const {
    ReplicaSpec spec;
    spec.uid = uid;
    spec.folder = root_ + "/replicas/" + uid;
    spec.command = {"sh", "-c", script};
    spec.working_directory = root_;
    return spec;
  }

  /// Polls until the condition holds; false at the deadline.
  template <class Condition>
  bool until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kDeadlineMilliseconds);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      pollfd watched{supervisors_->descriptor(), POLLIN, 0};
      ::poll(&watched, 1, 100);
      supervisors_->poll();
    }
    return true;
  }
  bool wait_for_start(const std::string& uid) {
    return until([&] { return started.count(uid) > 0; });
  }
  bool wait_for_end(const std::string& uid) {
    return until([&] { return ended.count(uid) > 0; });
  }

  std::string log(const std::string& uid, const std::string& name = "output.log") const {
    const auto text = base::read_file(root_ + "/replicas/" + uid + "/logs/" + name);
    return text ? *text : std::string();
  }
  const std::string& root() const { return root_; }

  std::map<std::string, ReplicaState> started;
  std::map<std::string, ReplicaState> ended;
  bool told_twice = false;

 private:
  std::string root_;
  std::unique_ptr<Supervisors> supervisors_;
};

/// Whether a process is gone, waiting up to the deadline.
inline bool is_gone(pid_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kDeadlineMilliseconds);
  while (std::chrono::steady_clock::now() < deadline) {
    const auto entry = process_entry(pid);
    if (!entry || entry->state == 'Z') return true;
    ::poll(nullptr, 0, 1);
  }
  return false;
}

}  // namespace fairlead::host
