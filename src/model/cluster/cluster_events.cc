#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::model {

base::Result<void> Cluster::apply(const Event& event) {
  if (event.time < now_) {
    return base::invalid_argument(fmt::format("time goes backwards: {} after {}",
                                              base::format_time(event.time), base::format_time(now_)));
  }
  base::Result<void> applied = std::visit(
      [&](const auto& body) -> base::Result<void> {
        using Body = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Body, ClockAdvanced> || std::is_same_v<Body, BindSucceeded> ||
                      std::is_same_v<Body, BindFailed> || std::is_same_v<Body, EvictionAccepted> ||
                      std::is_same_v<Body, EvictionRefused>) {
          return {};
        } else {
          return apply_body(body);
        }
      },
      event.body);
  if (!applied.ok()) return applied;
  now_ = event.time;
  if (!std::holds_alternative<ClockAdvanced>(event.body)) ++event_version_;
  return applied;
}

base::Result<void> Cluster::apply_body(const ConfigurationChanged& event) {
  const bool task_order_changes =
      configuration_.policies.task_order != event.configuration.policies.task_order;
  const bool flat = !event.configuration.full_hierarchy_fairness;
  if (flat == configuration_.full_hierarchy_fairness) change_queues([&] { queues_.set_flat(flat); }, true);
  configuration_ = event.configuration;
  resolve_pool_configuration();
  ++configuration_version_;
  claims_.set_policy(configuration_.claims);
  reclass_changed_shapes();
  if (task_order_changes)
    for (std::size_t i = 0; i < groups_.size(); ++i) rebuild_group(GroupId(i), [] {});
  return {};
}

base::Result<void> Cluster::apply_body(const QueueUpserted& event) {
  if (event.queue.name.empty()) return base::invalid_argument("queue has no name");
  std::vector<PoolId> pools;
  for (const PoolQuota& quota : event.queue.pools) pools.push_back(intern_pool(quota.pool));
  const QueueId id = queues_.intern(event.queue.name);
  bool moves = queues_.at(id).known && queues_.at(id).spec.parent != event.queue.parent;
  for (const PoolQuota& quota : event.queue.pools)
    for (const DimensionQuota& each : quota.dimensions)
      moves = moves || !queues_.has_dimension(each.dimension);
  change_queues([&] { queues_.set(event.queue, pools); }, moves);
  return {};
}

base::Result<void> Cluster::apply_body(const QueueRemoved& event) {
  const QueueId id = queues_.find(event.name);
  if (!id.valid() || !queues_.at(id).known)
    return base::not_found(fmt::format("queue {} is not known", event.name));
  change_queues([&] { queues_.remove(event.name); }, true);
  return {};
}

void Cluster::change_queues(const std::function<void()>& change, bool moves) {
  // A queue that moves takes its charges from one chain of ancestors to another, and a new dimension counts
  // what was not counted, so all charges are given back first. A queue that only appears, or changes a quota,
  // moves the charges of no group but those that waited for it.
  std::vector<GroupId> all;
  std::vector<GroupId> changed;  // served in another queue than before, or in none
  for (std::size_t i = 0; i < groups_.size(); ++i) all.push_back(GroupId(i));
  if (moves)
    for (GroupId id : all) charge_members(id, -1);
  change();
  for (GroupId id : all) {
    GroupRecord& group = groups_.record(id);
    const QueueId queue = leaf_of(group);
    if (queue == group.queue) continue;
    unlist(id);
    changed.push_back(id);
    if (moves) {
      group.queue = queue;
    } else {
      recharge_group(id, [&] { group.queue = queue; });
    }
    note_queueless(id);
  }
  if (moves)
    for (GroupId id : all) charge_members(id, +1);
  for (GroupId id : changed) list_group(id);
}

base::Result<void> Cluster::apply_body(const TopologyUpserted& event) {
  if (event.topology.name.empty()) return base::invalid_argument("topology has no name");
  topologies_[event.topology.name] = event.topology;
  return {};
}

base::Result<void> Cluster::apply_body(const TopologyRemoved& event) {
  if (topologies_.erase(event.name) == 0)
    return base::not_found(fmt::format("topology {} is not known", event.name));
  return {};
}

base::Result<void> Cluster::apply_body(const PriorityClassUpserted& event) {
  if (event.priority_class.name.empty()) return base::invalid_argument("priority class has no name");
  priority_classes_[event.priority_class.name] = event.priority_class;
  for (std::size_t i = 0; i < groups_.size(); ++i) resolve_priority(GroupId(i));
  return {};
}

base::Result<void> Cluster::apply_body(const PriorityClassRemoved& event) {
  if (priority_classes_.erase(event.name) == 0)
    return base::not_found(fmt::format("priority class {} is not known", event.name));
  for (std::size_t i = 0; i < groups_.size(); ++i) resolve_priority(GroupId(i));
  return {};
}

base::Result<void> Cluster::apply_body(const NamespaceUpserted& event) {
  change_namespace(event.name, &event.labels);
  return {};
}

base::Result<void> Cluster::apply_body(const NamespaceRemoved& event) {
  change_namespace(event.name, nullptr);
  return {};
}

void Cluster::change_namespace(std::string_view name, const Labels* labels) {
  std::vector<PodId> affected;
  if (terms_.size() > 0)
    for (std::size_t i = 0; i < pods_.size(); ++i)
      if (pods_[i].alive && pods_[i].spec.namespace_name == name) affected.push_back(PodId(i));
  for (PodId id : affected) charge_node(id, -1);
  terms_.set_namespace(name, labels);
  for (PodId id : affected) resolve_terms(id);  // no new terms: all were interned when the pods came
  for (PodId id : affected) charge_node(id, +1);
}

base::Result<void> Cluster::apply_body(const NodeUpserted& event) {
  if (event.node.name.empty()) return base::invalid_argument("node has no name");
  const NodeId id = nodes_.intern(event.node.name);
  change_node(id, [&] {
    if (nodes_.at(id).alive) count_device_memory(id, -1);
    const Node& node = event.node;
    nodes_.set(id, node, intern_pool(node.pool),
               node.devices.empty() ? NameId() : names_.intern(node.devices.front().model));
    count_device_memory(id, +1);
  });
  return {};
}

base::Result<void> Cluster::apply_body(const NodeRemoved& event) {
  const NodeId id = nodes_.find(event.name);
  if (!id.valid() || !nodes_.at(id).alive)
    return base::not_found(fmt::format("node {} is not known", event.name));
  change_node(id, [&] {
    count_device_memory(id, -1);
    nodes_.remove(id);
  });
  return {};
}

void Cluster::change_node(NodeId id, const std::function<void()>& change) {
  // What a pod is charged depends on its node's devices, pool and labels, so its pods are given back and
  // charged anew.
  std::vector<PodId> here;
  for (const NodeRecord::Entry& entry : nodes_.at(id).pods) here.push_back(entry.pod);
  std::sort(here.begin(), here.end());
  here.erase(std::unique(here.begin(), here.end()), here.end());
  for (PodId pod : here) charge(pod, -1);
  change();
  for (PodId pod : here) charge(pod, +1);
  for (PodId pod : here) follow_node_pool(pod);
}

void Cluster::count_device_memory(NodeId node, int change) {
  const Node& spec = nodes_.at(node).spec;
  if (spec.devices.empty() || spec.devices.front().memory_mib <= 0) return;
  const std::int64_t mib = spec.devices.front().memory_mib;
  auto entry = device_memories_.try_emplace(mib, 0).first;
  entry->second += static_cast<std::size_t>(change);
  if (entry->second == 0) device_memories_.erase(entry);
  const std::int64_t smallest = device_memories_.empty() ? 0 : device_memories_.begin()->first;
  if (smallest == smallest_device_mib_) return;
  std::vector<PodId> affected;
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    const PodRecord& pod = pods_[i];
    if (pod.alive && pod.group.valid() && pod.spec.devices.kind == DeviceRequest::Kind::kMemory)
      affected.push_back(PodId(i));
  }
  for (PodId pod : affected) charge_group_and_queue(pod, -1);
  smallest_device_mib_ = smallest;
  for (PodId pod : affected) charge_group_and_queue(pod, +1);
}

base::Result<void> Cluster::apply_body(const GroupUpserted& event) {
  if (event.group.key.empty()) return base::invalid_argument("group has no key");
  const GroupId id = groups_.intern(event.group.key);
  GroupRecord& group = groups_.record(id);
  rebuild_group(id, [&] {
    group.spec = event.group;
    group.known = true;
    most_pools_ = std::max(most_pools_, event.group.pools.size());
  });
  return {};
}

base::Result<void> Cluster::apply_body(const GroupRemoved& event) {
  const GroupId id = groups_.find(event.key);
  if (!id.valid() || !groups_.at(id).known)
    return base::not_found(fmt::format("group {} is not known", event.key));
  GroupRecord& group = groups_.record(id);
  rebuild_group(id, [&] {
    group.spec = PodGroup();
    group.spec.key = event.key;
    group.known = false;
  });
  return {};
}

void Cluster::rebuild_group(GroupId id, const std::function<void()>& change) {
  GroupRecord& group = groups_.record(id);
  std::vector<PodId> members;
  for (const PodSet& set : group.pod_sets) members.insert(members.end(), set.pods.begin(), set.pods.end());
  for (PodId pod : members) charge_group_and_queue(pod, -1);
  change();
  build_gang_tree(group);
  for (PodId pod : members) place_in_pod_set(pod);
  group.pool_choice = 0;
  group.pool = group.first_pool = intern_pool(group.spec.pools.empty() ? "" : group.spec.pools.front());
  group.queue = leaf_of(group);
  note_queueless(id);
  group.priority = priority_of(group);
  group.preemptible = group.spec.preemptible.value_or(group.priority < 100);
  unlist(id);
  for (PodId pod : members) charge_group_and_queue(pod, +1);
  for (PodId pod : members) follow_node_pool(pod);
}

void Cluster::unlist(GroupId id) {
  GroupRecord& group = groups_.record(id);
  touch(id);
  if (!group.listed_placed.valid()) return;
  GroupList& list = placed_[group.listed_placed.index()];
  auto found = std::find(list.groups.begin(), list.groups.end(), id);
  if (static_cast<std::size_t>(found - list.groups.begin()) < list.sorted) --list.sorted;
  list.groups.erase(found);
  group.listed_placed = QueueId();
}

QueueId Cluster::leaf_of(const GroupRecord& group) {
  if (!group.known) return QueueId();
  const QueueId queue = queues_.find(group.spec.queue);
  if (!queue.valid() || !queues_.is_leaf(queue)) return QueueId();
  if (queues_.at(queue).spec.fair_between_users) return queues_.user_leaf(queue, group.spec.user);
  return queue;
}

std::int32_t Cluster::priority_of(const GroupRecord& group) const {
  auto found = priority_classes_.find(group.spec.priority_class);
  return found == priority_classes_.end() ? group.spec.fallback_priority : found->second.value;
}

void Cluster::resolve_priority(GroupId id) {
  GroupRecord& group = groups_.record(id);
  const std::int32_t priority = priority_of(group);
  if (priority == group.priority) return;
  unlist(id);
  recharge_group(id, [&] {
    group.priority = priority;
    group.preemptible = group.spec.preemptible.value_or(priority < 100);
  });
}

void Cluster::follow_node_pool(PodId id) {
  const PodRecord& record = pods_[id.index()];
  if (!record.group.valid() || !is_active(record.assignment.state)) return;
  const NodeRecord& node = nodes_.at(record.assignment.held.node);
  GroupRecord& group = groups_.record(record.group);
  if (!node.alive) return;
  group.pool = node.pool;
  group.pool_choice = 0;
}

base::Result<void> Cluster::apply_body(const VolumeClaimUpserted& event) {
  if (event.claim.key.empty()) return base::invalid_argument("volume claim has no key");
  volume_claims_[event.claim.key] = event.claim;
  ++volume_version_;
  return {};
}

base::Result<void> Cluster::apply_body(const VolumeClaimRemoved& event) {
  if (volume_claims_.erase(event.key) == 0)
    return base::not_found(fmt::format("volume claim {} is not known", event.key));
  ++volume_version_;
  return {};
}

base::Result<void> Cluster::apply_body(const DisruptionBudgetUpserted& event) {
  if (event.budget.key.empty()) return base::invalid_argument("disruption budget has no key");
  BudgetRecord& record = budgets_.record(budgets_.intern(event.budget.key));
  const bool covers_others = !record.alive || record.spec.selector != event.budget.selector;
  record.spec = event.budget;
  record.alive = true;
  const std::string_view key = event.budget.key;
  if (covers_others) resolve_all_budgets(key.substr(0, key.find('/')));
  return {};
}

base::Result<void> Cluster::apply_body(const DisruptionBudgetRemoved& event) {
  const BudgetId id = budgets_.find(event.key);
  if (!id.valid() || !budgets_.at(id).alive)
    return base::not_found(fmt::format("disruption budget {} is not known", event.key));
  budgets_.record(id).alive = false;
  const std::string_view key = event.key;
  resolve_all_budgets(key.substr(0, key.find('/')));
  return {};
}

base::Result<void> Cluster::apply_body(const DeviceChanged& event) {
  const NodeId id = nodes_.find(event.node);
  if (!id.valid() || !nodes_.at(id).alive)
    return base::not_found(fmt::format("node {} is not known", event.node));
  std::size_t device = event.slot;
  const std::vector<DeviceSet>& sets = nodes_.at(id).spec.devices;
  for (std::size_t set = 0; set < sets.size(); ++set) {
    if (device < sets[set].devices.size()) {
      nodes_.set_health(id, set, device, event.healthy);
      return {};
    }
    device -= sets[set].devices.size();
  }
  return base::invalid_argument(fmt::format("node {} has no device slot {}", event.node, event.slot));
}

base::Result<void> Cluster::apply_body(const UsageSampled& event) {
  const QueueId queue = queues_.find(event.queue);
  if (!queue.valid() || !queues_.at(queue).known)
    return base::not_found(fmt::format("queue {} is not known", event.queue));
  for (const auto& [name, share] : event.shares)
    if (!(share >= 0)) return base::invalid_argument(fmt::format("usage of {} is {}", name, share));
  QueueAccount& account = queues_.account(intern_pool(event.pool), queue);
  for (const auto& [name, share] : event.shares) {
    for (std::size_t i = 0; i < queues_.dimension_count(); ++i)
      if (queues_.dimension_name(i) == name) account.dimensions[i].usage = share;
  }
  return {};
}

}  // namespace fairlead::model
