#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

namespace fairlead::host {
namespace {

/// A run that lasted so long starts the back-off anew.
constexpr auto kLongRun = base::Duration::seconds(600);

std::string how_it_ended(const ReplicaRecord& replica) {
  if (!replica.message.empty()) return replica.message;
  if (replica.exit_signal) return fmt::format("was ended by signal {}", *replica.exit_signal);
  return fmt::format("exited with code {}", replica.exit_code.value_or(-1));
}

}  // namespace

int signal_named(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, int>, 8> kSignals = {{{"SIGTERM", SIGTERM},
                                                                                {"SIGINT", SIGINT},
                                                                                {"SIGUSR1", SIGUSR1},
                                                                                {"SIGUSR2", SIGUSR2},
                                                                                {"SIGHUP", SIGHUP},
                                                                                {"SIGQUIT", SIGQUIT},
                                                                                {"SIGALRM", SIGALRM},
                                                                                {"SIGCONT", SIGCONT}}};
  for (const auto& [known, number] : kSignals)
    if (known == name || known.substr(3) == name) return number;
  return 0;
}

int stop_signal(const WorkloadRecord* record) {
  if (record == nullptr || record->spec.checkpoint.signal.empty()) return SIGTERM;
  const int number = signal_named(record->spec.checkpoint.signal);
  return number == 0 ? SIGTERM : number;
}

base::Duration back_off(base::Duration first, std::int32_t failures) {
  base::Duration delay = first;
  for (std::int32_t i = 1; i < failures && delay < kLongestBackOff; ++i) delay = delay + delay;
  return std::min(delay, kLongestBackOff);
}

WorkloadRecord* Loop::workload(const std::string& key) {
  const auto at = workloads_.find(key);
  return at == workloads_.end() ? nullptr : &at->second;
}

std::vector<ReplicaRecord*> Loop::replicas_of(const std::string& key) {
  std::vector<ReplicaRecord*> list;
  const auto at = replicas_by_workload_.find(key);
  if (at == replicas_by_workload_.end()) return list;
  for (const std::string& uid : at->second) list.push_back(&replicas_.at(uid));
  std::sort(list.begin(), list.end(), [](const ReplicaRecord* a, const ReplicaRecord* b) {
    return std::tie(a->role, a->index, a->attempt) < std::tie(b->role, b->index, b->attempt);
  });
  return list;
}

std::vector<const ReplicaRecord*> Loop::replicas_of(const std::string& key) const {
  std::vector<const ReplicaRecord*> list;
  for (const ReplicaRecord* replica : const_cast<Loop*>(this)->replicas_of(key)) list.push_back(replica);
  return list;
}

void Loop::set_progress(ReplicaRecord& replica, Progress progress) {
  replica.progress = progress;
  if (is_live(progress)) {
    live_.insert(replica.uid);
  } else {
    live_.erase(replica.uid);
  }
}

void Loop::file(const WorkloadRecord& record) {
  const std::string key = record.spec.key();
  const auto keep = [&](std::set<std::string>& among, bool is_one) {
    if (is_one) {
      among.insert(key);
    } else {
      among.erase(key);
    }
  };
  keep(services_, record.spec.service.has_value() || !record.spec.ports.empty());
  keep(blocked_, record.stage == Stage::kBlocked);
}

void Loop::changed(WorkloadRecord& record) {
  file(record);
  changed_workloads_.insert(record.spec.key());
  changed_views_.insert(record.spec.key());
}

void Loop::changed(ReplicaRecord& record) {
  changed_replicas_.insert(record.uid);
  changed_views_.insert(record.workload);
}

base::Duration Loop::grace_of(const ReplicaRecord& replica) const {
  const WorkloadRecord* record = find_workload(replica.workload);
  return record == nullptr ? base::Duration() : record->spec.grace_period;
}

void Loop::enter(WorkloadRecord& record, Stage stage, std::string reason) {
  record.stage = stage;
  record.reason = std::move(reason);
  if (is_final(stage)) {
    record.ended = now_;
    record.retry_at.reset();
    wake_dependents(record.spec.project);
  }
  note(fmt::format("workload-{}", stage_name(stage)), "workload " + record.spec.key(), "",
       {{"reason", record.reason}});
  changed(record);
  to_reconcile_.insert(record.spec.key());
}

void Loop::wake_dependents(const std::string& project) {
  const std::string prefix = project + "/";
  for (auto at = blocked_.lower_bound(prefix); at != blocked_.end() && at->starts_with(prefix); ++at)
    to_reconcile_.insert(*at);
}

void Loop::check_dependencies(WorkloadRecord& record) {
  for (const std::string& name : record.spec.after) {
    const WorkloadRecord* other = find_workload(record.spec.project + "/" + name);
    if (other == nullptr)
      return enter(record, Stage::kFailed, fmt::format("comes after {}, which is gone", name));
    if (other->stage == Stage::kFailed)
      return enter(record, Stage::kFailed, fmt::format("comes after {}, which failed", name));
    if (other->stage == Stage::kSucceeded) continue;
    const std::string reason = fmt::format("waits for {} to succeed", name);
    if (record.reason != reason) {
      record.reason = reason;
      changed(record);
    }
    return;
  }
  enter(record, Stage::kActive, "");
}

void Loop::reconcile(const std::string& key) {
  WorkloadRecord* record = workload(key);
  if (record == nullptr) return;
  if (record->deleting) {
    retire(*record, StopReason::kDeleted);
    sync_engine(key);
    schedule(key);
    const auto members = replicas_of(key);
    if (std::none_of(members.begin(), members.end(), [](auto* one) { return is_live(one->progress); }))
      erase_workload(key);
    return;
  }
  if (record->stage == Stage::kBlocked) check_dependencies(*record);
  switch (record->stage) {
    case Stage::kActive:
      if (record->spec.service) {
        reconcile_service(*record);
      } else {
        reconcile_active(*record);
      }
      break;
    case Stage::kSuspended:
      retire(*record, StopReason::kSuspended);
      break;
    case Stage::kBlocked:
    case Stage::kBackOff:
    case Stage::kFailed:
      retire(*record, StopReason::kPeerFailed);
      break;
    case Stage::kSucceeded:
      retire(*record, StopReason::kScaledDown);
      break;
  }
  follow_running(*record);
  sync_engine(key);
  schedule(key);
}

void Loop::reconcile_active(WorkloadRecord& record) {
  const std::string key = record.spec.key();
  const std::vector<ReplicaSlot> wanted = wanted_slots(record);
  std::set<ReplicaSlot> open(wanted.begin(), wanted.end());
  std::map<std::string, std::int32_t> succeeded;
  bool live = false;
  std::vector<std::string> surplus;
  std::vector<std::string> pending;
  for (ReplicaRecord* replica : replicas_of(key)) {
    const ReplicaSlot slot{replica->role, replica->index};
    const bool done = replica->progress == Progress::kSucceeded && replica->run == record.run;
    if (has_ended(replica->progress) && !done) continue;
    const bool is_wanted = open.erase(slot) > 0;
    if (done) {
      ++succeeded[replica->role];
    } else if (!is_wanted) {
      surplus.push_back(replica->uid);
    } else if (replica->progress == Progress::kPending) {
      pending.push_back(replica->uid);
    }
    live = live || is_live(replica->progress);
  }
  for (const std::string& uid : surplus) {
    ReplicaRecord& replica = replicas_.at(uid);
    if (replica.progress == Progress::kPending) {
      erase_replica(uid);
    } else {
      begin_stop(replica, StopReason::kScaledDown);
    }
  }
  const bool enough = !succeeded.empty() &&
                      std::all_of(record.spec.roles.begin(), record.spec.roles.end(), [&](const auto& role) {
                        return succeeded[role.name] >= role.minimum_replicas;
                      });
  if (enough && !live) {
    for (const std::string& uid : pending) erase_replica(uid);
    record.failures_in_a_row = 0;
    return enter(record, Stage::kSucceeded, "");
  }
  if (enough) return;  // what has ended well is not to be started again at another size
  for (const ReplicaSlot& slot : open) create_replica(record, slot);
}

void Loop::create_replica(WorkloadRecord& record, const ReplicaSlot& slot) {
  const std::string key = record.spec.key();
  std::int32_t attempt = 0;
  std::vector<std::string> old;
  for (const ReplicaRecord* replica : replicas_of(key)) {
    if (replica->role != slot.role || replica->index != slot.index) continue;
    attempt = std::max(attempt, replica->attempt + 1);
    old.push_back(replica->uid);
  }
  // The last ended try stays to be looked at; those before go.
  for (std::size_t i = 0; i + 1 < old.size(); ++i)
    if (has_ended(replicas_.at(old[i]).progress)) erase_replica(old[i]);
  ReplicaRecord replica;
  replica.uid = pod_uid(record, slot, attempt);
  replica.workload = key;
  replica.role = slot.role;
  replica.index = slot.index;
  replica.attempt = attempt;
  replica.run = record.run;
  replica.revision = record.revision;
  replica.created = now_;
  if (record.spec.service) {
    std::int32_t guaranteed = 0;
    for (const ReplicaRecord* other : replicas_of(key))
      guaranteed +=
          !other->borrowing && (is_live(other->progress) || other->progress == Progress::kPending) ? 1 : 0;
    replica.borrowing = guaranteed >= record.spec.service->minimum_replicas;
  }
  replicas_by_workload_[key].insert(replica.uid);
  ReplicaRecord& stored = replicas_.emplace(replica.uid, std::move(replica)).first->second;
  changed(stored);
}

void Loop::retire(WorkloadRecord& record, StopReason reason) {
  for (ReplicaRecord* replica : replicas_of(record.spec.key())) {
    if (replica->progress == Progress::kPending) {
      erase_replica(replica->uid);
    } else if (is_live(replica->progress)) {
      begin_stop(*replica, reason);
    }
  }
}

void Loop::settle_bind(const std::string& uid) {
  const auto open = open_binds_.find(uid);
  if (open == open_binds_.end()) return;
  tell(model::BindSucceeded{open->second});
  open_binds_.erase(open);
}

void Loop::begin_stop(ReplicaRecord& replica, StopReason reason) {
  if (!is_live(replica.progress) || replica.progress == Progress::kReleasing) return;
  const WorkloadRecord* record = find_workload(replica.workload);
  settle_bind(replica.uid);
  set_progress(replica, Progress::kReleasing);
  replica.stop_reason = reason;
  replica.stop_asked = now_;
  changed(replica);
  to_reconcile_.insert(replica.workload);
  if (reason != StopReason::kPreempted && record != nullptr) {
    model::Pod pod = make_pod(*record, replica, inventory_);
    pod.release_deadline = now_ + record->spec.grace_period;
    tell(model::PodUpserted{std::move(pod)});
  }
  if (effects_.starts.erase(replica.uid) > 0) {  // bound in this very turn: nothing was started
    ReplicaState state;
    state.uid = replica.uid;
    state.ended = now_;
    return end_replica(replica, state);
  }
  if (record != nullptr && record->spec.service && !closing_ && is_healthy(replica.uid)) {
    draining_.insert(replica.uid);  // requests on it end first; the grace period is the limit
    return;
  }
  // An asked-for checkpoint is worth the wait only where the work goes on later.
  const bool goes_on = reason == StopReason::kPreempted || reason == StopReason::kSuspended ||
                       reason == StopReason::kBadDevice || reason == StopReason::kScaledDown ||
                       reason == StopReason::kIdle || reason == StopReason::kShutdown;
  effects_.stops[replica.uid] = {goes_on ? stop_signal(record) : SIGTERM, grace_of(replica)};
}

void Loop::replica_started(const ReplicaState& state) {
  started_now_.push_back(state);
  const auto at = replicas_.find(state.uid);
  if (at == replicas_.end()) {
    effects_.stops[state.uid] = {SIGKILL, base::Duration()};
    return;
  }
  ReplicaRecord& replica = at->second;
  const bool known_pid = replica.pid == state.pid;
  replica.pid = state.pid;
  if (replica.progress != Progress::kBinding) {
    if (!known_pid) changed(replica);
    return;
  }
  set_progress(replica, Progress::kRunning);
  replica.started = state.started == base::Time() ? now_ : state.started;
  changed(replica);
  const auto open = open_binds_.find(replica.uid);
  if (open != open_binds_.end()) {
    settle_bind(replica.uid);
    tell(model::PodStarted{replica.uid});
  } else if (const WorkloadRecord* record = find_workload(replica.workload)) {
    tell(model::PodUpserted{make_pod(*record, replica, inventory_)});
  }
  note("replica-started", "workload " + replica.workload, "",
       {{"replica", replica.uid},
        {"node", replica.node},
        {"devices", fmt::format("{}", fmt::join(replica.devices, ","))}});
  to_reconcile_.insert(replica.workload);
}

void Loop::replica_ended(const ReplicaState& state) {
  ended_now_.push_back(state);
  const auto at = replicas_.find(state.uid);
  if (at == replicas_.end() || !is_live(at->second.progress)) return;
  end_replica(at->second, state);
}

void Loop::end_replica(ReplicaRecord& replica, const ReplicaState& state) {
  const bool asked = replica.progress == Progress::kReleasing;
  sample_usage_of(replica);
  settle_bind(replica.uid);
  replica.ended = state.ended.value_or(now_);
  replica.exit_code = state.exit_code;
  replica.exit_signal = state.exit_signal;
  if (!replica.started && state.started != base::Time()) replica.started = state.started;
  if (!state.error.empty()) replica.message = state.error;
  if (state.memory_limit_hit) replica.message = "used more than its memory limit";
  const bool good = state.error.empty() && state.exit_code == 0;
  set_progress(replica, asked ? Progress::kStopped : good ? Progress::kSucceeded : Progress::kFailed);
  replica.pid = 0;
  if (replica.progress == Progress::kSucceeded) {
    tell(model::PodFinished{replica.uid, true});
  } else if (told_pods_.erase(replica.uid) > 0) {
    tell(model::PodRemoved{replica.uid});
  }
  effects_.forgotten.push_back(replica.uid);
  effects_.members_changed.insert(replica.workload);
  healthy_.erase(replica.uid);
  draining_.erase(replica.uid);
  sampled_until_.erase(replica.uid);
  changed(replica);
  to_reconcile_.insert(replica.workload);
  note("replica-ended", "workload " + replica.workload, "",
       {{"replica", replica.uid},
        {"progress", std::string(progress_name(replica.progress))},
        {"why", asked ? std::string(stop_reason_name(replica.stop_reason)) : how_it_ended(replica)}});
  WorkloadRecord* record = workload(replica.workload);
  if (record == nullptr) return;
  if (asked) {
    account_for_lost_work(*record, replica);
    if (replica.stop_reason == StopReason::kPreempted && record->stage == Stage::kActive &&
        !record->spec.restart_on_preemption)
      enter(*record, Stage::kFailed, "was preempted, and restartOnPreemption is false");
    return;
  }
  if (!good) replica_failed(*record, replica);
}

void Loop::replica_failed(WorkloadRecord& record, ReplicaRecord& replica) {
  if (record.stage != Stage::kActive || record.deleting) return;
  if (record.running_since && now_ - *record.running_since > kLongRun) record.failures_in_a_row = 0;
  ++record.failures;
  ++record.failures_in_a_row;
  const std::string what = fmt::format("{} {} {}", replica.role, replica.index, how_it_ended(replica));
  const base::Duration delay = back_off(record.spec.retry_delay, record.failures_in_a_row);
  changed(record);
  to_reconcile_.insert(record.spec.key());
  if (record.spec.service) {
    if (replica.revision == record.revision && record.previous_spec) return roll_back(record, what);
    if (record.failures_in_a_row > record.spec.retries) return enter(record, Stage::kFailed, what);
    record.retry_at = now_ + delay;
    record.reason = what;
    return;
  }
  if (record.failures > record.spec.retries)
    return enter(
        record, Stage::kFailed,
        record.spec.retries == 0 ? what : fmt::format("{}, after {} restarts", what, record.spec.retries));
  record.retry_at = now_ + delay;
  enter(record, Stage::kBackOff, what);
}

void Loop::follow_running(WorkloadRecord& record) {
  std::map<std::string, std::int32_t> running;
  bool any = false;
  for (const ReplicaRecord* replica : replicas_of(record.spec.key())) {
    const bool runs = replica->progress == Progress::kRunning;
    if (runs || (replica->progress == Progress::kSucceeded && replica->run == record.run))
      ++running[replica->role];
    any = any || runs;
  }
  const bool runs =
      any && std::all_of(record.spec.roles.begin(), record.spec.roles.end(), [&](const auto& role) {
        return running[role.name] >= (record.spec.service ? 1 : role.minimum_replicas);
      });
  if (runs == record.running_since.has_value()) return;
  if (runs) {
    record.running_since = now_;
    if (!record.first_started) {
      record.first_started = now_;
      note("workload-started", "workload " + record.spec.key(), "");
    }
    record.idle_since.reset();
  } else {
    record.ran = record.ran + (now_ - *record.running_since);
    record.running_since.reset();
  }
  changed(record);
}

void Loop::erase_replica(const std::string& uid) {
  const auto at = replicas_.find(uid);
  if (at == replicas_.end()) return;
  if (told_pods_.erase(uid) > 0) {
    settle_bind(uid);
    tell(model::PodRemoved{uid});
  }
  changed_views_.insert(at->second.workload);
  replicas_by_workload_[at->second.workload].erase(uid);
  // A try that never was written needs no removal, but one that was may be written and removed in one turn.
  changed_replicas_.erase(uid);
  batch_.removed.emplace_back("replica", uid);
  if (at->second.progress != Progress::kPending) effects_.erased.push_back(uid);
  live_.erase(uid);
  replicas_.erase(at);
}

void Loop::erase_workload(const std::string& key) {
  const std::set<std::string> members = replicas_by_workload_[key];
  for (const std::string& uid : members) erase_replica(uid);
  replicas_by_workload_.erase(key);
  const WorkloadRecord record = workloads_.at(key);
  for (const bool borrowing : {false, true}) {
    const std::string group = group_key(record, borrowing);
    if (told_groups_.erase(group) > 0) tell(model::GroupRemoved{group});
    verdicts_.erase(group);
  }
  schedule_none(key);
  workloads_.erase(key);
  services_.erase(key);
  blocked_.erase(key);
  changed_workloads_.erase(key);
  changed_views_.insert(key);
  batch_.removed.emplace_back("workload", key);
  note("workload-deleted", "workload " + key, "");
  wake_dependents(record.spec.project);
}

}  // namespace fairlead::host
