#include "host/platform.h"

#include "base/clock.h"
#include "base/files.h"
#include "device/device_provider.h"
#include "device/machine_devices.h"
#include "host/attached_command.h"
#include "host/attached_terminal.h"
#include "host/forecast.h"
#include "host/health_check.h"
#include "host/log_pieces.h"
#include "host/loop.h"
#include "host/port_connection.h"
#include "host/service_router.h"
#include "host/state_folder.h"
#include "host/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

namespace fairlead::host {
namespace {

constexpr const char* kDefaultDevices = "4x H100-80GB";
constexpr auto kReadDevicesEvery = std::chrono::seconds(2);
constexpr auto kRotateSegmentBytes = std::int64_t{64} << 20;
constexpr auto kRetainEvery = base::Duration::seconds(3600);

std::uint16_t free_port() {
  const base::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

std::optional<base::Time> file_time(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return base::Time::from_unix_nanoseconds(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
}

base::Result<void> make_folder(const std::string& path, std::optional<std::uint32_t> account) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  if (problem) {
    errno = problem.value();
    return base::system_error("make " + path);
  }
  if (chmod(path.c_str(), 0700) != 0) return base::system_error("chmod " + path);
  if (account) {
    if (chown(path.c_str(), *account, static_cast<gid_t>(-1)) != 0)
      return base::system_error("give away " + path);
    // The folder above is the project's: others may pass through it.
    chmod(std::filesystem::path(path).parent_path().c_str(), 0711);
  }
  return {};
}

Machine this_machine() {
  Machine machine;
  char name[256] = {};
  machine.name = gethostname(name, sizeof(name) - 1) == 0 && name[0] != '\0' ? name : "localhost";
  machine.cpu_milli = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)) * 1000;
  machine.memory_bytes = std::int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return machine;
}

std::string isolation_name(Guarantees::Containment containment) {
  switch (containment) {
    case Guarantees::Containment::kCgroup2:
      return "cgroup v2";
    case Guarantees::Containment::kCgroup1:
      return "cgroup v1";
    case Guarantees::Containment::kSession:
      return "session";
  }
  return "session";
}

/// What the processes on each device do, for devices that are simulated. Any thread.
class DeviceUse {
 public:
  device::ProcessUse of(const std::string& identity) const {
    const std::lock_guard hold(mutex_);
    const auto at = use_.find(identity);
    return at == use_.end() ? device::ProcessUse() : at->second;
  }
  void set(std::map<std::string, device::ProcessUse> use) {
    const std::lock_guard hold(mutex_);
    use_ = std::move(use);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, device::ProcessUse> use_;
};

class RunningPlatform final : public Platform {
 public:
  RunningPlatform(PlatformOptions options, StateFolder folder)
      : options_(std::move(options)), folder_(std::move(folder)) {}

  ~RunningPlatform() override { stop(false); }

  base::Result<void> begin() {
    wake_ = base::Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_.valid()) return base::system_error("make an event");
    auto secrets = SecretBox::open(folder_.path() + "/secret.key");
    if (!secrets) return secrets.error();
    secrets_ = std::make_unique<SecretBox>(std::move(*secrets));
    // Made first, so that nobody else may read what SQLite writes beside it either.
    const base::Descriptor database(open(ledger_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    auto ledger = ledger::Ledger::open(ledger_path());
    if (!ledger) return ledger.error();
    ledger_ = std::move(*ledger);
    Supervisors::Callbacks callbacks;
    callbacks.on_started = [this](const ReplicaState& state) { loop_->replica_started(state); };
    callbacks.on_ended = [this](const ReplicaState& state) { loop_->replica_ended(state); };
    auto supervisors = Supervisors::make(options_.program, folder_.path(), std::move(callbacks));
    if (!supervisors) return supervisors.error();
    supervisors_ = std::move(*supervisors);
    auto devices = find_devices();
    if (!devices) return devices.error();
    loop_ = std::make_unique<Loop>(loop_options(), make_inventory(this_machine(), *devices), *ledger_,
                                   *supervisors_);
    if (auto started = loop_->start(); !started) return started;
    take_view(loop_->view());
    router_.follow(loop_->services());
    loop_thread_ = std::thread([this] { run(); });
    telemetry_thread_ = std::thread([this] { watch_devices(); });
    router_.start(
        {.wants =
             [this](const std::string& key, std::int32_t replicas) {
               post([key, replicas](Loop& loop) { loop.service_wants(key, replicas); });
             },
         .health =
             [this](const std::string& uid, bool healthy) {
               post([uid, healthy](Loop& loop) { loop.replica_healthy(uid, healthy); });
             },
         .drained =
             [this](const std::string& uid) { post([uid](Loop& loop) { loop.replica_drained(uid); }); }});
    return {};
  }

  void stop(bool stop_workloads) override {
    if (!loop_thread_.joinable()) return;
    router_.stop();
    {
      const std::lock_guard hold(mutex_);
      ending_ = stop_workloads ? Ending::kWithWorkloads : Ending::kAlone;
    }
    wake();
    loop_thread_.join();
    {
      const std::lock_guard hold(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    telemetry_thread_.join();
  }

  std::vector<std::string> guarantees() const override {
    const Guarantees& found = supervisors_->guarantees();
    std::vector<std::string> lines;
    lines.push_back(fmt::format("processes are kept together by {}", isolation_name(found.containment)));
    for (const std::string& missing : found.not_enforced) lines.push_back("not enforced here: " + missing);
    lines.insert(lines.end(), notes_.begin(), notes_.end());
    return lines;
  }
  bool simulated() const override { return simulated_; }
  ServiceRouter& router() override { return router_; }

  // World
  std::shared_ptr<const world::View> view() const override {
    const std::lock_guard hold(mutex_);
    return view_;
  }
  std::shared_ptr<const world::View> wait_for_view(std::uint64_t version,
                                                   base::Duration timeout) const override {
    std::unique_lock hold(mutex_);
    changed_.wait_for(hold, std::chrono::nanoseconds(timeout.nanoseconds()),
                      [&] { return ended_ || view_->version > version; });
    return view_;
  }
  base::Result<std::shared_ptr<const world::WorkloadView>> submit(
      const world::Submission& submission) override {
    return ask<std::shared_ptr<const world::WorkloadView>>(
        [&](Loop& loop, auto answer) { loop.submit(submission, std::move(answer)); });
  }
  base::Result<std::shared_ptr<const world::WorkloadView>> change(const std::string& project,
                                                                  const std::string& name,
                                                                  const world::WorkloadChange& change,
                                                                  const world::Actor& actor) override {
    return ask<std::shared_ptr<const world::WorkloadView>>(
        [&](Loop& loop, auto answer) { loop.change(project, name, change, actor, std::move(answer)); });
  }
  base::Result<std::shared_ptr<const world::QueueView>> put_queue(const model::Queue& queue,
                                                                  std::optional<std::uint64_t> if_version,
                                                                  const world::Actor& actor) override {
    return ask<std::shared_ptr<const world::QueueView>>(
        [&](Loop& loop, auto answer) { loop.put_queue(queue, if_version, actor, std::move(answer)); });
  }
  base::Result<void> remove_queue(const std::string& name, const world::Actor& actor) override {
    return ask<void>([&](Loop& loop, auto answer) { loop.remove_queue(name, actor, std::move(answer)); });
  }
  base::Result<void> put_secret(const std::string& project, const std::string& name, const std::string& value,
                                const world::Actor& actor) override {
    return ask<void>(
        [&](Loop& loop, auto answer) { loop.put_secret(project, name, value, actor, std::move(answer)); });
  }
  base::Result<std::vector<world::Record>> records(std::string_view kind) override {
    return ask<std::vector<world::Record>>(
        [&](Loop& loop, auto answer) { loop.records(kind, std::move(answer)); });
  }
  base::Result<void> put_record(std::string_view kind, const world::Record& record) override {
    return ask<void>([&](Loop& loop, auto answer) { loop.put_record(kind, record, std::move(answer)); });
  }
  base::Result<void> remove_record(std::string_view kind, std::string_view key) override {
    return ask<void>([&](Loop& loop, auto answer) { loop.remove_record(kind, key, std::move(answer)); });
  }

  using State = std::vector<model::Event>;
  base::Result<world::Forecast> forecast(const model::Workload& workload) override {
    const auto state = ask<State>([&](Loop& loop, auto answer) { answer(loop.state_with(workload)); });
    if (!state) return state.error();
    return explain_group(*state, workload.key(), options_.make_scheduler);
  }
  base::Result<world::Forecast> explain(const std::string& project, const std::string& name) override {
    const auto shown = view();
    const world::WorkloadView* workload = shown->find(project, name);
    if (workload == nullptr)
      return base::not_found(fmt::format("there is no workload {} in project {}", name, project));
    if (workload->verdict.reasons.empty()) {
      world::Forecast forecast;
      forecast.starts = workload->state == world::WorkloadState::kRunning ||
                        workload->state == world::WorkloadState::kStarting;
      forecast.reason = workload->reason;
      return forecast;
    }
    const auto state = ask<State>([&](Loop& loop, auto answer) { answer(loop.snapshot()); });
    if (!state) return state.error();
    return explain_group(*state, workload->spec.key(), options_.make_scheduler);
  }
  base::Result<world::Forecast> forecast_queue(const model::Queue& queue) override {
    const auto before = ask<State>([&](Loop& loop, auto answer) { answer(loop.snapshot()); });
    if (!before) return before.error();
    const auto after = ask<State>([&](Loop& loop, auto answer) { answer(loop.state_with(queue)); });
    if (!after) return after.error();
    return forecast_change(*before, *after, options_.make_scheduler);
  }

  base::Result<world::LogPiece> read_log(const std::string& replica_uid, std::uint64_t offset,
                                         std::size_t limit) override {
    if (!is_uid(replica_uid)) return base::not_found("there is no such replica");
    return read_log_piece(replica_folder(replica_uid) + "/logs", offset, limit,
                          has_ended_replica(replica_uid));
  }
  base::Result<std::unique_ptr<world::Terminal>> exec(const std::string& replica_uid,
                                                      const std::vector<std::string>& command, bool tty,
                                                      world::TerminalEvents events) override {
    if (!is_uid(replica_uid)) return base::not_found("there is no such replica");
    return attach_terminal(replica_folder(replica_uid), command, tty, std::move(events));
  }
  base::Result<std::unique_ptr<world::PortConnection>> connect_port(const std::string& replica_uid,
                                                                    std::uint16_t port,
                                                                    world::PortEvents events) override {
    using Pids = std::vector<std::int64_t>;
    const auto pids = ask<Pids>([&](Loop&, auto answer) {
      const auto use = supervisors_->use(replica_uid);
      answer(use ? use->pids : Pids());
    });
    if (!pids) return pids.error();
    const auto listener = find_listener(*pids, port);
    if (!listener)
      return base::Error(base::Code::kFailedPrecondition,
                         fmt::format("port: no process of this replica listens on \"{}\" for this machine; "
                                     "start it there, or on 127.0.0.1",
                                     port));
    return connect_to_listener(*listener, std::move(events));
  }
  std::string ledger_path() const override { return folder_.path() + "/fairlead.db"; }

 private:
  enum class Ending : std::uint8_t { kNo, kAlone, kWithWorkloads };
  using Command = std::function<void(Loop&)>;

  std::string replica_folder(const std::string& uid) const { return folder_.path() + "/replicas/" + uid; }
  static bool is_uid(const std::string& uid) {
    return !uid.empty() && uid.front() != '.' && uid.find('/') == std::string::npos;
  }
  bool has_ended_replica(const std::string& uid) const {
    const auto shown = view();
    for (const auto& workload : shown->workloads)
      for (const world::ReplicaView& replica : workload->replicas)
        if (replica.uid == uid) return replica.ended.has_value();
    return true;
  }

  base::Result<std::vector<device::DiscoveredDevice>> find_devices() {
    const auto simulate =
        [&](const std::string& text) -> base::Result<std::vector<device::DiscoveredDevice>> {
      auto provider = device::make_simulated_provider(
          text, [this](const std::string& identity) { return use_.of(identity); });
      if (!provider) return provider.error();
      auto found = (*provider)->discover();
      if (!found) return found;
      providers_.push_back(std::move(*provider));
      simulated_ = true;
      return found;
    };
    if (!options_.simulated_devices.empty()) return simulate(options_.simulated_devices);
    device::MachineDevices machine = device::find_machine_devices(options_.program);
    notes_ = std::move(machine.notes);
    if (machine.devices.empty()) return simulate(kDefaultDevices);
    providers_ = std::move(machine.providers);
    return std::move(machine.devices);
  }

  LoopOptions loop_options() {
    LoopOptions options;
    options.state_folder = folder_.path();
    options.clock = options_.clock;
    options.make_uid = options_.make_uid;
    options.make_scheduler = options_.make_scheduler;
    options.free_port = free_port;
    options.file_time = file_time;
    options.make_folder = make_folder;
    options.write_file = [](const std::string& path, const std::string& text) {
      return base::write_atomically(path, text, 0644);
    };
    options.remove_folder = [](const std::string& path) {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    };
    options.environment = options_.environment;
    options.secrets = secrets_.get();
    options.isolation = isolation_name(supervisors_->guarantees().containment);
    options.not_enforced = supervisors_->guarantees().not_enforced;
    options.on_view = [this](std::shared_ptr<const world::View> view) { take_view(std::move(view)); };
    return options;
  }

  void take_view(std::shared_ptr<const world::View> view) {
    {
      const std::lock_guard hold(mutex_);
      view_ = std::move(view);
    }
    changed_.notify_all();
  }

  void wake() const {
    const std::uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof(one));
  }

  void post(Command command) {
    {
      const std::lock_guard hold(mutex_);
      commands_.push_back(std::move(command));
    }
    wake();
  }

  /// Has something done on the loop's thread and waits for its answer.
  template <class T, class Ask>
  base::Result<T> ask(Ask question) {
    auto promise = std::make_shared<std::promise<base::Result<T>>>();
    std::future<base::Result<T>> answer = promise->get_future();
    {
      const std::lock_guard hold(mutex_);
      if (ending_ != Ending::kNo)
        return base::Error(base::Code::kUnavailable, "the platform is being stopped");
      commands_.push_back([promise, question](Loop& loop) {
        question(loop, [promise](base::Result<T> result) { promise->set_value(std::move(result)); });
      });
    }
    wake();
    return answer.get();
  }

  int wait_milliseconds() const {
    const auto wake_at = loop_->wake_at();
    if (!wake_at) return -1;
    const std::int64_t left = (*wake_at - options_.clock()).nanoseconds();
    constexpr std::int64_t kLongest = 60'000;
    return static_cast<int>(std::clamp<std::int64_t>((left + 999'999) / 1'000'000, 0, kLongest));
  }

  void run() {
    base::Time retained = options_.clock();
    while (true) {
      std::array<pollfd, 2> watched = {{{wake_.get(), POLLIN, 0}, {supervisors_->descriptor(), POLLIN, 0}}};
      poll(watched.data(), watched.size(), wait_milliseconds());
      std::uint64_t count = 0;
      (void)!read(wake_.get(), &count, sizeof(count));
      supervisors_->poll();
      std::vector<Command> commands;
      Ending ending = Ending::kNo;
      {
        const std::lock_guard hold(mutex_);
        commands.swap(commands_);
        ending = ending_;
      }
      for (const Command& command : commands) command(*loop_);
      loop_->turn();
      router_.follow(loop_->services());
      if (ledger_->open_segment_bytes() > kRotateSegmentBytes) loop_->rotate_segment();
      if (options_.clock() - retained > kRetainEvery) {
        retained = options_.clock();
        (void)ledger_->apply_retention(retained);  // tried again in an hour
      }
      if (ending == Ending::kNo) continue;
      if (ending == Ending::kWithWorkloads) end_workloads();
      return;
    }
  }

  /// Every process is asked to end and waited for. The loop records how they ended, as after a stop by hand.
  void end_workloads() {
    loop_->stop_everything();
    loop_->turn();
    while (loop_->live_replicas() > 0) {
      std::array<pollfd, 1> watched = {{{supervisors_->descriptor(), POLLIN, 0}}};
      constexpr int kLookAgain = 200;
      poll(watched.data(), watched.size(), kLookAgain);
      supervisors_->poll();
      loop_->turn();
    }
  }

  void watch_devices() {
    std::map<std::string, std::pair<std::int64_t, base::Duration>> before;  // replica: cpu time, and when
    while (true) {
      {
        std::unique_lock hold(mutex_);
        if (changed_.wait_for(hold, kReadDevicesEvery, [&] { return ended_ || ending_ != Ending::kNo; }))
          return;
      }
      if (simulated_) measure_processes(before);
      std::vector<device::DeviceReading> readings;
      for (const auto& provider : providers_)
        if (auto read = provider->read()) readings.insert(readings.end(), read->begin(), read->end());
      post([readings = std::move(readings)](Loop& loop) { loop.devices_read(readings); });
    }
  }

  void measure_processes(std::map<std::string, std::pair<std::int64_t, base::Duration>>& before) {
    struct Measured {
      std::vector<std::pair<std::string, std::vector<std::string>>> holders;
      std::map<std::string, Supervisors::Use> use;
    };
    const auto measured = ask<Measured>([this](Loop& loop, auto answer) {
      Measured found;
      found.holders = loop.holders();
      for (const auto& [device, replicas] : found.holders)
        for (const std::string& uid : replicas)
          if (auto use = supervisors_->use(uid)) found.use[uid] = std::move(*use);
      answer(std::move(found));
    });
    if (!measured) return;
    std::map<std::string, int> devices_of;
    for (const auto& [device, replicas] : measured->holders)
      for (const std::string& uid : replicas) ++devices_of[uid];
    std::map<std::string, std::pair<std::int64_t, base::Duration>> after;
    std::map<std::string, double> cores;
    const base::Duration now = base::monotonic_time();
    for (const auto& [uid, use] : measured->use) {
      after[uid] = {use.cpu_nanoseconds, now};
      const auto last = before.find(uid);
      if (last == before.end() || now <= last->second.second) continue;
      cores[uid] = static_cast<double>(use.cpu_nanoseconds - last->second.first) /
                   static_cast<double>((now - last->second.second).nanoseconds());
    }
    std::map<std::string, device::ProcessUse> by_device;
    for (const auto& [device, replicas] : measured->holders)
      for (const std::string& uid : replicas) {
        const auto use = measured->use.find(uid);
        if (use == measured->use.end()) continue;
        by_device[device].cores += std::max(0.0, cores[uid]) / devices_of[uid];
        by_device[device].memory_bytes += use->second.memory_bytes / devices_of[uid];
      }
    before = std::move(after);
    use_.set(std::move(by_device));
  }

  PlatformOptions options_;
  StateFolder folder_;
  base::Descriptor wake_;
  std::unique_ptr<SecretBox> secrets_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Supervisors> supervisors_;
  std::vector<std::unique_ptr<device::DeviceProvider>> providers_;  ///< the telemetry thread's, once it runs
  bool simulated_ = false;
  std::vector<std::string> notes_;  ///< about devices that cannot be used
  DeviceUse use_;
  std::unique_ptr<Loop> loop_;  ///< the loop thread's, once it runs
  ServiceRouter router_{{.now = base::monotonic_time, .is_healthy = answers_well}};
  std::thread loop_thread_;
  std::thread telemetry_thread_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::shared_ptr<const world::View> view_;  // guarded by mutex_, as are those below
  std::vector<Command> commands_;
  Ending ending_ = Ending::kNo;
  bool ended_ = false;
};

}  // namespace

base::Result<std::unique_ptr<Platform>> Platform::start(PlatformOptions options) {
  auto folder = StateFolder::open(options.state_folder);
  if (!folder) return folder.error();
  if (options.fresh) {
    // What still runs from before is found, ended and forgotten.
    auto before = std::make_unique<RunningPlatform>(options, std::move(*folder));
    if (before->begin()) before->stop(true);
    before.reset();
    folder = StateFolder::open(options.state_folder);
    if (!folder) return folder.error();
    if (auto emptied = folder->empty(); !emptied) return emptied.error();
  }
  auto platform = std::make_unique<RunningPlatform>(std::move(options), std::move(*folder));
  if (auto begun = platform->begin(); !begun) return begun.error();
  return std::unique_ptr<Platform>(std::move(platform));
}

}  // namespace fairlead::host
