#pragma once

#include "engine/order/shares.h"
#include "engine/queue_order.h"
#include "engine/search/legality.h"
#include "model/cluster/cluster.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace fairlead::engine {

/// Groups that one action may take from, one chunk after the other: the reverse of the order of service.
/// Queues are compared as they were before the search, less what this order already took from them; groups by
/// what is left of them. Nothing is changed in the state. Made once per search and started again for each
/// further pod. Costs: O(candidates) to make, O(log candidates + siblings · depth) a chunk.
class VictimOrder {
 public:
  VictimOrder(const model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals,
              std::vector<model::GroupId> candidates);

  /// Starts from the beginning, as if `recorded` were gone.
  void restart(const std::vector<VictimChunk>& recorded);
  /// The group that the next chunk is taken from; invalid when nothing is left.
  model::GroupId peek();
  /// Takes that chunk. Without pods where the eviction of one of them was refused just now: then nothing more
  /// is taken of the group.
  VictimChunk take();
  /// When the first of those may be evicted again; none: there were none.
  std::optional<base::Time> refused_until() const { return refused_until_; }
  /// Whether nothing but one leaf's groups is left to take from: their order does not depend on what was
  /// taken.
  std::size_t candidate_count() const { return candidates_.size(); }

 private:
  /// What is left of a group.
  struct Remaining {
    std::vector<std::int32_t> placed;  // by pod set
    std::vector<model::PodId> taken;
    model::QueueCharge held;
    bool exhausted = false;
  };
  struct Entry {
    std::int32_t priority;
    std::int32_t elastic;
    model::GroupId group;
  };
  struct QueueNode {
    model::QueueId queue;
    std::vector<std::size_t> children;
    std::size_t parent = 0;
    std::vector<Entry> heap;    // leaves: the first victim on top
    model::QueueCharge popped;  // leaves: what the groups held that were taken from
    std::size_t best_leaf = 0;  // 0: none
    bool stale = true;
    std::vector<DimensionStanding> dimensions;
    QueueRank rank;
  };

  Remaining& remaining(model::GroupId group);
  std::int32_t elastic_of(model::GroupId group);
  void mark_taken(model::GroupId group, const std::vector<model::PodId>& pods);
  std::vector<model::PodId> chunk_of(model::GroupId group);
  bool minimum_left(model::GroupId group, std::size_t node);
  void push(std::size_t leaf, model::GroupId group);
  bool before(const Entry& a, const Entry& b) const;
  std::size_t node_of(model::QueueId queue);
  void refresh(std::size_t node);
  void mark_stale(std::size_t leaf);

  const model::Cluster& cluster_;
  model::PoolId pool_;
  const PoolTotals& totals_;
  std::vector<model::GroupId> candidates_;
  std::vector<QueueNode> nodes_;      // [0] stands for all roots
  std::vector<std::size_t> node_of_;  // by queue
  boost::unordered_flat_map<model::GroupId, Remaining> remaining_;
  std::optional<base::Time> refused_until_;
};

}  // namespace fairlead::engine
