#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::model {

/// The steps of a round, in the order in which they run.
enum class Action : std::uint8_t { kAllocate, kConsolidate, kReclaim, kPreempt, kEvictStale };

enum class PlacementStrategy : std::uint8_t { kBinPack, kSpread, kFragmentationGradient };
enum class QueueDiscipline : std::uint8_t {
  kSkip,    ///< what does not fit is passed over
  kStrict,  ///< nothing below the first group that waits for room is served in its queue
};
enum class VictimOrder : std::uint8_t {
  kNewestFirst,    ///< as KAI: reversed queue and job order
  kLeastLostWork,  ///< within a priority, the work since the last checkpoint decides before age
};
enum class MinRuntimeScope : std::uint8_t {
  kLowestCommonAncestor,  ///< the setting of the ancestor below the common one, and upward
  kQueue,                 ///< the victim's own queue, and upward
};

/// How pods are placed in one pool.
struct Placement {
  PlacementStrategy devices = PlacementStrategy::kBinPack;  ///< pods with devices
  PlacementStrategy cpu = PlacementStrategy::kBinPack;      ///< cpu-only pods
  bool pack_shares = true;  ///< among a node's shared devices prefer the fullest (else the emptiest)
  /// A strategy that was given to the engine by name when it was made (the simulator's baselines), for all
  /// pods instead of the two above; empty: none.
  std::string named;
};

/// A kind of pod that is expected to arrive: what strategies that look ahead prepare for.
struct ExpectedPods {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int32_t device_count = 0;                ///< 0: cpu only
  std::int32_t device_thousandths = 0;          ///< of each device: 1000 for whole ones
  std::vector<std::string> device_models = {};  ///< the models it can use; empty: any
  std::int64_t count = 1;                       ///< relative frequency, at least 1
};

/// How resource claims are served.
struct ClaimPolicy {
  bool enabled = true;  ///< false: pods with claims wait, as in a cluster without dynamic resource allocation
  /// Single devices are also given from pools of which not all slices are there yet, as Kubernetes up to 1.34
  /// does; not those that take from counters.
  bool incomplete_pools = false;
  std::uint64_t max_steps = 20'000;  ///< devices tried for one pod on one node
};

struct PoolConfiguration {
  std::string pool;  ///< empty is the default pool, whose settings pools without an entry use
  Placement placement;
  QueueDiscipline discipline = QueueDiscipline::kSkip;
};

/// The parts of the policy that a SchedulingShard can switch off by not naming them.
struct Policies {
  bool filters = true;     ///< everything but resource fit: taints, affinity, ports, volumes, pod count ...
  bool proportion = true;  ///< quotas, limits, fair share and the order of queues
  bool priority = true;
  bool elastic = true;  ///< groups below their minimum first
  bool sub_group_order = true;
  bool task_order = true;
  bool nominated_node = true;
  bool min_runtime = true;
  bool topology = true;
  bool node_placement = true;     ///< bin-pack or spread
  bool node_availability = true;  ///< idle before releasing
  bool resource_type = true;      ///< cpu-only pods to cpu-only nodes
  bool pod_affinity = true;       ///< scores of pod affinity; requirements are filters
  bool device_order = true;       ///< order among shared devices
  bool sharing_order = true;      ///< shares go to devices already shared
};

/// Everything that steers decisions. It arrives as an event; the engine has no other channel.
struct Configuration {
  std::vector<Action> actions = {Action::kAllocate, Action::kConsolidate, Action::kReclaim, Action::kPreempt,
                                 Action::kEvictStale};
  Policies policies;
  ClaimPolicy claims;
  std::vector<PoolConfiguration> pools;
  std::vector<ExpectedPods>
      expected_pods;  ///< for the fragmentation gradient; empty: the pods that are known
  base::Duration staleness_grace = base::Duration::seconds(60);  ///< negative: never
  std::int32_t max_consolidation_victims = 16;  ///< groups; 0: no consolidation, negative: any number
  bool consolidating_reclaim = true;    ///< victims that find another place do not count against reclaim
  bool full_hierarchy_fairness = true;  ///< false: leaf queues compete as if under one parent
  double usage_weight = 1.0;            ///< k of the fair share: how much past usage counts; at least 0
  std::optional<base::Duration> usage_half_life;  ///< none: past usage does not count
  double saturation_multiplier = 1.0;             ///< reclaimUtilizationMultiplier, at least 1
  base::Duration preempt_min_runtime;
  base::Duration reclaim_min_runtime;
  MinRuntimeScope reclaim_min_runtime_scope = MinRuntimeScope::kLowestCommonAncestor;
  VictimOrder victim_order = VictimOrder::kNewestFirst;
  base::Duration restart_cost = base::Duration::seconds(60);  ///< added to a victim's lost work
  std::vector<std::int32_t> queue_depth;  ///< per Action: groups tried per queue and round; empty or 0: all
};

}  // namespace fairlead::model
