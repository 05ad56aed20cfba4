#include "host/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

namespace fairlead::host {
namespace {

constexpr auto kBindAgainAfter = base::Duration::seconds(10);

}  // namespace

std::string group_signature(const model::PodGroup& group) {
  std::string text =
      fmt::format("{} {} {} {} {}", group.queue, group.priority_class, group.preemptible.value_or(false),
                  group.min_member, group.last_start ? group.last_start->unix_nanoseconds() : 0);
  for (const model::SubGroup& one : group.sub_groups) text += fmt::format(" {}:{}", one.name, one.min_member);
  return text;
}

std::vector<const ReplicaRecord*> Loop::members_for_engine(const WorkloadRecord& record,
                                                           bool borrowing) const {
  std::vector<const ReplicaRecord*> members;
  for (const ReplicaRecord* replica : replicas_of(record.spec.key())) {
    if (replica->borrowing != borrowing) continue;
    const bool counts = replica->progress == Progress::kPending || is_live(replica->progress) ||
                        (replica->progress == Progress::kSucceeded && replica->run == record.run &&
                         record.stage == Stage::kActive);
    if (counts) members.push_back(replica);
  }
  return members;
}

model::PodGroup Loop::group_of(const WorkloadRecord& record, bool borrowing) const {
  std::int32_t unfinished = 0;
  for (const ReplicaRecord* replica : members_for_engine(record, borrowing))
    unfinished += replica->progress == Progress::kSucceeded ? 0 : 1;
  // Replicas that are not there yet because the try before them still ends are to run, too.
  if (!record.spec.service && record.stage == Stage::kActive) {
    std::int32_t succeeded = 0;
    for (const ReplicaRecord* replica : members_for_engine(record, borrowing))
      succeeded += replica->progress == Progress::kSucceeded ? 1 : 0;
    unfinished = static_cast<std::int32_t>(wanted_slots(record).size()) - succeeded;
  }
  return make_group(record, borrowing, unfinished, record.running_since);
}

void Loop::sync_engine(const std::string& key) {
  const WorkloadRecord* record = find_workload(key);
  if (record == nullptr) return;
  for (const bool borrowing : {false, true}) {
    const std::string group = group_key(*record, borrowing);
    const std::vector<const ReplicaRecord*> members = members_for_engine(*record, borrowing);
    if (!members.empty()) {
      model::PodGroup wanted = group_of(*record, borrowing);
      std::string signature = group_signature(wanted);
      std::string& told = told_groups_[group];
      if (told != signature) {
        told = std::move(signature);
        tell(model::GroupUpserted{std::move(wanted)});
      }
    }
    for (const ReplicaRecord* replica : members)
      if (told_pods_.insert(replica->uid).second)
        tell(model::PodUpserted{make_pod(*record, *replica, inventory_)});
    for (const ReplicaRecord* replica : replicas_of(key)) {
      if (replica->borrowing != borrowing) continue;
      if (std::find(members.begin(), members.end(), replica) != members.end()) continue;
      if (told_pods_.erase(replica->uid) > 0) tell(model::PodRemoved{replica->uid});
    }
    if (members.empty() && told_groups_.erase(group) > 0) {
      tell(model::GroupRemoved{group});
      if (verdicts_.erase(group) > 0) changed_views_.insert(key);
    }
  }
}

void Loop::decided(const model::Decision& decision) {
  std::visit(
      [&](const auto& body) {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, model::Bind>) {
          bind(decision.number, body);
        } else if constexpr (std::is_same_v<Body, model::Evict>) {
          evict(decision.number, body);
        } else if constexpr (std::is_same_v<Body, model::VerdictChanged>) {
          if (body.verdict.reasons.empty()) {
            verdicts_.erase(body.group);
          } else {
            verdicts_[body.group] = body.verdict;
          }
          changed_views_.insert(body.group.ends_with('+') ? body.group.substr(0, body.group.size() - 1)
                                                          : body.group);
        }
        // Nominations are the engine's own; the verdict tells people that the group waits for a release.
      },
      decision.body);
}

std::vector<HeldDevices> Loop::held_on(std::string_view node) const {
  std::vector<HeldDevices> held;
  for (const std::string& uid : live_) {
    const ReplicaRecord& replica = replicas_.at(uid);
    if (replica.node == node && !replica.slots.empty())
      held.push_back({replica.slots, replica.device_groups});
  }
  return held;
}

void Loop::bind(std::uint64_t number, const model::Bind& decision) {
  const auto fail = [&](std::string_view why) {
    tell(model::BindFailed{number, model::BindFailed::Scope::kNode, now_ + kBindAgainAfter});
    note("bind-failed", "replica " + decision.pod, "", {{"reason", std::string(why)}});
  };
  const auto at = replicas_.find(decision.pod);
  if (at == replicas_.end() || at->second.progress != Progress::kPending)
    return fail("the replica does not wait any more");
  ReplicaRecord& replica = at->second;
  WorkloadRecord* record = workload(replica.workload);
  if (record == nullptr) return fail("the workload is gone");
  std::int64_t count = 0;
  for (const model::WorkloadRole& role : record->spec.roles)
    if (role.name == replica.role) count = role.devices.count;
  if (count > 0) {
    auto slots =
        choose_slots(inventory_, decision.node, count, decision.device_groups, held_on(decision.node));
    if (!slots) return fail("the machine has fewer free devices than were counted");
    replica.slots = std::move(*slots);
    replica.device_groups = decision.device_groups;
    replica.share_thousandths = decision.device_groups.empty() ? 1000 : decision.share_thousandths;
    for (const std::uint32_t slot : replica.slots)
      if (const InventoryDevice* device = inventory_.at(decision.node, slot))
        replica.devices.push_back(device->device.identity);
  }
  set_progress(replica, Progress::kBinding);
  replica.node = decision.node;
  open_binds_[replica.uid] = number;
  effects_.starts.insert(replica.uid);
  newly_bound_.insert(replica.workload);
  changed(replica);
  to_reconcile_.insert(replica.workload);
}

void Loop::evict(std::uint64_t number, const model::Evict& decision) {
  const auto at = replicas_.find(decision.pod);
  if (at == replicas_.end() || !is_live(at->second.progress)) {
    tell(model::EvictionRefused{number, now_ + kBindAgainAfter});
    return;
  }
  ReplicaRecord& replica = at->second;
  settle_bind(replica.uid);
  tell(model::EvictionAccepted{number});
  replica.message = decision.reason;
  if (WorkloadRecord* record = workload(replica.workload);
      record != nullptr && preempted_now_.insert(replica.workload).second) {
    ++record->preemptions;
    changed(*record);
    note("workload-preempted", "workload " + replica.workload, "",
         {{"reason", decision.reason}, {"for", decision.beneficiary}});
  }
  begin_stop(replica, StopReason::kPreempted);
}

void Loop::assign_ranks() {
  for (const std::string& key : std::exchange(newly_bound_, {})) {
    WorkloadRecord* record = workload(key);
    if (record == nullptr) continue;
    std::vector<ReplicaRecord*> members;
    for (const model::WorkloadRole& role : record->spec.roles)
      for (ReplicaRecord* replica : replicas_of(key))
        if (replica->role == role.name &&
            (replica->progress == Progress::kBinding || replica->progress == Progress::kRunning))
          members.push_back(replica);
    std::set<std::int32_t> used;
    for (const ReplicaRecord* replica : members)
      if (!effects_.starts.contains(replica->uid)) used.insert(replica->rank);
    const bool alone = members.size() == used.size() + 1 && used.empty();
    if (!record->spec.service && used.empty()) {  // a new run: a new meeting point
      record->master_port = options_.free_port();
      changed(*record);
    }
    std::int32_t next = 0;
    for (ReplicaRecord* replica : members) {
      if (!effects_.starts.contains(replica->uid)) continue;
      while (used.contains(next)) ++next;
      used.insert(next);
      replica->rank = next;
      replica->world_size = static_cast<std::int32_t>(members.size());
      const bool needs_port = record->spec.service || !alone || !record->spec.ports.empty();
      if (record->spec.service && record->spec.service->port > 0) {
        replica->port = static_cast<std::uint16_t>(record->spec.service->port);
      } else if (needs_port && replica->port == 0) {
        replica->port = options_.free_port();
      }
      changed(*replica);
    }
    effects_.members_changed.insert(key);
  }
  preempted_now_.clear();
}

}  // namespace fairlead::host
