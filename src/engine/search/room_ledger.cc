#include "engine/search/room_ledger.h"

#include <algorithm>
#include <limits>

namespace fairlead::engine {

RoomLedger::RoomLedger(const model::Cluster& cluster, StaticFit& static_fit, const NodeSet& nodes,
                       const std::vector<model::PodId>& chunk)
    : cluster_(cluster), node_count_(cluster.nodes().size()) {
  columns_.assign(cluster.nodes().resource_count(), kNoColumn);
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const model::ClassId id = cluster.pod(chunk[i]).pod_class;
    auto found =
        std::find_if(classes_.begin(), classes_.end(), [&](const Class& one) { return one.id == id; });
    if (found == classes_.end()) {
      classes_.emplace_back().id = id;
      found = classes_.end() - 1;
      found->unbounded = cluster.pod_class(id).key.devices.shares_devices();
      for (const model::ResourceAmount& amount : cluster.pod_class(id).amounts) {
        if (amount.amount <= 0) continue;
        std::size_t& column = columns_[amount.resource.index()];
        if (column == kNoColumn) {
          column = resources_.size();
          resources_.push_back(amount.resource);
        }
        // The scarcest first, so that most nodes are refused by one comparison.
        const bool first = amount.resource == cluster.pod_class(id).device_column;
        found->needs.emplace(first ? found->needs.begin() : found->needs.end(), column, amount.amount);
      }
    }
    found->members.push_back(i);
  }
  for (model::ResourceId resource : resources_) {
    const auto& later = cluster.nodes().later(resource);
    free_.insert(free_.end(), later.begin(), later.end());
  }
  shared_.resize(node_count_);
  for (std::size_t i = 0; i < node_count_; ++i)
    for (const model::SharedDevice& device : cluster.nodes().at(model::NodeId(i)).shared)
      shared_[i].push_back({device.group, device.active + device.reserved, device.started > 0});
  eligible_.assign(classes_.size() * node_count_, false);
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const auto& entries = static_fit.of(cluster, classes_[c].id);
    classes_[c].room_on.assign(node_count_, 0);
    for (model::NodeId node : nodes.nodes) {
      if (entries[node.index()].refusal != 0) continue;
      eligible_[c * node_count_ + node.index()] = true;
      classes_[c].room_on[node.index()] = count_room(classes_[c], node);
      classes_[c].room += classes_[c].room_on[node.index()];
    }
  }
}

std::int64_t RoomLedger::count_room(const Class& of, model::NodeId node) const {
  std::int64_t room = std::numeric_limits<std::int32_t>::max();
  for (const auto& [column, amount] : of.needs) {
    const std::int64_t free = free_[column * node_count_ + node.index()];
    room = free < amount ? 0 : std::min(room, free / amount);
  }
  return room;
}

std::int64_t RoomLedger::free(model::ResourceId resource, model::NodeId node) const {
  const std::size_t column = column_of(resource);
  return column == kNoColumn ? std::numeric_limits<std::int64_t>::max()
                             : free_[column * node_count_ + node.index()];
}

void RoomLedger::change(const VictimChunk& victims, Victims where, int sign) {
  for (model::PodId pod : victims.pods) {
    const model::PodRecord& record = cluster_.pod(pod);
    const model::Place& place = where == Victims::kEvicted ? record.home.place() : record.assignment.place();
    const std::size_t node = place.node.index();
    auto free = [&](model::ResourceId resource, std::int64_t amount) {
      const std::size_t column = column_of(resource);
      if (column != kNoColumn) free_[column * node_count_ + node] += sign * amount;
    };
    const model::PodClass& pod_class = cluster_.class_of(pod);
    for (std::size_t i = 0; i < pod_class.charged; ++i)
      free(pod_class.amounts[i].resource, pod_class.amounts[i].amount);
    if (place.grants) {
      // At the most: where others have the same claim, its devices stay taken.
      exact_ = false;
      cluster_.claims().each_column(*place.grants,
                                    [&](model::ResourceId resource, model::NodeId) { free(resource, 1); });
    }
    for (model::DeviceGroupId group : place.device_groups) {
      auto device = std::find_if(shared_[node].begin(), shared_[node].end(),
                                 [&](const SharedDevice& one) { return one.group == group; });
      const bool was_used = device->users > 0;
      device->users -= static_cast<std::uint32_t>(sign);
      if (was_used != (device->users > 0)) free(cluster_.nodes().at(place.node).first_devices(), 1);
      if (device->started) continue;
      // At the most the slot of the pod that was to hold the device is free.
      exact_ = false;
      free(model::column::kPods, 1);
    }
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (!eligible_[c * node_count_ + node]) continue;
      const std::int64_t room = count_room(classes_[c], place.node);
      classes_[c].room += room - classes_[c].room_on[node];
      classes_[c].room_on[node] = room;
    }
  }
}

bool RoomLedger::enough_for(std::size_t k) const {
  return std::all_of(classes_.begin(), classes_.end(), [&](const Class& one) {
    if (one.unbounded) return true;
    const auto needed = std::lower_bound(one.members.begin(), one.members.end(), k) - one.members.begin();
    return one.room >= needed;
  });
}

RoomLedger::Part RoomLedger::part_of(const VictimChunk& placed) const {
  Part part;
  part.node = cluster_.pod(placed.pods.front()).home_or_place().node;
  part.amounts.resize(resources_.size(), 0);
  for (model::PodId pod : placed.pods) {
    const model::Place& place = cluster_.pod(pod).home_or_place();
    if (place.node != part.node) return {};
    const model::PodClass& pod_class = cluster_.class_of(pod);
    const auto add = [&](model::ResourceId resource, std::int64_t amount) {
      if (const std::size_t column = column_of(resource); column != kNoColumn) part.amounts[column] += amount;
    };
    for (std::size_t i = 0; i < pod_class.charged; ++i)
      add(pod_class.amounts[i].resource, pod_class.amounts[i].amount);
    if (place.grants)
      cluster_.claims().each_column(*place.grants,
                                    [&](model::ResourceId resource, model::NodeId) { add(resource, 1); });
    for (model::DeviceGroupId group : place.device_groups) part.shared.push_back(group);
  }
  return part;
}

void RoomLedger::scan(const Part& part, int sign) {
  if (scanned_.empty()) scanned_.resize(node_count_);
  Scanned& scanned = scanned_[part.node.index()];
  if (scanned.scan != scan_) {
    scanned.scan = scan_;
    scanned.amounts.assign(resources_.size(), 0);
    scanned.users.clear();
  }
  for (std::size_t i = 0; i < part.amounts.size(); ++i) scanned.amounts[i] += sign * part.amounts[i];
  for (model::DeviceGroupId group : part.shared) {
    auto user = std::find_if(scanned.users.begin(), scanned.users.end(),
                             [&](const auto& one) { return one.first == group; });
    if (user == scanned.users.end()) user = scanned.users.insert(user, {group, 0});
    user->second += static_cast<std::uint32_t>(sign);
  }
}

bool RoomLedger::enough_with_scanned(std::size_t k, model::NodeId node) const {
  const Class& one = classes_.front();
  const std::int64_t missing = static_cast<std::int64_t>(k) - one.room;
  if (one.unbounded || missing <= 0) return true;
  if (!eligible_[node.index()]) return false;
  const Scanned& scanned = scanned_[node.index()];
  const std::int64_t wanted = one.room_on[node.index()] + missing;
  const std::size_t devices = column_of(cluster_.nodes().at(node).first_devices());
  const std::size_t slots = column_of(model::column::kPods);
  return std::all_of(one.needs.begin(), one.needs.end(), [&](const auto& need) {
    const auto& [column, amount] = need;
    std::int64_t free = free_[column * node_count_ + node.index()] + scanned.amounts[column];
    if (column == devices || column == slots) {
      for (const auto& [group, users] : scanned.users) {
        const auto device =
            std::find_if(shared_[node.index()].begin(), shared_[node.index()].end(),
                         [&, id = group](const SharedDevice& each) { return each.group == id; });
        if (column == devices && device->users == users) ++free;
        if (column == slots && !device->started) free += users;
      }
    }
    return free >= amount * wanted;
  });
}

}  // namespace fairlead::engine
