#pragma once

#include "engine/order/queue_tree.h"
#include "engine/order/shares.h"
#include "engine/order/waiting_groups.h"
#include "engine/queue_order.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace fairlead::engine {

/// Below (-1), at (0) or above (1) the minimum.
int elastic_state(const model::GroupRecord& group);

/// Groups in the order in which they are served: at each level of the tree the queue that compares best, by
/// the best group below it; in the leaf by priority, elastic state, creation, UID. What has been allocated in
/// between counts. Costs, per group: O(log groups of the leaf + depth · siblings + kinds of alike groups).
///
/// Groups that wait alike are not listed one by one. When one of them was tried in vain they can be held
/// back: until they are released none of them is given out, but each takes its turn, since a queue is
/// compared by the best group that is left of it. That a turn passes all who wait behind it and ask for no
/// more follows from the order of queues: it places a queue no later for a smaller chunk.
class ServiceOrder {
 public:
  ServiceOrder(model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals);

  struct Next {
    model::GroupId group;                     ///< invalid: nothing is left to give out
    std::optional<std::uint32_t> alike = {};  ///< it stands with others: their index
  };

  void add(model::GroupId group);
  /// The alike groups of a view. Of those whose index is below `passed`.size(), the ones up to the group
  /// there are left out; an invalid one leaves nobody out.
  void add_alike(const WaitingView& view, const std::vector<model::GroupId>& passed = {});
  /// Before alike groups are added: one of them that is left out.
  void leave_out(model::GroupId group) { left_out_ = group; }
  /// Compares a group by this chunk, which must outlive the order, instead of by its next one.
  void set_chunk(model::GroupId group, const std::vector<model::PodId>& chunk);
  /// The next group, which leaves the order.
  Next next();
  /// The groups that stand with one that was given out are not given out before release().
  void hold_back(std::uint32_t alike);
  void hold_back_all();
  /// To be called whenever anything was placed.
  void release();
  /// Takes out all that are left of a leaf queue: those added one by one, in no particular order, and of
  /// alike groups the index and the first one left.
  struct Rest {
    std::vector<model::GroupId> groups;
    std::vector<std::pair<std::uint32_t, model::GroupId>> alike;
  };
  Rest take_all_of(model::QueueId queue);
  /// The last of alike groups that left the order; invalid: none did.
  model::GroupId last_passed(std::uint32_t alike) const;

 private:
  /// A group as its leaf compares it.
  struct Entry {
    std::int32_t priority;
    std::int32_t elastic;
    model::GroupId group;
  };
  /// Alike groups of a leaf, from `next` on.
  struct Alike {
    std::uint32_t index = 0;
    const std::vector<model::GroupId>* members = nullptr;
    std::size_t next = 0;
    model::QueueCharge charge;
    std::int32_t priority = 0;
    std::int32_t elastic = 0;
    bool held_back = false;

    bool empty() const { return next == members->size(); }
    Entry first() const { return {priority, elastic, (*members)[next]}; }
  };
  static constexpr std::size_t kNoAlike = static_cast<std::size_t>(-1);
  struct QueueNode : QueueTreeNode {
    std::vector<Entry> heap;            // leaves: the best on top
    std::vector<Alike> alike;           // leaves
    model::GroupId best;                // the best group below; invalid: none
    std::size_t best_alike = kNoAlike;  // leaves: whose first it is
    model::QueueCharge charge;          // by which it is compared
    bool stale = true;
    std::vector<DimensionStanding> dimensions;
    QueueRank rank;
  };

  bool later(const Entry& a, const Entry& b) const;
  void refresh(std::size_t node);
  void find_best(QueueNode& leaf) const;
  void make_stale(std::size_t leaf);
  void skip_left_out(Alike& alike) const;
  void pass(QueueNode& leaf, const model::QueueCharge& charge);
  std::size_t best_child(const std::vector<std::size_t>& children) const;

  model::Cluster& cluster_;
  model::PoolId pool_;
  const PoolTotals& totals_;
  QueueTree<QueueNode> nodes_;
  std::size_t entries_ = 0;    // in heaps
  std::size_t last_leaf_ = 0;  // whose group was given out last: its path may have changed since
  std::vector<model::PodId> chunk_;
  model::GroupId given_group_;
  const std::vector<model::PodId>* given_chunk_ = nullptr;
  model::GroupId left_out_;
};

}  // namespace fairlead::engine
