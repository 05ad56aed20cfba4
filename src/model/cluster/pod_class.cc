#include "model/cluster/pod_class.h"

namespace fairlead::model {
namespace {

bool depends_on_other_pods(const Constraints& constraints) {
  return !constraints.required_affinity.empty() || !constraints.required_anti_affinity.empty() ||
         !constraints.preferred_affinity.empty() || !constraints.preferred_anti_affinity.empty() ||
         !constraints.spread.empty();
}

PodClassKey key_of(const Pod& pod) {
  PodClassKey key;
  key.requests = pod.requests;
  key.devices = pod.devices;
  key.legacy_partition_request = pod.legacy_partition_request;
  if (!pod.served) {
    // Somebody else has placed it: of its constraints only those that keep others away still matter. Keeping
    // the rest would make a class of every daemon's pod, since each names its own node.
    key.constraints.host_ports = pod.constraints.host_ports;
    key.constraints.required_anti_affinity = pod.constraints.required_anti_affinity;
  } else {
    key.constraints = pod.constraints;
  }
  const bool between_pods = depends_on_other_pods(key.constraints);
  if (between_pods || !key.constraints.volume_claims.empty()) key.namespace_name = pod.namespace_name;
  if (between_pods) key.labels = pod.labels;
  return key;
}

}  // namespace

ResourceId devices_column(base::Interner<ResourceId>& resources, std::string_view resource) {
  return resources.intern(std::string("devices of ").append(resource));
}

ClassId PodClassTable::acquire(const Pod& pod, const ClaimNeeds& needs,
                               const std::vector<ResourceId>& claim_columns,
                               base::Interner<ResourceId>& resources) {
  PodClassKey key = key_of(pod);
  key.claims = needs;
  if (auto found = ids_.find(key); found != ids_.end()) {
    ++classes_[found->second.index()].references;
    return found->second;
  }
  PodClass made;
  made.amounts.push_back({column::kPods, 1});
  if (key.requests.cpu_milli > 0) made.amounts.push_back({column::kCpu, key.requests.cpu_milli});
  if (key.requests.memory_bytes > 0) made.amounts.push_back({column::kMemory, key.requests.memory_bytes});
  const DeviceRequest& devices = key.devices;
  if (devices.kind == DeviceRequest::Kind::kWhole) {
    made.device_column = devices_column(resources, devices.resource);
    made.amounts.push_back({made.device_column, devices.count});
    made.quota_thousandths = devices.count * kThousandthsPerDevice;
  } else if (devices.kind == DeviceRequest::Kind::kFraction) {
    made.quota_thousandths = devices.count * devices.thousandths;
  }
  if (devices.second_count > 0) {
    made.second_device_column = devices_column(resources, devices.second_resource);
    made.amounts.push_back({made.second_device_column, devices.second_count});
    made.quota_thousandths += devices.second_count * kThousandthsPerDevice;
  }
  for (const Partition& partition : devices.partitions) {
    made.amounts.push_back({resources.intern(partition.resource), partition.count});
    made.quota_thousandths += partition.count * partition.quota_thousandths;
  }
  for (const ResourceCount& counted : key.requests.counted)
    made.amounts.push_back({resources.intern(counted.name), counted.count});
  const bool own_devices = devices.kind != DeviceRequest::Kind::kNone || !devices.partitions.empty();
  made.charged = made.amounts.size();
  if (needs.devices > 0) made.amounts.push_back({claim_columns.back(), needs.devices});
  for (std::size_t i = 0; i < needs.columns.size(); ++i)
    made.amounts.push_back({claim_columns[i], needs.columns[i].second});
  made.quota_thousandths += needs.quota_thousandths;
  made.uses_devices = own_devices || needs.quota_thousandths > 0;
  made.packed = made.device_column.valid() ? made.device_column
                : own_devices              ? column::kDevices
                : made.uses_devices        ? claim_columns.back()
                                           : column::kCpu;
  made.references = 1;
  made.generation = ++generation_;
  made.key = key;

  ClassId id;
  if (free_.empty()) {
    id = ClassId(classes_.size());
    classes_.push_back(std::move(made));
  } else {
    id = free_.back();
    free_.pop_back();
    classes_[id.index()] = std::move(made);
  }
  ids_.emplace(std::move(key), id);
  return id;
}

void PodClassTable::release(ClassId id) {
  PodClass& released = classes_[id.index()];
  if (--released.references > 0) return;
  ids_.erase(released.key);
  released = PodClass();
  free_.push_back(id);
}

}  // namespace fairlead::model
