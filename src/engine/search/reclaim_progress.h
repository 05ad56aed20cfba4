#pragma once

#include "engine/search/legality.h"

#include <boost/container/small_vector.hpp>

#include <optional>
#include <vector>

namespace fairlead::engine {

/// Legality of a growing set of victims that find no other place: what Legality::allows says of the set, at
/// the cost of the newest chunk only. A set of which some are moved is legal where this says so.
class ReclaimProgress {
 public:
  ReclaimProgress(const model::Cluster& cluster, const Legality& legality)
      : cluster_(cluster), legality_(legality) {}

  /// One chunk more, which has been evicted in the live state. O(pods · depth · dimensions).
  void add(const VictimChunk& victim);
  /// Whether the set so far is legal for a reclaimer that asks for `request`. O(queues of victims · depth ·
  /// dimensions).
  bool allows(const model::QueueCharge& request) const;
  bool respects_minimum_runtimes() const { return !touches_protected_; }

 private:
  using Sums = boost::container::small_vector<std::int64_t, model::dimension::kFixed>;
  /// What is left of a queue with victims, or of an ancestor of one.
  struct Left {
    model::QueueId queue;
    Sums amounts;
  };
  /// A queue with victims.
  struct Victims {
    model::QueueId queue;
    model::QueueId mine;    ///< the queues that are compared, on the reclaimer's side
    model::QueueId theirs;  ///< and on this one's
    Sums newest;            ///< what its newest chunk held
  };

  Sums& left_of(model::QueueId queue);
  bool may_be_taken(const Victims& last, const model::QueueCharge& request) const;

  const model::Cluster& cluster_;
  const Legality& legality_;
  std::vector<Left> left_;
  std::vector<Victims> victims_;    // in the order in which the queues lost their first chunk
  Sums lost_;                       // by all chunks
  bool touches_protected_ = false;  // leaves a group below its minimum that runs too short a time
};

}  // namespace fairlead::engine
