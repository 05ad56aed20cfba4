#include "host/replicas.h"

#include "manifest/workload.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::host {
namespace {

const model::WorkloadRole* role_of(const model::Workload& spec, std::string_view name) {
  const auto at = std::find_if(spec.roles.begin(), spec.roles.end(),
                               [&](const model::WorkloadRole& role) { return role.name == name; });
  return at == spec.roles.end() ? nullptr : &*at;
}

model::DeviceRequest device_request(const model::DeviceDemand& demand, const Inventory& inventory,
                                    std::string_view node) {
  model::DeviceRequest request;
  if (demand.count == 0) return request;
  request.resource = resource_of_demand(inventory, demand, node);
  request.count = demand.count;
  if (demand.memory_mib > 0) {
    request.kind = model::DeviceRequest::Kind::kMemory;
    request.memory_mib = demand.memory_mib;
  } else if (demand.thousandths < model::kThousandthsPerDevice) {
    request.kind = model::DeviceRequest::Kind::kFraction;
    request.thousandths = demand.thousandths;
  } else {
    request.kind = model::DeviceRequest::Kind::kWhole;
  }
  return request;
}

}  // namespace

std::vector<ReplicaSlot> wanted_slots(const WorkloadRecord& workload) {
  std::vector<ReplicaSlot> slots;
  for (const model::WorkloadRole& role : workload.spec.roles) {
    const std::int32_t count = workload.spec.service ? workload.wanted : role.replicas;
    for (std::int32_t index = 0; index < count; ++index) slots.push_back({role.name, index});
  }
  return slots;
}

std::string pod_uid(const WorkloadRecord& workload, const ReplicaSlot& slot, std::int32_t attempt) {
  return fmt::format("{}-{}-{}-{}", workload.uid, slot.role, slot.index, attempt);
}

std::string group_key(const WorkloadRecord& workload, bool borrowing) {
  return workload.spec.key() + (borrowing ? "+" : "");
}

model::PodGroup make_group(const WorkloadRecord& workload, bool borrowing, std::int32_t unfinished,
                           std::optional<base::Time> last_start) {
  const model::Workload& spec = workload.spec;
  model::PodGroup group;
  group.key = group_key(workload, borrowing);
  group.uid = workload.uid + (borrowing ? "+" : "");
  group.created = workload.submitted;
  group.queue = spec.project;
  group.priority_class =
      spec.priority.empty() ? std::string(manifest::default_priority(spec.kind)) : spec.priority;
  group.fallback_priority = manifest::priority_value(spec);
  group.preemptible = borrowing || manifest::is_preemptible(spec);
  group.last_start = last_start;
  // The platform itself ends or restarts what lost members; the engine is not to.
  group.staleness_grace = base::Duration::seconds(-1);
  group.user = workload.submitted_by;
  group.user_verified = true;
  group.owner = fmt::format("Workload {}", spec.key());
  if (spec.service) {  // each replica serves by itself
    group.min_member = 1;
    return group;
  }
  group.min_member = 0;
  for (const model::WorkloadRole& role : spec.roles) group.min_member += role.minimum_replicas;
  const bool all_to_run = unfinished >= [&] {
    std::int32_t replicas = 0;
    for (const model::WorkloadRole& role : spec.roles) replicas += role.replicas;
    return replicas;
  }();
  group.min_member =
      all_to_run ? std::max(group.min_member, 1) : std::clamp(unfinished, 1, std::max(group.min_member, 1));
  if (spec.roles.size() > 1)
    for (const model::WorkloadRole& role : spec.roles) {
      model::SubGroup sub_group;
      sub_group.name = role.name;
      sub_group.min_member = all_to_run ? role.minimum_replicas : 0;
      group.sub_groups.push_back(std::move(sub_group));
    }
  return group;
}

model::Pod make_pod(const WorkloadRecord& workload, const ReplicaRecord& replica,
                    const Inventory& inventory) {
  const model::Workload& spec = workload.spec;
  model::Pod pod;
  pod.uid = replica.uid;
  pod.namespace_name = spec.project;
  pod.name = fmt::format("{}-{}-{}", spec.name, replica.role, replica.index);
  pod.created = replica.created;
  pod.group = group_key(workload, replica.borrowing);
  if (spec.roles.size() > 1) pod.sub_group = replica.role;
  if (const model::WorkloadRole* role = role_of(spec, replica.role)) {
    pod.requests = {.cpu_milli = role->cpu_milli, .memory_bytes = role->memory_bytes, .counted = {}};
    pod.devices = device_request(role->devices, inventory, is_live(replica.progress) ? replica.node : "");
    if (!role->devices.vendor.empty())
      pod.constraints.node_selector.emplace(kVendorLabel, role->devices.vendor);
    if (!role->devices.model.empty()) pod.constraints.node_selector.emplace(kModelLabel, role->devices.model);
  }
  pod.device_groups = replica.device_groups;
  pod.last_checkpoint = workload.last_checkpoint;
  pod.started = replica.started;
  switch (replica.progress) {
    case Progress::kPending:
      break;
    case Progress::kBinding:
      pod.phase = model::Pod::Phase::kBinding;
      break;
    case Progress::kRunning:
      pod.phase = model::Pod::Phase::kRunning;
      break;
    case Progress::kReleasing:
      pod.phase = model::Pod::Phase::kRunning;
      pod.releasing = true;
      break;
    case Progress::kSucceeded:
      pod.phase = model::Pod::Phase::kSucceeded;
      break;
    case Progress::kFailed:
    case Progress::kStopped:
      pod.phase = model::Pod::Phase::kFailed;
      break;
  }
  if (is_live(replica.progress)) pod.node = replica.node;
  return pod;
}

}  // namespace fairlead::host
