#include "base/clock.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/json_reader.h"
#include "host/control_group.h"
#include "host/launch.h"
#include "host/message_socket.h"
#include "host/process.h"
#include "host/replica_files.h"
#include "host/rotating_log.h"
#include "host/supervisor.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {
namespace {

constexpr int kSecretsDescriptor = STDIN_FILENO;
constexpr int kPlatformDescriptor = STDOUT_FILENO;
constexpr std::size_t kMaxConnections = 256;
/// What the kernel has not killed by then, it is told again: something was forking meanwhile.
constexpr base::Duration kKillAgain = base::Duration::milliseconds(20);
/// Grace of a workload whose supervisor is asked to end (the machine shuts down).
constexpr base::Duration kShutdownGrace = base::Duration::seconds(10);

void complain(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

// One try, from the start of its first process to the end of its last.
class ReplicaSupervisor {
 public:
  /// `platform`: connection to who started this supervisor; may be invalid.
  ReplicaSupervisor(const std::string& folder, StoredSpec stored, base::Descriptor platform)
      : paths_(folder),
        stored_(std::move(stored)),
        group_(ControlGroup::find(stored_.control_group)),
        platform_(std::move(platform)) {}

  int run(NamedValues secrets) {
    state_.uid = stored_.spec.uid;
    state_.boot_id = boot_id();
    state_.supervisor_pid = getpid();
    state_.started = base::system_time();
    if (auto ready = prepare(); !ready) return give_up(ready.error());
    if (auto started = start_workload(std::move(secrets)); !started) {
      state_.error = started.error().message();
    }
    if (main_ > 0) {
      tell_state();
      sync_state();
      while (!finished()) wait_for_something();
    }
    finish();
    return 0;
  }

 private:
  struct Peer {
    base::Descriptor socket;
    std::optional<pid_t> attached;  ///< what its exec started, until it was told how that ended
  };

  base::Result<void> prepare() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "fairlead-super");
    epoll_ = base::Descriptor(epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_.valid()) return base::system_error("make an event queue");
    sigset_t watched;
    sigemptyset(&watched);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTTOU}) {
      sigaddset(&watched, number);
    }
    sigprocmask(SIG_BLOCK, &watched, nullptr);
    signals_ = base::Descriptor(signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_ = base::Descriptor(timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    auto listening = listen_at(paths_.socket);
    if (!listening) return listening.error();
    listening_ = std::move(*listening);
    auto log = RotatingLog::open(paths_.logs, stored_.spec.log_bytes);
    if (!log) return log.error();
    log_.emplace(std::move(*log));
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return base::system_error("make a pipe");
    output_ = base::Descriptor(ends[0]);
    output_end_ = base::Descriptor(ends[1]);
    fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    null_ = base::Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC));
    give_away(output_end_.get());  // so that the workload may open /dev/stdout, which is this pipe
    for (const int number : {signals_.get(), timer_.get(), listening_.get(), output_.get()}) watch(number);
    if (platform_.valid()) add_peer(std::move(platform_));
    return {};
  }

  void give_away(int number) const {
    if (!stored_.spec.account) return;
    if (fchown(number, *stored_.spec.account, static_cast<gid_t>(-1)) != 0) {
      complain(base::system_error("give a stream to the account").message());
    }
  }

  // Nobody could be told on the socket: the state says it.
  int give_up(const base::Error& error) {
    complain(error.message());
    state_.error = error.message();
    finish();
    return 1;
  }

  base::Result<void> start_workload(NamedValues secrets) {
    const ReplicaSpec& spec = stored_.spec;
    if (group_) {
      state_.cgroup = group_->text();
      if (auto made = group_->create({spec.cpu_milli, spec.memory_bytes, spec.denied_device_nodes}); !made) {
        return made.error().in("control group");
      }
    }
    secrets_ = std::move(secrets);
    auto held = HeldProcess::fork({spec.command, environment(), spec.working_directory, spec.account,
                                   null_.get(), output_end_.get(), output_end_.get(), group_, false});
    if (!held) return held.error();
    output_end_.reset();  // Its pid is written before it runs anything: whoever comes after a kill finds it,
                          // or knows that nothing
    // ran. That it is on the disk matters only when the machine fails, which ends the process too.
    state_.pid = held->pid();
    if (const auto entry = process_entry(held->pid())) state_.start_ticks = entry->start_ticks;
    state_.started = base::system_time();
    if (auto written = base::write_atomically(paths_.state, encode_state(state_)); !written)
      return written.error();
    main_ = held->pid();
    if (auto released = held->release(); !released) {
      state_.pid = 0;
      waitpid(main_, nullptr, 0);
      main_ = 0;
      return released.error();
    }
    return {};
  }

  NamedValues environment() const {
    NamedValues all = stored_.spec.environment;
    all.emplace_back(kReplicaVariable, stored_.spec.uid);
    all.insert(all.end(), secrets_.begin(), secrets_.end());
    return all;
  }

  bool finished() const { return main_ended_ && tree_ended_; }

  void watch(int number) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = number;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event);
  }

  void wait_for_something() {
    std::array<epoll_event, 32> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int number = events[static_cast<std::size_t>(i)].data.fd;
      if (number == output_.get()) {
        read_output();
      } else if (number == signals_.get()) {
        take_signals();
      } else if (number == timer_.get()) {
        take_timer();
      } else if (number == listening_.get()) {
        take_connections();
      } else {
        take_messages(number);
      }
    }
  }

  void read_output() {
    std::array<char, 65536> buffer;
    // Not for ever: a workload that writes without end must not keep its supervisor from its other duties.
    for (int round = 0; round < 16; ++round) {
      const ssize_t got = read(output_.get(), buffer.data(), buffer.size());
      if (got > 0) {
        log_->append(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
        continue;
      }
      if (got < 0 && errno == EINTR) continue;
      if (got == 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, output_.get(), nullptr);
      return;
    }
  }

  void take_signals() {
    signalfd_siginfo info{};
    bool asked_to_end = false;
    while (read(signals_.get(), &info, sizeof info) == sizeof info) {
      asked_to_end = asked_to_end || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
    }
    reap();
    if (asked_to_end) stop(SIGTERM, kShutdownGrace);
  }

  void reap() {
    for (;;) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid < 0 && errno == ECHILD) {
        // Orphans of the tree are children of this process, so that no child means no descendant.
        tree_ended_ = true;
        return;
      }
      if (pid <= 0) break;
      if (pid == main_) {
        if (WIFEXITED(status)) state_.exit_code = WEXITSTATUS(status);
        if (WIFSIGNALED(status)) state_.exit_signal = WTERMSIG(status);
        state_.ended = base::system_time();
        main_ended_ = true;
        kill_tree();
      }
      tell_attached(pid, status);
    }
  }

  void kill_tree() {
    if (group_) group_->kill();
    for (const ProcessEntry& process : descendants(process_table(), getpid())) {
      if (process.state != 'Z') kill(process.pid, SIGKILL);
    }
    set_timer(kKillAgain);
  }

  void set_timer(base::Duration after) const {
    itimerspec when{};
    when.it_value.tv_sec = after.nanoseconds() / 1'000'000'000;
    when.it_value.tv_nsec = after.nanoseconds() % 1'000'000'000;
    if (after.nanoseconds() <= 0) when.it_value.tv_nsec = 1;
    timerfd_settime(timer_.get(), 0, &when, nullptr);
  }

  void take_timer() {
    std::uint64_t expirations = 0;
    if (read(timer_.get(), &expirations, sizeof expirations) <= 0) return;
    kill_tree();
  }

  void signal_main(int number) const {
    if (main_ > 0 && !main_ended_) kill(main_, number);
  }

  void stop(int number, base::Duration grace) {
    if (main_ended_) return;
    if (number > 0) signal_main(number);
    if (grace.nanoseconds() <= 0) return kill_tree();
    // A later request shortens the grace and never prolongs it.
    const base::Duration deadline = base::monotonic_time() + grace;
    if (kill_at_ && *kill_at_ <= deadline) return;
    kill_at_ = deadline;
    set_timer(grace);
  }

  void take_connections() {
    while (auto socket = accept_trusted(listening_.get())) add_peer(std::move(*socket));
  }

  void add_peer(base::Descriptor socket) {
    if (peers_.size() >= kMaxConnections) return;
    const int number = socket.get();
    watch(number);
    peers_[number].socket = std::move(socket);
    if (main_ > 0) tell(number, state_message());
  }

  void take_messages(int number) {
    Message message;
    for (;;) {
      const auto peer = peers_.find(number);
      if (peer == peers_.end()) return;
      const Received received = receive_message(number, message);
      if (received == Received::kNothingYet) return;
      if (received == Received::kEnd) return drop(number);
      obey(number, message.text);
    }
  }

  void drop(int number) {
    const auto peer = peers_.find(number);
    // Who started a command and went away wants it no longer: as when a terminal is closed.
    if (peer->second.attached) kill(*peer->second.attached, SIGHUP);
    peers_.erase(peer);
  }

  void obey(int number, const std::string& text) {
    base::JsonReader reader;
    const auto request = reader.read(text);
    if (!request) return tell_error(number, request.error().message());
    const std::string what = text_field(**request, "do");
    const int signal_number = static_cast<int>(integer_field(**request, "signal").value_or(0));
    if (what == "signal") {
      signal_main(signal_number);
    } else if (what == "stop") {
      stop(signal_number,
           base::Duration::nanoseconds(integer_field(**request, "graceNanoseconds").value_or(0)));
    } else if (what == "exec") {
      execute(number, **request);
    } else {
      tell_error(number, "does not know how to \"" + what + "\"");
    }
  }

  void execute(int number, const base::JsonValue& request) {
    if (main_ended_) return tell_error(number, "the workload has ended");
    if (peers_[number].attached) return tell_error(number, "runs a command on this connection already");
    const bool terminal = boolean_field(request, "terminal");
    Launch launch;
    launch.command = texts_field(request, "command");
    launch.environment = environment();
    for (auto& variable : pairs_field(request, "environment"))
      launch.environment.push_back(std::move(variable));
    launch.working_directory = stored_.spec.working_directory;
    launch.account = stored_.spec.account;
    launch.terminal = terminal;
    std::vector<base::Descriptor> ours;
    std::vector<base::Descriptor> theirs;
    const bool made = terminal ? make_terminal(request, ours, theirs) : make_pipes(ours, theirs);
    if (!made) return tell_error(number, base::system_error("make a terminal").message());
    launch.input = theirs[0].get();
    launch.output = theirs[terminal ? 0 : 1].get();
    launch.error = theirs[terminal ? 0 : 2].get();
    launch.group = group_;
    auto held = HeldProcess::fork(launch);
    if (!held) return tell_error(number, held.error().message());
    if (auto released = held->release(); !released) return tell_error(number, released.error().message());
    std::vector<int> passed;
    for (const base::Descriptor& end : ours) passed.push_back(end.get());
    peers_[number].attached = held->pid();
    const std::string answer = "{\"exec\":{\"pid\":" + std::to_string(held->pid()) + "}}";
    if (!send_message(number, answer, passed)) drop(number);
  }

  bool make_terminal(const base::JsonValue& request, std::vector<base::Descriptor>& ours,
                     std::vector<base::Descriptor>& theirs) const {
    winsize size{};
    size.ws_row = static_cast<unsigned short>(integer_field(request, "rows").value_or(24));
    size.ws_col = static_cast<unsigned short>(integer_field(request, "columns").value_or(80));
    int master = -1;
    int slave = -1;
    if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) return false;
    ours.emplace_back(master);
    theirs.emplace_back(slave);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(slave, F_SETFD, FD_CLOEXEC);
    give_away(slave);
    return true;
  }

  bool make_pipes(std::vector<base::Descriptor>& ours, std::vector<base::Descriptor>& theirs) const {
    for (int stream = 0; stream < 3; ++stream) {
      std::array<int, 2> ends{};
      if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
      const std::size_t reading = stream == 0 ? 1 : 0;
      ours.emplace_back(ends[reading]);
      theirs.emplace_back(ends[1 - reading]);
      give_away(ends[0]);
    }
    return true;
  }

  void tell_attached(pid_t pid, int status) {
    for (auto& [number, peer] : peers_) {
      if (peer.attached != pid) continue;
      peer.attached.reset();
      tell(number, WIFSIGNALED(status) ? "{\"exit\":{\"signal\":" + std::to_string(WTERMSIG(status)) + "}}"
                                       : "{\"exit\":{\"code\":" + std::to_string(WEXITSTATUS(status)) + "}}");
    }
  }

  std::string state_message() const { return "{\"state\":" + encode_state(state_) + "}"; }
  // One that does not listen reads the state's file when it wants to know.
  static void tell(int number, const std::string& text) { (void)send_message(number, text); }
  static void tell_error(int number, const std::string& why) {
    std::string json;
    base::JsonWriter writer(json);
    writer.begin_object();
    writer.member("error", why);
    writer.end_object();
    tell(number, json);
  }
  void tell_state() {
    for (auto& [number, peer] : peers_) tell(number, state_message());
  }

  // Nothing of the tree is left: the last output, the last state, and the traces away.
  void finish() {
    if (log_) read_rest_of_output();
    if (!state_.ended) state_.ended = base::system_time();
    if (group_) {
      state_.memory_limit_hit = group_->memory_limit_hit();
      group_->remove();
    }
    if (auto written = base::write_atomically(paths_.state, encode_state(state_)); !written) {
      complain(written.error().message());
    }
    sync_state();
    tell_state();
    unlink(paths_.socket.c_str());
  }
  void sync_state() const {
    if (auto synced = base::sync_to_disk(paths_.state); !synced) complain(synced.error().message());
  }

  void read_rest_of_output() {
    output_end_.reset();
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t got = read(output_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      log_->append(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    }
  }

  ReplicaPaths paths_;
  StoredSpec stored_;
  std::optional<ControlGroup> group_;
  NamedValues secrets_;
  ReplicaState state_;
  std::optional<RotatingLog> log_;
  base::Descriptor epoll_;
  base::Descriptor signals_;
  base::Descriptor timer_;
  base::Descriptor listening_;
  base::Descriptor output_;
  base::Descriptor output_end_;
  base::Descriptor null_;
  base::Descriptor platform_;
  std::map<int, Peer> peers_;
  pid_t main_ = 0;
  bool main_ended_ = false;
  bool tree_ended_ = false;
  std::optional<base::Duration> kill_at_;
};

// The descriptor under another number, with the null device in its place.
base::Descriptor take_standard_stream(int number) {
  base::Descriptor taken(fcntl(number, F_DUPFD_CLOEXEC, 3));
  const base::Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  dup2(null.get(), number);
  return taken;
}

// The secrets lie in an anonymous file in memory, whole: half of them cannot arrive.
base::Result<NamedValues> take_secrets() {
  const base::Descriptor file = take_standard_stream(kSecretsDescriptor);
  struct stat status{};
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return NamedValues{};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (pread(file.get(), text.data(), text.size(), 0) != status.st_size)
    return base::system_error("read the secrets");
  if (text.empty()) return NamedValues{};
  return decode_named_values(text);
}

base::Descriptor take_platform() {
  base::Descriptor socket = take_standard_stream(kPlatformDescriptor);
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) return {};
  return socket;
}

}  // namespace

int run_supervisor(const std::string& folder) {
  const ReplicaPaths paths(folder);
  const base::Descriptor lock(open(paths.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) {
    complain(base::system_error("open " + paths.lock).message());
    return 1;
  }
  struct flock wanted = supervisor_lock();
  if (fcntl(lock.get(), F_OFD_SETLK, &wanted) != 0) return 0;  // another one is at work
  if (access(paths.state.c_str(), F_OK) == 0) return 0;        // the try has been made
  const auto text = base::read_file(paths.spec);
  auto stored = text ? decode_spec(*text) : base::Result<StoredSpec>(text.error());
  if (!stored) {
    complain(stored.error().in(paths.spec).message());
    return 1;
  }
  auto secrets = take_secrets();
  if (!secrets) {
    complain(secrets.error().message());
    return 1;
  }
  return ReplicaSupervisor(folder, std::move(*stored), take_platform()).run(std::move(*secrets));
}

}  // namespace fairlead::host
