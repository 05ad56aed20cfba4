// What changed in a live cluster, as events.

#include "manifest/collected.h"
#include "manifest/live_cluster.h"
#include "model/json/codec.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

/// How long a pod waits for the object of its owner to come.
constexpr auto kOwnerPatience = base::Duration::seconds(2);

bool is_finished(const model::Pod& pod) {
  return pod.phase == model::Pod::Phase::kSucceeded || pod.phase == model::Pod::Phase::kFailed;
}

}  // namespace

LiveChanges LiveCluster::take(base::Time now) {
  now_ = now;
  LiveChanges changes = std::exchange(pending_, {});
  // They were noted when they came; for the scheduler they happen now.
  for (model::Event& event : changes.events) event.time = now;
  if (configuration_changed_) {
    configuration_changed_ = false;
    const Entry<model::Configuration>* chosen = nullptr;
    std::string_view name;
    for (const auto& [key, shard] : shards_) {
      if (chosen != nullptr && key != "default" && (name == "default" || key > name)) continue;
      chosen = &shard;
      name = key;
    }
    tell({now, model::ConfigurationChanged{chosen == nullptr ? own_configuration_ : chosen->value}}, changes);
  }
  if (queues_changed_) take_queues(changes);
  take_claims(changes);

  while (!held_.empty() && held_.begin()->first <= now) {
    const auto pod = pods_.find(held_.begin()->second);
    if (pod != pods_.end()) changed(pod->first, pod->second);
    held_.erase(held_.begin());
  }
  // Groups come before their pods, so the pods find their groups first.
  std::vector<std::string> pods = std::exchange(changed_pods_, {});
  for (const std::string& uid : pods) {
    const auto pod = pods_.find(uid);
    if (pod != pods_.end()) place(uid, pod->second, changes);
  }
  std::vector<std::string> to_remove;
  std::vector<std::string> groups = std::exchange(changed_groups_, {});
  for (const std::string& key : groups) {
    const auto group = groups_.find(key);
    if (group == groups_.end()) continue;
    group->second.changed = false;
    if (wanted(group->second, key)) {
      take_group(key, group->second, changes);
    } else {
      if (group->second.told) to_remove.push_back(key);
      group->second.told.reset();
      for (const auto& [finished, created, uid] : group->second.members) changed(uid, pods_.at(uid));
      if (group->second.members.empty()) groups_.erase(group);
    }
  }
  // A group that came or went changes whether its finished pods are known.
  pods.insert(pods.end(), changed_pods_.begin(), changed_pods_.end());
  changed_pods_.clear();
  for (const std::string& uid : pods) {
    const auto pod = pods_.find(uid);
    if (pod == pods_.end()) continue;
    pod->second.changed = false;
    take_pod(uid, pod->second, changes);
  }
  for (std::string& key : to_remove) tell({now, model::GroupRemoved{std::move(key)}}, changes);
  if (!held_.empty()) changes.wake_at = held_.begin()->first;
  return changes;
}

void LiveCluster::take_queues(LiveChanges& changes) {
  queues_changed_ = false;
  Collected collected;
  for (const auto& [key, queue] : queues_) collected.objects.queues.push_back(queue.value);
  std::sort(collected.objects.queues.begin(), collected.objects.queues.end(),
            [](const model::Queue& a, const model::Queue& b) { return a.name < b.name; });
  const bool default_queues = join_queues(collected);
  for (Diagnostic& diagnostic : collected.log.take()) changes.diagnostics.push_back(std::move(diagnostic));
  std::map<std::string, model::Queue> gone = std::exchange(told_queues_, {});
  for (model::Queue& queue : collected.objects.queues) {
    const auto told = gone.find(queue.name);
    if (told == gone.end() || !model::json::same(told->second, queue))
      tell({now_, model::QueueUpserted{queue}}, changes);
    if (told != gone.end()) gone.erase(told);
    std::string name = queue.name;
    told_queues_.emplace(std::move(name), std::move(queue));
  }
  for (const auto& [name, queue] : gone) tell({now_, model::QueueRemoved{name}}, changes);
  if (default_queues == default_queues_) return;
  default_queues_ = default_queues;
  everything_changed();
}

void LiveCluster::take_claims(LiveChanges& changes) {
  for (const std::string& key : std::exchange(changed_claims_, {})) {
    const auto claim = claims_.find(key);
    if (claim == claims_.end()) {
      if (told_claims_.erase(key) > 0) tell({now_, model::VolumeClaimRemoved{key}}, changes);
      continue;
    }
    Collected collected;
    collected.claims.push_back(claim->second.value);
    const auto volume = volumes_.find(claim->second.value.volume);
    if (volume != volumes_.end()) collected.volumes.push_back(volume->second.value);
    const auto storage_class = storage_classes_.find(claim->second.value.storage_class);
    if (storage_class != storage_classes_.end())
      collected.storage_classes.push_back(storage_class->second.value);
    join_volumes(collected);
    for (model::VolumeClaim& joined : collected.objects.volume_claims)
      tell({now_, model::VolumeClaimUpserted{std::move(joined)}}, changes);
    told_claims_.insert(key);
  }
}

std::vector<const Owner*> LiveCluster::chain_of(Pod& pod, bool& waits, LiveChanges& changes) {
  constexpr std::size_t kLongest = 16;
  std::vector<const Owner*> chain;
  OwnerReference next = pod.live.links.owner;
  waits = false;
  while (chain.size() < kLongest && !next.empty() && !next.uid.empty()) {
    const std::pair<std::string, std::string> kind(next.group, next.kind);
    if (owner_kinds_.insert(kind).second) changes.owner_kinds.push_back(kind);
    if (std::find(pod.owners.begin(), pod.owners.end(), next.uid) == pod.owners.end()) {
      pod.owners.push_back(next.uid);
      pods_by_owner_[next.uid].insert(pod.live.pod.uid);
    }
    const auto owner = owners_.find(next.uid);
    if (owner == owners_.end()) {
      waits = true;
      break;
    }
    chain.push_back(&owner->second.value);
    next = owner->second.value.owner;
  }
  return chain;
}

model::PodGroup LiveCluster::join_one(Pod& entry) {
  Collected collected;
  for (const auto& [name, priority_class] : priority_classes_)
    collected.objects.priority_classes.push_back(priority_class.value);
  bool waits = false;
  LiveChanges unused;
  for (const Owner* owner : chain_of(entry, waits, unused)) collected.owners.push_back(*owner);
  collected.links.push_back(entry.live.links);
  // The group of a finished pod is found as that of one that is not.
  const model::Pod::Phase phase = entry.live.pod.phase;
  collected.objects.pods.push_back(std::move(entry.live.pod));
  if (is_finished(collected.objects.pods.front()))
    collected.objects.pods.front().phase = model::Pod::Phase::kBound;
  join_groups(collected, default_queues_);
  entry.live.pod = std::move(collected.objects.pods.front());
  entry.live.pod.phase = phase;
  return std::move(collected.objects.groups.front());
}

void LiveCluster::place(const std::string& uid, Pod& pod, LiveChanges& changes) {
  if (!pod.live.pod.served || !pod.group.empty()) return;
  if (pod.seen == base::Time()) pod.seen = now_;
  bool waits = false;
  chain_of(pod, waits, changes);
  pod.held = false;
  if (waits && pod.live.pod.phase == model::Pod::Phase::kPending) {
    const OwnerReference& owner = pod.live.links.owner;
    const bool listed = listed_kinds_.contains({owner.group, owner.kind});
    // An owner whose kind is not known yet is waited for without end, since that comes in any case.
    const base::Time until = pod.seen + kOwnerPatience;
    if (!listed || now_ < until) {
      pod.held = true;
      held_.emplace(listed ? until : now_ + kOwnerPatience, uid);
      return;
    }
  }
  model::PodGroup made = join_one(pod);
  pod.group = pod.live.pod.group;
  Group& group = groups_[pod.group];
  const Member member{is_finished(pod.live.pod), pod.live.pod.created, uid};
  group.members.insert(member);
  group.made.reset();
  if (*group.members.begin() == member) group.made = std::move(made);
  group_changed(pod.group);
}

bool LiveCluster::wanted(const Group& group, const std::string& key) const {
  if (group_objects_.contains(key)) return true;
  return !group.members.empty() && !std::get<0>(*group.members.begin());
}

void LiveCluster::take_group(const std::string& key, Group& group, LiveChanges& changes) {
  model::PodGroup value;
  const auto object = group_objects_.find(key);
  if (object != group_objects_.end()) {
    value = object->second.value.group;
    std::optional<std::int32_t> global_default;
    for (const auto& [name, priority_class] : priority_classes_)
      if (priority_class.value.global_default) global_default = priority_class.value.value;
    const auto built_in = built_in_priority(value.priority_class);
    value.fallback_priority = built_in ? *built_in : global_default.value_or(50);
    if (default_queues_) value.queue = kDefaultQueue;
  } else if (group.made) {
    value = std::move(*group.made);
  } else {
    value = join_one(pods_.at(std::get<2>(*group.members.begin())));
  }
  group.made.reset();
  if (!group.told) {
    for (const auto& [finished, created, uid] : group.members)
      if (finished) changed(uid, pods_.at(uid));
  } else if (model::json::same(*group.told, value)) {
    return;
  }
  group.told = value;
  tell({now_, model::GroupUpserted{std::move(value)}}, changes);
}

void LiveCluster::take_pod(const std::string& uid, Pod& entry, LiveChanges& changes) {
  model::Pod& pod = entry.live.pod;
  const bool pending = pod.phase == model::Pod::Phase::kPending;
  if (!entry.live.refusal.empty() && pending) {
    changes.refused.push_back(uid);
    if (std::exchange(entry.told, false)) tell({now_, model::PodRemoved{uid}}, changes);
    return;
  }
  if (pod.served && (entry.group.empty() || group(entry.group) == nullptr)) {
    if (std::exchange(entry.told, false)) tell({now_, model::PodRemoved{uid}}, changes);
    return;
  }
  pod.missing_references.clear();
  if (pod.served && pending) {
    for (const std::string& name : pod.constraints.volume_claims) {
      const std::string key = pod.namespace_name + "/" + name;
      if (!claims_.contains(key)) pod.missing_references.push_back("volume claim " + key);
    }
  }
  model::Pod told = pod;
  if (pending && !pod.gated && !bind_requests_.empty()) {
    // Another binder may be carrying out an order for it.
    const auto request = std::find_if(bind_requests_.begin(), bind_requests_.end(), [&](const auto& one) {
      return one.second.value.pod == pod.display_name();
    });
    if (request != bind_requests_.end()) {
      told.phase = model::Pod::Phase::kBinding;
      told.node = request->second.value.node;
      told.nominated_node.clear();
      if (!request->second.value.device_groups.empty())
        told.device_groups = request->second.value.device_groups;
    }
  }
  entry.told = true;
  tell({now_, model::PodUpserted{std::move(told)}}, changes);
}

}  // namespace fairlead::manifest
