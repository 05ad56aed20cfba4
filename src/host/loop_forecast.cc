#include "host/loop.h"

#include <fmt/format.h>

namespace fairlead::host {

base::Result<std::vector<model::Event>> Loop::state_with(const model::Workload& workload) const {
  if (auto checked = check_submission(workload); !checked) return checked.error();
  WorkloadRecord record;
  record.uid = "forecast";
  record.spec = workload;
  record.submitted = now_;
  if (workload.service) record.wanted = std::max(workload.service->initial_replicas, 1);
  std::vector<model::Event> events = snapshot();
  // A workload of that name gives its place to the new version.
  if (const WorkloadRecord* known = find_workload(workload.key())) {
    for (const bool borrowing : {false, true}) {
      const auto members = members_for_engine(*known, borrowing);
      for (const ReplicaRecord* replica : members) events.push_back({now_, model::PodRemoved{replica->uid}});
      if (!members.empty()) events.push_back({now_, model::GroupRemoved{group_key(*known, borrowing)}});
    }
  }
  const std::vector<ReplicaSlot> slots = wanted_slots(record);
  model::PodGroup group = make_group(record, false, static_cast<std::int32_t>(slots.size()), std::nullopt);
  events.push_back({now_, model::GroupUpserted{std::move(group)}});
  for (const ReplicaSlot& slot : slots) {
    ReplicaRecord replica;
    replica.uid = pod_uid(record, slot, 0);
    replica.workload = workload.key();
    replica.role = slot.role;
    replica.index = slot.index;
    replica.created = now_;
    events.push_back({now_, model::PodUpserted{make_pod(record, replica, inventory_)}});
  }
  return events;
}

base::Result<std::vector<model::Event>> Loop::state_with(const model::Queue& queue) const {
  if (auto checked = check_queue(queue); !checked) return checked.error();
  std::vector<model::Event> events = snapshot();
  model::Queue changed = queue;
  const auto known = queues_.find(queue.name);
  changed.uid = known == queues_.end() ? queue.name : known->second.queue.uid;
  changed.created = known == queues_.end() ? now_ : known->second.queue.created;
  events.push_back({now_, model::QueueUpserted{std::move(changed)}});
  return events;
}

}  // namespace fairlead::host
