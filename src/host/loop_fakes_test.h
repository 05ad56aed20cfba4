#pragma once

#include "engine/engine.h"
#include "host/loop.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {

/// A ledger in memory that can be told to fail.
class FakeLedger final : public ledger::Ledger {
 public:
  base::Result<void> begin_segment(base::Time, std::span<const model::Event> snapshot) override {
    if (full) return no_space();
    segment.assign(snapshot.begin(), snapshot.end());
    rounds.clear();
    return {};
  }
  base::Result<void> commit(ledger::Batch batch) override {
    if (full) return no_space();
    ++commits;
    for (auto& round : batch.rounds) rounds.push_back(std::move(round));
    for (const auto& key : batch.removed) documents.erase(key);
    for (auto& document : batch.written) documents[{document.kind, document.key}] = document.json;
    for (auto& entry : batch.history) history.push_back(std::move(entry));
    for (auto& sample : batch.usage) usage.push_back(std::move(sample));
    return {};
  }
  base::Result<void> each_document(std::string_view kind,
                                   const std::function<void(const ledger::Document&)>& visit) override {
    for (const auto& [key, json] : documents)
      if (key.first == kind) visit({key.first, key.second, 1, json});
    return {};
  }
  base::Result<std::optional<ledger::Document>> document(std::string_view, std::string_view) override {
    return std::optional<ledger::Document>();
  }
  std::uint64_t last_position() const override { return history.size(); }
  std::uint64_t last_version() const override { return 0; }
  std::int64_t open_segment_bytes() const override { return 0; }
  base::Result<void> apply_retention(base::Time) override { return {}; }

  bool has_history(std::string_view kind) const {
    for (const auto& entry : history)
      if (entry.kind == kind) return true;
    return false;
  }

  bool full = false;
  int commits = 0;
  std::vector<model::Event> segment;
  std::vector<ledger::RoundRecord> rounds;
  std::map<std::pair<std::string, std::string>, std::string> documents;
  std::vector<ledger::HistoryEntry> history;
  std::vector<ledger::UsageSample> usage;

 private:
  static base::Error no_space() { return base::Error(base::Code::kUnavailable, "the disk is full"); }
};

/// Remembers what it was asked for; the test says how processes fare.
class FakeSupervisors final : public Supervisors {
 public:
  const Guarantees& guarantees() const override { return guarantees_; }
  base::Result<void> start(const ReplicaSpec& spec,
                           const std::vector<std::pair<std::string, std::string>>& secrets) override {
    if (!refuse.empty()) return base::Error(base::Code::kUnavailable, refuse);
    started[spec.uid] = spec;
    given_secrets[spec.uid] = secrets;
    return {};
  }
  base::Result<void> signal(const std::string&, int) override { return {}; }
  base::Result<void> stop(const std::string& uid, int number, base::Duration grace) override {
    stopped[uid] = {number, grace};
    return {};
  }
  std::optional<Use> use(const std::string&) override { return std::nullopt; }
  void forget(const std::string& uid) override { forgotten.push_back(uid); }
  void end_strangers(const std::set<std::string>& known) override { kept = known; }
  int descriptor() const override { return -1; }
  void poll() override {}

  std::set<std::string> kept;  ///< those that are no strangers
  std::string refuse;
  std::map<std::string, ReplicaSpec> started;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> given_secrets;
  std::map<std::string, std::pair<int, base::Duration>> stopped;
  std::vector<std::string> forgotten;

 private:
  Guarantees guarantees_;
};

/// What a caller was told.
struct Answered {
  std::shared_ptr<const world::WorkloadView> view;
  std::string error;  ///< empty: it went well

  explicit operator bool() const { return error.empty(); }
};

/// A platform with devices that are not there, a clock that the test sets, and no process.
class FakePlatform {
 public:
  explicit FakePlatform(int devices = 4) {
    for (int i = 0; i < devices; ++i) {
      device::DiscoveredDevice device;
      device.identity = fmt::format("SIM-{}", i);
      device.vendor = "nvidia";
      device.model = "H100-80GB";
      device.memory_mib = 81'559;
      device.visibility_variable = "CUDA_VISIBLE_DEVICES";
      device.visibility_value = std::to_string(i);
      device.simulated = true;
      discovered_.push_back(std::move(device));
    }
    restart();
  }

  /// A new loop on the same ledger, as after a crash.
  void restart() {
    loop_.reset();
    supervisors = FakeSupervisors();
    LoopOptions options;
    options.state_folder = "/state";
    options.clock = [this] { return now; };
    options.make_uid = [this] { return fmt::format("{:032x}", ++uids_); };
    options.make_scheduler = [] { return engine::make_engine(); };
    options.free_port = [this] { return ++port_; };
    options.file_time = [this](const std::string& path) -> std::optional<base::Time> {
      const auto at = files.find(path);
      if (at == files.end()) return std::nullopt;
      return at->second;
    };
    options.make_folder = [](const std::string&, std::optional<std::uint32_t>) {
      return base::Result<void>();
    };
    options.write_file = [this](const std::string& path, const std::string& text) {
      written[path] = text;
      return base::Result<void>();
    };
    options.remove_folder = [](const std::string&) {};
    options.environment = {{"PATH", "/usr/bin"}};
    options.secrets = secrets;
    loop_ = std::make_unique<Loop>(std::move(options),
                                   make_inventory({"box", 64'000, std::int64_t{256} << 30}, discovered_),
                                   ledger, supervisors);
    start_result = loop_->start();
  }

  Loop& loop() { return *loop_; }

  /// Lets time pass and turns once.
  void pass(std::int64_t seconds) {
    now = now + base::Duration::seconds(seconds);
    loop_->turn();
  }

  Answered submit(const model::Workload& workload, std::string idempotency_key = {}) {
    Answered result{nullptr, "was not answered"};
    loop_->submit({workload, {"ada", std::nullopt}, std::move(idempotency_key)},
                  [&](auto answer) { result = answered(answer); });
    loop_->turn();
    return result;
  }
  Answered change(const std::string& name, world::WorkloadChange change) {
    Answered result{nullptr, "was not answered"};
    loop_->change("default", name, change, {"ada", std::nullopt},
                  [&](auto answer) { result = answered(answer); });
    loop_->turn();
    return result;
  }
  Answered put_queue(const model::Queue& queue) {
    Answered result{nullptr, "was not answered"};
    loop_->put_queue(queue, std::nullopt, {"ada", std::nullopt},
                     [&](const auto& answer) { result.error = answer ? "" : answer.error().message(); });
    loop_->turn();
    return result;
  }

  const world::WorkloadView& view(const std::string& name, const std::string& project = "default") {
    static const world::WorkloadView kNone;
    const world::WorkloadView* found = loop_->view()->find(project, name);
    return found == nullptr ? kNone : *found;
  }
  /// The uid of the present try of a replica.
  std::string uid(const std::string& name, int index = 0, const std::string& project = "default") {
    std::string found;
    for (const auto& replica : view(name, project).replicas)
      if (replica.index == index && !replica.ended) found = replica.uid;
    return found;
  }
  int count(const std::string& name, std::string_view state, const std::string& project = "default") {
    int count = 0;
    for (const auto& replica : view(name, project).replicas) count += replica.state == state ? 1 : 0;
    return count;
  }

  /// The processes of a workload start.
  void run(const std::string& name, const std::string& project = "default") {
    for (const auto& replica : std::vector(view(name, project).replicas))
      if (replica.state == "Binding") {
        ReplicaState state;
        state.uid = replica.uid;
        state.pid = ++pid_;
        state.started = now;
        loop_->replica_started(state);
      }
    loop_->turn();
  }
  void end(const std::string& uid, int code) {
    ReplicaState state;
    state.uid = uid;
    state.started = now;
    state.ended = now;
    state.exit_code = code;
    loop_->replica_ended(state);
    loop_->turn();
  }
  /// Whatever was asked to stop stops.
  void let_stop() {
    for (const auto& [stopping, how] : std::exchange(supervisors.stopped, {})) {
      ReplicaState state;
      state.uid = stopping;
      state.ended = now;
      state.exit_signal = how.first;
      loop_->replica_ended(state);
    }
    loop_->turn();
  }

  /// Whether the segment replays: a fresh engine, told the same, decides the same.
  bool replays() const {
    const auto scheduler = engine::make_engine();
    scheduler->apply(ledger.segment);
    for (const ledger::RoundRecord& round : ledger.rounds) {
      scheduler->apply(round.events);
      if (scheduler->run(round.request).decisions.size() != round.decisions.size()) return false;
    }
    return true;
  }
  /// No device is held by more than it has.
  bool devices_given_once() const {
    for (const auto& device : loop_->view()->devices)
      if (device.allocated_thousandths > 1000) return false;
    return true;
  }

  base::Time now = base::Time::from_unix_seconds(1'800'000'000);
  FakeLedger ledger;
  FakeSupervisors supervisors;
  std::map<std::string, base::Time> files;
  std::map<std::string, std::string> written;
  SecretBox* secrets = nullptr;
  base::Result<void> start_result;

 private:
  static Answered answered(const base::Result<std::shared_ptr<const world::WorkloadView>>& answer) {
    if (!answer) return {nullptr, answer.error().message()};
    return {*answer, ""};
  }

  std::vector<device::DiscoveredDevice> discovered_;
  std::uint64_t uids_ = 0;
  std::uint16_t port_ = 40'000;
  std::int64_t pid_ = 100;
  std::unique_ptr<Loop> loop_;
};

inline model::Workload training(const std::string& name, std::int64_t devices, std::int32_t replicas = 1,
                                std::int32_t minimum = -1) {
  model::Workload workload;
  workload.name = name;
  workload.project = "default";
  model::WorkloadRole role;
  role.name = "worker";
  role.command = {"train"};
  role.replicas = replicas;
  role.minimum_replicas = minimum < 0 ? replicas : minimum;
  role.devices.count = devices;
  workload.roles.push_back(std::move(role));
  return workload;
}

}  // namespace fairlead::host
