// The plain case of the victim search: equal pods with whole devices and without constraints, victims of one
// queue that hold whole devices. Whether a try succeeds can then be told from sums.

#include "engine/gang/gates.h"
#include "engine/search/victim_search.h"

#include <algorithm>
#include <limits>

namespace fairlead::engine {
namespace {

bool asks_for_whole_devices(const model::PodClass& pod_class) {
  const model::DeviceRequest& devices = pod_class.key.devices;
  return devices.kind == model::DeviceRequest::Kind::kWhole && devices.count > 0 &&
         devices.partitions.empty();
}

}  // namespace

void VictimSearch::examine_plainness() {
  // Within one queue, the order of victims does not depend on which of them were recorded: what a group loses
  // next never comes earlier in the order than what it lost before.
  victims_queue_ = cluster_.group(candidates_.front()).queue;
  sequence_stable_ = cluster_.configuration().victim_order == model::VictimOrder::kNewestFirst &&
                     cluster_.budgets().size() == 0 &&
                     std::all_of(candidates_.begin(), candidates_.end(), [&](model::GroupId group) {
                       return cluster_.group(group).queue == victims_queue_;
                     });
  room_recorded_ = ledger_->homogeneous() ? ledger_->room() : 0;
  const model::GroupRecord& group = cluster_.group(beneficiary_);
  plain_pods_ =
      ledger_->homogeneous() && cluster_.queues().dimension_count() == model::dimension::kFixed &&
      asks_for_whole_devices(cluster_.class_of(chunk_.front())) &&
      std::all_of(group.tree.begin(), group.tree.end(),
                  [](const model::GangNode& node) { return node.topology.empty(); }) &&
      std::all_of(chunk_.begin(), chunk_.end(), [&](model::PodId pod) {
        return cluster_.pod(pod).spec.missing_references.empty() && !PodConstraints(cluster_, pod).any();
      });
  plain_ = plain_pods_ && sequence_stable_ && action_ != model::Action::kConsolidate &&
           cluster_.configuration().policies.proportion;
  for (std::size_t i = 0; i < candidates_.size() && plain_; ++i)
    for (const model::PodSet& set : cluster_.group(candidates_[i]).pod_sets)
      for (model::PodId pod : set.pods) plain_ = plain_ && asks_for_whole_devices(cluster_.class_of(pod));
  if (!plain_) return;
  const auto& later = cluster_.nodes().later(model::column::kDevices);
  for (model::NodeId node : placer_.pool_nodes(pool_).nodes)
    free_devices_ += std::max<std::int64_t>(0, later[node.index()]);
  least_devices_ = std::numeric_limits<std::int64_t>::max();
  progress_.emplace(cluster_, legality_);
}

void VictimSearch::take_account_of(const VictimChunk& victim) {
  if (!plain_) return;
  progress_->add(victim);
  plain_ = leaves_whole(victim.group);  // else it needs a place, which the sums do not give it
  for (model::PodId pod : victim.pods) {
    const std::int64_t devices = cluster_.class_of(pod).key.devices.count;
    free_devices_ += devices;
    least_devices_ = std::min(least_devices_, devices);
  }
  if (!first_victim_.valid() || served_before(victim.group, first_victim_)) first_victim_ = victim.group;
}

/// In the order of service within one queue.
bool VictimSearch::served_before(model::GroupId a, model::GroupId b) const {
  const model::GroupRecord& first = cluster_.group(a);
  const model::GroupRecord& second = cluster_.group(b);
  const model::Policies& policies = cluster_.configuration().policies;
  if (policies.priority && first.priority != second.priority) return first.priority > second.priority;
  if (policies.elastic) {
    const std::int32_t state_a = elastic_state(first);
    const std::int32_t state_b = elastic_state(second);
    if (state_a != state_b) return state_a < state_b;
  }
  return std::tie(first.spec.created, first.spec.uid, first.spec.key) <
         std::tie(second.spec.created, second.spec.uid, second.spec.key);
}

bool VictimSearch::solved_without_placing(std::size_t k, const Chunks& extra) {
  if (!plain_) return false;
  // The pods have a place: the ledger, which is exact here, has room, and the gates are open.
  const model::QueueCharge request = request_of(k);
  if (gate(cluster_, pool_, cluster_.group(beneficiary_), request)) return false;
  // No victim finds one: what is left over in the whole pool is less than the smallest of them needs.
  std::int64_t left =
      free_devices_ - static_cast<std::int64_t>(k) * cluster_.class_of(chunk_.front()).key.devices.count;
  std::int64_t least = least_devices_;
  model::GroupId first = first_victim_;
  for (const VictimChunk* chunk : extra) {
    for (model::PodId pod : chunk->pods) {
      const std::int64_t devices = cluster_.class_of(pod).key.devices.count;
      left += devices;
      least = std::min(least, devices);
    }
    if (!first.valid() || served_before(chunk->group, first)) first = chunk->group;
  }
  if (left >= least) return false;
  for (const VictimChunk* chunk : extra)
    if (!leaves_whole(chunk->group)) return false;
  ReclaimProgress progress = *progress_;
  for (const VictimChunk* chunk : extra) progress.add(*chunk);
  if (!(action_ == model::Action::kReclaim ? progress.allows(request) : progress.respects_minimum_runtimes()))
    return false;
  // And the pods are served before every victim, so that none of them takes its place back.
  return served_first(k, {first});
}

bool VictimSearch::served_first(std::size_t k, const std::vector<model::GroupId>& victims) {
  const std::vector<model::PodId> solving(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(k));
  ServiceOrder order(cluster_, pool_, totals_);
  order.set_chunk(beneficiary_, solving);
  auto is_victim = [&](model::GroupId group) {
    return std::find(victims.begin(), victims.end(), group) != victims.end();
  };
  for (model::GroupId group : *waiting_)
    if (group != beneficiary_ && !is_victim(group)) order.add(group);
  order.add(beneficiary_);
  for (model::GroupId group : victims) order.add(group);
  model::GroupId next = order.next();
  while (next != beneficiary_ && !is_victim(next)) next = order.next();
  return next == beneficiary_;
}

bool VictimSearch::is_as_large(model::ClassId id) {
  auto [known, fresh] = as_large_.try_emplace(id, false);
  if (!fresh) return known->second;
  const model::PodClass& mine = cluster_.class_of(chunk_.front());
  const model::PodClass& theirs = cluster_.pod_class(id);
  known->second =
      theirs.key.constraints == mine.key.constraints && theirs.device_resource == mine.device_resource &&
      std::all_of(mine.amounts.begin(), mine.amounts.end(), [&](const model::ResourceAmount& amount) {
        return std::any_of(theirs.amounts.begin(), theirs.amounts.end(), [&](const auto& other) {
          return other.resource == amount.resource && other.amount >= amount.amount;
        });
      });
  return known->second;
}

bool VictimSearch::no_room_for_all(std::size_t k, const Chunks& extra) {
  if (action_ != model::Action::kConsolidate || !plain_pods_) return false;
  // Each victim that asks for at least as much as one of the pods takes at least the room of one.
  auto needed = static_cast<std::int64_t>(k);
  auto count = [&](const VictimChunk& chunk) {
    for (model::PodId pod : chunk.pods) needed += is_as_large(cluster_.pod(pod).pod_class) ? 1 : 0;
  };
  for (const VictimChunk& chunk : recorded_) count(chunk);
  for (const VictimChunk* chunk : extra) count(*chunk);
  return ledger_->room() < needed;
}

}  // namespace fairlead::engine
