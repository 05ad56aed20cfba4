#include "model/cluster/node_table.h"

#include <algorithm>

namespace fairlead::model {
namespace {

/// Where no label tells a device's memory, shares are counted on this many units; it is what KAI assumes too.
constexpr std::int64_t kUnknownDeviceMemoryMib = 100;

std::int64_t device_memory_of(const Node& node) {
  if (node.devices.empty()) return 0;
  return node.devices.front().memory_mib > 0 ? node.devices.front().memory_mib : kUnknownDeviceMemoryMib;
}

}  // namespace

NodeId NodeTable::intern(std::string_view name) {
  NodeId id = names_.intern(name);
  if (id.index() == records_.size()) {
    records_.emplace_back();
    versions_.push_back(0);
    device_memory_.push_back(0);
    add_columns();
    for (auto* columns : {&capacity_, &now_, &later_})
      for (auto& column : *columns) column.resize(records_.size(), 0);
  }
  return id;
}

NodeId NodeTable::find(std::string_view name) const { return names_.find(name).value_or(NodeId()); }

void NodeTable::add_columns() {
  for (auto* columns : {&capacity_, &now_, &later_})
    while (columns->size() < std::max(resources_.size(), column::kFixed))
      columns->emplace_back(records_.size(), 0);
}

void NodeTable::keep_column(ResourceId resource) {
  if (kept_columns_.size() <= resource.index()) kept_columns_.resize(resource.index() + 1, false);
  kept_columns_[resource.index()] = true;
}

void NodeTable::change_column(ResourceId resource, NodeId id, std::int64_t capacity, std::int64_t now,
                              std::int64_t later) {
  capacity_[resource.index()][id.index()] += capacity;
  now_[resource.index()][id.index()] += now;
  later_[resource.index()][id.index()] += later;
  touch(id);
}

void NodeTable::add_claim_devices(NodeId id, std::int64_t count) {
  records_[id.index()].claim_devices += count;
  touch_static(id);
}

void NodeTable::set(NodeId id, Node spec, PoolId pool, NameId device_model) {
  NodeRecord& record = records_[id.index()];
  std::vector<std::int64_t> offered(column::kFixed, 0);
  auto offer = [&](ResourceId resource, std::int64_t amount) {
    if (resource.index() >= offered.size()) offered.resize(resource.index() + 1, 0);
    offered[resource.index()] += amount;
  };
  offer(column::kCpu, spec.allocatable.cpu_milli);
  offer(column::kMemory, spec.allocatable.memory_bytes);
  offer(column::kPods, spec.pod_capacity);
  record.device_columns.clear();
  record.foreign_devices.assign(spec.devices.size(), 0);
  for (const DeviceSet& set : spec.devices) {
    const std::int64_t healthy = set.count - std::count_if(set.devices.begin(), set.devices.end(),
                                                           [](const Device& one) { return !one.healthy; });
    if (record.device_columns.empty()) offer(column::kDevices, healthy);
    record.device_columns.push_back(devices_column(resources_, set.resource));
    offer(record.device_columns.back(), healthy);
  }
  for (const Partition& partition : spec.partitions)
    offer(resources_.intern(partition.resource), partition.count);
  for (const ResourceCount& counted : spec.allocatable.counted)
    offer(resources_.intern(counted.name), counted.count);
  add_columns();
  for (std::size_t i = 0; i < capacity_.size(); ++i) {
    if (i < kept_columns_.size() && kept_columns_[i]) continue;
    const std::int64_t amount = i < offered.size() ? offered[i] : 0;
    const std::int64_t difference = amount - capacity_[i][id.index()];
    capacity_[i][id.index()] = amount;
    now_[i][id.index()] += difference;
    later_[i][id.index()] += difference;
  }
  if (!record.alive) order_stale_ = true;
  device_memory_[id.index()] = device_memory_of(spec);
  record.spec = std::move(spec);
  record.alive = true;
  record.pool = pool;
  record.device_model = device_model;
  touch_static(id);
}

void NodeTable::remove(NodeId id) {
  NodeRecord& record = records_[id.index()];
  for (std::size_t i = 0; i < capacity_.size(); ++i) {
    if (i < kept_columns_.size() && kept_columns_[i]) continue;
    now_[i][id.index()] -= capacity_[i][id.index()];
    later_[i][id.index()] -= capacity_[i][id.index()];
    capacity_[i][id.index()] = 0;
  }
  record.alive = false;
  order_stale_ = true;
  touch_static(id);
}

void NodeTable::set_health(NodeId id, std::size_t set, std::size_t device, bool healthy) {
  NodeRecord& record = records_[id.index()];
  bool& known = record.spec.devices[set].devices[device].healthy;
  const std::int64_t difference = static_cast<std::int64_t>(healthy) - static_cast<std::int64_t>(known);
  known = healthy;
  for (auto* columns : {&capacity_, &now_, &later_}) {
    (*columns)[record.device_columns[set].index()][id.index()] += difference;
    if (set == 0) (*columns)[column::kDevices.index()][id.index()] += difference;
  }
  touch_static(id);
}

void NodeTable::charge(const PodClass& pod_class, const Place& place, Hold hold, int sign) {
  NodeRecord& record = records_[place.node.index()];
  const std::size_t row = place.node.index();
  const ResourceId first = record.first_devices();
  for (std::size_t i = 0; i < pod_class.charged; ++i) {
    const ResourceAmount& amount = pod_class.amounts[i];
    const std::int64_t change = sign * amount.amount;
    if (hold != Hold::kReserved) now_[amount.resource.index()][row] -= change;
    if (!is_leaving(hold)) later_[amount.resource.index()][row] -= change;
    if (amount.resource != first) continue;
    if (hold != Hold::kReserved) now_[column::kDevices.index()][row] -= change;
    if (!is_leaving(hold)) later_[column::kDevices.index()][row] -= change;
  }
  const std::int64_t mib = place.device_groups.empty() ? 0 : share_mib(pod_class, place.node);
  for (DeviceGroupId group : place.device_groups) {
    auto shared = std::find_if(record.shared.begin(), record.shared.end(),
                               [&](const SharedDevice& candidate) { return candidate.group == group; });
    if (shared == record.shared.end()) {
      record.shared.push_back({.group = group});
      shared = record.shared.end() - 1;
    }
    const int occupied_now = shared->occupies_now();
    const int occupied_later = shared->occupies_later();
    const int slots_now = shared->needs_slot() && shared->active > 0;
    const int slots_later = shared->needs_slot();
    const auto count = static_cast<std::uint32_t>(sign);  // wraps to a subtraction for -1
    switch (hold) {
      case Hold::kStarted:
        shared->started += count;
        [[fallthrough]];
      case Hold::kActive:
        shared->active += count;
        shared->active_mib += sign * mib;
        break;
      case Hold::kGivenUp:
        shared->given_up += count;
        [[fallthrough]];
      case Hold::kLeaving:
        shared->leaving += count;
        shared->leaving_mib += sign * mib;
        break;
      case Hold::kReserved:
        shared->reserved += count;
        shared->reserved_mib += sign * mib;
        break;
    }
    for (ResourceId devices : {column::kDevices, first}) {
      if (!devices.valid()) continue;
      now_[devices.index()][row] -= shared->occupies_now() - occupied_now;
      later_[devices.index()][row] -= shared->occupies_later() - occupied_later;
    }
    now_[column::kPods.index()][row] -= (shared->needs_slot() && shared->active > 0) - slots_now;
    later_[column::kPods.index()][row] -= shared->needs_slot() - slots_later;
    if (shared->active + shared->leaving + shared->reserved == 0) {
      *shared = record.shared.back();
      record.shared.pop_back();
    }
  }
  touch(place.node);
}

void NodeTable::touch_static(NodeId id) {
  touch(id);
  records_[id.index()].static_version = version_;
  structure_version_ = version_;
}

void NodeTable::rebuild_order() {
  by_name_.clear();
  for (std::size_t i = 0; i < records_.size(); ++i)
    if (records_[i].alive) by_name_.push_back(NodeId(i));
  std::sort(by_name_.begin(), by_name_.end(),
            [&](NodeId a, NodeId b) { return names_.text(a) < names_.text(b); });
  name_rank_.assign(records_.size(), 0);
  for (std::size_t i = 0; i < by_name_.size(); ++i)
    name_rank_[by_name_[i].index()] = static_cast<std::uint32_t>(i);
  order_stale_ = false;
}

const std::vector<std::uint32_t>& NodeTable::name_rank() {
  if (order_stale_) rebuild_order();
  return name_rank_;
}

const std::vector<NodeId>& NodeTable::by_name() {
  if (order_stale_) rebuild_order();
  return by_name_;
}

}  // namespace fairlead::model
