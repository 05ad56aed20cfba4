#pragma once

#include "model/cluster/queue_table.h"

#include <cstddef>
#include <vector>

namespace fairlead::engine {

/// What each node of a QueueTree has; an order adds what it compares.
struct QueueTreeNode {
  model::QueueId queue;
  std::size_t parent = 0;
  std::vector<std::size_t> children;  // in the order of creation, UID
};

/// The queues in which some groups are, with all above them, by position; [0] stands for all roots. It grows
/// with the groups that are added to an order, and the same queues give the same siblings whatever order they
/// came in.
template <class Node>
class QueueTree {
 public:
  explicit QueueTree(const model::QueueTable& queues) : queues_(queues), position_(queues.size(), 0) {
    nodes_.emplace_back();
  }

  /// Where a queue stands; it and those above it are added where they are missing. O(depth · siblings) then.
  std::size_t node_of(model::QueueId queue) {
    if (const std::size_t known = find(queue); known != 0) return known;
    const model::QueueId above = queues_.at(queue).parent;
    const std::size_t parent = above.valid() ? node_of(above) : 0;
    const std::size_t position = nodes_.size();
    Node& node = nodes_.emplace_back();
    node.queue = queue;
    node.parent = parent;
    position_[queue.index()] = position;
    std::vector<std::size_t>& siblings = nodes_[parent].children;
    siblings.clear();
    for (model::QueueId sibling : above.valid() ? queues_.at(above).children : queues_.roots())
      if (find(sibling) != 0) siblings.push_back(find(sibling));
    return position;
  }
  /// 0 where a queue is not in the tree.
  std::size_t find(model::QueueId queue) const { return position_[queue.index()]; }

  Node& operator[](std::size_t position) { return nodes_[position]; }
  const Node& operator[](std::size_t position) const { return nodes_[position]; }
  std::size_t size() const { return nodes_.size(); }
  auto begin() { return nodes_.begin(); }
  auto end() { return nodes_.end(); }
  auto begin() const { return nodes_.begin(); }
  auto end() const { return nodes_.end(); }

 private:
  const model::QueueTable& queues_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> position_;  // by queue; 0: none yet
};

}  // namespace fairlead::engine
