#include "engine/order/waiting_groups.h"

#include "engine/gang/chunk.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

/// Whether nothing but its class says where the pod could be.
bool is_like_its_class(const model::PodRecord& pod) {
  return pod.assignment.state == model::PodState::kPending && pod.selected_by.empty() &&
         pod.keeps_away.empty() && pod.needs_near.empty() && pod.spreads_over.empty() &&
         pod.prefers.empty() && pod.spec.constraints.host_ports.empty() &&
         pod.spec.missing_references.empty() && pod.claims.empty() && pod.exclusions.empty() &&
         pod.bind_failures == 0 && !pod.nominated_node.valid() && !pod.inherited;
}

/// Whether a group can stand with others, where `chunk` is what it would take first.
bool can_stand_alike(const model::Cluster& cluster, const model::GroupRecord& group,
                     const std::vector<model::PodId>& chunk) {
  if (!group.tree.front().is_leaf() || !group.tree.front().topology.empty() || group.pod_sets.size() != 1 ||
      group.pod_sets.front().min_member < 1 || group.placed() > 0 || group.spec.pools.size() > 1 ||
      group.pool_choice != 0 || group.spec.preemption_delay)
    return false;
  const model::ClassId first = cluster.pod(chunk.front()).pod_class;
  return std::all_of(chunk.begin(), chunk.end(), [&](model::PodId pod) {
    return cluster.pod(pod).pod_class == first && is_like_its_class(cluster.pod(pod));
  });
}

}  // namespace

const WaitingGroups::OfPool& WaitingGroups::of(model::PoolId pool) const {
  static const OfPool kNothing;
  return pool.index() < pools_.size() ? pools_[pool.index()] : kNothing;
}

WaitingGroups::Standing WaitingGroups::examine(const model::Cluster& cluster, model::GroupId id, Key& key) {
  const model::GroupRecord& group = cluster.group(id);
  if (!group.queue.valid() || group.waiting() == 0) return Standing::kNone;
  if (!minimum_met(group, 0, Counted::kPresent)) return Standing::kUnable;
  next_chunk(cluster, id, chunk_);
  if (chunk_.empty()) return Standing::kUnable;
  if (!can_stand_alike(cluster, group, chunk_)) return Standing::kSingle;
  const model::ClassId pod_class = cluster.pod(chunk_.front()).pod_class;
  key = {group.queue,
         group.pool,
         pod_class,
         cluster.pod_class(pod_class).generation,
         static_cast<std::int32_t>(chunk_.size()),
         group.priority,
         group.preemptible};
  return Standing::kAlike;
}

std::uint32_t WaitingGroups::alike_for(const Key& key) {
  const auto [found, made] = alike_by_key_.try_emplace(key, 0);
  if (!made) return found->second;
  if (free_alike_.empty()) {
    free_alike_.push_back(static_cast<std::uint32_t>(alike_.size()));
    alike_.emplace_back();
    keys_.emplace_back();
  }
  const std::uint32_t index = free_alike_.back();
  free_alike_.pop_back();
  AlikeGroups& groups = alike_[index];
  std::uint64_t generation = 0;
  std::tie(groups.queue, groups.pool, groups.pod_class, generation, groups.pods, groups.priority,
           groups.preemptible) = key;
  keys_[index] = key;
  found->second = index;
  pools_[groups.pool.index()].alike.push_back(index);
  return index;
}

void WaitingGroups::insert(const model::Cluster& cluster, model::GroupId id, Standing standing,
                           const Key& key) {
  if (standing == Standing::kNone) return;
  Slot& slot = slots_[id.index()];
  slot.standing = standing;
  const model::GroupRecord& group = cluster.group(id);
  slot.pool = group.pool;
  if (pools_.size() <= group.pool.index()) pools_.resize(group.pool.index() + 1);
  slot.several_pools = group.spec.pools.size() > 1;
  if (slot.several_pools) {
    slot.several_position = static_cast<std::uint32_t>(several_.size());
    several_.push_back(id);
  }
  if (standing == Standing::kAlike) {
    slot.alike = alike_for(key);
    std::vector<model::GroupId>& members = alike_[slot.alike].members;
    members.insert(
        std::upper_bound(members.begin(), members.end(), id,
                         [&](model::GroupId a, model::GroupId b) { return cluster.group_before(a, b); }),
        id);
    return;
  }
  if (standing == Standing::kSingle && slot.several_pools) return;
  auto& list = standing == Standing::kSingle ? pools_[group.pool.index()].singles : unable_;
  slot.position = static_cast<std::uint32_t>(list.size());
  list.push_back(id);
}

/// Takes out a group; the last of the list takes its position.
void WaitingGroups::take_out(std::vector<model::GroupId>& list, std::uint32_t position,
                             std::uint32_t Slot::* index) {
  list[position] = list.back();
  slots_[list[position].index()].*index = position;
  list.pop_back();
}

void WaitingGroups::remove(model::GroupId id) {
  Slot& slot = slots_[id.index()];
  if (slot.standing == Standing::kNone) return;
  if (slot.several_pools) take_out(several_, slot.several_position, &Slot::several_position);
  if (slot.standing == Standing::kAlike) {
    // What it is sorted by may have changed, so it is not searched for in the order.
    std::vector<model::GroupId>& members = alike_[slot.alike].members;
    members.erase(std::find(members.begin(), members.end(), id));
    if (members.empty()) {
      std::erase(pools_[alike_[slot.alike].pool.index()].alike, slot.alike);
      alike_by_key_.erase(keys_[slot.alike]);
      free_alike_.push_back(slot.alike);
    }
  } else if (slot.standing == Standing::kUnable) {
    take_out(unable_, slot.position, &Slot::position);
  } else if (!slot.several_pools) {
    take_out(pools_[slot.pool.index()].singles, slot.position, &Slot::position);
  }
  slot = Slot();
}

void WaitingGroups::start_round(model::Cluster& cluster) {
  std::vector<model::GroupId> touched = cluster.take_touched_groups();
  if (!begun_ || configuration_ != cluster.configuration_version()) {
    touched.clear();
    for (std::size_t i = 0; i < cluster.groups().size(); ++i) touched.emplace_back(i);
    begun_ = true;
    configuration_ = cluster.configuration_version();
  } else {
    touched.insert(touched.end(), again_.begin(), again_.end());
  }
  again_.clear();
  slots_.resize(cluster.groups().size());
  // All leave before any comes back: the order of those that stay holds.
  for (model::GroupId id : touched) remove(id);
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  Key key;
  for (model::GroupId id : touched) {
    const model::GroupRecord& group = cluster.group(id);
    if (group.queue.valid() && group.waiting() > 0) cluster.choose_pool(id, 0);
    insert(cluster, id, examine(cluster, id, key), key);
  }
  looked_at_ = std::move(touched);
}

void WaitingGroups::follow(model::Cluster& cluster) {
  const std::vector<model::GroupId> touched = cluster.take_touched_groups();
  Key key;
  for (model::GroupId id : touched) {
    Standing standing = examine(cluster, id, key);
    const Slot& slot = slots_[id.index()];
    if (standing == Standing::kNone && slot.standing == Standing::kNone) {
      looked_at_.push_back(id);
      continue;
    }
    if (standing == Standing::kAlike) {
      if (slot.standing == Standing::kAlike && keys_[slot.alike] == key) continue;
      standing = Standing::kSingle;
    }
    remove(id);
    insert(cluster, id, standing, key);
    looked_at_.push_back(id);
    again_.push_back(id);
  }
}

}  // namespace fairlead::engine
