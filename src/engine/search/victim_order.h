#pragma once

#include "engine/order/shares.h"
#include "engine/queue_order.h"
#include "engine/search/legality.h"
#include "model/cluster/cluster.h"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace fairlead::engine {

/// Groups that one action may take from, one chunk after the other: the reverse of the order of service.
/// Queues are compared as they were before the search, less what this order already took from them; groups by
/// what is left of them, and with least lost work, within a priority, by what evicting their next chunk
/// throws away. A group whose next chunk may not be evicted (a disruption budget, an eviction that was
/// refused) is left out. Nothing is changed in the state. Made once per search and started again for each
/// further pod. Costs: O(candidates) to make, O(log candidates + siblings · depth) a chunk.
class VictimOrder {
 public:
  /// `legality` tells what queues held before the search; lost work is that of the instant `at`.
  VictimOrder(const model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals,
              const Legality& legality, std::vector<model::GroupId> candidates, base::Time at);

  /// Starts from the beginning, as if `recorded` were gone. Between tries the live state is that before the
  /// search, or the one in which they are evicted.
  void restart(const std::vector<VictimChunk>& recorded);
  /// The group that the next chunk is taken from; invalid when nothing is left.
  model::GroupId peek();
  /// Takes that chunk.
  VictimChunk take();
  /// When a pod that was left out because its eviction was refused may be tried again.
  std::optional<base::Time> wake_at() const { return wake_at_; }

 private:
  /// Amounts by dimension of the queue table.
  using Held = boost::container::small_vector<std::int64_t, model::dimension::kFixed>;
  /// What is left of a group.
  struct Remaining {
    std::vector<std::int32_t> placed;  // by pod set
    std::vector<model::PodId> taken;
    Held held;
    bool exhausted = false;
  };
  struct Entry {
    std::int32_t priority;
    std::int64_t lost_work;  // of the next chunk: thousandths of devices times seconds; 0 where age decides
    std::int32_t elastic;
    model::GroupId group;
  };
  struct QueueNode {
    model::QueueId queue;
    std::vector<std::size_t> children;
    std::size_t parent = 0;
    std::vector<Entry> heap;    // leaves: the first victim on top
    Held popped;                // leaves: what the groups held that were taken from
    std::size_t best_leaf = 0;  // 0: none
    bool stale = true;
    std::vector<DimensionStanding> dimensions;
    QueueRank rank;
  };

  Remaining& remaining(model::GroupId group);
  model::QueueCharge charge_of(model::PodId pod) const;
  std::int32_t elastic_of(model::GroupId group);
  void mark_taken(model::GroupId group, const std::vector<model::PodId>& pods);
  std::vector<model::PodId> chunk_of(model::GroupId group);
  bool minimum_left(model::GroupId group, std::size_t node);
  void push(std::size_t leaf, model::GroupId group);
  bool before(const Entry& a, const Entry& b) const;
  std::size_t node_of(model::QueueId queue);
  void refresh(std::size_t node);
  void mark_stale(std::size_t leaf);
  void pop(std::size_t leaf);
  void add(Held& sum, const model::QueueCharge& charge, int sign) const;
  std::int64_t lost_work(const std::vector<model::PodId>& chunk) const;
  bool may_be_evicted(const std::vector<model::PodId>& chunk);

  const model::Cluster& cluster_;
  model::PoolId pool_;
  const PoolTotals& totals_;
  const Legality& legality_;
  std::vector<model::GroupId> candidates_;
  base::Time at_;
  std::vector<QueueNode> nodes_;      // [0] stands for all roots
  std::vector<std::size_t> node_of_;  // by queue
  boost::unordered_flat_map<model::GroupId, Remaining> remaining_;
  std::vector<std::int64_t> disrupted_;  // by budget: running pods that were taken
  VictimChunk next_;                     // the chunk on top; without a group: not worked out
  std::optional<base::Time> wake_at_;
};

}  // namespace fairlead::engine
