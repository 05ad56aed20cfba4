#include "engine/order/service_order.h"

#include "engine/gang/chunk.h"

#include <algorithm>
#include <tuple>

namespace fairlead::engine {

int elastic_state(const model::GroupRecord& group) {
  if (!minimum_met(group, 0, Counted::kPlaced)) return -1;
  return std::any_of(group.pod_sets.begin(), group.pod_sets.end(),
                     [](const model::PodSet& set) { return set.placed() > set.min_member; })
             ? 1
             : 0;
}

ServiceOrder::ServiceOrder(model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals)
    : cluster_(cluster), pool_(pool), totals_(totals), nodes_(cluster.queues()) {}

bool ServiceOrder::later(const Entry& a, const Entry& b) const {
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.elastic != b.elastic) return a.elastic > b.elastic;
  const model::PodGroup& first = cluster_.group(a.group).spec;
  const model::PodGroup& second = cluster_.group(b.group).spec;
  return std::tie(second.created, second.uid, second.key) < std::tie(first.created, first.uid, first.key);
}

void ServiceOrder::add(model::GroupId id) {
  const model::GroupRecord& group = cluster_.group(id);
  const model::Policies& policies = cluster_.configuration().policies;
  const std::size_t leaf = nodes_.node_of(group.queue);
  QueueNode& node = nodes_[leaf];
  node.heap.push_back(
      {policies.priority ? group.priority : 0, policies.elastic ? elastic_state(group) : 0, id});
  std::push_heap(node.heap.begin(), node.heap.end(),
                 [&](const Entry& a, const Entry& b) { return later(a, b); });
  ++size_;
  for (std::size_t at = leaf; !nodes_[at].stale; at = nodes_[at].parent) {
    nodes_[at].stale = true;
    if (at == 0) break;
  }
}

void ServiceOrder::set_chunk(model::GroupId group, const std::vector<model::PodId>& chunk) {
  given_group_ = group;
  given_chunk_ = &chunk;
}

std::size_t ServiceOrder::best_child(const std::vector<std::size_t>& children) const {
  std::size_t best = 0;
  const bool by_share = cluster_.configuration().policies.proportion;
  for (std::size_t child : children) {
    if (!nodes_[child].best.valid()) continue;
    // Without the proportion policy the oldest queue is first, and children stand by age.
    if (best == 0 || (by_share && compare_queues(nodes_[child].rank, nodes_[best].rank) < 0)) best = child;
  }
  return best;
}

void ServiceOrder::refresh(std::size_t index) {
  QueueNode& node = nodes_[index];
  if (!node.stale) return;
  node.stale = false;
  if (node.heap.empty()) {
    for (std::size_t child : node.children) refresh(child);
    const std::size_t best = best_child(node.children);
    node.best = best == 0 ? model::GroupId() : nodes_[best].best;
  } else {
    node.best = node.heap.front().group;
  }
  if (index == 0 || !node.best.valid()) return;
  if (node.best != given_group_) next_chunk(cluster_, node.best, chunk_);
  const std::vector<model::PodId>& chunk = node.best == given_group_ ? *given_chunk_ : chunk_;
  model::QueueCharge charge;
  for (model::PodId pod : chunk) charge += cluster_.queue_charge(cluster_.class_of(pod), model::NodeId());
  const model::QueueAccount& account = cluster_.queues().account(pool_, node.queue);
  node.dimensions.resize(account.dimensions.size());
  for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
    const model::DimensionAccount& own = account.dimensions[i];
    node.dimensions[i] = {own.allocated,   charge.at(i), 0,           own.fair_share, own.quota.quota,
                          own.quota.limit, totals_[i],   piece_of(i), own.declared};
  }
  const model::Queue& spec = cluster_.queues().at(node.queue).spec;
  node.rank = rank_queue({node.dimensions, account.priority, spec.created, spec.uid});
}

std::vector<model::GroupId> ServiceOrder::take_all_of(model::QueueId queue) {
  std::vector<model::GroupId> groups;
  const std::size_t leaf = nodes_.find(queue);
  if (leaf == 0) return groups;
  for (const Entry& entry : nodes_[leaf].heap) groups.push_back(entry.group);
  nodes_[leaf].heap.clear();
  size_ -= groups.size();
  for (std::size_t at = leaf; at != 0; at = nodes_[at].parent) nodes_[at].stale = true;
  return groups;
}

model::GroupId ServiceOrder::next() {
  if (size_ == 0) return {};
  for (std::size_t at = last_leaf_; at != 0; at = nodes_[at].parent) nodes_[at].stale = true;
  nodes_[0].stale = true;
  refresh(0);
  std::size_t at = 0;
  while (nodes_[at].heap.empty()) at = best_child(nodes_[at].children);
  auto& heap = nodes_[at].heap;
  std::pop_heap(heap.begin(), heap.end(), [&](const Entry& a, const Entry& b) { return later(a, b); });
  const model::GroupId group = heap.back().group;
  heap.pop_back();
  --size_;
  last_leaf_ = at;
  return group;
}

}  // namespace fairlead::engine
