// What a round does with capacity that earlier rounds set aside for waiting pods. At its turn in the order of
// service a group that waits keeps its place, and starts where that is free by now; what is set aside for
// groups whose turn comes later may be taken where nothing else is left.

#include "engine/round.h"

#include <algorithm>

namespace fairlead::engine {

/// Notes what is set aside. Where the node has gone there is nothing any more.
void RoundRun::find_nominations() {
  nominated_groups_ = cluster_.groups_with_reservations();
  for (model::GroupId id : nominated_groups_) {
    for (const model::PodSet& set : cluster_.group(id).pod_sets) {
      if (set.reserved() == 0) continue;
      for (model::PodId pod : set.pods) {
        const model::PodRecord& record = cluster_.pod(pod);
        model::Assignment next = record.assignment;
        if (!model::is_reserved(next.state)) continue;
        // What a pod inherited it was never told about.
        remember(pod, record.inherited ? model::Assignment() : next);
        if (cluster_.nodes().at(next.reserved.node).alive) continue;
        next.state =
            next.state == model::PodState::kMoved ? model::PodState::kReleasing : model::PodState::kPending;
        next.reserved = {};
        cluster_.assign(pod, std::move(next));
      }
    }
  }
}

/// Opens up what is set aside in a pool and returns the groups for which it is. Those that cannot be served
/// any more lose it.
std::vector<model::GroupId> RoundRun::take_nominations(model::PoolId pool) {
  std::vector<model::GroupId> groups;
  for (model::GroupId id : nominated_groups_) {
    const model::GroupRecord& group = cluster_.group(id);
    if (!group.known) continue;
    Nomination nomination;
    for (const model::PodSet& set : group.pod_sets) {
      if (set.in(model::PodState::kNominated) == 0) continue;
      for (model::PodId pod : set.pods) {
        const model::Assignment& assignment = cluster_.pod(pod).assignment;
        if (assignment.state == model::PodState::kNominated &&
            cluster_.nodes().at(assignment.reserved.node).pool == pool)
          nomination.emplace_back(pod, assignment.reserved);
      }
    }
    if (nomination.empty()) continue;
    std::sort(nomination.begin(), nomination.end(),
              [&](const auto& a, const auto& b) { return cluster_.task_before(a.first, b.first); });
    for (const auto& [pod, place] : nomination) cluster_.assign(pod, model::Assignment());
    if (group.queue.valid()) nominations_[group.spec.key] = {id, std::move(nomination)};
  }
  for (const auto& [key, entry] : nominations_) groups.push_back(entry.first);
  return groups;
}

void RoundRun::set_aside() {
  for (const auto& [key, entry] : nominations_)
    for (const auto& [pod, place] : entry.second)
      cluster_.assign(pod, {model::PodState::kNominated, {}, place});
}

void RoundRun::open_up() {
  for (const auto& [key, entry] : nominations_)
    for (const auto& [pod, place] : entry.second) cluster_.assign(pod, model::Assignment());
}

/// After something was placed: those that would not be there any more are given up. `is_set_aside`: they are
/// in the live state; at the end they are not.
void RoundRun::keep_nominations(bool is_set_aside) {
  const std::vector<model::PodId> placed = placer_.placed();
  std::erase_if(nominations_, [&](const auto& entry) {
    const auto& [group, nomination] = entry.second;
    if (is_set_aside)
      for (const auto& [pod, place] : nomination) cluster_.assign(pod, model::Assignment());
    const std::size_t mark = cluster_.mark();
    const bool stays = placer_.renew_places(group, nomination);
    cluster_.rollback(mark);
    cluster_.keep(mark);
    if (stays)
      for (const auto& [pod, place] : nomination)
        cluster_.assign(pod, {model::PodState::kNominated, {}, place});
    return !stays;
  });
  placer_.placed() = placed;
  open_up();
}

/// A group's turn has come: it keeps what is set aside for it, or loses it.
void RoundRun::renew(model::GroupId id) {
  auto own = nominations_.extract(cluster_.group(id).spec.key);
  if (!own) return;
  set_aside();
  placer_.placed().clear();
  if (placer_.renew_places(id, own.mapped().second)) accept({}, id, model::EvictionRule::kReclaim);
  open_up();
}

bool RoundRun::place_around_nominations(model::GroupId id, const std::vector<model::PodId>& chunk) {
  if (!nominations_.empty() && !placer_.is_known_failure(id, chunk)) {
    const std::size_t failures = placer_.failure_count();
    set_aside();
    const bool placed = placer_.place_chunk(id, chunk, false);
    placer_.forget_failures_after(failures);
    if (placed) {
      accept({}, id, model::EvictionRule::kReclaim);
      keep_nominations(true);
      return true;
    }
    open_up();
  }
  if (!placer_.place_chunk(id, chunk, false)) return false;
  accept({}, id, model::EvictionRule::kReclaim);
  keep_nominations(false);
  return true;
}

}  // namespace fairlead::engine
