#include "manifest/live_cluster.h"

#include "model/json/codec.h"

#include <algorithm>

namespace fairlead::manifest {
namespace {

/// How many removed objects are remembered, in case an old state of one comes after its end.
constexpr std::size_t kBurials = 8192;

bool is_finished(const model::Pod& pod) {
  return pod.phase == model::Pod::Phase::kSucceeded || pod.phase == model::Pod::Phase::kFailed;
}

template <class T>
bool same_value(const T& a, const T& b) {
  if constexpr (model::json::Described<const T>) {
    return model::json::same(a, b);
  } else {
    return false;  // few, and they change seldom
  }
}
bool same_value(const Owner& a, const Owner& b) { return a == b; }

}  // namespace

LiveCluster::LiveCluster(model::Configuration configuration)
    : own_configuration_(std::move(configuration)), burials_(kBurials) {}

void LiveCluster::tell(model::Event event, LiveChanges& changes) {
  changes.events.push_back(std::move(event));
}

void LiveCluster::begin_list(LiveSource source) { ++generations_[source]; }

template <class T>
bool LiveCluster::put(Store<T>& store, std::string key, Entry<T> entry) {
  const auto known = store.find(key);
  if (known == store.end()) {
    store.emplace(std::move(key), std::move(entry));
    return true;
  }
  if (known->second.uid == entry.uid &&
      compare_versions(entry.resource_version, known->second.resource_version) < 0) {
    known->second.generation = entry.generation;
    return false;
  }
  const bool same = same_value(known->second.value, entry.value);
  known->second = std::move(entry);
  return !same;
}

template <class T, class Gone>
void LiveCluster::sweep(Store<T>& store, LiveSource source, Gone gone) {
  const std::uint32_t generation = generations_[source];
  for (auto entry = store.begin(); entry != store.end();) {
    if (entry->second.source != source || entry->second.generation == generation) {
      ++entry;
      continue;
    }
    const std::string key = entry->first;
    entry = store.erase(entry);
    gone(key);
  }
}

template <class T>
bool LiveCluster::erase(Store<T>& store, const std::string& key, const LiveObject& object) {
  const auto known = store.find(key);
  if (known == store.end()) return false;
  if (!object.uid.empty() && known->second.uid != object.uid) return false;
  if (compare_versions(object.resource_version, known->second.resource_version) < 0) return false;
  store.erase(known);
  return true;
}

void LiveCluster::upsert(LiveSource source, LiveObject object) {
  for (Diagnostic& diagnostic : object.diagnostics) pending_.diagnostics.push_back(std::move(diagnostic));
  const auto buried = buried_.find(object.uid);
  if (buried != buried_.end() && compare_versions(object.resource_version, buried->second) <= 0) return;
  const std::uint32_t generation = generations_[source];
  if (object.kind == LiveKind::kPod) {
    put_pod(std::move(object), generation);
    return;
  }
  // What cannot be used any more counts as gone.
  if (std::holds_alternative<std::monostate>(object.value)) {
    remove(source, object);
    return;
  }
  const auto store = [&]<class T>(Store<T>& in, T value) {
    return put(in, object.kind == LiveKind::kOwner ? object.uid : object.key,
               Entry<T>{std::move(value), object.uid, object.resource_version, generation, source});
  };
  const auto add = [&](auto body) { tell({now_, std::move(body)}, pending_); };
  switch (object.kind) {
    case LiveKind::kNamespace: {
      auto& value = std::get<LiveNamespace>(object.value);
      if (store(namespaces_, value)) add(model::NamespaceUpserted{value.name, value.labels});
      break;
    }
    case LiveKind::kPriorityClass: {
      auto& value = std::get<model::PriorityClass>(object.value);
      if (!store(priority_classes_, value)) break;
      add(model::PriorityClassUpserted{std::move(value)});
      everything_changed();
      break;
    }
    case LiveKind::kNode: {
      auto& value = std::get<model::Node>(object.value);
      if (store(nodes_, value)) add(model::NodeUpserted{std::move(value)});
      break;
    }
    case LiveKind::kStorageClass:
      if (store(storage_classes_, std::move(std::get<StorageClass>(object.value))))
        for (const auto& [key, claim] : claims_) claim_changed(key);
      break;
    case LiveKind::kVolume:
      if (store(volumes_, std::move(std::get<PersistentVolume>(object.value))))
        for (const auto& [key, claim] : claims_)
          if (claim.value.volume == object.key) claim_changed(key);
      break;
    case LiveKind::kVolumeClaim:
      if (store(claims_, std::move(std::get<Claim>(object.value)))) claim_changed(object.key);
      break;
    case LiveKind::kDisruptionBudget: {
      auto& value = std::get<model::DisruptionBudget>(object.value);
      if (store(budgets_, value)) add(model::DisruptionBudgetUpserted{std::move(value)});
      break;
    }
    case LiveKind::kTopology: {
      auto& value = std::get<model::Topology>(object.value);
      if (store(topologies_, value)) add(model::TopologyUpserted{std::move(value)});
      break;
    }
    case LiveKind::kQueue:
      if (store(queues_, std::move(std::get<model::Queue>(object.value)))) queues_changed_ = true;
      break;
    case LiveKind::kPodGroup: {
      const bool known = group_objects_.contains(object.key);
      auto& value = std::get<LivePodGroup>(object.value);
      const bool same = known && model::json::same(group_objects_.at(object.key).value.group, value.group);
      if (store(group_objects_, std::move(value)) && !same) group_changed(object.key);
      break;
    }
    case LiveKind::kBindRequest: {
      auto& value = std::get<BindRequest>(object.value);
      const std::string pod_key = value.pod;
      if (!store(bind_requests_, std::move(value))) break;
      const auto uid = pod_uids_.find(pod_key);
      if (uid != pod_uids_.end()) changed(uid->second, pods_.at(uid->second));
      break;
    }
    case LiveKind::kShard:
      if (store(shards_, std::move(std::get<model::Configuration>(object.value))))
        configuration_changed_ = true;
      break;
    case LiveKind::kOwner:
      if (store(owners_, std::move(std::get<Owner>(object.value)))) owner_changed(object.uid);
      break;
    case LiveKind::kPod:
      break;
  }
}

void LiveCluster::remove(LiveSource, const LiveObject& object) {
  if (!object.uid.empty()) {
    std::string& slot = burials_[next_burial_];
    next_burial_ = (next_burial_ + 1) % kBurials;
    if (!slot.empty()) buried_.erase(slot);
    slot = object.uid;
    buried_[object.uid] = object.resource_version;
  }
  const auto add = [&](auto body) { tell({now_, std::move(body)}, pending_); };
  const std::string& key = object.key;
  switch (object.kind) {
    case LiveKind::kNamespace:
      if (erase(namespaces_, key, object)) add(model::NamespaceRemoved{key});
      break;
    case LiveKind::kPriorityClass:
      if (!erase(priority_classes_, key, object)) break;
      add(model::PriorityClassRemoved{key});
      everything_changed();
      break;
    case LiveKind::kNode:
      if (erase(nodes_, key, object)) add(model::NodeRemoved{key});
      break;
    case LiveKind::kStorageClass:
      if (erase(storage_classes_, key, object))
        for (const auto& [name, claim] : claims_) claim_changed(name);
      break;
    case LiveKind::kVolume:
      if (erase(volumes_, key, object))
        for (const auto& [name, claim] : claims_)
          if (claim.value.volume == key) claim_changed(name);
      break;
    case LiveKind::kVolumeClaim:
      if (erase(claims_, key, object)) claim_changed(key);
      break;
    case LiveKind::kDisruptionBudget:
      if (erase(budgets_, key, object)) add(model::DisruptionBudgetRemoved{key});
      break;
    case LiveKind::kTopology:
      if (erase(topologies_, key, object)) add(model::TopologyRemoved{key});
      break;
    case LiveKind::kQueue:
      if (erase(queues_, key, object)) queues_changed_ = true;
      break;
    case LiveKind::kPodGroup:
      if (erase(group_objects_, key, object)) group_changed(key);
      break;
    case LiveKind::kBindRequest:
      erase(bind_requests_, key, object);
      break;
    case LiveKind::kShard:
      if (erase(shards_, key, object)) configuration_changed_ = true;
      break;
    case LiveKind::kOwner:
      if (erase(owners_, object.uid, object)) owner_changed(object.uid);
      break;
    case LiveKind::kPod: {
      const auto pod = pods_.find(object.uid);
      if (pod != pods_.end()) drop_pod(pod);
      break;
    }
  }
}

void LiveCluster::end_list(LiveSource source) {
  const auto add = [&](auto body) { tell({now_, std::move(body)}, pending_); };
  sweep(namespaces_, source, [&](const std::string& key) { add(model::NamespaceRemoved{key}); });
  sweep(priority_classes_, source, [&](const std::string& key) {
    add(model::PriorityClassRemoved{key});
    everything_changed();
  });
  sweep(nodes_, source, [&](const std::string& key) { add(model::NodeRemoved{key}); });
  const auto all_claims = [&](const std::string&) {
    for (const auto& [key, claim] : claims_) claim_changed(key);
  };
  sweep(storage_classes_, source, all_claims);
  sweep(volumes_, source, all_claims);
  sweep(claims_, source, [&](const std::string& key) { claim_changed(key); });
  sweep(budgets_, source, [&](const std::string& key) { add(model::DisruptionBudgetRemoved{key}); });
  sweep(topologies_, source, [&](const std::string& key) { add(model::TopologyRemoved{key}); });
  sweep(queues_, source, [&](const std::string&) { queues_changed_ = true; });
  sweep(group_objects_, source, [&](const std::string& key) { group_changed(key); });
  sweep(bind_requests_, source, [](const std::string&) {});
  sweep(shards_, source, [&](const std::string&) { configuration_changed_ = true; });
  sweep(owners_, source, [&](const std::string& uid) { owner_changed(uid); });
  if (source != source_of(LiveKind::kPod)) return;
  const std::uint32_t generation = generations_[source];
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    const auto next = std::next(pod);
    if (pod->second.generation != generation) drop_pod(pod);
    pod = next;
  }
}

void LiveCluster::owners_listed(const std::string& group, const std::string& kind) {
  listed_kinds_.emplace(group, kind);
  // Those that waited for it look again.
  for (const auto& [until, uid] : held_) {
    const auto pod = pods_.find(uid);
    if (pod != pods_.end()) changed(uid, pod->second);
  }
}

void LiveCluster::put_pod(LiveObject object, std::uint32_t generation) {
  auto* value = std::get_if<LivePod>(&object.value);
  const auto known = pods_.find(object.uid);
  if (value == nullptr) {
    if (known != pods_.end()) drop_pod(known);
    return;
  }
  if (known == pods_.end()) {
    Pod pod;
    pod.live = std::move(*value);
    pod.resource_version = std::move(object.resource_version);
    pod.generation = generation;
    pod_uids_[object.key] = object.uid;
    index_claims(object.uid, pod.live.pod);
    const auto added = pods_.emplace(object.uid, std::move(pod)).first;
    changed(object.uid, added->second);
    return;
  }
  Pod& pod = known->second;
  pod.generation = generation;
  if (compare_versions(object.resource_version, pod.resource_version) < 0) return;
  pod.resource_version = std::move(object.resource_version);
  // What this class works out itself is no difference.
  value->pod.group = pod.live.pod.group;
  value->pod.missing_references = pod.live.pod.missing_references;
  const bool same = model::json::same(pod.live.pod, value->pod) && pod.live.links == value->links &&
                    pod.live.refusal == value->refusal;
  if (same) {
    pod.live.scheduled_reason = std::move(value->scheduled_reason);
    pod.live.scheduled_message = std::move(value->scheduled_message);
    return;
  }
  // Its place among the members depends on what changes now.
  leave_group(object.uid, pod);
  forget_claims(object.uid, pod.live.pod);
  pod.live = std::move(*value);
  index_claims(object.uid, pod.live.pod);
  changed(object.uid, pod);
}

void LiveCluster::index_claims(const std::string& uid, const model::Pod& pod) {
  for (const std::string& claim : pod.constraints.volume_claims)
    pods_by_claim_[pod.namespace_name + "/" + claim].insert(uid);
}

void LiveCluster::forget_claims(const std::string& uid, const model::Pod& pod) {
  for (const std::string& claim : pod.constraints.volume_claims) {
    const auto pods = pods_by_claim_.find(pod.namespace_name + "/" + claim);
    if (pods == pods_by_claim_.end()) continue;
    pods->second.erase(uid);
    if (pods->second.empty()) pods_by_claim_.erase(pods);
  }
}

void LiveCluster::leave_group(const std::string& uid, Pod& pod) {
  if (pod.group.empty()) return;
  const auto group = groups_.find(pod.group);
  if (group != groups_.end()) {
    group->second.members.erase({is_finished(pod.live.pod), pod.live.pod.created, uid});
    group->second.made.reset();
    group_changed(pod.group);
  }
  pod.group.clear();
}

void LiveCluster::drop_pod(std::unordered_map<std::string, Pod>::iterator entry) {
  const std::string uid = entry->first;
  Pod& pod = entry->second;
  leave_group(uid, pod);
  for (const std::string& owner : pod.owners) {
    const auto pods = pods_by_owner_.find(owner);
    if (pods == pods_by_owner_.end()) continue;
    pods->second.erase(uid);
    if (pods->second.empty()) pods_by_owner_.erase(pods);
  }
  forget_claims(uid, pod.live.pod);
  const auto name = pod_uids_.find(pod.live.pod.display_name());
  if (name != pod_uids_.end() && name->second == uid) pod_uids_.erase(name);
  if (pod.told) tell({now_, model::PodRemoved{uid}}, pending_);
  pods_.erase(entry);
}

void LiveCluster::changed(const std::string& uid, Pod& pod) {
  if (pod.changed) return;
  pod.changed = true;
  changed_pods_.push_back(uid);
}

void LiveCluster::group_changed(const std::string& key) {
  Group& group = groups_[key];
  if (group.changed) return;
  group.changed = true;
  changed_groups_.push_back(key);
}

void LiveCluster::owner_changed(const std::string& uid) {
  const auto pods = pods_by_owner_.find(uid);
  if (pods == pods_by_owner_.end()) return;
  for (const std::string& pod : pods->second) {
    const auto found = pods_.find(pod);
    if (found == pods_.end()) continue;
    leave_group(pod, found->second);
    changed(pod, found->second);
  }
}

void LiveCluster::claim_changed(const std::string& key) {
  changed_claims_.insert(key);
  const auto pods = pods_by_claim_.find(key);
  if (pods == pods_by_claim_.end()) return;
  for (const std::string& uid : pods->second) {
    const auto pod = pods_.find(uid);
    if (pod != pods_.end()) changed(uid, pod->second);
  }
}

void LiveCluster::everything_changed() {
  for (auto& [key, group] : groups_) {
    group.made.reset();
    group_changed(key);
  }
}

const LiveCluster::Pod* LiveCluster::pod(const std::string& uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : &found->second;
}

std::vector<std::string> LiveCluster::members(const std::string& key) const {
  std::vector<std::string> uids;
  const auto group = groups_.find(key);
  if (group == groups_.end()) return uids;
  for (const auto& [finished, created, uid] : group->second.members) uids.push_back(uid);
  return uids;
}

const LivePodGroup* LiveCluster::group_object(const std::string& key) const {
  const auto found = group_objects_.find(key);
  return found == group_objects_.end() ? nullptr : &found->second.value;
}

const model::PodGroup* LiveCluster::group(const std::string& key) const {
  const auto found = groups_.find(key);
  return found == groups_.end() || !found->second.told ? nullptr : &*found->second.told;
}

}  // namespace fairlead::manifest
