#pragma once

#include "engine/search/legality.h"

#include <optional>
#include <vector>

namespace fairlead::engine {

/// Legality of a growing set of victims of one queue that find no other place: what Legality::allows says of
/// the set, at the cost of the newest chunk only.
class ReclaimProgress {
 public:
  ReclaimProgress(const model::Cluster& cluster, const Legality& legality)
      : cluster_(cluster), legality_(legality) {}

  /// One chunk more, which has been evicted in the live state. O(pods · depth · dimensions).
  void add(const VictimChunk& victim);
  /// Whether the set so far is legal for a reclaimer that asks for `request`. O(depth · siblings ·
  /// dimensions).
  bool allows(const model::QueueCharge& request) const;
  bool respects_minimum_runtimes() const { return !touches_protected_; }

 private:
  const model::Cluster& cluster_;
  const Legality& legality_;
  model::QueueId queue_;
  std::vector<std::pair<model::QueueId, Amounts>> remaining_;  // the victims' queue and its ancestors
  std::size_t compared_ = 0;  // which of these is compared with the reclaimer's side
  model::QueueId mine_;       // that queue on the reclaimer's side
  std::vector<bool> involved_;
  bool needs_guarantee_ = false;  // a chunk is legal only while the reclaimer stays within its quota
  bool illegal_ = false;
  bool touches_protected_ = false;  // leaves a group below its minimum that runs too short a time
};

}  // namespace fairlead::engine
