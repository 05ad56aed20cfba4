#pragma once

#include "engine/order/queue_tree.h"
#include "engine/order/shares.h"
#include "engine/queue_order.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace fairlead::engine {

/// Below (-1), at (0) or above (1) the minimum.
int elastic_state(const model::GroupRecord& group);

/// Groups in the order in which they are served: at each level of the tree the queue that compares best, by
/// the best group below it; in the leaf by priority, elastic state, creation, UID. What has been allocated in
/// between counts. Costs, per group: O(log groups of the leaf + depth · siblings).
class ServiceOrder {
 public:
  ServiceOrder(model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals);

  void add(model::GroupId group);
  /// Compares a group by this chunk, which must outlive the order, instead of by its next one.
  void set_chunk(model::GroupId group, const std::vector<model::PodId>& chunk);
  /// The next group, which leaves the order; invalid when none is left.
  model::GroupId next();
  /// Takes out all that are left of a leaf queue, in no particular order.
  std::vector<model::GroupId> take_all_of(model::QueueId queue);
  bool empty() const { return size_ == 0; }

 private:
  /// A group as its leaf compares it.
  struct Entry {
    std::int32_t priority;
    std::int32_t elastic;
    model::GroupId group;
  };
  struct QueueNode : QueueTreeNode {
    std::vector<Entry> heap;  // leaves: the best on top
    model::GroupId best;      // the best group below; invalid: none
    bool stale = true;
    std::vector<DimensionStanding> dimensions;
    QueueRank rank;
  };

  bool later(const Entry& a, const Entry& b) const;
  void refresh(std::size_t node);
  std::size_t best_child(const std::vector<std::size_t>& children) const;

  model::Cluster& cluster_;
  model::PoolId pool_;
  const PoolTotals& totals_;
  QueueTree<QueueNode> nodes_;
  std::size_t size_ = 0;
  std::size_t last_leaf_ = 0;  // whose group was given out last: its path may have changed since
  std::vector<model::PodId> chunk_;
  model::GroupId given_group_;
  const std::vector<model::PodId>* given_chunk_ = nullptr;
};

}  // namespace fairlead::engine
