#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace fairlead::model {

Cluster::Cluster() : nodes_(resources_), claims_(nodes_, resources_) {
  for (const char* name : {"cpu", "memory", "pods", "devices"}) resources_.intern(name);
  nodes_.add_columns();
  intern_pool("");
}

PoolId Cluster::intern_pool(std::string_view name) {
  PoolId id = pool_names_.intern(name);
  if (pool_names_.size() > pool_configuration_.size()) {
    queues_.add_pool();
    pool_configuration_.push_back(0);
    resolve_pool_configuration();
  }
  return id;
}

void Cluster::resolve_pool_configuration() {
  auto entry = [&](std::string_view pool) {
    for (std::size_t i = 0; i < configuration_.pools.size(); ++i)
      if (configuration_.pools[i].pool == pool) return i + 1;
    return std::size_t{0};
  };
  for (std::size_t i = 0; i < pool_configuration_.size(); ++i) {
    const std::size_t own = entry(pool_names_.text(PoolId(i)));
    pool_configuration_[i] = own != 0 ? own : entry("");
  }
}

const PoolConfiguration& Cluster::pool_configuration(PoolId pool) const {
  static const PoolConfiguration kDefaults;
  const std::size_t entry = pool_configuration_[pool.index()];
  return entry == 0 ? kDefaults : configuration_.pools[entry - 1];
}

PodId Cluster::find_pod(std::string_view uid) const {
  auto found = pod_ids_.find(std::string(uid));
  return found == pod_ids_.end() ? PodId() : found->second;
}

const Topology* Cluster::topology(std::string_view name) const {
  auto found = topologies_.find(name);
  return found == topologies_.end() ? nullptr : &found->second;
}

const VolumeClaim* Cluster::volume_claim(std::string_view key) const {
  auto found = volume_claims_.find(key);
  return found == volume_claims_.end() ? nullptr : &found->second;
}

QueueCharge Cluster::queue_charge(const PodClass& pod_class, NodeId node) const {
  QueueCharge charge;
  charge.gpu = pod_class.quota_thousandths;
  charge.cpu = pod_class.key.requests.cpu_milli;
  charge.memory = pod_class.key.requests.memory_bytes;
  const DeviceRequest& devices = pod_class.key.devices;
  if (devices.kind == DeviceRequest::Kind::kMemory) {
    // Until it has a place, a request in MiB counts as the share it would be of the smallest device.
    const bool on_devices = node.valid() && !nodes_.at(node).spec.devices.empty();
    const std::int64_t size =
        on_devices ? nodes_.at(node).spec.devices.front().memory_mib : smallest_device_mib_;
    const std::int64_t hundredths = size > 0 ? (100 * devices.memory_mib + size - 1) / size : 0;
    charge.gpu += devices.count * hundredths * (kThousandthsPerDevice / 100);
  }
  if (!node.valid() || !pod_class.uses_devices || queues_.dimension_count() == dimension::kFixed)
    return charge;
  const NodeRecord& record = nodes_.at(node);
  auto dimension_of = [&](ResourceId column) {
    const DeviceSet* set = record.device_set(column);
    return set ? queues_.model_dimension(set->model) : 0;
  };
  charge.model_dimension =
      dimension_of(pod_class.device_column.valid() ? pod_class.device_column : record.first_devices());
  if (devices.second_count == 0) return charge;
  charge.second_model_dimension = dimension_of(pod_class.second_device_column);
  if (charge.second_model_dimension == charge.model_dimension) {
    charge.second_model_dimension = 0;
  } else {
    charge.second_gpu = devices.second_count * kThousandthsPerDevice;
  }
  return charge;
}

QueueCharge Cluster::queue_charge(PodId id) const {
  const PodRecord& record = pods_[id.index()];
  const Assignment& assignment = record.assignment;
  NodeId node = assignment.reserved.node.valid() ? assignment.reserved.node : assignment.held.node;
  return queue_charge(classes_.at(record.pod_class), node);
}

std::size_t Cluster::mark() {
  ++open_marks_;
  return journal_.size();
}

void Cluster::rollback(std::size_t mark) {
  while (journal_.size() > mark) {
    Undo undo = std::move(journal_.back());
    journal_.pop_back();
    charge(undo.pod, -1);
    pods_[undo.pod.index()].assignment = std::move(undo.before);
    charge(undo.pod, +1);
  }
}

void Cluster::keep(std::size_t mark) {
  if (--open_marks_ == 0) journal_.resize(mark);
}

void Cluster::assign(PodId id, Assignment assignment) {
  PodRecord& record = pods_[id.index()];
  charge(id, -1);
  if (open_marks_ > 0) {
    journal_.push_back({id, std::move(record.assignment)});
  } else if (assignment.state == PodState::kPending) {
    record.home = Assignment();
  }
  record.assignment = std::move(assignment);
  charge(id, +1);
}

void Cluster::evict(PodId id) {
  PodRecord& record = pods_[id.index()];
  record.home = record.assignment;
  Assignment next;
  next.state = PodState::kEvicted;
  next.held = record.assignment.held;
  next.only_decided = record.assignment.state == PodState::kBinding && record.decision == 0;
  assign(id, std::move(next));
}

void Cluster::charge(PodId id, int sign) {
  charge_node(id, sign);
  charge_group_and_queue(id, sign);
  count_for_budgets(id, sign);
}

void Cluster::count_for_budgets(PodId id, int sign) {
  const PodRecord& record = pods_[id.index()];
  if (record.budgets.empty()) return;
  const bool finished =
      record.spec.phase == Pod::Phase::kSucceeded || record.spec.phase == Pod::Phase::kFailed;
  budgets_.count(record.budgets, !finished, record.assignment.state == PodState::kRunning, sign);
}

void Cluster::resolve_budgets(PodId id) {
  pods_[id.index()].budgets = budgets_.covering(pods_[id.index()].spec);
}

void Cluster::resolve_all_budgets(std::string_view namespace_name) {
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    if (!pods_[i].alive || pods_[i].spec.namespace_name != namespace_name) continue;
    count_for_budgets(PodId(i), -1);
    resolve_budgets(PodId(i));
    count_for_budgets(PodId(i), +1);
  }
}

void Cluster::list_on_node(NodeId node, PodId id, bool reserved) {
  auto& list = nodes_.record(node).pods;
  (reserved ? pods_[id.index()].reserved_entry : pods_[id.index()].held_entry) =
      static_cast<std::uint32_t>(list.size());
  list.push_back({id, reserved});
}

void Cluster::unlist_from_node(NodeId node, std::uint32_t entry) {
  auto& list = nodes_.record(node).pods;
  list[entry] = list.back();
  list.pop_back();
  if (entry == list.size()) return;
  PodRecord& moved = pods_[list[entry].pod.index()];
  (list[entry].reserved ? moved.reserved_entry : moved.held_entry) = entry;
}

void Cluster::charge_terms(PodId id, const Place& place, Hold hold, int sign) {
  const PodRecord& record = pods_[id.index()];
  if (record.selected_by.empty() && record.keeps_away.empty() && record.prefers.empty()) return;
  const Labels& labels = nodes_.at(place.node).spec.labels;
  const auto use = is_leaving(hold)          ? &PodCounts::leaving
                   : hold == Hold::kReserved ? &PodCounts::reserved
                                             : &PodCounts::active;
  for (TermId term : record.selected_by)
    terms_.count_selected(term, terms_.intern_domain(term, labels), place.node, use, sign);
  for (TermId term : record.keeps_away)
    terms_.count_keeping_away(term, terms_.intern_domain(term, labels), use, sign);
  if (is_leaving(hold)) return;
  for (const auto& [term, weight] : record.prefers)
    terms_.count_attraction(term, terms_.intern_domain(term, labels), sign * std::int64_t{weight});
}

DeviceGroupId Cluster::new_device_group(std::string_view pod_uid, std::size_t index) {
  const std::string name = fmt::format("{}-{}", pod_uid, index);
  for (int n = 0;; ++n) {
    const DeviceGroupId id = device_group_names_.intern(n == 0 ? name : fmt::format("{}~{}", name, n));
    if (id.index() >= device_group_users_.size() || device_group_users_[id.index()] == 0) return id;
  }
}

void Cluster::charge_node(PodId id, int sign) {
  const PodRecord& record = pods_[id.index()];
  const Assignment& assignment = record.assignment;
  const PodClass& pod_class = classes_.at(record.pod_class);
  auto charge_place = [&](const Place& place, Hold hold) {
    for (DeviceGroupId group : place.device_groups) {
      if (group.index() >= device_group_users_.size()) device_group_users_.resize(group.index() + 1, 0);
      device_group_users_[group.index()] += static_cast<std::uint32_t>(sign);
    }
    if (place.grants) claims_.charge(*place.grants, hold, sign);
    if (!nodes_.at(place.node).alive) return;
    nodes_.charge(pod_class, place, hold, sign);
    charge_terms(id, place, hold, sign);
    if (!record.spec.served && !record.spec.reservation) {
      ++foreign_version_;
      QueueCharge foreign = queue_charge(pod_class, place.node);
      NodeRecord& node = nodes_.record(place.node);
      QueueCharge& sum = node.foreign;
      sum.gpu += sign * foreign.gpu;
      sum.cpu += sign * foreign.cpu;
      sum.memory += sign * foreign.memory;
      const std::int64_t second = pod_class.key.devices.second_count * kThousandthsPerDevice;
      auto count = [&](ResourceId column, std::int64_t devices) {
        for (std::size_t i = 0; i < node.device_columns.size(); ++i)
          if (node.device_columns[i] == column) node.foreign_devices[i] += sign * devices;
      };
      count(pod_class.device_column.valid() ? pod_class.device_column : node.first_devices(),
            foreign.gpu - second);
      count(pod_class.second_device_column, second);
    }
  };
  if (assignment.held.node.valid()) {
    charge_place(assignment.held, assignment.only_decided                  ? Hold::kGivenUp
                                  : is_leaving(assignment.state)           ? Hold::kLeaving
                                  : assignment.state == PodState::kBinding ? Hold::kActive
                                                                           : Hold::kStarted);
    if (sign > 0) {
      list_on_node(assignment.held.node, id, false);
    } else {
      unlist_from_node(assignment.held.node, record.held_entry);
    }
  }
  if (assignment.reserved.node.valid()) {
    charge_place(assignment.reserved, Hold::kReserved);
    if (sign > 0) {
      list_on_node(assignment.reserved.node, id, true);
    } else {
      unlist_from_node(assignment.reserved.node, record.reserved_entry);
    }
  }
}

void Cluster::charge_group_and_queue(PodId id, int sign) {
  const PodRecord& record = pods_[id.index()];
  if (!record.group.valid()) return;
  GroupRecord& group = groups_.record(record.group);
  const PodState state = record.assignment.state;
  PodSet& set = group.pod_sets[record.pod_set];
  set.count[static_cast<std::size_t>(state)] += sign;
  if (state == PodState::kFinished && record.spec.phase == Pod::Phase::kSucceeded) set.succeeded += sign;
  if (sign > 0) list_group(record.group);
  if (!group.queue.valid()) return;
  const Place& place = is_reserved(state) ? record.assignment.reserved : record.assignment.held;
  const bool placed = is_active(state) || is_reserved(state);
  if (placed && !nodes_.at(place.node).alive) return;
  if (!placed && state != PodState::kPending) return;
  const QueueCharge charge = queue_charge(classes_.at(record.pod_class), placed ? place.node : NodeId());
  const PoolId pool = placed ? nodes_.at(place.node).pool : group.first_pool;
  if (placed) {
    queues_.charge(pool, group.queue, charge, Tally::kAllocated, sign);
    if (!group.preemptible) queues_.charge(pool, group.queue, charge, Tally::kNonPreemptible, sign);
  }
  queues_.charge(pool, group.queue, charge, Tally::kRequested, sign);
}

void Cluster::charge_members(GroupId id, int sign) {
  const GroupRecord& group = groups_.at(id);
  for (const PodSet& set : group.pod_sets)
    for (PodId pod : set.pods) charge_group_and_queue(pod, sign);
}

void Cluster::recharge_group(GroupId id, const std::function<void()>& change) {
  charge_members(id, -1);
  change();
  charge_members(id, +1);
}

void Cluster::choose_pool(GroupId id, std::size_t attempt) {
  GroupRecord& record = groups_.record(id);
  if (attempt == 0 || record.placed() > 0) {
    record.pool_choice = 0;
    if (record.placed() == 0) record.pool = record.first_pool;
  } else if (attempt < record.spec.pools.size()) {
    record.pool_choice = attempt;
    record.pool = intern_pool(record.spec.pools[attempt]);
  }
}

bool Cluster::group_before(GroupId a, GroupId b) const {
  const GroupRecord& first = groups_.at(a);
  const GroupRecord& second = groups_.at(b);
  if (first.priority != second.priority) return first.priority > second.priority;
  return std::tie(first.spec.created, first.spec.uid, first.spec.key) <
         std::tie(second.spec.created, second.spec.uid, second.spec.key);
}

namespace {

/// Runs with fewer pods than its minimum, pods that leave counted, and no pod has succeeded.
bool is_below_minimum(const GroupRecord& group, std::size_t node) {
  const GangNode& at = group.tree[node];
  if (at.is_leaf()) {
    const PodSet& set = group.pod_sets[at.pod_set];
    return set.placed() + set.in(PodState::kReleasing) < set.min_member;
  }
  std::int32_t met = 0;
  for (std::size_t child : at.children) met += is_below_minimum(group, child) ? 0 : 1;
  return met < at.min_children;
}

bool is_stale(const GroupRecord& group) {
  if (group.placed() == 0 || !is_below_minimum(group, 0)) return false;
  return std::all_of(group.pod_sets.begin(), group.pod_sets.end(),
                     [](const PodSet& set) { return set.succeeded == 0; });
}

}  // namespace

const std::vector<GroupId>& Cluster::groups_below_minimum() {
  std::erase_if(below_minimum_, [&](GroupId id) {
    GroupRecord& group = groups_.record(id);
    group.at_minimum_again.reset();
    if (is_stale(group)) return false;
    group.listed_below_minimum = false;
    return true;
  });
  std::sort(below_minimum_.begin(), below_minimum_.end(),
            [&](GroupId a, GroupId b) { return groups_.at(a).spec.key < groups_.at(b).spec.key; });
  return below_minimum_;
}

const std::vector<GroupId>& Cluster::groups_with_reservations() {
  std::erase_if(with_reservations_, [&](GroupId id) {
    GroupRecord& group = groups_.record(id);
    group.listed_with_reservations = group.reserved() > 0;
    return !group.listed_with_reservations;
  });
  std::sort(with_reservations_.begin(), with_reservations_.end());
  return with_reservations_;
}

void Cluster::note_queueless(GroupId id) {
  const GroupRecord& group = groups_.at(id);
  if (group.known && !group.queue.valid()) queueless_.push_back(id);
}

std::vector<GroupId> Cluster::groups_without_queue() {
  std::sort(queueless_.begin(), queueless_.end());
  queueless_.erase(std::unique(queueless_.begin(), queueless_.end()), queueless_.end());
  std::erase_if(queueless_,
                [&](GroupId id) { return !groups_.at(id).known || groups_.at(id).queue.valid(); });
  std::vector<GroupId> found = queueless_;
  std::sort(found.begin(), found.end(),
            [&](GroupId a, GroupId b) { return groups_.at(a).spec.key < groups_.at(b).spec.key; });
  return found;
}

/// What a group lacks only between changes of one instant it never lacked, and the other way round.
void Cluster::note_minimum(GroupId id) {
  GroupRecord& record = groups_.record(id);
  if (!is_stale(record)) {
    if (record.listed_below_minimum && !record.at_minimum_again) record.at_minimum_again = now_;
    return;
  }
  if (!record.listed_below_minimum) {
    record.listed_below_minimum = true;
    record.below_minimum_since = now_;
    below_minimum_.push_back(id);
  } else if (record.at_minimum_again && *record.at_minimum_again < now_) {
    record.below_minimum_since = now_;
  }
  record.at_minimum_again.reset();
}

void Cluster::touch(GroupId id) {
  GroupRecord& record = groups_.record(id);
  if (record.touched) return;
  record.touched = true;
  touched_.push_back(id);
}

std::vector<GroupId> Cluster::take_touched_groups() {
  for (GroupId id : touched_) groups_.record(id).touched = false;
  return std::exchange(touched_, {});
}

void Cluster::list_group(GroupId id) {
  GroupRecord& record = groups_.record(id);
  touch(id);
  if (open_marks_ == 0) note_minimum(id);
  if (!record.listed_with_reservations && record.reserved() > 0) {
    record.listed_with_reservations = true;
    with_reservations_.push_back(id);
  }
  if (!record.queue.valid()) return;
  const std::size_t queue = record.queue.index();
  if (placed_.size() <= queue) placed_.resize(queue + 1);
  const bool placed = record.placed() > 0;
  if (placed && record.listed_placed != record.queue) {
    placed_[queue].groups.push_back(id);
    record.listed_placed = record.queue;
  } else if (!placed && record.listed_placed == record.queue) {
    placed_[queue].stale = true;
  }
}

const std::vector<GroupId>& Cluster::placed_groups(QueueId queue) {
  if (placed_.size() <= queue.index()) placed_.resize(queue.index() + 1);
  GroupList& list = placed_[queue.index()];
  if (list.stale) {
    std::size_t kept = 0;
    std::size_t sorted = 0;
    for (std::size_t i = 0; i < list.groups.size(); ++i) {
      GroupRecord& record = groups_.record(list.groups[i]);
      if (record.queue != queue || record.placed() == 0) {
        if (record.listed_placed == queue) record.listed_placed = QueueId();
        continue;
      }
      if (i < list.sorted) ++sorted;
      list.groups[kept++] = list.groups[i];
    }
    list.groups.resize(kept);
    list.sorted = sorted;
    list.stale = false;
  }
  if (list.sorted < list.groups.size()) {
    auto before = [&](GroupId a, GroupId b) { return group_before(a, b); };
    const auto middle = list.groups.begin() + static_cast<std::ptrdiff_t>(list.sorted);
    std::sort(middle, list.groups.end(), before);
    std::inplace_merge(list.groups.begin(), middle, list.groups.end(), before);
    list.sorted = list.groups.size();
  }
  return list.groups;
}

bool Cluster::task_before(PodId a, PodId b) const {
  const Pod& first = pods_[a.index()].spec;
  const Pod& second = pods_[b.index()].spec;
  if (configuration_.policies.task_order) {
    if (first.task_priority != second.task_priority) return first.task_priority > second.task_priority;
    if (first.leader != second.leader) return first.leader;
  }
  return std::tie(first.created, first.uid) < std::tie(second.created, second.uid);
}

void Cluster::place_in_pod_set(PodId id) {
  PodRecord& record = pods_[id.index()];
  GroupRecord& group = groups_.record(record.group);
  record.pod_set = pod_set_for(group, record.spec.sub_group);
  auto& pods = group.pod_sets[record.pod_set].pods;
  auto position =
      std::lower_bound(pods.begin(), pods.end(), id, [&](PodId a, PodId b) { return task_before(a, b); });
  pods.insert(position, id);
}

void Cluster::remove_from_pod_set(PodId id) {
  PodRecord& record = pods_[id.index()];
  GroupRecord& group = groups_.record(record.group);
  auto& pods = group.pod_sets[record.pod_set].pods;
  pods.erase(std::find(pods.begin(), pods.end(), id));
}

}  // namespace fairlead::model
