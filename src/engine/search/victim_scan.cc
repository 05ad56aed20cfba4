// The scan of victims: chunk by chunk in victim order, and which of them to evict together.

#include "engine/search/victim_search.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using Victims = RoomLedger::Victims;

}  // namespace

/// Whether a limit stands on the groups that may be touched.
bool VictimSearch::is_capped() const {
  return action_ == model::Action::kConsolidate && cluster_.configuration().max_consolidation_victims >= 0;
}

void VictimSearch::restart_scan() {
  cursor_ = 0;
  for (model::NodeId node : scanned_nodes_) {
    scanned_on_[node.index()].clear();
    intricate_[node.index()] = false;
  }
  scanned_nodes_.clear();
  ledger_->forget_scanned();
  scanned_above_minimum_.clear();
  scanned_groups_.clear();
  if (is_capped())
    for (const VictimChunk& chunk : recorded_) scanned_groups_.insert(chunk.group);
  scan_again_ = false;
}

bool VictimSearch::extend_scan_to(std::size_t index) {
  while (scan_.size() <= index) {
    const auto number = order_->take();
    if (!number) return false;
    scan_.push_back(*number);
  }
  return true;
}

bool VictimSearch::solve_with_next_chunks(std::size_t k) {
  const bool goes_on = one_queue_ && order_->is_fixed() && !scan_.empty();
  if (!goes_on) {
    order_->restart(recorded_);
    scan_.clear();
  }
  if (!goes_on || scan_again_) restart_scan();
  const std::int32_t cap = cluster_.configuration().max_consolidation_victims;
  const bool capped = is_capped();
  for (; extend_scan_to(cursor_); ++cursor_) {
    const std::size_t index = cursor_;
    if (order_->is_fixed() && order_->is_recorded(scan_[index])) continue;
    if (capped) {
      scanned_groups_.insert(scanned(index).group);
      if (static_cast<std::int32_t>(scanned_groups_.size()) > cap + 1) return false;
    }
    if (!may_have_room(k, index)) continue;
    if (attempt_on_nodes(k, index) == Outcome::kSolved) {
      ++cursor_;
      return true;
    }
    if (stopped_) return false;
  }
  return false;
}

void VictimSearch::note_scanned(model::NodeId node, std::size_t index) {
  std::vector<std::size_t>& here = scanned_on_[node.index()];
  if (here.empty()) scanned_nodes_.push_back(node);
  if (here.empty() || here.back() != index) here.push_back(index);
}

/// Takes note of the newest chunk. False: sums tell that no try with it can succeed. For a chunk on its own
/// they are kept along the scan, and the pods are not looked at again.
bool VictimSearch::may_have_room(std::size_t k, std::size_t newest) {
  const bool kept = order_->is_fixed() && ledger_->homogeneous();
  if (kept) {
    while (alone_.size() <= scan_[newest]) {
      const VictimChunk& chunk = order_->chunk(alone_.size());
      std::size_t pods = 0;
      for (const model::PodSet& set : cluster_.group(chunk.group).pod_sets)
        pods += static_cast<std::size_t>(set.placed() + set.in(model::PodState::kEvicted));
      alone_.push_back(pods == chunk.pods.size() ? ledger_->part_of(chunk) : RoomLedger::Part());
    }
    const RoomLedger::Part& alone = alone_[scan_[newest]];
    if (alone.node.valid()) {
      if (is_closed(alone.node)) return false;
      note_scanned(alone.node, newest);
      ledger_->scan(alone, +1);
      if (bound_ && !bound_->scan(order_->chunk(scan_[newest]).group, alone.node)) return false;
      return intricate_[alone.node.index()] || ledger_->enough_with_scanned(k, alone.node);
    }
  }
  const VictimChunk& next = scanned(newest);
  if (std::all_of(next.pods.begin(), next.pods.end(),
                  [&](model::PodId pod) { return is_closed(cluster_.pod(pod).assignment.place().node); }))
    return false;
  if (!next.last) scanned_above_minimum_[next.group].push_back(newest);
  for (model::PodId pod : next.pods) {
    const model::NodeId node = cluster_.pod(pod).assignment.place().node;
    note_scanned(node, newest);
    intricate_[node.index()] = true;
  }
  return true;
}

/// Which scanned chunks to take together for the sake of a node: every one with a pod there. Where the core
/// of a group is among them, a second try also takes what was scanned above its minimum, wherever it is: the
/// first fails where the group would be left below its minimum.
void VictimSearch::add_tries(model::NodeId node, std::vector<std::vector<std::size_t>>& tries) {
  const std::vector<std::size_t>& here = tries.emplace_back(scanned_on_[node.index()]);
  std::vector<std::size_t> more = here;
  for (std::size_t own : here) {
    if (!scanned(own).last) continue;
    const auto above = scanned_above_minimum_.find(scanned(own).group);
    if (above == scanned_above_minimum_.end()) continue;
    for (std::size_t index : above->second)
      if (!order_->is_fixed() || !order_->is_recorded(scan_[index])) more.push_back(index);
  }
  std::sort(more.begin(), more.end());
  more.erase(std::unique(more.begin(), more.end()), more.end());
  if (more.size() > here.size()) tries.push_back(std::move(more));
}

VictimSearch::Outcome VictimSearch::attempt_on_nodes(std::size_t k, std::size_t newest) {
  const auto& rank = cluster_.nodes().name_rank();
  std::vector<model::NodeId> nodes;
  for (model::PodId pod : scanned(newest).pods) nodes.push_back(cluster_.pod(pod).assignment.place().node);
  std::sort(nodes.begin(), nodes.end(),
            [&](model::NodeId a, model::NodeId b) { return rank[a.index()] < rank[b.index()]; });
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  // Which tries cannot succeed is told from sums. How one that is short of room for the victims would fail,
  // by a place or by the law, only matters where another follows that may succeed.
  std::vector<std::vector<std::size_t>> tries;
  for (model::NodeId node : nodes) add_tries(node, tries);
  std::vector<Chunks> extras;
  std::vector<bool> has_room;
  bool hopeless = true;
  for (const std::vector<std::size_t>& indexes : tries) {
    Chunks& extra = extras.emplace_back();
    for (std::size_t index : indexes) extra.push_back(&scanned(index));
    for (const VictimChunk* chunk : extra) ledger_->add(*chunk, Victims::kPlaced);
    has_room.push_back(may_fit(k));
    hopeless = hopeless && (!has_room.back() || no_room_for_all(k, extra));
    for (const VictimChunk* chunk : extra) ledger_->remove(*chunk, Victims::kPlaced);
  }
  if (hopeless) return Outcome::kNoPlace;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    if (!has_room[i]) continue;
    for (const VictimChunk* chunk : extras[i]) ledger_->add(*chunk, Victims::kPlaced);
    const Outcome outcome = attempt(k, extras[i]);
    if (outcome == Outcome::kSolved) {
      last_extra_ = tries[i];
      return outcome;
    }
    for (const VictimChunk* chunk : extras[i]) ledger_->remove(*chunk, Victims::kPlaced);
    // What failed for another reason than room may succeed for the next pod, so that scan starts anew.
    scan_again_ = true;
    if (outcome != Outcome::kNoPlace) return outcome;
  }
  return Outcome::kNoPlace;
}

}  // namespace fairlead::engine
