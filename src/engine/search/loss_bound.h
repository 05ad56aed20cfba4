#pragma once

#include "engine/fit/static_fit.h"
#include "engine/gang/topology_tree.h"
#include "engine/order/shares.h"
#include "engine/order/waiting_groups.h"
#include "engine/queue_order.h"
#include "engine/search/legality.h"
#include "model/cluster/cluster.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace fairlead::engine {

/// A necessary condition for one plain pod with whole devices that no node takes as it is: on which nodes
/// evictions could make room for it, of all candidates there or of those that a scan has come to. It looks at
/// devices only.
///
/// What a victim frees counts in two cases. It may be lost: the law lets the reclaimer take it, and its queue
/// is not served before the pod when it is gone, since then it takes its place back. Or it may move to
/// another node that has as much free; all that move find no more than what is free there. Consolidation
/// loses nobody. A group on several nodes counts as a whole, and only where it is alone on them.
class LossBound {
 public:
  /// Of the search in which it is made.
  struct Search {
    model::Cluster& cluster;
    StaticFit& static_fit;
    const Legality& legality;
    const PoolTotals& totals;
    model::PoolId pool;
    model::Action action;  ///< reclaim or consolidate
    model::PodId pod;      ///< to be placed, of the beneficiary
    const WaitingView& waiting;
  };
  /// O(nodes + pods of the candidates + waiting groups of the candidates' queues).
  LossBound(const Search& search, const NodeSet& nodes, const std::vector<model::GroupId>& candidates);

  /// Whether room could be made anywhere.
  bool any_open() const { return any_open_; }
  /// Takes note that a scan has come to all that is placed of a candidate on this node only. False: what it
  /// has come to on the node does not make room.
  bool scan(model::GroupId candidate, model::NodeId node);
  /// Whether room could be made here, or where a candidate on this node also has pods.
  bool is_open(model::NodeId node) const { return nodes_[node.index()].open; }

 private:
  /// What a victim on one node could free there, in devices.
  struct Freed {
    std::int64_t lost = 0;
    std::int64_t moved = 0;
    std::int64_t smallest = 0;  ///< pod of those that move
  };
  /// What victims on a node could free there. Those that move by the size of their smallest pod, larger ones
  /// with the largest that is told apart.
  static constexpr std::size_t kSizes = 17;
  struct Sum {
    std::int64_t lost = 0;
    std::array<std::int64_t, kSizes> moved{};

    void add(const Freed& freed) {
      lost += freed.lost;
      moved[static_cast<std::size_t>(std::min<std::int64_t>(freed.smallest, kSizes - 1))] += freed.moved;
    }
  };
  struct OfNode {
    Sum all;
    Sum scanned;
    std::int64_t pods = 0;   ///< of candidates
    bool intricate = false;  ///< a candidate here is also elsewhere, or does not leave as a whole
    bool open = false;
  };
  /// What is told of a queue and of what its victims hold.
  struct OfQueue {
    model::QueueId queue;
    bool takeable = true;  ///< the law lets the reclaimer take something
    bool ranks = false;    ///< its place in the order of service is known
    /// What groups that wait in it ask for: of those alike the first in order, and their charge.
    std::vector<std::pair<model::GroupId, model::QueueCharge>> waiting;
    /// What a victim holds, the most that its queue has its turn by, and whether it may be lost.
    std::vector<std::tuple<model::QueueCharge, model::QueueCharge, bool>> lost;
  };

  std::int64_t free_on(model::NodeId node) const;
  std::int64_t free_elsewhere(model::NodeId node, std::int64_t smallest) const;
  bool is_enough(model::NodeId node, const Sum& freed) const;
  void look_at(model::GroupId candidate, std::vector<model::NodeId>& stay_on);
  bool is_simple(const model::GroupRecord& group) const;
  OfQueue& of_queue(model::QueueId queue);
  bool may_be_lost(model::GroupId group, const model::QueueCharge& charge);
  model::QueueCharge most_before(const OfQueue& queue, model::GroupId victim) const;
  bool is_served_first(const OfQueue& queue, const model::QueueCharge& victim,
                       const model::QueueCharge& most) const;
  bool comes_back(const model::GroupRecord& group) const;
  QueueRank rank(model::QueueId queue, const model::QueueCharge& gone, const model::QueueCharge& chunk,
                 std::vector<DimensionStanding>& dimensions) const;

  Search search_;
  model::QueueId own_;
  model::QueueCharge request_;
  std::vector<OfQueue> queues_;
  model::ResourceId column_;                             // of the kind of devices that the pod asks for
  std::int64_t wanted_ = 0;                              // devices
  std::vector<std::int64_t> free_;                       // of the nodes of the pool, descending
  std::vector<std::int64_t> free_sums_;                  // of the first ones of these
  std::vector<OfNode> nodes_;                            // by node
  std::vector<std::pair<model::GroupId, Freed>> freed_;  // by candidate that is on one node, by id
  bool any_open_ = false;
};

}  // namespace fairlead::engine
