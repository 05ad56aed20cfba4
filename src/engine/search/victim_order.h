#pragma once

#include "engine/order/queue_tree.h"
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
///
/// Where it is_fixed(), the chunks of one queue come in an order that depends neither on other queues nor on
/// what was recorded: what a group loses next never comes earlier in it than what it lost before. They are
/// then worked out once, and starting again only merges the queues anew.
class VictimOrder {
 public:
  /// `legality` tells what queues held before the search; lost work is that of the instant `at`.
  VictimOrder(const model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals,
              const Legality& legality, std::vector<model::GroupId> candidates, base::Time at);

  bool is_fixed() const { return fixed_; }
  /// From now on it is not: chunks were recorded in part.
  void unfix() { fixed_ = false; }
  /// Starts from the beginning, as if `recorded` were gone. Between tries the live state is that before the
  /// search, or the one in which they are evicted. Chunks get new numbers, unless it is fixed.
  void restart(const std::vector<VictimChunk>& recorded);
  /// Takes the next chunk: its number, from 0; nothing when nothing is left.
  std::optional<std::size_t> take();
  const VictimChunk& chunk(std::size_t number) const { return taken_[number].chunk; }
  /// Where the order is fixed: this chunk is recorded from the next start on. O(1), but for a group that has
  /// lost more than one chunk O(chunks of its queue).
  void set_recorded(std::size_t number);
  bool is_recorded(std::size_t number) const { return taken_[number].recorded; }
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
  struct Kept {
    std::size_t number = 0;
    Held held;  // of its group before
  };
  /// What a queue offers to its parent.
  struct Head {
    std::size_t leaf = 0;    // of the first victim; 0: none
    std::int64_t band = 0;   // what the order of queues compares first, a later one higher
    double share_after = 0;  // and then
  };
  struct QueueNode : QueueTreeNode {
    std::vector<Head> heads;   // of the children
    std::size_t position = 0;  // among the parent's children
    std::vector<Entry> heap;   // leaves: the first victim on top
    std::vector<Kept> kept;    // leaves, where the order is fixed: what the heap gave
    std::size_t next = 0;      // of these
    Held popped;               // leaves: what the groups held that were taken from
    std::vector<DimensionStanding> dimensions;
    bool ranked = false;
    QueueRank rank;
  };
  struct Taken {
    VictimChunk chunk;
    bool first = false;  // of its group
    bool recorded = false;
  };

  Remaining& remaining(model::GroupId group);
  model::QueueCharge charge_of(model::PodId pod) const;
  std::int32_t elastic_of(model::GroupId group);
  void mark_taken(model::GroupId group, const std::vector<model::PodId>& pods);
  std::vector<model::PodId> chunk_of(model::GroupId group);
  bool minimum_left(model::GroupId group, std::size_t node);
  void push(QueueNode& leaf, model::GroupId group);
  bool before(const Entry& a, const Entry& b) const;
  std::optional<std::vector<model::PodId>> next_in_heap(std::size_t& leaf);
  bool examine_fixed() const;
  Kept take_from_heap(QueueNode& leaf, std::vector<model::PodId> pods);
  void drop_recorded();
  bool has_next(QueueNode& leaf);
  const Held& next_held(const QueueNode& leaf);
  std::size_t first_leaf(std::size_t node);
  void offer(std::size_t node, std::size_t leaf);
  void offer_all(std::size_t node);
  void update(std::size_t leaf);
  void pop(QueueNode& leaf);
  void add(Held& sum, const model::QueueCharge& charge, int sign) const;
  std::int64_t lost_work(const std::vector<model::PodId>& chunk) const;
  bool may_be_evicted(const std::vector<model::PodId>& chunk);

  const model::Cluster& cluster_;
  model::PoolId pool_;
  const PoolTotals& totals_;
  const Legality& legality_;
  std::vector<model::GroupId> candidates_;
  base::Time at_;
  QueueTree<QueueNode> nodes_;
  boost::unordered_flat_map<model::GroupId, Remaining> remaining_;
  std::vector<std::int64_t> disrupted_;  // by budget: running pods that were taken
  std::vector<Taken> taken_;
  std::size_t recorded_ = 0;  // that are among the kept
  bool fixed_ = false;
  bool started_ = false;
  std::optional<base::Time> wake_at_;
};

}  // namespace fairlead::engine
