#pragma once

#include "base/time.h"
#include "manifest/live_object.h"
#include "model/event.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace fairlead::manifest {

/// One stream of objects: those of one kind, or of one kind of owner. Below kLiveKinds the kind itself.
using LiveSource = std::uint16_t;
inline constexpr LiveSource source_of(LiveKind kind) { return static_cast<LiveSource>(kind); }

/// What has changed in a cluster.
struct LiveChanges {
  std::vector<model::Event> events;
  std::vector<std::string> refused;  ///< uids of pods that ask for what is not there yet
  /// Owners of these kinds (API group and kind) were met first, and are to be followed.
  std::vector<std::pair<std::string, std::string>> owner_kinds;
  std::vector<Diagnostic> diagnostics;
  std::optional<base::Time> wake_at;  ///< when a pod stops waiting for its owner's object
};

/// Joins the objects of a live cluster as they come, one by one, as `join` does for those of an input, and
/// says what changed as events for the scheduler. An object that comes twice, or after a newer state of
/// itself, changes nothing. A pod whose owner has not been seen yet is held back until it is (or two seconds
/// have passed), since the owner says which queue it is for. Cost of a change: what it touches.
/// Thread: one.
class LiveCluster {
 public:
  struct Pod {
    LivePod live;
    std::string resource_version;
    std::string group;  ///< key of its group; empty while it is held back, and for pods that are not served
    bool told = false;  ///< whether the scheduler knows it
    base::Time seen;
    std::vector<std::string> owners;  ///< uids of the owners that were looked for
    std::uint32_t generation = 0;
    bool changed = false;
    bool held = false;
  };

  /// `configuration` holds while the cluster has no SchedulingShard; of several, that of the default pool
  /// holds.
  explicit LiveCluster(model::Configuration configuration = {});

  /// Between these, `upsert` shows everything that the source has; what it did not show is gone.
  void begin_list(LiveSource source);
  void end_list(LiveSource source);
  void upsert(LiveSource source, LiveObject object);
  void remove(LiveSource source, const LiveObject& object);
  /// The owners of this kind are known from now on, as far as they can be.
  void owners_listed(const std::string& group, const std::string& kind);

  /// What has changed since the last call, as of `now`.
  LiveChanges take(base::Time now);

  /// Null when it is not there.
  const Pod* pod(const std::string& uid) const;
  /// Uids of a group's pods: those that are not finished first, then by creation.
  std::vector<std::string> members(const std::string& group) const;
  /// Of a group that has an object in the cluster; null for one that was made from an owner.
  const LivePodGroup* group_object(const std::string& group) const;
  /// What the scheduler was told of the group; null when nothing.
  const model::PodGroup* group(const std::string& key) const;
  const std::unordered_map<std::string, Pod>& pods() const { return pods_; }
  const std::map<std::string, model::Queue>& queues() const { return told_queues_; }
  std::size_t node_count() const { return nodes_.size(); }

 private:
  template <class T>
  struct Entry {
    T value;
    std::string uid;
    std::string resource_version;
    std::uint32_t generation = 0;
    LiveSource source = 0;
  };
  template <class T>
  using Store = std::unordered_map<std::string, Entry<T>>;
  using Member = std::tuple<bool, base::Time, std::string>;  ///< finished, created, uid
  struct Group {
    std::set<Member> members;
    std::optional<model::PodGroup> told;
    std::optional<model::PodGroup> made;  ///< from its first member, when that is known already
    bool changed = false;
  };

  template <class T>
  bool put(Store<T>& store, std::string key, Entry<T> entry);
  template <class T, class Gone>
  void sweep(Store<T>& store, LiveSource source, Gone gone);
  template <class T>
  bool erase(Store<T>& store, const std::string& key, const LiveObject& object);
  void put_pod(LiveObject object, std::uint32_t generation);
  void drop_pod(std::unordered_map<std::string, Pod>::iterator pod);
  void leave_group(const std::string& uid, Pod& pod);
  void index_claims(const std::string& uid, const model::Pod& pod);
  void forget_claims(const std::string& uid, const model::Pod& pod);
  void changed(const std::string& uid, Pod& pod);
  void group_changed(const std::string& key);
  void owner_changed(const std::string& uid);
  void claim_changed(const std::string& key);
  void everything_changed();

  void take_queues(LiveChanges& changes);
  void take_claims(LiveChanges& changes);
  void place(const std::string& uid, Pod& pod, LiveChanges& changes);
  void take_group(const std::string& key, Group& group, LiveChanges& changes);
  void take_pod(const std::string& uid, Pod& pod, LiveChanges& changes);
  bool wanted(const Group& group, const std::string& key) const;
  /// The group that the pod belongs to, and what it would be like if it were made for this pod.
  model::PodGroup join_one(Pod& pod);
  std::vector<const Owner*> chain_of(Pod& pod, bool& waits, LiveChanges& changes);
  static void tell(model::Event event, LiveChanges& changes);

  base::Time now_;
  model::Configuration own_configuration_;
  std::unordered_map<LiveSource, std::uint32_t> generations_;
  Store<LiveNamespace> namespaces_;
  Store<model::PriorityClass> priority_classes_;
  Store<model::Node> nodes_;
  Store<StorageClass> storage_classes_;
  Store<PersistentVolume> volumes_;
  Store<Claim> claims_;
  Store<model::DisruptionBudget> budgets_;
  Store<model::Topology> topologies_;
  Store<model::Queue> queues_;
  Store<LivePodGroup> group_objects_;
  Store<BindRequest> bind_requests_;
  Store<model::Configuration> shards_;
  Store<Owner> owners_;                                    ///< by uid
  std::unordered_map<std::string, Pod> pods_;              ///< by uid
  std::unordered_map<std::string, std::string> pod_uids_;  ///< by "namespace/name"
  std::unordered_map<std::string, Group> groups_;
  std::unordered_map<std::string, std::unordered_set<std::string>> pods_by_owner_;
  std::unordered_map<std::string, std::unordered_set<std::string>> pods_by_claim_;
  std::set<std::pair<std::string, std::string>> owner_kinds_;  ///< asked for
  std::set<std::pair<std::string, std::string>> listed_kinds_;
  std::map<std::string, model::Queue> told_queues_;
  bool default_queues_ = false;
  bool queues_changed_ = true;
  bool configuration_changed_ = true;
  std::vector<std::string> changed_pods_;
  std::vector<std::string> changed_groups_;
  std::unordered_set<std::string> changed_claims_;
  std::unordered_set<std::string> told_claims_;
  std::set<std::pair<base::Time, std::string>> held_;    ///< until when, and the pod
  std::unordered_map<std::string, std::string> buried_;  ///< uid and version of what was removed lately
  std::vector<std::string> burials_;                     ///< in their order, as a ring
  std::size_t next_burial_ = 0;
  LiveChanges pending_;
};

}  // namespace fairlead::manifest
