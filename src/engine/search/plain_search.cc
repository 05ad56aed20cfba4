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
                     cluster_.disruption_budgets().empty() &&
                     std::all_of(candidates_.begin(), candidates_.end(), [&](model::GroupId group) {
                       return cluster_.group(group).queue == victims_queue_;
                     });
  room_recorded_ = ledger_->homogeneous() ? ledger_->room() : 0;
  plain_ = sequence_stable_ && ledger_->homogeneous() && action_ != model::Action::kConsolidate &&
           cluster_.configuration().policies.proportion &&
           cluster_.queues().dimension_count() == model::dimension::kFixed &&
           asks_for_whole_devices(cluster_.class_of(chunk_.front()));
  if (!plain_) return;
  const model::GroupRecord& group = cluster_.group(beneficiary_);
  plain_ = std::all_of(group.tree.begin(), group.tree.end(),
                       [](const model::GangNode& node) { return node.topology.empty(); }) &&
           std::all_of(chunk_.begin(), chunk_.end(), [&](model::PodId pod) {
             return cluster_.pod(pod).spec.missing_references.empty() && !PodConstraints(cluster_, pod).any();
           });
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
  ReclaimProgress progress = *progress_;
  for (const VictimChunk* chunk : extra) progress.add(*chunk);
  if (!(action_ == model::Action::kReclaim ? progress.allows(request) : progress.respects_minimum_runtimes()))
    return false;
  // And the pods are served before every victim, so that none of them takes its place back.
  const std::vector<model::PodId> solving(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(k));
  ServiceOrder order(cluster_, pool_, totals_);
  order.set_chunk(beneficiary_, solving);
  bool beneficiary_waits = false;
  for (model::GroupId group : *waiting_) {
    beneficiary_waits = beneficiary_waits || group == beneficiary_;
    if (group != first) order.add(group);
  }
  if (!beneficiary_waits) order.add(beneficiary_);
  order.add(first);
  for (model::GroupId next = order.next(); next != beneficiary_; next = order.next())
    if (next == first) return false;
  return true;
}

}  // namespace fairlead::engine
