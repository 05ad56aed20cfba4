#pragma once

#include "base/interner.h"
#include "base/result.h"
#include "base/time.h"
#include "model/assumptions.h"
#include "model/availability.h"
#include "model/cluster/assignment.h"
#include "model/cluster/budget_table.h"
#include "model/cluster/claim_table.h"
#include "model/cluster/group_table.h"
#include "model/cluster/node_table.h"
#include "model/cluster/pod_class.h"
#include "model/cluster/pod_terms.h"
#include "model/cluster/queue_table.h"
#include "model/configuration.h"
#include "model/event.h"
#include "model/topology.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

/// Where a pod must not be tried until an instant, after a binding failed there.
struct Exclusion {
  NodeId node;  ///< invalid: everywhere
  base::Time until;
};

struct PodRecord {
  Pod spec;
  bool alive = false;
  ClassId pod_class;
  GroupId group;            ///< invalid for pods that are not served
  std::size_t pod_set = 0;  ///< in the group
  Assignment assignment;
  std::uint64_t decision = 0;  ///< the Bind or Evict that has no outcome yet; 0: none
  bool bound = false;          ///< a Bind succeeded, and the world has not shown the pod on its node yet
  std::uint32_t bind_failures = 0;
  std::optional<base::Time> eviction_refused_until;  ///< it is no victim before
  std::vector<Exclusion> exclusions;
  bool inherited = false;  ///< what is reserved for it was reserved for the pod that it replaces
  NodeId nominated_node;   ///< where capacity is or was set aside for it; it goes there by preference
  BudgetIds budgets;       ///< those that cover it
  ClaimIds claims;         ///< in the order of its spec
  Assignment home;         ///< of a pod in kEvicted: what it had before
  /// Where it counts as placed, or did before a hypothesis evicted it.
  const Place& home_or_place() const {
    return assignment.state == PodState::kEvicted ? home.place() : assignment.place();
  }
  TermIds selected_by;   ///< terms of any pod that select this one
  TermIds keeps_away;    ///< its own required anti-affinity, in the order of its constraints
  TermIds needs_near;    ///< its own required affinity, likewise
  TermIds spreads_over;  ///< its own spread constraints, likewise
  /// What it prefers near by (weight above 0) or far away (below 0).
  boost::container::small_vector<std::pair<TermId, std::int32_t>, 1> prefers;
  std::uint32_t held_entry = 0;  ///< its places in NodeRecord::pods
  std::uint32_t reserved_entry = 0;
};

/// The state of a cluster as the engine sees it: what the world said, and what was decided since. Each change
/// costs what it touches; sums are kept, never recomputed. A hypothesis is tried on the live state between
/// mark() and rollback(). Single-threaded.
class Cluster {
 public:
  Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster() = default;

  /// Takes one event. An event that cannot be right changes nothing. Outcomes of decisions are not for the
  /// cluster but for the engine, which knows the decisions.
  base::Result<void> apply(const Event& event);

  base::Time now() const { return now_; }
  const Configuration& configuration() const { return configuration_; }
  const PoolConfiguration& pool_configuration(PoolId pool) const;
  NodeTable& nodes() { return nodes_; }
  const NodeTable& nodes() const { return nodes_; }
  QueueTable& queues() { return queues_; }
  const QueueTable& queues() const { return queues_; }
  const GroupTable& groups() const { return groups_; }
  GroupRecord& group(GroupId id) { return groups_.record(id); }
  const GroupRecord& group(GroupId id) const { return groups_.at(id); }
  const PodRecord& pod(PodId id) const { return pods_[id.index()]; }
  PodRecord& pod(PodId id) { return pods_[id.index()]; }
  PodId find_pod(std::string_view uid) const;
  std::size_t pod_count() const { return pods_.size(); }
  const PodClass& pod_class(ClassId id) const { return classes_.at(id); }
  const PodClass& class_of(PodId id) const { return classes_.at(pods_[id.index()].pod_class); }
  const PodClassTable& classes() const { return classes_; }
  const PodTermTable& terms() const { return terms_; }
  std::size_t pool_count() const { return pool_names_.size(); }
  const std::string& pool_name(PoolId pool) const { return pool_names_.text(pool); }
  PoolId find_pool(std::string_view name) const { return pool_names_.find(name).value_or(PoolId()); }
  /// The column of a resource; invalid where no node or pod has named it.
  ResourceId find_resource(std::string_view name) const {
    return resources_.find(name).value_or(ResourceId());
  }
  const Topology* topology(std::string_view name) const;
  const VolumeClaim* volume_claim(std::string_view key) const;
  ClaimTable& claims() { return claims_; }
  const ClaimTable& claims() const { return claims_; }
  /// A round ends: the places of pods that were moved and have gone are no longer kept for those that replace
  /// them.
  void forget_orphans() { orphans_.clear(); }
  BudgetTable& budgets() { return budgets_; }
  const BudgetTable& budgets() const { return budgets_; }
  const std::string& device_group_name(DeviceGroupId id) const { return device_group_names_.text(id); }
  /// A name for the index-th shared device that a pod makes: "<uid>-<index>", and "~n" behind it while that
  /// is taken.
  DeviceGroupId new_device_group(std::string_view pod_uid, std::size_t index);

  /// What a pod of a class is charged to its queue on a node; on no node, what it asks for.
  QueueCharge queue_charge(const PodClass& pod_class, NodeId node) const;
  /// What the pod is charged where it is, or asks for.
  QueueCharge queue_charge(PodId id) const;

  /// The only way to change where a pod is. Node, device, gang and queue sums follow. Recorded for rollback
  /// while a mark is open. O(amounts + depth of the queue).
  void assign(PodId id, Assignment assignment);
  /// Inside a hypothesis: takes a placed pod's place away. It counts as waiting, and what it holds it
  /// gives back when it leaves.
  void evict(PodId id);
  /// Opens a hypothesis. Marks nest.
  std::size_t mark();
  /// Undoes everything since the mark, which stays open.
  void rollback(std::size_t mark);
  /// Ends the innermost hypothesis and keeps what it did.
  void keep(std::size_t mark);
  bool in_hypothesis() const { return open_marks_ > 0; }
  std::size_t journal_size() const { return journal_.size(); }

  /// Lets a group that holds nothing try the n-th pool of its list, where it has one. A group that holds
  /// something stays where that is and is for the first attempt only.
  void choose_pool(GroupId id, std::size_t attempt);

  /// Groups of which anything changed since this was last asked for: they, their pods, or where a pod is,
  /// attempts that were undone included. In no particular order. O(such groups).
  std::vector<GroupId> take_touched_groups();
  /// Groups of a leaf queue with placed pods, by group_before.
  const std::vector<GroupId>& placed_groups(QueueId queue);
  /// Groups that hold places but fewer than their minimum, pods that leave counted, and of which no pod has
  /// succeeded; by key. To be called at the end of a batch of events and of a round: what a group was in
  /// between does not count. O(groups that ever were since the last call).
  const std::vector<GroupId>& groups_below_minimum();
  /// Groups of which pods have a place reserved, by id. Amortised O(changes + groups listed).
  const std::vector<GroupId>& groups_with_reservations();
  /// Known groups whose queue does not exist or is not a leaf; by key. May hold some without pods. O(such
  /// groups, now or since the last call).
  std::vector<GroupId> groups_without_queue();
  /// Length of the longest list of pools of a group, at least 1.
  std::size_t most_pools_of_a_group() const { return most_pools_; }
  /// Priority, creation, UID, key.
  bool group_before(GroupId a, GroupId b) const;
  /// Within a group: task priority, leaders, creation, UID.
  bool task_before(PodId a, PodId b) const;

  /// What is held about a pod beyond what the world has told of it; nothing where that is all.
  std::optional<PodAssumption> assumption(PodId id) const;
  /// Takes over what another cluster held about a pod; outside of hypotheses. Errors: kNotFound,
  /// kInvalidArgument for what cannot be; nothing changes then.
  base::Result<void> assume(const PodAssumption& told);
  /// Groups that run with less than their minimum, by key, and since when.
  std::vector<std::pair<std::string, base::Time>> below_minimum_since();
  void assume_below_minimum(std::string_view group, base::Time since);

  /// Goes up when pods of other schedulers come or go.
  std::uint64_t foreign_version() const { return foreign_version_; }
  std::uint64_t configuration_version() const { return configuration_version_; }
  std::uint64_t volume_version() const { return volume_version_; }
  /// Goes up with each event that could change any decision.
  std::uint64_t event_version() const { return event_version_; }
  /// Every sum worked out from nothing; empty when all agree, else what differs. O(everything), for tests.
  std::string check_sums() const;

 private:
  /// Groups of one queue. Appended to when a group comes to belong, tidied when it is read.
  struct GroupList {
    std::vector<GroupId> groups;
    std::size_t sorted = 0;  ///< the first so many are in order
    bool stale = false;      ///< some no longer belong
  };
  struct Undo {
    PodId pod;
    Assignment before;
  };
  /// The next place of a pod that was moved and has gone.
  struct Orphan {
    GroupId group;
    std::string sub_group;
    DeviceRequest devices;
    Place place;
  };

  base::Result<void> apply_body(const ConfigurationChanged& event);
  base::Result<void> apply_body(const QueueUpserted& event);
  base::Result<void> apply_body(const QueueRemoved& event);
  base::Result<void> apply_body(const TopologyUpserted& event);
  base::Result<void> apply_body(const TopologyRemoved& event);
  base::Result<void> apply_body(const PriorityClassUpserted& event);
  base::Result<void> apply_body(const PriorityClassRemoved& event);
  base::Result<void> apply_body(const NamespaceUpserted& event);
  base::Result<void> apply_body(const NamespaceRemoved& event);
  base::Result<void> apply_body(const NodeUpserted& event);
  base::Result<void> apply_body(const NodeRemoved& event);
  base::Result<void> apply_body(const GroupUpserted& event);
  base::Result<void> apply_body(const GroupRemoved& event);
  base::Result<void> apply_body(const PodUpserted& event);
  base::Result<void> apply_body(const PodRemoved& event);
  base::Result<void> apply_body(const VolumeClaimUpserted& event);
  base::Result<void> apply_body(const VolumeClaimRemoved& event);
  base::Result<void> apply_body(const DisruptionBudgetUpserted& event);
  base::Result<void> apply_body(const DisruptionBudgetRemoved& event);
  base::Result<void> apply_body(const DeviceClassUpserted& event);
  base::Result<void> apply_body(const DeviceClassRemoved& event);
  base::Result<void> apply_body(const ResourceSliceUpserted& event);
  base::Result<void> apply_body(const ResourceSliceRemoved& event);
  base::Result<void> apply_body(const ResourceClaimUpserted& event);
  base::Result<void> apply_body(const ResourceClaimRemoved& event);
  base::Result<void> apply_body(const DeviceChanged& event);
  base::Result<void> apply_body(const PodStarted& event);
  base::Result<void> apply_body(const PodFinished& event);
  base::Result<void> apply_body(const CheckpointTaken& event);
  base::Result<void> apply_body(const UsageSampled& event);

  std::string check_node_sums() const;
  std::string check_claim_sums() const;
  ClassId acquire_class(const PodRecord& record);
  void reclass(PodId id);
  void reclass_changed_shapes();
  void change_claim(ClaimId id, const std::function<void()>& change);
  /// Makes the pod a user of its claims, and no more of those that it had.
  void link_claims(PodId id);
  void unlink_claims(PodId id);
  /// After the users of claims changed and the pod is charged again: what that means for the others.
  void settle_claims(PodId id, const ClaimIds& claims);
  std::string check_group_sums() const;
  std::string check_queue_sums() const;
  std::string check_term_sums() const;
  PoolId intern_pool(std::string_view name);
  void resolve_pool_configuration();
  /// Charges (+1) or gives back (-1) everything that follows from a pod's assignment.
  void charge(PodId id, int sign);
  void charge_node(PodId id, int sign);
  void charge_group_and_queue(PodId id, int sign);
  void charge_terms(PodId id, const Place& place, Hold hold, int sign);
  void list_on_node(NodeId node, PodId id, bool reserved);
  void unlist_from_node(NodeId node, std::uint32_t entry);
  void charge_members(GroupId id, int sign);
  /// Runs `change` with all pods of the group given back before and charged after.
  void recharge_group(GroupId id, const std::function<void()>& change);
  void change_queues(const std::function<void()>& change, bool moves);
  void change_namespace(std::string_view name, const Labels* labels);
  void change_node(NodeId id, const std::function<void()>& change);
  void count_device_memory(NodeId node, int change);
  void rebuild_group(GroupId id, const std::function<void()>& change);
  void unlist(GroupId id);
  /// The leaf queue that a group is charged to; invalid while it does not exist.
  QueueId leaf_of(const GroupRecord& group);
  std::int32_t priority_of(const GroupRecord& group) const;
  void resolve_priority(GroupId id);
  /// A group whose pods the world runs in another pool than the group's belongs to that pool.
  void follow_node_pool(PodId id);
  /// What stands of the assumed assignment in the light of what the world says.
  Assignment merge_with_assumed(PodRecord& record, const Pod& pod, Assignment told);
  /// Leaves a new pod that waits the place of one that it replaces, where there is one.
  bool inherit(GroupId group, const Pod& pod, Assignment& assignment);
  void count_for_budgets(PodId id, int sign);
  /// Works out again which budgets cover the pod.
  void resolve_budgets(PodId id);
  void resolve_all_budgets(std::string_view namespace_name);
  void place_in_pod_set(PodId id);
  void remove_from_pod_set(PodId id);
  void resolve_terms(PodId id);
  TermId intern_term(const PodTerm& term);
  Assignment assignment_from_world(const Pod& pod);
  void list_group(GroupId id);
  void note_queueless(GroupId id);
  void note_minimum(GroupId id);
  void touch(GroupId id);

  base::Time now_;
  Configuration configuration_;
  base::Interner<ResourceId> resources_;
  base::Interner<NameId> names_;
  base::Interner<PoolId> pool_names_;
  base::Interner<DeviceGroupId> device_group_names_;
  NodeTable nodes_;
  QueueTable queues_;
  GroupTable groups_;
  PodClassTable classes_;
  PodTermTable terms_;
  std::vector<PodRecord> pods_;
  std::vector<PodId> free_pods_;
  boost::unordered_flat_map<std::string, PodId> pod_ids_;
  std::map<std::string, Topology, std::less<>> topologies_;
  std::map<std::string, PriorityClass, std::less<>> priority_classes_;
  std::map<std::string, VolumeClaim, std::less<>> volume_claims_;
  BudgetTable budgets_;
  ClaimTable claims_;
  std::uint64_t claim_shapes_ = 0;               ///< version that the classes of pods are from
  std::vector<std::size_t> pool_configuration_;  // by pool: 1 + index in the configuration, 0: defaults
  std::map<std::int64_t, std::size_t> device_memories_;  // MiB of one device -> nodes
  std::int64_t smallest_device_mib_ = 0;
  std::vector<Orphan> orphans_;  // since the last round
  std::vector<Undo> journal_;
  std::size_t open_marks_ = 0;
  std::vector<GroupList> placed_;  // by queue
  std::vector<GroupId> touched_;
  std::uint64_t event_version_ = 0;
  std::uint64_t volume_version_ = 0;
  std::uint64_t foreign_version_ = 0;
  std::size_t most_pools_ = 1;
  std::vector<GroupId> below_minimum_;
  std::vector<GroupId> with_reservations_;  ///< those, and some that had one when it was last tidied
  std::vector<GroupId> queueless_;  ///< known groups that had no leaf queue when it was last looked for
  std::uint64_t configuration_version_ = 0;
  std::vector<std::uint32_t> device_group_users_;  // by device group: places that name it
};

}  // namespace fairlead::model
