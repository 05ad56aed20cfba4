// The plain case of the victim search: equal pods with whole devices and without constraints between pods.
// Whether a try succeeds can then often be told from sums.

#include "engine/gang/gates.h"
#include "engine/search/victim_search.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

bool asks_for_whole_devices(const model::PodClass& pod_class) {
  const model::DeviceRequest& devices = pod_class.key.devices;
  return devices.kind == model::DeviceRequest::Kind::kWhole && devices.count > 0 &&
         devices.partitions.empty() && pod_class.key.claims.kind == model::ClaimNeeds::Kind::kNone;
}

}  // namespace

void VictimSearch::examine_plainness() {
  one_queue_ = std::all_of(candidates_.begin(), candidates_.end(), [&](model::GroupId group) {
    return cluster_.group(group).queue == cluster_.group(candidates_.front()).queue;
  });
  room_recorded_ = ledger_->homogeneous() ? ledger_->room() : 0;
  const model::GroupRecord& group = cluster_.group(beneficiary_);
  plain_pods_ =
      placer_.keeps_caches() && ledger_->homogeneous() &&
      cluster_.queues().dimension_count() == model::dimension::kFixed &&
      asks_for_whole_devices(cluster_.class_of(chunk_.front())) &&
      std::all_of(group.tree.begin(), group.tree.end(),
                  [](const model::GangNode& node) { return node.topology.empty(); }) &&
      std::all_of(chunk_.begin(), chunk_.end(), [&](model::PodId pod) {
        return cluster_.pod(pod).spec.missing_references.empty() && !PodConstraints(cluster_, pod).any();
      });
  plain_ =
      plain_pods_ && action_ != model::Action::kConsolidate && cluster_.configuration().policies.proportion;
  if (plain_) progress_.emplace(cluster_, legality_);
}

void VictimSearch::take_account_of(const VictimChunk& victim) {
  if (!plain_) return;
  progress_->add(victim);
  plain_ = leaves_whole(victim.group);  // else it needs a place, which the sums do not give it
  for (model::PodId pod : victim.pods) recorded_on_[cluster_.pod(pod).home.place().node].push_back(pod);
  note_first(first_victims_, victim.group);
}

/// Keeps, of each queue, the victim that comes first in the order of service.
void VictimSearch::note_first(std::vector<model::GroupId>& firsts, model::GroupId victim) const {
  const model::QueueId queue = cluster_.group(victim).queue;
  for (model::GroupId& first : firsts) {
    if (cluster_.group(first).queue != queue) continue;
    if (served_before(victim, first)) first = victim;
    return;
  }
  firsts.push_back(victim);
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
  if (!plain_ || !ledger_->exact()) return false;
  // The pods have a place: the ledger, which is exact here, has room, and the gates are open.
  const model::QueueCharge request = request_of(k);
  if (gate(cluster_, pool_, cluster_.group(beneficiary_), request)) return false;
  // No victim takes its own place back. Whether it finds another does not matter: what is recorded is that it
  // leaves, and the law is no stricter with those that were moved.
  const std::int64_t spare = ledger_->room() - static_cast<std::int64_t>(k);
  boost::unordered_flat_map<model::NodeId, std::vector<model::PodId>> returning;
  for (const VictimChunk* chunk : extra)
    for (model::PodId pod : chunk->pods) returning[cluster_.pod(pod).home.place().node].push_back(pod);
  for (const auto& [node, pods] : returning) {
    auto recorded = recorded_on_.find(node);
    if (may_return(node, pods, spare) ||
        (recorded != recorded_on_.end() && may_return(node, recorded->second, spare)))
      return false;
  }
  // Where the pods take all the room that there is, what was true of the other victims for fewer pods still
  // is.
  if (spare > 0 || !stay_away_) {
    for (const auto& [node, pods] : recorded_on_)
      if (may_return(node, pods, spare)) return false;
    stay_away_ = true;
  }
  std::vector<model::GroupId> firsts = first_victims_;
  for (const VictimChunk* chunk : extra) {
    if (!leaves_whole(chunk->group)) return false;
    note_first(firsts, chunk->group);
  }
  ReclaimProgress progress = *progress_;
  for (const VictimChunk* chunk : extra) progress.add(*chunk);
  if (!(action_ == model::Action::kReclaim ? progress.allows(request) : progress.respects_minimum_runtimes()))
    return false;
  // And the pods are served before every victim, so that none of them takes its place back.
  return served_first(k, firsts);
}

/// Whether one of the victims could be back on its node when the pods have taken the room there, but for
/// `spare` places that they may leave.
bool VictimSearch::may_return(model::NodeId node, const std::vector<model::PodId>& victims,
                              std::int64_t spare) const {
  const model::PodClass& mine = cluster_.class_of(chunk_.front());
  const std::int64_t room = ledger_->room_on(node);
  const std::int64_t taken = room - std::min(room, spare);
  auto left = [&](model::ResourceId resource) {
    std::int64_t free = ledger_->free(resource, node);
    for (const model::ResourceAmount& amount : mine.amounts)
      if (amount.resource == resource) free -= taken * amount.amount;
    return free;
  };
  return std::any_of(victims.begin(), victims.end(), [&](model::PodId victim) {
    const model::PodClass& theirs = cluster_.class_of(victim);
    for (const model::ResourceAmount& amount : theirs.amounts)
      if (amount.amount > 0 && left(amount.resource) < amount.amount) return false;
    return !theirs.key.devices.shares_devices() || left(cluster_.nodes().at(node).first_devices()) > 0 ||
           fits_on_shared_device(cluster_, theirs, node);
  });
}

bool VictimSearch::served_first(std::size_t k, const std::vector<model::GroupId>& victims) {
  const std::vector<model::PodId> solving(chunk_.begin(), chunk_.begin() + static_cast<std::ptrdiff_t>(k));
  ServiceOrder order(cluster_, pool_, totals_);
  order.set_chunk(beneficiary_, solving);
  auto is_victim = [&](model::GroupId group) {
    return std::find(victims.begin(), victims.end(), group) != victims.end();
  };
  order.leave_out(beneficiary_);
  order.add_alike(*waiting_);
  order.hold_back_all();
  for (model::GroupId group : waiting_->singles)
    if (group != beneficiary_ && !is_victim(group)) order.add(group);
  order.add(beneficiary_);
  for (model::GroupId group : victims) order.add(group);
  model::GroupId next = order.next().group;
  while (next != beneficiary_ && !is_victim(next)) next = order.next().group;
  return next == beneficiary_;
}

bool VictimSearch::is_as_large(model::ClassId id) {
  auto [known, fresh] = as_large_.try_emplace(id, false);
  if (!fresh) return known->second;
  const model::PodClass& mine = cluster_.class_of(chunk_.front());
  const model::PodClass& theirs = cluster_.pod_class(id);
  known->second =
      theirs.key.constraints == mine.key.constraints &&
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
