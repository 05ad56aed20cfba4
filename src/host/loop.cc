#include "host/loop.h"

#include "base/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fairlead::host {
namespace {

/// More sub-rounds in one turn than any input leads to; what is left over comes in the next turn.
constexpr int kMostRounds = 1000;
constexpr auto kRetryWriting = base::Duration::seconds(1);
constexpr auto kShortestWait = base::Duration::milliseconds(1);

}  // namespace

Loop::Loop(LoopOptions options, Inventory inventory, ledger::Ledger& ledger, Supervisors& supervisors)
    : options_(std::move(options)),
      inventory_(std::move(inventory)),
      ledger_(ledger),
      supervisors_(supervisors),
      view_(std::make_shared<world::View>()) {
  now_ = options_.clock();
}

Loop::~Loop() = default;

void Loop::note(std::string_view kind, const std::string& subject, const std::string& actor,
                std::vector<std::pair<std::string, std::string>> details) {
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object();
  for (const auto& [key, value] : details)
    if (!value.empty()) writer.member(key, value);
  writer.end_object();
  ledger::HistoryEntry entry;
  entry.time = now_;
  entry.kind = kind;
  entry.subject = subject;
  entry.actor = actor;
  entry.json = std::move(json);
  batch_.history.push_back(std::move(entry));
}

void Loop::after_commit(std::function<void(const base::Result<void>&)> action) {
  effects_.answers.push_back(std::move(action));
}

void Loop::turn() {
  now_ = std::max(now_, options_.clock());
  if (!trouble_.empty()) {
    if (now_ < write_again_at_) return;
    if (const auto back = come_back(); !back) {
      write_again_at_ = now_ + kRetryWriting;
      return;
    }
  }
  run_timers();
  for (int round = 0; round < kMostRounds; ++round) {
    while (!to_reconcile_.empty()) {
      const std::string key = *to_reconcile_.begin();
      to_reconcile_.erase(to_reconcile_.begin());
      reconcile(key);
    }
    if (closing_) events_.clear();  // nothing is placed any more; the next start tells all anew
    const bool due = !closing_ && engine_wake_at_ && *engine_wake_at_ <= now_;
    if (events_.empty() && !due) break;
    if (events_.empty()) tell(model::ClockAdvanced{});
    run_engine();
  }
  assign_ranks();
  commit();
}

void Loop::run_engine() {
  engine_wake_at_.reset();
  bool more = true;
  while (more) {
    ledger::RoundRecord record;
    record.number = ++round_number_;
    record.time = now_;
    record.events = std::exchange(events_, {});
    const model::ApplyReport report = scheduler_->apply(record.events);
    for (const model::RejectedEvent& rejected : report.rejected)
      note("event-rejected", "engine", "", {{"reason", rejected.reason}});
    model::Round round = scheduler_->run(record.request);
    record.decisions = std::move(round.decisions);
    for (const model::Decision& decision : record.decisions) decided(decision);
    batch_.rounds.push_back(std::move(record));
    more = round.more;
    if (round.wake_at) engine_wake_at_ = std::max(*round.wake_at, now_ + kShortestWait);
  }
}

void Loop::commit() {
  for (const std::string& key : changed_workloads_) {
    const auto at = workloads_.find(key);
    if (at == workloads_.end()) continue;
    at->second.version = ++last_version_;
    batch_.written.push_back({"workload", key, 0, to_json(at->second)});
  }
  for (const std::string& uid : changed_replicas_) {
    const auto at = replicas_.find(uid);
    if (at != replicas_.end()) batch_.written.push_back({"replica", uid, 0, to_json(at->second)});
  }
  changed_workloads_.clear();
  changed_replicas_.clear();
  base::Result<void> written;
  if (!batch_.empty()) written = ledger_.commit(std::exchange(batch_, {}));
  if (!written) return give_up(written.error());
  started_now_.clear();
  ended_now_.clear();
  if (!changed_views_.empty() || machine_changed_) publish();
  act();
}

void Loop::act() {
  Effects effects = std::exchange(effects_, {});
  for (const std::string& key : effects.members_changed) write_members(key);
  for (const std::string& uid : effects.starts) {
    const auto at = replicas_.find(uid);
    if (at == replicas_.end()) continue;
    launched_.insert(uid);
    if (const auto started = launch(at->second); !started) {
      ReplicaState state;
      state.uid = uid;
      state.started = now_;
      state.ended = now_;
      state.error = started.error().message();
      not_started_.push_back(std::move(state));
    }
  }
  for (const auto& [uid, stop] : effects.stops) {
    // What cannot be signalled has ended, and its supervisor will say so.
    (void)supervisors_.stop(uid, stop.signal, stop.grace);
  }
  for (const std::string& uid : effects.forgotten) {
    supervisors_.forget(uid);
    launched_.erase(uid);
  }
  for (const std::string& uid : effects.erased) options_.remove_folder(replica_folder(uid));
  for (const auto& answer : effects.answers) answer({});
  for (const ReplicaState& state : std::exchange(not_started_, {})) replica_ended(state);
}

void Loop::give_up(const base::Error& error) {
  trouble_ = error.message();
  write_again_at_ = now_ + kRetryWriting;
  Effects effects = std::exchange(effects_, {});
  batch_ = {};
  const base::Error answer(base::Code::kUnavailable,
                           fmt::format("nothing can be recorded, so nothing is done: {}", error.message()));
  for (const auto& callback : effects.answers) callback(answer);
}

base::Result<void> Loop::come_back() {
  if (auto loaded = load(); !loaded) return loaded;
  if (auto begun = begin_segment(); !begun) return begun;
  trouble_.clear();
  adopt();
  for (const ReplicaState& state : std::exchange(started_now_, {})) replica_started(state);
  for (const ReplicaState& state : std::exchange(ended_now_, {})) replica_ended(state);
  return {};
}

std::optional<base::Time> Loop::wake_at() const {
  if (!trouble_.empty()) return write_again_at_;
  std::optional<base::Time> wake = engine_wake_at_;
  const auto sooner = [&](base::Time time) { wake = wake ? std::min(*wake, time) : time; };
  if (!timers_.empty()) sooner(timers_.begin()->first);
  if (next_sample_) sooner(*next_sample_);
  if (!events_.empty() || !to_reconcile_.empty() || !effects_.starts.empty()) sooner(now_);
  return wake;
}

const WorkloadRecord* Loop::find_workload(const std::string& key) const {
  const auto at = workloads_.find(key);
  return at == workloads_.end() ? nullptr : &at->second;
}

std::vector<std::pair<std::string, std::vector<std::string>>> Loop::holders() const {
  std::map<std::string, std::vector<std::string>> by_device;
  for (const std::string& uid : live_)
    for (const std::string& device : replicas_.at(uid).devices) by_device[device].push_back(uid);
  return {by_device.begin(), by_device.end()};
}

void Loop::stop_everything() {
  closing_ = true;
  for (const std::string& uid : std::set<std::string>(live_))
    begin_stop(replicas_.at(uid), StopReason::kShutdown);
}

}  // namespace fairlead::host
