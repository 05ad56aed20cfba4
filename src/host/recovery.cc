#include "host/loop.h"
#include "ledger/event_json.h"
#include "manifest/workload.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::host {
namespace {

constexpr const char* kFirstDepartment = "default-department";
constexpr const char* kFirstProject = "default";

std::string queue_json(const model::Queue& queue) {
  const model::Event event{base::Time(), model::QueueUpserted{queue}};
  return ledger::events_to_json({&event, 1});
}

base::Result<model::Queue> queue_from_json(std::string_view json) {
  auto events = ledger::events_from_json(json);
  if (!events) return events.error();
  if (events->size() != 1 || !std::holds_alternative<model::QueueUpserted>(events->front().body))
    return base::invalid_argument("a document of a queue that holds something else");
  return std::get<model::QueueUpserted>(events->front().body).queue;
}

void not_after(std::optional<base::Time>& instant, base::Time now) {
  if (instant) instant = std::min(*instant, now);
}

}  // namespace

void Loop::write_queue(const QueueRecord& record) {
  batch_.written.push_back({"queue", record.queue.name, 0, queue_json(record.queue)});
}

base::Result<void> Loop::start() {
  now_ = std::max(now_, options_.clock());
  if (auto loaded = load(); !loaded) return loaded;
  const bool first = queues_.empty();
  if (first) make_first_queues();
  std::set<std::string> known;
  for (const auto& [uid, replica] : replicas_) known.insert(uid);
  supervisors_.end_strangers(known);
  if (auto begun = begin_segment(); !begun) return begun;
  adopt();
  machine_changed_ = true;
  turn();
  if (!trouble_.empty()) return base::Error(base::Code::kUnavailable, trouble_);
  return {};
}

base::Result<void> Loop::load() {
  workloads_.clear();
  replicas_.clear();
  replicas_by_workload_.clear();
  queues_.clear();
  secrets_.clear();
  to_reconcile_.clear();
  changed_workloads_.clear();
  changed_replicas_.clear();
  batch_ = {};
  effects_ = {};
  draining_.clear();
  timers_.clear();
  timer_of_.clear();
  workload_views_.clear();
  live_.clear();
  services_.clear();
  blocked_.clear();
  sums_of_workload_.clear();
  sums_of_project_.clear();
  changed_views_.clear();
  base::Result<void> problem;
  const auto keep_first = [&](const base::Error& error, const ledger::Document& document) {
    if (problem)
      problem =
          error.in(fmt::format("the ledger's document {} {} cannot be read", document.kind, document.key));
  };
  const auto each = [&](std::string_view kind, const std::function<void(const ledger::Document&)>& visit) {
    if (auto read = ledger_.each_document(kind, visit); !read && problem) problem = read;
  };
  each("workload", [&](const ledger::Document& document) {
    auto record = workload_from_json(document.json);
    if (!record) return keep_first(record.error(), document);
    last_version_ = std::max(last_version_, record->version);
    // A clock that was set back must not make anybody wait for the day that was.
    if (record->retry_at)
      record->retry_at =
          std::min(*record->retry_at, now_ + back_off(record->spec.retry_delay, record->failures_in_a_row));
    for (auto* instant : {&record->running_since, &record->idle_since, &record->ended, &record->first_started,
                          &record->last_checkpoint})
      not_after(*instant, now_);
    changed_views_.insert(document.key);
    file(workloads_.emplace(document.key, std::move(*record)).first->second);
  });
  each("replica", [&](const ledger::Document& document) {
    auto record = replica_from_json(document.json);
    if (!record) return keep_first(record.error(), document);
    for (auto* instant : {&record->started, &record->ended, &record->stop_asked}) not_after(*instant, now_);
    replicas_by_workload_[record->workload].insert(record->uid);
    if (is_live(record->progress)) live_.insert(record->uid);
    replicas_.emplace(document.key, std::move(*record));
  });
  each("queue", [&](const ledger::Document& document) {
    auto queue = queue_from_json(document.json);
    if (!queue) return keep_first(queue.error(), document);
    queues_[document.key] = {std::move(*queue), ++last_version_};
  });
  each("secret", [&](const ledger::Document& document) {
    if (document.json.size() >= 2)  // a JSON text
      secrets_[document.key] = document.json.substr(1, document.json.size() - 2);
  });
  for (const auto& [key, record] : workloads_) to_reconcile_.insert(key);
  return problem;
}

void Loop::make_first_queues() {
  std::int64_t devices = 0;
  for (const model::Node& node : inventory_.nodes)
    for (const model::DeviceSet& set : node.devices) devices += set.count * model::kThousandthsPerDevice;
  const model::Quota all{
      .quota = model::Bound::unlimited(), .limit = model::Bound::unlimited(), .over_quota_weight = 1};
  model::Quota machine = all;
  machine.quota = model::Bound::of(devices);
  for (const char* name : {kFirstDepartment, kFirstProject}) {
    model::Queue queue;
    queue.name = name;
    queue.uid = name;
    queue.created = now_;
    queue.display_name = "default";
    if (name == kFirstProject) queue.parent = kFirstDepartment;
    queue.pools = {{.pool = "",
                    .priority = std::nullopt,
                    .dimensions = {{"gpu", machine}, {"cpu", all}, {"memory", all}}}};
    QueueRecord record{queue, ++last_version_};
    write_queue(record);
    note("queue-changed", "queue " + queue.name, "");
    queues_.emplace(name, std::move(record));
  }
}

std::vector<model::Event> Loop::snapshot() const {
  std::vector<model::Event> events;
  const auto add = [&](auto body) { events.push_back({now_, std::move(body)}); };
  model::Configuration configuration;
  configuration.victim_order = model::VictimOrder::kLeastLostWork;
  add(model::ConfigurationChanged{configuration});
  for (const manifest::WorkloadPriority& priority : manifest::workload_priorities())
    add(model::PriorityClassUpserted{{std::string(priority.name), priority.value, false}});
  for (const QueueRecord* queue : queues_from_the_root()) add(model::QueueUpserted{queue->queue});
  for (const model::Node& node : inventory_.present_nodes()) add(model::NodeUpserted{node});
  for (const auto& [key, record] : workloads_) {
    for (const bool borrowing : {false, true}) {
      std::vector<const ReplicaRecord*> members = members_for_engine(record, borrowing);
      if (members.empty()) continue;
      add(model::GroupUpserted{group_of(record, borrowing)});
      for (const ReplicaRecord* replica : members)
        add(model::PodUpserted{make_pod(record, *replica, inventory_)});
    }
  }
  return events;
}

base::Result<void> Loop::begin_segment() {
  events_.clear();
  open_binds_.clear();
  verdicts_.clear();
  told_groups_.clear();
  told_pods_.clear();
  round_number_ = 0;
  engine_wake_at_.reset();
  const std::vector<model::Event> first = snapshot();
  if (auto begun = ledger_.begin_segment(now_, first); !begun) return begun;
  scheduler_ = options_.make_scheduler();
  scheduler_->apply(first);
  engine_wake_at_ = now_;
  for (const auto& [key, record] : workloads_)
    for (const bool borrowing : {false, true}) {
      const auto members = members_for_engine(record, borrowing);
      if (members.empty()) continue;
      told_groups_[group_key(record, borrowing)] = group_signature(group_of(record, borrowing));
      for (const ReplicaRecord* replica : members) told_pods_.insert(replica->uid);
    }
  return {};
}

void Loop::rotate_segment() {
  if (!trouble_.empty()) return;
  if (const auto begun = begin_segment(); !begun) give_up(begun.error());
}

void Loop::adopt() {
  for (const std::string& uid : live_) {
    const ReplicaRecord& replica = replicas_.at(uid);
    // A supervisor that this process started already knows its try.
    if (!launched_.contains(uid)) effects_.starts.insert(uid);
    if (replica.progress == Progress::kReleasing)
      effects_.stops[uid] = {stop_signal(find_workload(replica.workload)), grace_of(replica)};
  }
}

}  // namespace fairlead::host
