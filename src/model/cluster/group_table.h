#pragma once

#include "base/interner.h"
#include "model/cluster/assignment.h"
#include "model/cluster/ids.h"
#include "model/group.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

inline constexpr std::size_t kPodStates = static_cast<std::size_t>(PodState::kFinished) + 1;

/// The pods of one leaf of a group's tree.
struct PodSet {
  std::size_t node = 0;  ///< its leaf in GroupRecord::tree
  std::int32_t min_member = 1;
  std::vector<PodId> pods;                       ///< task priority, leaders, creation, UID
  std::array<std::int32_t, kPodStates> count{};  ///< pods by state
  std::int32_t succeeded = 0;                    ///< among the finished

  std::int32_t in(PodState state) const { return count[static_cast<std::size_t>(state)]; }
  /// Pods that hold a place or have one reserved: they need no other.
  std::int32_t placed() const { return active() + reserved(); }
  std::int32_t reserved() const { return in(PodState::kNominated) + in(PodState::kMoved); }
  std::int32_t active() const {
    return in(PodState::kBinding) + in(PodState::kBound) + in(PodState::kRunning);
  }
  std::int32_t waiting() const { return in(PodState::kPending) + in(PodState::kEvicted); }
};

/// A group or sub-group in the tree of a group.
struct GangNode {
  std::string name;                   ///< empty for the group itself
  std::size_t parent = 0;             ///< the root is its own parent
  std::vector<std::size_t> children;  ///< in the order of the object
  TopologyConstraint topology;
  std::int32_t min_children = 0;    ///< inner nodes: children that must be satisfied; all of them by default
  std::size_t pod_set = kNoPodSet;  ///< leaves

  static constexpr std::size_t kNoPodSet = static_cast<std::size_t>(-1);
  bool is_leaf() const { return pod_set != kNoPodSet; }
};

struct GroupRecord {
  PodGroup spec;
  bool known = false;           ///< an object exists; pods may come before it
  QueueId queue;                ///< the leaf it is charged to; invalid while there is none
  PoolId pool;                  ///< where it is, or tries to be
  PoolId first_pool;            ///< of its list, where its waiting pods count as requested
  std::size_t pool_choice = 0;  ///< index of `pool` in the group's list
  std::int32_t priority = 50;
  bool preemptible = true;
  std::vector<GangNode> tree;  ///< [0] is the group itself
  std::vector<PodSet> pod_sets;
  /// Pods to place, those with a reservation included.
  std::int32_t waiting() const {
    std::int32_t sum = 0;
    for (const PodSet& set : pod_sets) sum += set.waiting() + set.in(PodState::kNominated);
    return sum;
  }
  /// Pods that hold a place or have one reserved.
  std::int32_t placed() const {
    std::int32_t sum = 0;
    for (const PodSet& set : pod_sets) sum += set.placed();
    return sum;
  }
  /// Those that have one reserved.
  std::int32_t reserved() const {
    std::int32_t sum = 0;
    for (const PodSet& set : pod_sets) sum += set.reserved();
    return sum;
  }
  bool listed_with_reservations = false;
  bool listed_below_minimum = false;
  base::Time below_minimum_since;              ///< while it is listed so
  std::optional<base::Time> at_minimum_again;  ///< since then, while it is still listed
  bool touched = false;                        ///< since Cluster::take_touched_groups was last called
  QueueId listed_placed;  ///< the queue in whose list of groups with placed pods it stands
};

/// Groups by key.
class GroupTable {
 public:
  GroupId intern(std::string_view key);
  GroupId find(std::string_view key) const { return keys_.find(key).value_or(GroupId()); }
  std::size_t size() const { return records_.size(); }
  const GroupRecord& at(GroupId id) const { return records_[id.index()]; }
  GroupRecord& record(GroupId id) { return records_[id.index()]; }

 private:
  base::Interner<GroupId> keys_;
  std::vector<GroupRecord> records_;
};

/// Builds the tree and the empty pod sets of a group. A group without sub-groups is one leaf.
void build_gang_tree(GroupRecord& group);

/// The pod set for a sub-group's name, compared without case; the only one of a group without sub-groups. For
/// a name that the group does not have, a set without a minimum is added: its pods are extra ones.
std::size_t pod_set_for(GroupRecord& group, std::string_view sub_group);

}  // namespace fairlead::model
