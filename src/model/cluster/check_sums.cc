// Works every sum of a cluster out again from the pods' assignments. For tests.

#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace fairlead::model {
namespace {

constexpr const char* kTallies[] = {"allocated", "non-preemptible", "requested"};

/// Shared devices of one node, by group.
using Devices = std::map<DeviceGroupId, SharedDevice>;

Hold hold_of(const Assignment& assignment) {
  if (assignment.only_decided) return Hold::kGivenUp;
  if (is_leaving(assignment.state)) return Hold::kLeaving;
  return assignment.state == PodState::kBinding ? Hold::kActive : Hold::kStarted;
}

void occupy(SharedDevice& device, Hold hold, std::int64_t mib) {
  switch (hold) {
    case Hold::kStarted:
      ++device.started;
      [[fallthrough]];
    case Hold::kActive:
      ++device.active;
      device.active_mib += mib;
      break;
    case Hold::kGivenUp:
      ++device.given_up;
      [[fallthrough]];
    case Hold::kLeaving:
      ++device.leaving;
      device.leaving_mib += mib;
      break;
    case Hold::kReserved:
      ++device.reserved;
      device.reserved_mib += mib;
      break;
  }
}

bool equal(const SharedDevice& a, const SharedDevice& b) {
  return a.started == b.started && a.given_up == b.given_up && a.active == b.active &&
         a.leaving == b.leaving && a.reserved == b.reserved && a.active_mib == b.active_mib &&
         a.leaving_mib == b.leaving_mib && a.reserved_mib == b.reserved_mib;
}

}  // namespace

std::string Cluster::check_sums() const {
  std::string differences = check_node_sums();
  differences += check_group_sums();
  differences += check_queue_sums();
  differences += check_term_sums();
  differences += check_claim_sums();
  return differences;
}

std::string Cluster::check_node_sums() const {
  const std::size_t columns = nodes_.resource_count();
  std::vector<std::vector<std::int64_t>> now(columns), later(columns);
  for (std::size_t i = 0; i < columns; ++i) now[i] = later[i] = nodes_.capacity(ResourceId(i));
  std::vector<Devices> devices(nodes_.size());
  for (const PodRecord& record : pods_) {
    if (!record.alive) continue;
    const PodClass& pod_class = classes_.at(record.pod_class);
    auto charge_place = [&](const Place& place, Hold hold) {
      if (!place.node.valid() || !nodes_.at(place.node).alive) return;
      const std::size_t row = place.node.index();
      for (std::size_t a = 0; a < pod_class.charged; ++a) {
        const ResourceAmount& amount = pod_class.amounts[a];
        for (ResourceId resource : {amount.resource, column::kDevices}) {
          if (resource == column::kDevices && amount.resource != nodes_.at(place.node).first_devices())
            continue;
          if (hold != Hold::kReserved) now[resource.index()][row] -= amount.amount;
          if (!is_leaving(hold)) later[resource.index()][row] -= amount.amount;
        }
      }
      const std::int64_t mib = place.device_groups.empty() ? 0 : nodes_.share_mib(pod_class, place.node);
      for (DeviceGroupId group : place.device_groups) occupy(devices[row][group], hold, mib);
    };
    charge_place(record.assignment.held, hold_of(record.assignment));
    charge_place(record.assignment.reserved, Hold::kReserved);
  }
  std::string differences;
  for (std::size_t row = 0; row < nodes_.size(); ++row) {
    const NodeRecord& node = nodes_.at(NodeId(row));
    if (!node.alive) continue;
    for (const auto& [group, device] : devices[row]) {
      for (ResourceId resource : {column::kDevices, node.first_devices()}) {
        if (!resource.valid()) continue;
        now[resource.index()][row] -= device.occupies_now();
        later[resource.index()][row] -= device.occupies_later();
      }
      now[column::kPods.index()][row] -= device.needs_slot() && device.active > 0;
      later[column::kPods.index()][row] -= device.needs_slot();
    }
    for (std::size_t i = 0; i < columns; ++i) {
      const ResourceId resource(i);
      if (claims_.is_column(resource)) continue;  // those are checked with the claims
      if (nodes_.now(resource)[row] != now[i][row] || nodes_.later(resource)[row] != later[i][row])
        differences += fmt::format("node {}: {} free now {} instead of {}, later {} instead of {}\n",
                                   node.spec.name, resources_.text(resource), nodes_.now(resource)[row],
                                   now[i][row], nodes_.later(resource)[row], later[i][row]);
    }
    bool same = node.shared.size() == devices[row].size();
    for (const SharedDevice& device : node.shared) {
      auto found = devices[row].find(device.group);
      same = same && found != devices[row].end() && equal(device, found->second);
    }
    if (!same) differences += fmt::format("node {}: shared devices differ\n", node.spec.name);
  }
  return differences;
}

std::string Cluster::check_group_sums() const {
  std::string differences;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const GroupRecord& group = groups_.at(GroupId(i));
    for (const PodSet& set : group.pod_sets) {
      std::array<std::int32_t, kPodStates> count{};
      for (PodId pod : set.pods) ++count[static_cast<std::size_t>(pods_[pod.index()].assignment.state)];
      if (count != set.count) differences += fmt::format("group {}: pods by state differ\n", group.spec.key);
    }
    if (group.reserved() > 0 && std::find(with_reservations_.begin(), with_reservations_.end(), GroupId(i)) ==
                                    with_reservations_.end())
      differences += fmt::format("group {}: not listed with reservations\n", group.spec.key);
    auto listed = [&](const std::vector<GroupList>& lists) {
      return group.queue.valid() && group.queue.index() < lists.size() &&
             std::find(lists[group.queue.index()].groups.begin(), lists[group.queue.index()].groups.end(),
                       GroupId(i)) != lists[group.queue.index()].groups.end();
    };
    if (!group.queue.valid()) continue;
    if (group.placed() > 0 && !listed(placed_))
      differences += fmt::format("group {}: not listed as placed\n", group.spec.key);
  }
  return differences;
}

std::string Cluster::check_queue_sums() const {
  const std::size_t dimensions = queues_.dimension_count();
  // By tally, pool, queue and dimension.
  std::map<std::tuple<std::size_t, PoolId, QueueId, std::size_t>, std::int64_t> sums;
  for (const PodRecord& record : pods_) {
    if (!record.alive || !record.group.valid()) continue;
    const GroupRecord& group = groups_.at(record.group);
    if (!group.queue.valid()) continue;
    const Place& place = record.assignment.place();
    const bool placed = place.node.valid() && nodes_.at(place.node).alive;
    if (!placed && record.assignment.state != PodState::kPending) continue;
    const PoolId pool = placed ? nodes_.at(place.node).pool : group.first_pool;
    const QueueCharge charge = queue_charge(classes_.at(record.pod_class), placed ? place.node : NodeId());
    for (QueueId queue = group.queue; queue.valid(); queue = queues_.at(queue).parent) {
      for (std::size_t i = 0; i < dimensions; ++i) {
        if (placed) sums[{0, pool, queue, i}] += charge.at(i);
        if (placed && !group.preemptible) sums[{1, pool, queue, i}] += charge.at(i);
        sums[{2, pool, queue, i}] += charge.at(i);
      }
    }
  }
  std::string differences;
  for (std::size_t p = 0; p < pool_names_.size(); ++p) {
    for (std::size_t q = 0; q < queues_.size(); ++q) {
      const QueueAccount& account = queues_.account(PoolId(p), QueueId(q));
      for (std::size_t i = 0; i < dimensions; ++i) {
        const DimensionAccount& own = account.dimensions[i];
        const std::int64_t kept[] = {own.allocated, own.non_preemptible, own.requested};
        for (std::size_t tally = 0; tally < 3; ++tally) {
          auto found = sums.find({tally, PoolId(p), QueueId(q), i});
          const std::int64_t sum = found == sums.end() ? 0 : found->second;
          if (kept[tally] != sum)
            differences += fmt::format("queue {} in pool \"{}\": {} {} is {} instead of {}\n",
                                       queues_.at(QueueId(q)).spec.name, pool_names_.text(PoolId(p)),
                                       queues_.dimension_name(i), kTallies[tally], kept[tally], sum);
        }
      }
    }
  }
  return differences;
}

std::string Cluster::check_term_sums() const {
  std::string differences;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    PodCounts total;
    for (const PodRecord& record : pods_) {
      if (!record.alive || !terms_.selects(TermId(t), record.spec)) continue;
      auto count = [&](const Place& place, std::int64_t PodCounts::* use) {
        if (place.node.valid() && nodes_.at(place.node).alive) ++(total.*use);
      };
      count(record.assignment.held,
            is_leaving(record.assignment.state) ? &PodCounts::leaving : &PodCounts::active);
      count(record.assignment.reserved, &PodCounts::reserved);
    }
    const PodCounts& kept = terms_.selected_anywhere(TermId(t));
    if (kept.active != total.active || kept.leaving != total.leaving || kept.reserved != total.reserved)
      differences += fmt::format("term {}: selected pods differ\n", t);
  }
  for (std::size_t i = 0; i < budgets_.size(); ++i) {
    const BudgetRecord& budget = budgets_.at(BudgetId(i));
    std::int64_t running = 0;
    for (const PodRecord& record : pods_)
      if (record.alive &&
          std::find(record.budgets.begin(), record.budgets.end(), BudgetId(i)) != record.budgets.end())
        running += record.assignment.state == PodState::kRunning;
    if (running != budget.running)
      differences +=
          fmt::format("budget {}: {} running instead of {}\n", budget.spec.key, budget.running, running);
  }
  return differences;
}

}  // namespace fairlead::model
