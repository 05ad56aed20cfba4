#include "base/clock.h"
#include "base/files.h"
#include "base/json_fields.h"
#include "base/json_reader.h"
#include "host/control_groups.h"
#include "host/message_socket.h"
#include "host/process.h"
#include "host/replica_files.h"
#include "host/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

namespace fairlead::host {
namespace {

/// A supervisor that has its folder's lock makes its socket at once; until then it is asked again.
constexpr base::Duration kAskAgain = base::Duration::milliseconds(10);
/// How long one reading of the table of processes serves.
constexpr base::Duration kTableAge = base::Duration::milliseconds(200);

// A name for the control groups of this state folder that other platforms of the machine do not use.
std::string group_name(const std::string& root) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : root) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string name = "fairlead-";
  for (int digit = 0; digit < 8; ++digit) name += kHex[(hash >> (4 * digit)) & 15U];
  return name;
}

class SupervisorsOfMachine final : public Supervisors {
 public:
  SupervisorsOfMachine(std::string program, std::string root, Callbacks callbacks)
      : program_(std::move(program)), root_(std::move(root)), callbacks_(std::move(callbacks)) {}

  base::Result<void> open() {
    epoll_ = base::Descriptor(epoll_create1(EPOLL_CLOEXEC));
    timer_ = base::Descriptor(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!epoll_.valid() || !timer_.valid()) return base::system_error("make an event queue");
    watch(timer_.get());
    guarantees_.other_accounts = geteuid() == 0;
    groups_ = ControlGroups::detect(group_name(root_), guarantees_);
    say_what_is_not_enforced();
    return {};
  }

  ~SupervisorsOfMachine() override { groups_.remove(); }

  const Guarantees& guarantees() const override { return guarantees_; }

  base::Result<void> start(const ReplicaSpec& spec, const NamedValues& secrets) override {
    if (tries_.count(spec.uid) > 0) return {};
    if (spec.command.empty()) return base::invalid_argument("command: is empty; name a program");
    if (spec.account && *spec.account != geteuid() && geteuid() != 0) {
      return base::Error(base::Code::kPermissionDenied,
                         "account: work as account " + std::to_string(*spec.account) +
                             " needs a platform that root runs; this one runs work as its own account only");
    }
    std::error_code failed;
    std::filesystem::create_directories(spec.folder, failed);
    if (!failed) std::filesystem::permissions(spec.folder, std::filesystem::perms::owner_all, failed);
    if (failed) return base::Error(base::Code::kUnavailable, "make " + spec.folder + ": " + failed.message());
    Try& made = tries_[spec.uid];
    made.uid = spec.uid;
    made.folder = spec.folder;
    const bool runs_or_ran = access(ReplicaPaths(spec.folder).state.c_str(), F_OK) == 0;
    if (runs_or_ran || !nobody_is_at_work(spec.folder)) {
      ask_later(made);
      return {};
    }
    auto spawned = spawn(made, spec, secrets);
    if (!spawned) tries_.erase(spec.uid);
    return spawned;
  }

  base::Result<void> signal(const std::string& uid, int signal_number) override {
    return tell(uid, [&](base::JsonWriter& writer) {
      writer.member("do", "signal");
      writer.member("signal", signal_number);
    });
  }

  base::Result<void> stop(const std::string& uid, int signal_number, base::Duration grace) override {
    return tell(uid, [&](base::JsonWriter& writer) {
      writer.member("do", "stop");
      writer.member("signal", signal_number);
      writer.member("graceNanoseconds", grace.nanoseconds());
    });
  }

  std::optional<Use> use(const std::string& uid) override {
    const auto found = tries_.find(uid);
    if (found == tries_.end() || !found->second.started || found->second.ended) return std::nullopt;
    const ReplicaState& state = found->second.state;
    if (const auto group = ControlGroup::find(state.cgroup)) {
      Use use;
      use.cpu_nanoseconds = group->cpu_nanoseconds().value_or(0);
      use.memory_bytes = group->memory_bytes().value_or(0);
      use.pids = group->pids();
      return use;
    }
    return use_by_descent(static_cast<pid_t>(state.supervisor_pid));
  }

  void forget(const std::string& uid) override {
    const auto found = tries_.find(uid);
    if (found == tries_.end()) return;
    const Try forgotten = std::move(found->second);
    sockets_.erase(forgotten.socket.get());
    asking_.erase(uid);
    tries_.erase(found);
    if (!forgotten.ended) {
      const auto supervisor = static_cast<pid_t>(forgotten.state.supervisor_pid);
      if (supervisor > 0 && !nobody_is_at_work(forgotten.folder)) kill(supervisor, SIGKILL);
      kill_remains(forgotten.state);
    }
    if (const auto group = ControlGroup::find(forgotten.state.cgroup)) group->remove();
    const ReplicaPaths paths(forgotten.folder);
    for (const std::string* path : {&paths.socket, &paths.lock, &paths.spec}) unlink(path->c_str());
    struct stat status{};
    if (stat(paths.supervisor_log.c_str(), &status) == 0 && status.st_size == 0) {
      unlink(paths.supervisor_log.c_str());
    }
  }

  void end_strangers(const std::set<std::string>& known) override {
    std::error_code ignored;
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(root_ + "/replicas", ignored))
      if (!known.contains(entry.path().filename())) folders.push_back(entry.path());
    for (const std::filesystem::path& folder : folders) {
      const ReplicaPaths paths(folder);
      const auto text = base::read_file(paths.state);
      const auto state = text ? decode_state(*text) : base::Result<ReplicaState>(text.error());
      if (state && !state->ended && state->boot_id == boot_id()) {
        if (state->supervisor_pid > 0 && !nobody_is_at_work(folder))
          kill(static_cast<pid_t>(state->supervisor_pid), SIGKILL);
        // Something may fork while it is looked through; what is dead stays in the table for a moment.
        constexpr int kMostLooks = 100;
        for (int look = 0; look < kMostLooks && kill_remains(*state); ++look) ::poll(nullptr, 0, 10);
        if (const auto group = ControlGroup::find(state->cgroup)) group->remove();
      }
      std::filesystem::remove_all(folder, ignored);
    }
  }

  int descriptor() const override { return epoll_.get(); }

  void poll() override {
    std::array<epoll_event, 64> events{};
    for (;;) {
      const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
      if (count <= 0) break;
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)].data.fd);
    }
  }

 private:
  // Where a try is between start() and forget().
  struct Try {
    std::string uid;
    std::string folder;
    base::Descriptor socket;  ///< to its supervisor
    ReplicaState state;
    bool spawned = false;              ///< by this platform
    bool started = false;              ///< told
    bool ended = false;                ///< told
    std::vector<std::string> waiting;  ///< requests that came before the supervisor could be asked
  };

  void say_what_is_not_enforced() {
    std::vector<std::string>& notes = guarantees_.not_enforced;
    if (!guarantees_.memory_limit) {
      notes.emplace_back("memory: a workload may use more than it asked for (no memory control group)");
    }
    if (!guarantees_.cpu_limit) {
      notes.emplace_back("cpu: a workload may use more than it asked for (no cpu control group)");
    }
    if (!guarantees_.device_access) {
      notes.emplace_back(
          "devices: a workload can open accelerators that it was not given; it is only told which are its "
          "own");
    }
    if (!guarantees_.other_accounts) {
      notes.emplace_back(
          "accounts: all work runs as the platform's own account, so workloads can read each other's files "
          "and "
          "signal each other's processes");
    }
  }

  void watch(int number) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = number;
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, number, &event);
  }

  // Whether no supervisor holds the folder's lock.
  static bool nobody_is_at_work(const std::string& folder) {
    // Asked without taking it: a supervisor that starts just now must not find it taken.
    const base::Descriptor lock(::open(ReplicaPaths(folder).lock.c_str(), O_RDWR | O_CLOEXEC));
    struct flock wanted = supervisor_lock();
    return !lock.valid() || (fcntl(lock.get(), F_OFD_GETLK, &wanted) == 0 && wanted.l_type == F_UNLCK);
  }

  base::Result<void> spawn(Try& made, const ReplicaSpec& spec, const NamedValues& secrets) {
    const ReplicaPaths paths(spec.folder);
    const auto group = groups_.group(spec.uid);
    const std::string text = encode_spec({spec, group ? group->text() : std::string()});
    if (auto written = base::write_atomically(paths.spec, text); !written) return written;
    const base::Descriptor handed(memfd_create("fairlead-secrets", MFD_CLOEXEC));
    if (!handed.valid()) return base::system_error("make a file in memory");
    const std::string values = secrets.empty() ? std::string() : encode_named_values(secrets);
    if (write(handed.get(), values.data(), values.size()) != static_cast<ssize_t>(values.size())) {
      return base::system_error("hand over the secrets");
    }
    auto ends = connected_pair();
    if (!ends) return ends.error();
    auto child = spawn_supervisor(spec.folder, handed.get(), ends->second.get());
    if (!child) return child.error();
    made.spawned = true;
    made.socket = std::move(ends->first);
    sockets_[made.socket.get()] = made.uid;
    watch(made.socket.get());
    const int number = static_cast<int>(syscall(SYS_pidfd_open, *child, 0));
    if (number < 0) return {};  // a zombie more, until the platform ends
    children_[number] = base::Descriptor(number);
    watch(number);
    return {};
  }

  base::Result<pid_t> spawn_supervisor(const std::string& folder, int secrets, int socket) const {
    const ReplicaPaths paths(folder);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, secrets, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, paths.supervisor_log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    // Sockets of the platform must not stay open in a process that outlives it.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    // A session of its own: neither Ctrl-C nor the end of the terminal reaches it.
    posix_spawnattr_setflags(
        &attributes, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    std::array<std::string, 3> words = {program_, "supervise", folder};
    std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    std::array<std::string, 1> variables = {"LANG=C.UTF-8"};
    std::array<char*, 2> environment = {variables[0].data(), nullptr};
    pid_t pid = 0;
    const int failed =
        posix_spawn(&pid, program_.c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == 0) return pid;
    errno = failed;
    return base::system_error("start " + program_);
  }

  template <class Fill>
  base::Result<void> tell(const std::string& uid, Fill fill) {
    const auto found = tries_.find(uid);
    if (found == tries_.end()) return base::not_found("there is no try " + uid);
    Try& known = found->second;
    if (known.ended) return {};
    std::string json;
    base::JsonWriter writer(json);
    writer.begin_object();
    fill(writer);
    writer.end_object();
    if (known.socket.valid()) return send_message(known.socket.get(), json);
    known.waiting.push_back(std::move(json));
    return {};
  }

  void ask_later(const Try& known, base::Duration after = kAskAgain) {
    asking_.insert(known.uid);
    itimerspec when{};
    when.it_value.tv_nsec = after.nanoseconds();
    timerfd_settime(timer_.get(), 0, &when, nullptr);
  }

  void handle(int number) {
    if (number == timer_.get()) {
      std::uint64_t expirations = 0;
      if (read(number, &expirations, sizeof expirations) <= 0) return;
      for (const std::string& uid : std::exchange(asking_, {})) find_out(uid);
      return;
    }
    if (const auto child = children_.find(number); child != children_.end()) {
      siginfo_t info{};
      waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(number), &info, WEXITED | WNOHANG);
      if (info.si_pid != 0) children_.erase(child);
      return;
    }
    Message message;
    for (;;) {
      const auto socket = sockets_.find(number);
      if (socket == sockets_.end()) return;
      const std::string uid = socket->second;
      const Received received = receive_message(number, message);
      if (received == Received::kNothingYet) return;
      if (received == Received::kMessage) {
        take_message(uid, message.text);
        continue;
      }
      sockets_.erase(socket);
      tries_[uid].socket.reset();
      find_out(uid);
      return;
    }
  }

  void take_message(const std::string& uid, const std::string& text) {
    base::JsonReader reader;
    const auto object = reader.read(text);
    if (!object) return;
    const base::JsonValue* value = (*object)->find("state");
    if (value != nullptr) take_state(uid, state_from(*value));
  }

  void take_state(const std::string& uid, ReplicaState state) {
    const auto found = tries_.find(uid);
    if (found == tries_.end()) return;
    Try& known = found->second;
    known.state = std::move(state);
    const bool tell_start = !known.started && known.state.pid > 0;
    const bool tell_end = !known.ended && known.state.ended.has_value();
    known.started = known.started || tell_start;
    known.ended = known.ended || tell_end;
    const ReplicaState told = known.state;  // a callback may forget the try
    if (tell_start && callbacks_.on_started) callbacks_.on_started(told);
    if (tell_end && callbacks_.on_ended) callbacks_.on_ended(told);
  }

  // Its supervisor is not connected: what has become of the try?
  void find_out(const std::string& uid) {
    const auto found = tries_.find(uid);
    if (found == tries_.end() || found->second.ended || found->second.socket.valid()) return;
    Try& known = found->second;
    const ReplicaPaths paths(known.folder);
    // In this order: one that is at work when asked may have written its last state a moment later.
    const bool nobody = nobody_is_at_work(known.folder);
    const auto text = base::read_file(paths.state);
    auto state = text ? decode_state(*text) : base::Result<ReplicaState>(text.error());
    if (state && state->ended) return take_state(uid, std::move(*state));
    if (!nobody) return connect_again(known);
    if (!state) return conclude(known, "could not be started: " + last_complaint(paths));
    known.state = *state;
    if (state->boot_id != boot_id()) return conclude(known, "the machine was started anew while it ran");
    if (kill_remains(*state)) return ask_later(known);
    if (const auto group = ControlGroup::find(state->cgroup)) {
      known.state.memory_limit_hit = group->memory_limit_hit();
      group->remove();
    }
    known.state.exit_signal = SIGKILL;
    conclude(known, "its supervisor ended before it; what was left of it was killed");
  }

  void connect_again(Try& known) {
    auto socket = connect_to(ReplicaPaths(known.folder).socket);
    if (!socket) return ask_later(known);
    known.socket = std::move(*socket);
    sockets_[known.socket.get()] = known.uid;
    watch(known.socket.get());
    for (const std::string& request : std::exchange(known.waiting, {})) {
      (void)send_message(known.socket.get(), request);
    }
  }

  void conclude(Try& known, const std::string& why) {
    ReplicaState state = known.state;
    state.uid = known.uid;
    state.ended = base::system_time();
    state.error = why;
    // When it cannot be written the same is found out again after a restart.
    (void)base::write_atomically(ReplicaPaths(known.folder).state, encode_state(state));
    take_state(known.uid, std::move(state));
  }

  std::string last_complaint(const ReplicaPaths& paths) const {
    auto text = base::read_file(paths.supervisor_log);
    if (!text || text->empty()) return program_ + " ended without a word";
    while (!text->empty() && text->back() == '\n') text->pop_back();
    return text->substr(text->rfind('\n') + 1);
  }

  // Kills what is left of a tree whose supervisor is gone. False: nothing is left.
  static bool kill_remains(const ReplicaState& state) {
    if (state.pid <= 0 || state.boot_id != boot_id()) return false;
    bool found = false;
    if (const auto group = ControlGroup::find(state.cgroup); group && !group->empty()) {
      group->kill();
      found = true;
    }
    const auto main = static_cast<pid_t>(state.pid);
    const auto entry = process_entry(main);
    // The number of a session is not given anew as long as one process is in the session.
    const bool session_is_its = !entry || entry->start_ticks == state.start_ticks;
    for (const ProcessEntry& process : process_table()) {
      if (process.state == 'Z' || process.start_ticks < state.start_ticks) continue;
      const bool its = (session_is_its && process.session == main) || has_mark(process.pid, state.uid);
      if (!its) continue;
      kill(process.pid, SIGKILL);
      found = true;
    }
    return found;
  }

  static bool has_mark(pid_t pid, const std::string& uid) {
    const auto environment = base::read_file("/proc/" + std::to_string(pid) + "/environ");
    const std::string mark = std::string(kReplicaVariable) + "=" + uid;
    return environment && (std::string(1, '\0') + *environment).find('\0' + mark + '\0') != std::string::npos;
  }

  Use use_by_descent(pid_t supervisor) {
    const base::Duration now = base::monotonic_time();
    if (table_.empty() || now - table_read_ > kTableAge) {
      table_ = process_table();
      table_read_ = now;
    }
    Use use;
    for (const ProcessEntry& process : table_) {
      // Its own time is little; that of orphans which it has waited for is the workload's.
      if (process.pid == supervisor) use.cpu_nanoseconds += process.cpu_nanoseconds;
    }
    for (const ProcessEntry& process : descendants(table_, supervisor)) {
      use.cpu_nanoseconds += process.cpu_nanoseconds;
      use.memory_bytes += process.resident_bytes;
      if (process.state != 'Z') use.pids.push_back(process.pid);
    }
    return use;
  }

  std::string program_;
  std::string root_;
  Callbacks callbacks_;
  Guarantees guarantees_;
  ControlGroups groups_;
  base::Descriptor epoll_;
  base::Descriptor timer_;
  std::map<std::string, Try> tries_;
  std::map<int, std::string> sockets_;        ///< uid of the try
  std::map<int, base::Descriptor> children_;  ///< supervisors that are to be waited for
  std::set<std::string> asking_;              ///< tries to find out about when the timer rings
  std::vector<ProcessEntry> table_;
  base::Duration table_read_;
};

}  // namespace

base::Result<std::unique_ptr<Supervisors>> Supervisors::make(std::string program, std::string root,
                                                             Callbacks callbacks) {
  auto supervisors =
      std::make_unique<SupervisorsOfMachine>(std::move(program), std::move(root), std::move(callbacks));
  if (auto opened = supervisors->open(); !opened) return opened.error();
  return base::Result<std::unique_ptr<Supervisors>>(std::move(supervisors));
}

}  // namespace fairlead::host
