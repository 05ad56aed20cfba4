#pragma once

#include "engine/order/shares.h"
#include "engine/search/queue_bounds.h"
#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace fairlead::engine {

/// What an eviction takes from one group in one piece: a pod above the minimum, or all that is left.
struct VictimChunk {
  model::GroupId group;
  std::vector<model::PodId> pods;
  bool last = false;  ///< nothing of the group stays after it
};

/// Who may take from whom. Everything here is judged on the allocations as they were before the search for a
/// group began, which are read when a Legality is made; fair shares are those of the round.
class Legality {
 public:
  Legality(const model::Cluster& cluster, model::PoolId pool, model::GroupId beneficiary,
           model::Action action);

  /// Reclaim's gate: with its next chunk the leaf queue stays within its fair share in every dimension, and
  /// non-preemptible work within its quota. The reason of the first dimension that refuses, else nothing.
  std::optional<model::Reason> refuses_reclaim(const model::QueueCharge& request) const;

  /// Whether a queue may lose anything to a reclaimer that asks for `request`: the first chunk of it may be
  /// taken. What it and others lost before only takes away from that. O(depth · dimensions).
  bool may_lose_any(model::QueueId victim, const model::QueueCharge& request) const;

  /// Whether a group's minimum must not be touched by the action at present, and until when.
  std::optional<base::Time> protected_until(model::GroupId victim) const;

  /// Whether the scenario on the live state (victims evicted, everybody placed) is allowed: for consolidation
  /// every victim has another place; for reclaim the rules below; minimum run times are respected.
  ///
  /// A chunk may be reclaimed if, before it goes, the queue below the common ancestor on the victim's side
  ///   (a) has more than it may keep, min(limit, max(quota, fair share)), or
  ///   (b) is above its quota somewhere while the reclaimer stays within its own;
  /// and at every level a reclaimer above its fair share must stay less saturated than each queue that gives.
  /// O(victims · depth).
  bool allows(const model::QueueCharge& request, const std::vector<VictimChunk>& victims) const;

  /// The queues directly under the lowest common ancestor, on the reclaimer's side and on the victim's.
  std::pair<model::QueueId, model::QueueId> compared_queues(model::QueueId victim) const;
  const Account& account(model::QueueId queue) const {
    return cluster_.queues().account(pool_, queue).dimensions;
  }
  const Amounts& allocated_before(model::QueueId queue) const { return allocated_[queue.index()]; }
  const Amounts& non_preemptible_before(model::QueueId queue) const {
    return non_preemptible_[queue.index()];
  }
  model::GroupId beneficiary() const { return beneficiary_; }

 private:
  bool reclaim_allows(const model::QueueCharge& request, const std::vector<VictimChunk>& victims) const;

  const model::Cluster& cluster_;
  model::PoolId pool_;
  model::GroupId beneficiary_;
  model::Action action_;
  /// Before the search, by queue.
  std::vector<Amounts> allocated_;
  std::vector<Amounts> non_preemptible_;
};

}  // namespace fairlead::engine
