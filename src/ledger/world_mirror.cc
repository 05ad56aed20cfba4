#include "ledger/world_mirror.h"

#include <algorithm>
#include <variant>

namespace fairlead::ledger {

struct WorldMirror::Take {
  WorldMirror& mirror;
  base::Time now;

  void operator()(const model::ClockAdvanced&) const {}
  void operator()(const model::ConfigurationChanged& event) const {
    mirror.configuration_ = event.configuration;
  }
  void operator()(const model::QueueUpserted& event) const { mirror.queues_[event.queue.name] = event.queue; }
  void operator()(const model::QueueRemoved& event) const {
    mirror.queues_.erase(event.name);
    std::erase_if(mirror.usage_, [&](const auto& entry) { return entry.first.first == event.name; });
  }
  void operator()(const model::TopologyUpserted& event) const {
    mirror.topologies_[event.topology.name] = event.topology;
  }
  void operator()(const model::TopologyRemoved& event) const { mirror.topologies_.erase(event.name); }
  void operator()(const model::PriorityClassUpserted& event) const {
    mirror.priority_classes_[event.priority_class.name] = event.priority_class;
  }
  void operator()(const model::PriorityClassRemoved& event) const {
    mirror.priority_classes_.erase(event.name);
  }
  void operator()(const model::NamespaceUpserted& event) const {
    mirror.namespaces_[event.name] = event.labels;
  }
  void operator()(const model::NamespaceRemoved& event) const { mirror.namespaces_.erase(event.name); }
  void operator()(const model::NodeUpserted& event) const { mirror.nodes_[event.node.name] = event.node; }
  void operator()(const model::NodeRemoved& event) const { mirror.nodes_.erase(event.name); }
  void operator()(const model::GroupUpserted& event) const { mirror.groups_[event.group.key] = event.group; }
  void operator()(const model::GroupRemoved& event) const { mirror.groups_.erase(event.key); }
  void operator()(const model::PodUpserted& event) const { mirror.pods_[event.pod.uid] = event.pod; }
  void operator()(const model::PodRemoved& event) const {
    mirror.pods_.erase(event.uid);
    mirror.binds_.erase(event.uid);
  }
  void operator()(const model::VolumeClaimUpserted& event) const {
    mirror.claims_[event.claim.key] = event.claim;
  }
  void operator()(const model::VolumeClaimRemoved& event) const { mirror.claims_.erase(event.key); }
  void operator()(const model::DisruptionBudgetUpserted& event) const {
    mirror.budgets_[event.budget.key] = event.budget;
  }
  void operator()(const model::DisruptionBudgetRemoved& event) const { mirror.budgets_.erase(event.key); }
  void operator()(const model::DeviceClassUpserted& event) const {
    mirror.device_classes_[event.device_class.name] = event.device_class;
  }
  void operator()(const model::DeviceClassRemoved& event) const { mirror.device_classes_.erase(event.name); }
  void operator()(const model::ResourceSliceUpserted& event) const {
    mirror.slices_[event.slice.name] = event.slice;
  }
  void operator()(const model::ResourceSliceRemoved& event) const { mirror.slices_.erase(event.name); }
  void operator()(const model::ResourceClaimUpserted& event) const {
    mirror.resource_claims_[event.claim.key] = event.claim;
  }
  void operator()(const model::ResourceClaimRemoved& event) const {
    mirror.resource_claims_.erase(event.key);
  }
  void operator()(const model::DeviceChanged& event) const {
    const auto node = mirror.nodes_.find(event.node);
    if (node == mirror.nodes_.end()) return;
    if (model::Device* device = model::find_device(node->second, event.slot)) device->healthy = event.healthy;
  }
  void operator()(const model::PodStarted& event) const {
    const auto found = mirror.pods_.find(event.uid);
    if (found == mirror.pods_.end()) return;
    model::Pod& pod = found->second;
    pod.started = now;
    const auto bind = mirror.binds_.find(event.uid);
    if (pod.node.empty() && bind != mirror.binds_.end()) {
      pod.node = bind->second.node;
      if (pod.device_groups.empty()) pod.device_groups = bind->second.device_groups;
      pod.nominated_node.clear();
    }
    if (!pod.node.empty()) pod.phase = model::Pod::Phase::kRunning;
  }
  void operator()(const model::PodFinished& event) const {
    const auto found = mirror.pods_.find(event.uid);
    if (found == mirror.pods_.end()) return;
    found->second.phase = event.succeeded ? model::Pod::Phase::kSucceeded : model::Pod::Phase::kFailed;
  }
  void operator()(const model::CheckpointTaken& event) const {
    const auto found = mirror.pods_.find(event.uid);
    if (found != mirror.pods_.end()) found->second.last_checkpoint = now;
  }
  void operator()(const model::UsageSampled& event) const {
    for (const auto& [dimension, share] : event.shares)
      mirror.usage_[{event.queue, event.pool}][dimension] = share;
  }
  // What came of decisions is the scheduler's to keep.
  void operator()(const model::BindSucceeded&) const {}
  void operator()(const model::BindFailed&) const {}
  void operator()(const model::EvictionAccepted&) const {}
  void operator()(const model::EvictionRefused&) const {}
};

void WorldMirror::apply(std::span<const model::Event> events, const model::ApplyReport& report) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const bool rejected = std::any_of(report.rejected.begin(), report.rejected.end(),
                                      [i](const model::RejectedEvent& one) { return one.index == i; });
    if (rejected) continue;
    now_ = std::max(now_, events[i].time);
    std::visit(Take{*this, now_}, events[i].body);
  }
}

void WorldMirror::note(std::span<const model::Decision> decisions) {
  for (const model::Decision& decision : decisions) {
    if (const auto* bind = std::get_if<model::Bind>(&decision.body)) binds_[bind->pod] = *bind;
  }
}

std::vector<model::UsageSampled> WorldMirror::usage() const {
  std::vector<model::UsageSampled> all;
  for (const auto& [where, shares] : usage_)
    all.push_back({where.first, where.second, {shares.begin(), shares.end()}});
  return all;
}

std::vector<model::Event> WorldMirror::everything(base::Time now) const {
  std::vector<model::Event> events;
  const auto add = [&](auto body) { events.push_back({now, std::move(body)}); };
  for (const auto& [name, value] : topologies_) add(model::TopologyUpserted{value});
  for (const auto& [name, value] : priority_classes_) add(model::PriorityClassUpserted{value});
  for (const auto& [name, labels] : namespaces_) add(model::NamespaceUpserted{name, labels});
  for (const auto& [name, value] : queues_) add(model::QueueUpserted{value});
  for (const auto& [name, value] : nodes_) add(model::NodeUpserted{value});
  for (const auto& [key, value] : claims_) add(model::VolumeClaimUpserted{value});
  for (const auto& [key, value] : budgets_) add(model::DisruptionBudgetUpserted{value});
  for (const auto& [name, value] : device_classes_) add(model::DeviceClassUpserted{value});
  for (const auto& [name, value] : slices_) add(model::ResourceSliceUpserted{value});
  for (const auto& [key, value] : resource_claims_) add(model::ResourceClaimUpserted{value});
  for (const auto& [key, value] : groups_) add(model::GroupUpserted{value});
  for (const auto& [uid, value] : pods_) add(model::PodUpserted{value});
  return events;
}

}  // namespace fairlead::ledger
