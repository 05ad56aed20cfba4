#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <ostream>
#include <vector>

namespace fairlead::property {

/// A random test in small integers, which is what RapidCheck generates and shrinks: 0 is the plainest choice,
/// and an index counts modulo what is there, so that every plan has a meaning however it was shrunk.
/// objects.h gives them one.

/// What is special about a node; one of these at a time.
enum NodeOddity : int {
  kPlainNode,
  kLabelledNode,  ///< carries the label that picky pods ask for
  kTaintedNode,   ///< only tolerating pods
  kCordonedNode,
  kNotReadyNode,
  kCrampedNode,      ///< room for three pods only
  kPartitionedNode,  ///< partitions instead of whole devices
  kNodeOddities,
};
struct NodePlan {
  int devices = 0;  ///< [0, 4]
  int large = 0;    ///< 1: devices with twice the memory
  int cpu = 0;      ///< [0, 2]: plenty, some, little
  int zone = 0;     ///< [0, 1]
  int rack = 0;     ///< [0, 1], within the zone
  int pool = 0;     ///< 1: the second pool, where the plan has one
  int oddity = 0;   ///< NodeOddity
  int listed = 0;   ///< 1: its devices are known one by one; 2: and the first one is sick
  int other = 0;    ///< 1: its devices are of another kind
  int second = 0;   ///< [0, 2]: besides them so many of the kind that they are not
};

struct QueuePlan {
  int parent = 0;    ///< 0: a root; n: below queue n-1 of those before it
  int priority = 0;  ///< [0, 2]
  int quota = 0;     ///< devices: [0, 5]; 6: unlimited
  int limit = 0;     ///< 0: none; n: n + 1 devices
  int weight = 0;    ///< [0, 3]; 0: 1, so that a plain queue grows over quota; 3: none at all
  int cpu = 0;       ///< 0: unlimited cpu and memory; 1: a quota of 4 cores; 2: a limit of 8 cores
  int users = 0;     ///< 1: fair between the users of its groups
  int model = 0;     ///< 1: a quota of 2 devices of one model; 2: a limit of one device of another
  int runtime = 0;   ///< [0, 2]: a minimum run time of its own: none, for preemption, for reclaim: 160 s
};

/// What a pod asks for.
enum Demand : int {
  kOneDevice,
  kTwoDevices,
  kHalfDevice,
  kLargePart,     ///< 0.7 of a device
  kTwoParts,      ///< 0.4 of each of two devices
  kDeviceMemory,  ///< by MiB
  kNoDevice,      ///< cpu only
  kPartition,
  kManyDevices,  ///< 4
  kOtherDevice,  ///< of the second kind
  kBothKinds,    ///< one of each
  kDemands,
};
enum Pickiness : int { kAnywhere, kLabelledOnly, kToleratesTaint, kOwnHostPort, kPickinesses };
/// The sub-groups of a group.
enum Parts : int {
  kFlat,
  kTwoSubGroups,      ///< workers, and two servers
  kOneOfTwoParts,     ///< one of them suffices
  kNestedParts,       ///< both within a third
  kOneOfNestedParts,  ///< one suffices within the third; the workers in one rack
  kMorePartsThanAre,  ///< three are needed, so it never starts
  kPartsEnd,
};
/// What a pod wants of others.
enum Company : int {
  kNoMatter,
  kApartFromItsOwn,     ///< one per node
  kApartFromItsFamily,  ///< one per rack, of all groups of its family
  kWithItsOwn,          ///< in one zone
  kWithTheFirstFamily,  ///< in a rack where that is
  kPreferItsFamily,
  kPreferApart,
  kSpreadOverZones,  ///< at most one more than elsewhere
  kSpreadFamilyOverNodes,
  kPreferSpread,
  kCompanies,
};
struct GroupPlan {
  int queue = 0;
  int minimum = 0;      ///< pods it needs, less 1: [0, 3]
  int more = 0;         ///< pods beyond the minimum: [-1, 2]; -1: one too few exist
  int demand = 0;       ///< Demand
  int cpu = 0;          ///< [0, 2]: little, some, much
  int priority = 0;     ///< [0, 3]: 50, 75, 100, 40
  int preemptible = 0;  ///< 0: by priority; 1: yes; 2: no
  int parts = 0;        ///< Parts
  int company = 0;      ///< Company
  int user = 0;         ///< [0, 1]: who made it
  int topology = 0;     ///< 0: none; 1: one zone; 2: one rack; 3: preferably one rack; 4: 1 with 3
  int pickiness = 0;    ///< Pickiness
  int pool = 0;     ///< 0: the default pool; 1: the second; 2: either, the second first; 3: the default first
  int running = 0;  ///< pods that run at the start, as far as they fit; [0, 6], all of the minimum or none
  int node = 0;     ///< the first node tried for them
};

enum StepKind : int {
  kWait,
  kSubmit,
  kFinishGroup,
  kDeleteGroup,
  kDeletePod,  ///< and its controller makes another
  kScaleUp,
  kCordon,    ///< or uncordon
  kLoseNode,  ///< or bring it back
  kChangeQueue,
  kSampleUsage,
  kRepeatAll,  ///< the world reports everything again, unchanged
  kReconfigure,
  kForgetQueue,   ///< or create it again
  kDeviceHealth,  ///< a device becomes sick, or well again
  kNonsense,      ///< something that cannot be is told, and refused
  kStepKinds,
};
struct StepPlan {
  int kind = 0;     ///< StepKind
  int subject = 0;  ///< which node, queue, group or pod
  int wait = 0;  ///< afterwards: 0: nothing; 1: a second; 2: until the scheduler wants to be woken; 3: 400 s
  GroupPlan group;  ///< of kSubmit
};

/// Protects the pods of a family of groups.
struct BudgetPlan {
  int family = 0;  ///< [0, 1]; 2: all
  int kind =
      0;  ///< 0: so many may go; 1: so many must stay; 2: so many may be missing; 3, 4: 1, 2 in quarters
  int amount = 0;  ///< [0, 3]
};

struct ConfigurationPlan {
  int spread = 0;            ///< 1: devices, 2: cpu, 3: both
  int strict = 0;            ///< 1: strict queue discipline
  int min_runtime = 0;       ///< [0, 2]: none, for preemption, for reclaim: 60 s
  int usage = 0;             ///< 1: past usage counts
  int no_consolidation = 0;  ///< 1
  int no_moves = 0;          ///< 1: victims that find another place count against reclaim
  int flat = 0;              ///< 1: leaf queues compete as if under one parent
  int least_lost_work = 0;   ///< 1
  int depth = 0;             ///< [0, 2]: groups tried per queue; 0: all
  int second = 0;            ///< the second pool: 1: spreads; 2: has strict discipline
};

struct Plan {
  ConfigurationPlan configuration;
  int pools = 0;     ///< 1: there are two
  int complete = 0;  ///< 1: rounds follow each other without events until nothing more is decided
  std::vector<NodePlan> nodes;
  std::vector<QueuePlan> queues;
  std::vector<GroupPlan> groups;
  std::vector<BudgetPlan> budgets;
  std::vector<StepPlan> steps;
  std::vector<int> luck;  ///< what happens to one decision after the other: [0, 15], 0: it succeeds at once
};

void showValue(const Plan& plan, std::ostream& out);

/// Small plans: at most 4 nodes, 5 queues, 6 groups, 8 steps.
rc::Gen<Plan> plans();
/// Plans without pools, steps and bad luck, for what is compared with exhaustive search.
rc::Gen<Plan> still_plans();

}  // namespace fairlead::property
