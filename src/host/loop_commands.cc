#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::host {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kLargestSecret = 64 * 1024;

}  // namespace

std::optional<base::Error> Loop::cannot_write() const {
  if (trouble_.empty()) return std::nullopt;
  return Error(Code::kUnavailable, fmt::format("nothing can be recorded, so nothing is done: {}", trouble_));
}

bool Loop::is_leaf(const std::string& queue) const {
  return std::none_of(queues_.begin(), queues_.end(),
                      [&](const auto& one) { return one.second.queue.parent == queue; });
}

std::vector<const Loop::QueueRecord*> Loop::queues_from_the_root() const {
  std::vector<const QueueRecord*> ordered;
  const std::function<void(const std::string&)> add_below = [&](const std::string& parent) {
    for (const auto& [name, record] : queues_)
      if (record.queue.parent == parent) {
        ordered.push_back(&record);
        add_below(name);
      }
  };
  add_below("");
  return ordered;
}

base::Result<void> Loop::check_submission(const model::Workload& workload) const {
  if (const auto problem = manifest::problem_of(workload)) return base::invalid_argument(problem->text());
  const auto queue = queues_.find(workload.project);
  if (queue == queues_.end())
    return base::not_found(fmt::format(
        "spec.project: there is no project \"{}\"; `fairlead queue` lists them", workload.project));
  if (!is_leaf(workload.project) || queue->second.queue.parent.empty())
    return base::invalid_argument(
        fmt::format("spec.project: \"{}\" is a department; name one of its projects", workload.project));
  if (!workload.image.empty())
    return Error(
        Code::kFailedPrecondition,
        fmt::format("spec.image: \"{}\" cannot be run: containers are not there yet; leave the image "
                    "out and give a command of this machine",
                    workload.image));
  if (!workload.checkpoint.signal.empty() && signal_named(workload.checkpoint.signal) == 0)
    return base::invalid_argument(fmt::format(
        "spec.checkpoint.signal: \"{}\" is not a signal; write SIGUSR1, SIGUSR2, SIGTERM or SIGINT",
        workload.checkpoint.signal));
  for (const auto& [variable, secret] : workload.secrets)
    if (!secrets_.contains(workload.project + "/" + secret))
      return base::not_found(
          fmt::format("spec.secrets.{}: there is no secret \"{}\" in project {}; store it first", variable,
                      secret, workload.project));
  for (const std::string& name : workload.after)
    if (!workloads_.contains(workload.project + "/" + name))
      return base::not_found(fmt::format(
          "spec.after: there is no workload \"{}\" in project {}; submit it first", name, workload.project));
  return {};
}

namespace {

/// A submission that another caller deletes in the same turn has no view to answer with.
Loop::WorkloadAnswer unless_deleted(const std::string& key, Loop::WorkloadAnswer answer) {
  return [key, answer = std::move(answer)](base::Result<std::shared_ptr<const world::WorkloadView>> made) {
    if (made && *made == nullptr)
      return answer(base::not_found(fmt::format("workload {} was deleted as it was submitted", key)));
    answer(std::move(made));
  };
}

}  // namespace

void Loop::submit(const world::Submission& submission, WorkloadAnswer answer) {
  if (const auto error = cannot_write()) return answer(*error);
  const model::Workload& spec = submission.workload;
  const std::string key = spec.key();
  if (const WorkloadRecord* known = find_workload(key)) {
    const bool again = !submission.idempotency_key.empty() &&
                       known->idempotency_key == submission.idempotency_key && known->spec == spec;
    if (!again)
      return answer(Error(
          Code::kAlreadyExists,
          fmt::format(
              "metadata.name: project {} has a workload \"{}\" already; choose another name, or delete it",
              spec.project, spec.name)));
    return answer_with(key, unless_deleted(key, std::move(answer)));
  }
  // A key that came with another workload is a mistake of the sender's, who would take that one for this.
  const auto of_key = std::find_if(workloads_.begin(), workloads_.end(), [&](const auto& entry) {
    return !submission.idempotency_key.empty() && entry.second.idempotency_key == submission.idempotency_key;
  });
  if (of_key != workloads_.end())
    return answer(Error(
        Code::kAlreadyExists,
        fmt::format("this idempotency key came with workload {} already; send another", of_key->first)));
  if (const auto checked = check_submission(spec); !checked) return answer(checked.error());
  WorkloadRecord record;
  record.uid = options_.make_uid();
  record.spec = spec;
  record.submitted_by = submission.actor.user;
  record.account = submission.actor.account;
  record.idempotency_key = submission.idempotency_key;
  record.submitted = std::max(now_, options_.clock());
  if (spec.service) record.wanted = spec.service->initial_replicas;
  record.stage = spec.suspended ? Stage::kSuspended : spec.after.empty() ? Stage::kActive : Stage::kBlocked;
  WorkloadRecord& stored = workloads_[key] = std::move(record);
  changed(stored);
  to_reconcile_.insert(key);
  note("workload-submitted", "workload " + key, submission.actor.user);
  answer_with(key, unless_deleted(key, std::move(answer)));
}

void Loop::answer_with(const std::string& key, WorkloadAnswer answer) {
  after_commit([this, key, answer = std::move(answer)](const base::Result<void>& done) {
    if (!done) return answer(done.error());
    answer(published(key));
  });
}

void Loop::change(const std::string& project, const std::string& name, const world::WorkloadChange& change,
                  const world::Actor& actor, WorkloadAnswer answer) {
  using Kind = world::WorkloadChange::Kind;
  if (const auto error = cannot_write()) return answer(*error);
  const std::string key = project + "/" + name;
  WorkloadRecord* record = workload(key);
  if (record == nullptr || record->deleting)
    return answer(base::not_found(fmt::format("there is no workload {} in project {}", name, project)));
  if (change.if_version && *change.if_version != record->version)
    return answer(Error(Code::kFailedPrecondition,
                        fmt::format("workload {} has changed since; look at it again", key)));
  const auto noted = [&](std::string_view kind) { note(kind, "workload " + key, actor.user); };
  switch (change.kind) {
    case Kind::kSuspend:
      if (is_final(record->stage))
        return answer(Error(Code::kFailedPrecondition,
                            fmt::format("workload {} has ended; there is nothing to suspend", key)));
      if (record->stage != Stage::kSuspended) {
        record->spec.suspended = true;
        retire(*record, StopReason::kSuspended);
        enter(*record, Stage::kSuspended, "");
      }
      break;
    case Kind::kResume:
      if (record->stage != Stage::kSuspended && !is_final(record->stage) && record->stage != Stage::kBackOff)
        break;  // it goes on already
      record->spec.suspended = false;
      record->ended.reset();
      record->retry_at.reset();
      record->idle_since.reset();
      record->failures = 0;
      record->failures_in_a_row = 0;
      record->ran = base::Duration();
      ++record->run;
      enter(*record, record->spec.after.empty() ? Stage::kActive : Stage::kBlocked, "");
      noted("workload-resumed");
      break;
    case Kind::kScale:
      if (const auto scaled = scale(*record, change.replicas); !scaled) return answer(scaled.error());
      noted("workload-scaled");
      break;
    case Kind::kReplace:
      if (!change.workload)
        return answer(base::invalid_argument("the new version is missing; send the whole workload"));
      if (const auto replaced = replace(*record, *change.workload); !replaced)
        return answer(replaced.error());
      noted("workload-replaced");
      break;
    case Kind::kDelete:
      record->deleting = true;
      noted("workload-delete-asked");
      break;
  }
  changed(*record);
  to_reconcile_.insert(key);
  answer_with(key, std::move(answer));
}

base::Result<void> Loop::scale(WorkloadRecord& record, std::int32_t replicas) {
  constexpr std::int32_t kMost = 10'000;
  if (replicas < 0 || replicas > kMost)
    return base::invalid_argument(
        fmt::format("replicas: {} is out of range; write 0 to {}", replicas, kMost));
  if (record.spec.service) {
    const model::ServiceSpec& service = *record.spec.service;
    if (replicas < service.minimum_replicas || replicas > service.maximum_replicas)
      return base::invalid_argument(fmt::format(
          "replicas: {} is not between the service's minimum {} and maximum {}; change these first", replicas,
          service.minimum_replicas, service.maximum_replicas));
    record.wanted = replicas;
    return {};
  }
  if (record.spec.roles.size() != 1)
    return Error(Code::kFailedPrecondition,
                 "a workload with several roles cannot be scaled as a whole; apply a new version");
  if (replicas == 0) return base::invalid_argument("replicas: 0 would end it; suspend it instead");
  if (is_final(record.stage))
    return Error(Code::kFailedPrecondition, "the workload has ended; resume it first");
  model::WorkloadRole& role = record.spec.roles.front();
  const bool rigid = role.minimum_replicas == role.replicas;
  if (rigid && record.running_since)
    return Error(Code::kFailedPrecondition,
                 "its size is fixed while it runs (minimumReplicas equals replicas); suspend it first");
  role.replicas = replicas;
  role.minimum_replicas = rigid ? replicas : std::min(role.minimum_replicas, replicas);
  return {};
}

base::Result<void> Loop::replace(WorkloadRecord& record, const model::Workload& spec) {
  if (spec.key() != record.spec.key())
    return base::invalid_argument("metadata.name: a workload cannot be renamed");
  if (auto checked = check_submission(spec); !checked) return checked;
  if (spec == record.spec) return {};
  if (spec.kind != record.spec.kind || spec.service.has_value() != record.spec.service.has_value())
    return base::invalid_argument("spec.kind: cannot be changed; submit another workload");
  model::Workload same_processes = spec;  // with everything that does not concern what runs already
  const bool running = live_replicas_of(record.spec.key()) > 0;
  same_processes.retries = record.spec.retries;
  same_processes.retry_delay = record.spec.retry_delay;
  same_processes.grace_period = record.spec.grace_period;
  same_processes.time_limit = record.spec.time_limit;
  same_processes.idle_device_limit = record.spec.idle_device_limit;
  same_processes.time_to_live = record.spec.time_to_live;
  same_processes.priority = record.spec.priority;
  same_processes.preemptible = record.spec.preemptible;
  same_processes.restart_on_preemption = record.spec.restart_on_preemption;
  same_processes.checkpoint = record.spec.checkpoint;
  same_processes.suspended = record.spec.suspended;
  same_processes.service = record.spec.service;
  const bool update = same_processes != record.spec;
  if (update && running && !spec.service)
    return Error(Code::kFailedPrecondition,
                 "it runs, and what its processes are started with would change; suspend it first");
  if (update && spec.service) {
    if (!record.previous_spec)
      record.previous_spec = record.spec;  // of several updates in a row the last wins
    ++record.revision;
  } else if (update) {
    // Replicas that wait were told to the engine with other needs.
    for (ReplicaRecord* replica : replicas_of(record.spec.key()))
      if (replica->progress == Progress::kPending) erase_replica(replica->uid);
  }
  const bool suspended = record.spec.suspended;
  record.spec = spec;
  record.spec.suspended = suspended;
  if (spec.service)
    record.wanted = std::clamp(record.wanted, spec.service->minimum_replicas, spec.service->maximum_replicas);
  return {};
}

std::size_t Loop::live_replicas_of(const std::string& key) const {
  const auto members = replicas_of(key);
  return static_cast<std::size_t>(
      std::count_if(members.begin(), members.end(), [](const auto* one) { return is_live(one->progress); }));
}

base::Result<void> Loop::check_queue(const model::Queue& queue) const {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (queue.name.empty() || queue.name.size() > 63 ||
      !std::all_of(queue.name.begin(), queue.name.end(), plain))
    return base::invalid_argument(fmt::format(
        "name: \"{}\" is not a queue's name; write lower-case letters, digits and dashes", queue.name));
  if (!queue.parent.empty()) {
    const auto parent = queues_.find(queue.parent);
    if (parent == queues_.end())
      return base::not_found(fmt::format("parent: there is no queue \"{}\"; create it first", queue.parent));
    for (std::string at = queue.parent; !at.empty();
         at = queues_.contains(at) ? queues_.at(at).queue.parent : "")
      if (at == queue.name)
        return base::invalid_argument(
            fmt::format("parent: \"{}\" is below {}; choose another", queue.parent, queue.name));
    for (const auto& [key, record] : workloads_)
      if (record.spec.project == queue.parent)
        return Error(
            Code::kFailedPrecondition,
            fmt::format("parent: \"{}\" is a project with workloads; choose a department", queue.parent));
  }
  const auto known = queues_.find(queue.name);
  if (queue.parent.empty() && known != queues_.end() && !known->second.queue.parent.empty() &&
      is_leaf(queue.name))
    for (const auto& [key, record] : workloads_)
      if (record.spec.project == queue.name)
        return Error(Code::kFailedPrecondition,
                     fmt::format("parent: {} has workloads, so it must stay a project; name its department",
                                 queue.name));
  for (const model::PoolQuota& pool : queue.pools)
    for (const model::DimensionQuota& one : pool.dimensions) {
      const model::Quota& quota = one.quota;
      if (!(quota.over_quota_weight >= 0))
        return base::invalid_argument(
            fmt::format("{}.overQuotaWeight: is negative; write 0 or more", one.dimension));
      if (!quota.limit.is_unlimited() &&
          (quota.quota.is_unlimited() || quota.quota.amount() > quota.limit.amount()))
        return base::invalid_argument(
            fmt::format("{}.limit: is below the quota; raise it or lower the quota", one.dimension));
    }
  return {};
}

void Loop::put_queue(const model::Queue& queue, std::optional<std::uint64_t> if_version,
                     const world::Actor& actor, QueueAnswer answer) {
  if (const auto error = cannot_write()) return answer(*error);
  if (const auto checked = check_queue(queue); !checked) return answer(checked.error());
  const auto known = queues_.find(queue.name);
  if (if_version) {
    const std::uint64_t version = known == queues_.end() ? 0 : known->second.version;
    if (version != *if_version)
      return answer(Error(Code::kFailedPrecondition,
                          fmt::format("queue {} has changed since; look at it again", queue.name)));
  }
  QueueRecord record{queue, ++last_version_};
  record.queue.uid = known == queues_.end() ? options_.make_uid() : known->second.queue.uid;
  record.queue.created =
      known == queues_.end() ? std::max(now_, options_.clock()) : known->second.queue.created;
  queues_[queue.name] = record;
  write_queue(record);
  tell(model::QueueUpserted{record.queue});
  note("queue-changed", "queue " + queue.name, actor.user);
  machine_changed_ = true;
  after_commit([this, name = queue.name, answer = std::move(answer)](const base::Result<void>& done) {
    if (!done) return answer(done.error());
    for (const auto& one : view_->queues)
      if (one->queue.name == name) return answer(one);
    answer(base::not_found("the queue was removed again"));
  });
}

void Loop::remove_queue(const std::string& name, const world::Actor& actor, Answer<void> answer) {
  if (const auto error = cannot_write()) return answer(*error);
  if (!queues_.contains(name)) return answer(base::not_found(fmt::format("there is no queue {}", name)));
  if (!is_leaf(name))
    return answer(
        Error(Code::kFailedPrecondition, fmt::format("department {} has projects; remove them first", name)));
  for (const auto& [key, record] : workloads_)
    if (record.spec.project == name)
      return answer(
          Error(Code::kFailedPrecondition, fmt::format("project {} has workloads; delete them first", name)));
  queues_.erase(name);
  batch_.removed.emplace_back("queue", name);
  tell(model::QueueRemoved{name});
  note("queue-removed", "queue " + name, actor.user);
  machine_changed_ = true;
  after_commit(std::move(answer));
}

void Loop::put_secret(const std::string& project, const std::string& name, const std::string& value,
                      const world::Actor& actor, Answer<void> answer) {
  if (const auto error = cannot_write()) return answer(*error);
  if (options_.secrets == nullptr) return answer(Error(Code::kUnavailable, "secrets cannot be kept here"));
  if (!queues_.contains(project))
    return answer(base::not_found(fmt::format("there is no project {}", project)));
  if (name.empty() || name.find('/') != std::string::npos)
    return answer(base::invalid_argument(fmt::format("name: \"{}\" is not a secret's name", name)));
  if (value.size() > kLargestSecret || value.find('\0') != std::string::npos)
    return answer(base::invalid_argument("value: is larger than 64 KiB or holds a zero byte"));
  const std::string key = project + "/" + name;
  secrets_[key] = options_.secrets->encrypt(value);
  batch_.written.push_back({"secret", key, 0, "\"" + secrets_[key] + "\""});
  note("secret-stored", "secret " + key, actor.user);
  after_commit(std::move(answer));
}

namespace {

/// Documents of the layers above have kinds of their own, whatever those call them.
std::string record_kind(std::string_view kind) { return fmt::format("record/{}", kind); }

}  // namespace

void Loop::records(std::string_view kind, Answer<std::vector<world::Record>> answer) {
  std::vector<world::Record> list;
  const auto read = ledger_.each_document(record_kind(kind), [&](const ledger::Document& document) {
    list.push_back({document.key, document.version, document.json});
  });
  if (!read) return answer(read.error());
  answer(std::move(list));
}

void Loop::put_record(std::string_view kind, const world::Record& record, Answer<void> answer) {
  if (const auto error = cannot_write()) return answer(*error);
  batch_.written.push_back({record_kind(kind), record.key, 0, record.json});
  after_commit(std::move(answer));
}

void Loop::remove_record(std::string_view kind, std::string_view key, Answer<void> answer) {
  if (const auto error = cannot_write()) return answer(*error);
  batch_.removed.emplace_back(record_kind(kind), std::string(key));
  after_commit(std::move(answer));
}

}  // namespace fairlead::host
