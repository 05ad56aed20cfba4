#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::model {

/// Keeps pods close together on a tree of node labels.
struct TopologyConstraint {
  std::string topology;         ///< name of a Topology; empty: no constraint
  std::string required_level;   ///< node label; all pods in one domain of it
  std::string preferred_level;  ///< node label; tried from here up to the required level

  bool empty() const { return topology.empty(); }
  friend auto operator<=>(const TopologyConstraint&, const TopologyConstraint&) = default;
};

/// A named part of a gang with a minimum of its own. Leaves hold pods; inner ones hold sub-groups.
struct SubGroup {
  std::string name;                           ///< unique within the group, compared without case
  std::string parent;                         ///< empty: directly under the group
  std::int32_t min_member = 0;                ///< pods, for a leaf
  std::optional<std::int32_t> min_sub_group;  ///< for an inner one; none: all of them
  TopologyConstraint topology;

  friend auto operator<=>(const SubGroup&, const SubGroup&) = default;
};

/// Pods that are queued, placed and evicted together (a gang).
struct PodGroup {
  std::string key;  ///< "namespace/name"
  std::string uid;
  base::Time created;
  std::string queue;
  std::string priority_class;           ///< looked up among the priority classes
  std::int32_t fallback_priority = 50;  ///< where the class is not known
  std::optional<bool> preemptible;      ///< none: a priority below 100 is preemptible
  std::int32_t min_member = 1;
  std::optional<std::int32_t> min_sub_group;
  std::vector<SubGroup> sub_groups;
  TopologyConstraint topology;
  std::optional<base::Time> last_start;   ///< for minimum run times
  std::optional<base::Time> stale_since;  ///< since when it runs with less than its minimum
  std::optional<base::Duration> preemption_delay;
  std::optional<base::Duration> staleness_grace;  ///< negative: never evicted for it
  std::vector<std::string> pools;                 ///< tried in order; empty: the default pool
  std::string user;                               ///< who created it, for fairness between users
  bool user_verified = false;
  std::string owner;             ///< "Job training/llama", for people
  bool made_from_owner = false;  ///< no PodGroup object: grouped by the owner of its pods
};

}  // namespace fairlead::model
