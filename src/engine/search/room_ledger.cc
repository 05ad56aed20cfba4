#include "engine/search/room_ledger.h"

#include <algorithm>
#include <limits>

namespace fairlead::engine {

RoomLedger::RoomLedger(const model::Cluster& cluster, StaticFit& static_fit, const NodeSet& nodes,
                       const std::vector<model::PodId>& chunk)
    : cluster_(cluster), node_count_(cluster.nodes().size()) {
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const model::ClassId id = cluster.pod(chunk[i]).pod_class;
    auto found =
        std::find_if(classes_.begin(), classes_.end(), [&](const Class& one) { return one.id == id; });
    if (found == classes_.end()) {
      classes_.emplace_back().id = id;
      found = classes_.end() - 1;
      found->unbounded = cluster.pod_class(id).key.devices.shares_devices();
      for (const model::ResourceAmount& amount : cluster.pod_class(id).amounts)
        if (amount.amount > 0 &&
            std::find(resources_.begin(), resources_.end(), amount.resource) == resources_.end())
          resources_.push_back(amount.resource);
    }
    found->members.push_back(i);
  }
  for (model::ResourceId resource : resources_) {
    const auto& later = cluster.nodes().later(resource);
    free_.insert(free_.end(), later.begin(), later.end());
  }
  eligible_.assign(classes_.size() * node_count_, false);
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const auto& entries = static_fit.of(cluster, classes_[c].id);
    classes_[c].room_on.assign(node_count_, 0);
    for (model::NodeId node : nodes.nodes) {
      if (entries[node.index()].refusal != 0) continue;
      eligible_[c * node_count_ + node.index()] = true;
      classes_[c].room_on[node.index()] = room_on(classes_[c], node);
      classes_[c].room += classes_[c].room_on[node.index()];
    }
  }
}

std::int64_t RoomLedger::room_on(const Class& of, model::NodeId node) const {
  std::int64_t room = std::numeric_limits<std::int32_t>::max();
  for (const model::ResourceAmount& amount : cluster_.pod_class(of.id).amounts) {
    if (amount.amount <= 0) continue;
    for (std::size_t r = 0; r < resources_.size(); ++r) {
      if (resources_[r] != amount.resource) continue;
      room = std::min(room, std::max<std::int64_t>(0, free_[r * node_count_ + node.index()]) / amount.amount);
    }
  }
  return room;
}

void RoomLedger::change(const VictimChunk& victims, Victims where, int sign) {
  for (model::PodId pod : victims.pods) {
    const model::PodRecord& record = cluster_.pod(pod);
    const model::Place& place = where == Victims::kEvicted ? record.home.place() : record.assignment.place();
    const std::size_t node = place.node.index();
    auto free = [&](model::ResourceId resource, std::int64_t amount) {
      for (std::size_t r = 0; r < resources_.size(); ++r)
        if (resources_[r] == resource) free_[r * node_count_ + node] += sign * amount;
    };
    for (const model::ResourceAmount& amount : cluster_.class_of(pod).amounts)
      free(amount.resource, amount.amount);
    if (!place.device_groups.empty()) {
      // At the most: each shared device becomes a whole one, and its reservation's slot is free.
      const auto groups = static_cast<std::int64_t>(place.device_groups.size());
      free(model::column::kDevices, groups);
      free(model::column::kPods, groups);
    }
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      if (!eligible_[c * node_count_ + node]) continue;
      const std::int64_t room = room_on(classes_[c], place.node);
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

}  // namespace fairlead::engine
