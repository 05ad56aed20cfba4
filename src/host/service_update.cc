#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <tuple>

namespace fairlead::host {

bool Loop::is_healthy(const std::string& uid) const {
  const auto at = healthy_.find(uid);
  return at != healthy_.end() && at->second;
}

void Loop::replica_healthy(const std::string& uid, bool healthy) {
  const auto at = replicas_.find(uid);
  if (at == replicas_.end() || at->second.progress != Progress::kRunning || is_healthy(uid) == healthy)
    return;
  healthy_[uid] = healthy;
  to_reconcile_.insert(at->second.workload);
  WorkloadRecord* record = workload(at->second.workload);
  if (record == nullptr || !healthy) return;
  note("replica-healthy", "workload " + at->second.workload, "", {{"replica", uid}});
  record->failures_in_a_row = 0;
  if (!record->previous_spec) record->reason.clear();
  changed(*record);
}

void Loop::replica_drained(const std::string& uid) {
  if (draining_.erase(uid) == 0) return;
  const auto at = replicas_.find(uid);
  if (at == replicas_.end() || at->second.progress != Progress::kReleasing) return;
  effects_.stops[uid] = {SIGTERM, grace_of(at->second)};
}

void Loop::service_wants(const std::string& key, std::int32_t replicas) {
  WorkloadRecord* record = workload(key);
  if (record == nullptr || !record->spec.service || record->stage != Stage::kActive) return;
  const model::ServiceSpec& service = *record->spec.service;
  const std::int32_t wanted = std::clamp(replicas, service.minimum_replicas, service.maximum_replicas);
  if (wanted == record->wanted) return;
  note("workload-scaled", "workload " + key, "",
       {{"from", std::to_string(record->wanted)}, {"to", std::to_string(wanted)}, {"reason", "load"}});
  record->wanted = wanted;
  changed(*record);
  to_reconcile_.insert(key);
}

void Loop::reconcile_service(WorkloadRecord& record) {
  const std::string key = record.spec.key();
  const std::string& role = record.spec.roles.front().name;
  const auto wanted = static_cast<std::size_t>(record.wanted);
  std::vector<ReplicaRecord*> present;  // of the present version
  std::vector<ReplicaRecord*> old;
  std::set<std::int32_t> used;
  std::size_t healthy = 0;
  for (ReplicaRecord* replica : replicas_of(key)) {
    if (has_ended(replica->progress)) continue;
    used.insert(replica->index);
    if (replica->progress == Progress::kReleasing) continue;
    (replica->revision == record.revision ? present : old).push_back(replica);
    healthy += replica->revision == record.revision && is_healthy(replica->uid) ? 1 : 0;
  }
  const auto drop = [&](ReplicaRecord* replica, StopReason reason) {
    if (replica->progress == Progress::kPending) {
      erase_replica(replica->uid);
    } else {
      begin_stop(*replica, reason);
    }
  };
  // Those first whose end costs least: not placed yet, not serving, borrowing, youngest.
  const auto cheapest_first = [&](const ReplicaRecord* a, const ReplicaRecord* b) {
    const auto rank = [&](const ReplicaRecord* one) {
      return std::tuple(one->progress != Progress::kPending, is_healthy(one->uid), !one->borrowing,
                        -one->index);
    };
    return rank(a) < rank(b);
  };
  std::sort(old.begin(), old.end(), cheapest_first);
  std::sort(present.begin(), present.end(), cheapest_first);
  // The old version serves until the new one does.
  const std::size_t old_needed = wanted > healthy ? wanted - healthy : 0;
  while (old.size() > old_needed) {
    drop(old.front(), StopReason::kReplaced);
    old.erase(old.begin());
  }
  while (present.size() > wanted) {
    drop(present.front(), StopReason::kScaledDown);
    present.erase(present.begin());
  }
  if (old.empty() && record.previous_spec && healthy >= wanted) {
    record.previous_spec.reset();
    record.reason.clear();
    changed(record);
    note("service-updated", "workload " + key, "");
  }
  if (record.retry_at && *record.retry_at > now_) return;
  const std::size_t most = old.empty() ? wanted : wanted + 1;  // an update has one spare
  std::int32_t index = 0;
  while (present.size() + old.size() < most && present.size() < wanted) {
    while (used.contains(index)) ++index;
    used.insert(index);
    create_replica(record, {role, index});
    present.push_back(nullptr);
  }
}

void Loop::roll_back(WorkloadRecord& record, const std::string& why) {
  const std::int32_t failed = record.revision;
  std::int32_t oldest = failed;
  for (const ReplicaRecord* replica : replicas_of(record.spec.key()))
    if (!has_ended(replica->progress)) oldest = std::min(oldest, replica->revision);
  // The version that goes on gets a number of its own, so that nothing of the failed one is taken for it.
  ++record.revision;
  for (ReplicaRecord* replica : replicas_of(record.spec.key()))
    if (!has_ended(replica->progress) && replica->revision == oldest && oldest != failed) {
      replica->revision = record.revision;
      changed(*replica);
    }
  record.spec = *record.previous_spec;
  record.previous_spec.reset();
  record.failures_in_a_row = 0;
  record.retry_at.reset();
  record.reason = fmt::format("the new version failed and was taken back: {}", why);
  changed(record);
  note("service-rolled-back", "workload " + record.spec.key(), "", {{"reason", why}});
}

std::vector<ServiceState> Loop::services() const {
  std::vector<ServiceState> list;
  for (const std::string& key : services_) {
    const WorkloadRecord& record = workloads_.at(key);
    const bool workspace = !record.spec.ports.empty();
    ServiceState state;
    state.key = key;
    if (record.spec.service) state.service = *record.spec.service;
    if (workspace) state.service.health_path.clear();  // whatever it speaks: that it listens is enough
    state.workspace = workspace;
    state.wanted = record.wanted;
    state.awake = record.stage == Stage::kActive && !record.deleting;
    for (const ReplicaRecord* replica : replicas_of(key)) {
      if (replica->progress != Progress::kRunning && replica->progress != Progress::kReleasing) continue;
      const std::uint16_t port =
          workspace ? static_cast<std::uint16_t>(record.spec.ports.front()) : replica->port;
      if (port == 0) continue;
      state.replicas.push_back({replica->uid, port, replica->progress == Progress::kReleasing});
    }
    list.push_back(std::move(state));
  }
  return list;
}

}  // namespace fairlead::host
