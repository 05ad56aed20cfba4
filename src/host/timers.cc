#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::host {
namespace {

constexpr auto kSampleEvery = base::Duration::seconds(5);
constexpr double kIdleBelow = 0.01;  // utilisation of a device that counts as unused

}  // namespace

std::optional<base::Time> Loop::due(const WorkloadRecord& record) const {
  std::optional<base::Time> soonest;
  const auto at = [&](base::Time time) { soonest = soonest ? std::min(*soonest, time) : time; };
  if (record.retry_at &&
      (record.stage == Stage::kBackOff || (record.spec.service && record.stage == Stage::kActive)))
    at(*record.retry_at);
  if (record.running_since && record.spec.time_limit)
    at(*record.running_since + (*record.spec.time_limit - record.ran));
  if (record.idle_since && record.spec.idle_device_limit)
    at(*record.idle_since + *record.spec.idle_device_limit);
  if (is_final(record.stage) && record.ended && record.spec.time_to_live)
    at(*record.ended + *record.spec.time_to_live);
  if (record.spec.service && record.stage == Stage::kActive)
    for (const ReplicaRecord* replica : replicas_of(record.spec.key()))
      if (replica->progress == Progress::kRunning && replica->started && !is_healthy(replica->uid))
        at(*replica->started + record.spec.service->start_deadline);
  for (const std::string& uid : draining_)
    if (const auto replica = replicas_.find(uid); replica != replicas_.end() &&
                                                  replica->second.workload == record.spec.key() &&
                                                  replica->second.stop_asked)
      at(*replica->second.stop_asked + record.spec.grace_period);
  return soonest;
}

void Loop::schedule_none(const std::string& key) {
  const auto known = timer_of_.find(key);
  if (known == timer_of_.end()) return;
  timers_.erase({known->second, key});
  timer_of_.erase(known);
}

void Loop::schedule(const std::string& key) {
  schedule_none(key);
  const WorkloadRecord* record = find_workload(key);
  if (record == nullptr) return;
  const auto time = due(*record);
  if (!time) return;
  timers_.emplace(*time, key);
  timer_of_[key] = *time;
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_) {
    const std::string key = timers_.begin()->second;
    schedule_none(key);
    if (WorkloadRecord* record = workload(key)) timed(*record);
    to_reconcile_.insert(key);
  }
  const bool any = live_replicas() > 0;
  if (!any) {
    next_sample_.reset();
  } else if (!next_sample_) {
    next_sample_ = now_ + kSampleEvery;
  } else if (*next_sample_ <= now_) {
    next_sample_ = now_ + kSampleEvery;
    for (auto& [key, record] : workloads_)
      if (record.running_since) look_for_checkpoint(record);
    sample_usage();
  }
}

void Loop::timed(WorkloadRecord& record) {
  if (record.retry_at && *record.retry_at <= now_) {
    record.retry_at.reset();
    if (record.stage == Stage::kBackOff) {
      ++record.run;
      record.stage = Stage::kActive;
      record.reason.clear();
      note("workload-retried", "workload " + record.spec.key(), "");
    }
    changed(record);
  }
  if (record.running_since && record.spec.time_limit &&
      record.ran + (now_ - *record.running_since) >= *record.spec.time_limit) {
    retire(record, StopReason::kTimeLimit);
    enter(record, Stage::kFailed,
          fmt::format("ran as long as its time limit of {}", base::format_duration(*record.spec.time_limit)));
  }
  if (record.idle_since && record.spec.idle_device_limit && record.stage == Stage::kActive &&
      now_ - *record.idle_since >= *record.spec.idle_device_limit) {
    record.idle_since.reset();
    retire(record, StopReason::kIdle);
    enter(
        record, Stage::kSuspended,
        fmt::format("did not use its devices for {}", base::format_duration(*record.spec.idle_device_limit)));
  }
  if (is_final(record.stage) && record.ended && record.spec.time_to_live &&
      now_ - *record.ended >= *record.spec.time_to_live && !record.deleting) {
    record.deleting = true;
    changed(record);
  }
  for (const std::string& uid : std::set<std::string>(draining_))
    if (const auto replica = replicas_.find(uid);
        replica != replicas_.end() && replica->second.workload == record.spec.key() &&
        replica->second.stop_asked && now_ - *replica->second.stop_asked >= record.spec.grace_period)
      replica_drained(uid);
  if (record.spec.service && record.stage == Stage::kActive)
    for (ReplicaRecord* replica : replicas_of(record.spec.key()))
      if (replica->progress == Progress::kRunning && replica->started && !is_healthy(replica->uid) &&
          now_ - *replica->started >= record.spec.service->start_deadline) {
        replica->message = fmt::format("did not become healthy within {}",
                                       base::format_duration(record.spec.service->start_deadline));
        begin_stop(*replica, StopReason::kNotHealthy);
        replica_failed(record, *replica);
      }
}

void Loop::look_for_checkpoint(WorkloadRecord& record) {
  if (record.spec.checkpoint.file.empty()) return;
  const std::string& file = record.spec.checkpoint.file;
  const auto time = options_.file_time(file.front() == '/' ? file : working_folder(record) + "/" + file);
  if (!time || (record.last_checkpoint && *time <= *record.last_checkpoint)) return;
  record.last_checkpoint = std::min(*time, now_);
  changed(record);
  for (const ReplicaRecord* replica : replicas_of(record.spec.key()))
    if (replica->progress == Progress::kRunning && told_pods_.contains(replica->uid))
      tell(model::CheckpointTaken{replica->uid});
}

void Loop::sample_usage() {
  for (const std::string& uid : live_) sample_usage_of(replicas_.at(uid));
}

std::int64_t Loop::over_quota_of(const std::string& project) const {
  const auto at = queues_.find(project);
  if (at == queues_.end()) return 0;
  std::int64_t held = 0;
  for (const std::string& uid : live_) {
    const ReplicaRecord& replica = replicas_.at(uid);
    const WorkloadRecord* record = find_workload(replica.workload);
    if (record != nullptr && record->spec.project == project) held += replica.held_thousandths();
  }
  for (const model::PoolQuota& pool : at->second.queue.pools)
    for (const model::DimensionQuota& one : pool.dimensions)
      if (one.dimension == "gpu" && one.quota.quota.is_unlimited()) return 0;
  std::int64_t quota = 0;
  for (const model::PoolQuota& pool : at->second.queue.pools)
    for (const model::DimensionQuota& one : pool.dimensions)
      if (one.dimension == "gpu") quota = one.quota.quota.amount();
  // In thousandths of what is held: how much of each device hour counts as borrowed.
  return held <= quota || held == 0 ? 0 : (held - quota) * 1000 / held;
}

void Loop::sample_usage_of(const ReplicaRecord& replica) {
  const std::int64_t held = replica.held_thousandths();
  if (held == 0) return;
  const WorkloadRecord* record = find_workload(replica.workload);
  if (record == nullptr) return;
  const auto before = sampled_until_.find(replica.uid);
  const base::Time since = before != sampled_until_.end() ? before->second : replica.started.value_or(now_);
  sampled_until_[replica.uid] = now_;
  if (since >= now_) return;
  ledger::UsageSample sample;
  sample.since = since;
  sample.until = now_;
  fill_owner(sample, *record);
  sample.allocated_thousandths = held;
  sample.over_quota_thousandths = held * over_quota_of(record->spec.project) / 1000;
  double used = 0;
  bool measured = false;
  for (const std::string& identity : replica.devices) {
    const InventoryDevice* device = inventory_.find(identity);
    if (device == nullptr) continue;
    sample.device_model = device->device.model;
    if (!device->reading || !device->reading->utilisation) continue;
    measured = true;
    used += *device->reading->utilisation * static_cast<double>(replica.share_thousandths);
  }
  if (measured) sample.used_thousandths = std::min(static_cast<std::int64_t>(used), held);
  batch_.usage.push_back(std::move(sample));
}

void Loop::fill_owner(ledger::UsageSample& sample, const WorkloadRecord& record) const {
  sample.project = record.spec.project;
  sample.user = record.submitted_by;
  sample.workload = record.spec.key();
  const auto project = queues_.find(record.spec.project);
  if (project != queues_.end()) sample.department = project->second.queue.parent;
}

void Loop::account_for_lost_work(WorkloadRecord& record, const ReplicaRecord& replica) {
  const bool goes_on =
      replica.stop_reason == StopReason::kPreempted || replica.stop_reason == StopReason::kBadDevice;
  if (!goes_on || !replica.started || replica.slots.empty()) return;
  look_for_checkpoint(record);  // what the signal asked for counts
  const base::Time saved = std::max(record.last_checkpoint.value_or(*replica.started), *replica.started);
  if (saved >= now_) return;
  ledger::UsageSample sample;
  sample.since = saved;
  sample.until = now_;
  fill_owner(sample, record);
  if (const InventoryDevice* device = inventory_.find(replica.devices.empty() ? "" : replica.devices.front()))
    sample.device_model = device->device.model;
  sample.lost_thousandths = static_cast<std::int64_t>(replica.slots.size()) * replica.share_thousandths;
  batch_.usage.push_back(std::move(sample));
  note("work-lost", "workload " + record.spec.key(), "",
       {{"replica", replica.uid}, {"seconds", fmt::format("{:.1f}", (now_ - saved).in_seconds())}});
}

void Loop::devices_read(const std::vector<device::DeviceReading>& readings) {
  machine_changed_ = true;
  for (const device::DeviceReading& reading : readings) {
    InventoryDevice* device = inventory_.find(reading.identity);
    if (device == nullptr) continue;
    device->reading = reading;
    if (device->healthy == reading.healthy) continue;
    device->healthy = reading.healthy;
    device->message = reading.message;
    tell(model::DeviceChanged{device->node, device->slot, reading.healthy});
    note(reading.healthy ? "device-healthy" : "device-unhealthy", "device " + reading.identity, "",
         {{"reason", reading.message}});
    if (reading.healthy) continue;
    for (const std::string& uid : std::set<std::string>(live_)) {
      ReplicaRecord& replica = replicas_.at(uid);
      if (std::find(replica.devices.begin(), replica.devices.end(), reading.identity) ==
          replica.devices.end())
        continue;
      replica.message = fmt::format("device {} reports: {}", reading.identity, reading.message);
      begin_stop(replica, StopReason::kBadDevice);
    }
  }
  for (auto& [key, record] : workloads_) follow_idleness(record);
}

void Loop::follow_idleness(WorkloadRecord& record) {
  if (!record.spec.idle_device_limit || !record.running_since) return;
  bool idle = true;
  bool holds = false;
  for (const ReplicaRecord* replica : replicas_of(record.spec.key())) {
    if (!is_live(replica->progress)) continue;
    for (const std::string& identity : replica->devices) {
      holds = true;
      const InventoryDevice* device = inventory_.find(identity);
      // What is not measured is not held against anybody.
      idle = idle && device != nullptr && device->reading && device->reading->utilisation &&
             *device->reading->utilisation < kIdleBelow;
    }
  }
  if ((holds && idle) == record.idle_since.has_value()) return;
  if (holds && idle) {
    record.idle_since = now_;
  } else {
    record.idle_since.reset();
  }
  changed(record);
  schedule(record.spec.key());
}

}  // namespace fairlead::host
