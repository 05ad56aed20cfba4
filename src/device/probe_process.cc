#include "device/probe_process.h"

#include "base/clock.h"
#include "base/files.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace fairlead::device {
namespace {

/// A probe that writes more without the end of a line has gone mad.
constexpr std::size_t kLongestLine = 1 << 20;

base::Error unavailable(std::string why) { return {base::Code::kUnavailable, std::move(why)}; }

}  // namespace

base::Result<ProbeProcess> ProbeProcess::start(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::system_error("make a socket pair");
  }
  base::Descriptor ours(ends[0]);
  const base::Descriptor theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(
      &attributes, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> words = arguments;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, pointers[0], &actions, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    errno = failed;
    return base::system_error("start " + arguments.front());
  }
  return ProbeProcess(pid, std::move(ours));
}

ProbeProcess::ProbeProcess(ProbeProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      socket_(std::move(other.socket_)),
      received_(std::move(other.received_)) {}

ProbeProcess::~ProbeProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  const base::Duration deadline = base::monotonic_time() + base::Duration::milliseconds(500);
  while (waitpid(pid_, nullptr, WNOHANG) == 0 && base::monotonic_time() < deadline) poll(nullptr, 0, 1);
}

base::Result<void> ProbeProcess::send(std::string_view line) const {
  std::string text(line);
  text += '\n';
  const ssize_t put = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  if (put == static_cast<ssize_t>(text.size())) return {};
  return unavailable("takes no requests");
}

base::Result<std::string> ProbeProcess::next_line(base::Duration deadline) {
  for (;;) {
    const std::size_t end = received_.find('\n');
    if (end != std::string::npos) {
      std::string line = received_.substr(0, end);
      received_.erase(0, end + 1);
      return line;
    }
    if (received_.size() > kLongestLine) return unavailable("answers without end");
    std::array<char, 16384> buffer;
    const ssize_t got = read(socket_.get(), buffer.data(), buffer.size());
    if (got > 0) {
      received_.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    if (got == 0) return unavailable(ending());
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return unavailable(ending());
    const base::Duration left = deadline - base::monotonic_time();
    if (left.nanoseconds() <= 0) return unavailable("does not answer");
    pollfd watched{socket_.get(), POLLIN, 0};
    poll(&watched, 1, static_cast<int>(left.nanoseconds() / 1'000'000 + 1));
  }
}

// It has closed its end, and so it ends.
std::string ProbeProcess::ending() {
  int status = 0;
  const base::Duration deadline = base::monotonic_time() + base::Duration::milliseconds(500);
  pid_t waited = 0;
  while ((waited = waitpid(pid_, &status, WNOHANG)) == 0 && base::monotonic_time() < deadline) {
    poll(nullptr, 0, 1);
  }
  if (waited != pid_) return "ended";
  pid_ = 0;
  if (WIFSIGNALED(status)) return std::string("crashed: ") + strsignal(WTERMSIG(status));
  return "ended with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace fairlead::device
