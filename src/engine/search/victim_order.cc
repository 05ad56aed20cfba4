#include "engine/search/victim_order.h"

#include <algorithm>
#include <tuple>

namespace fairlead::engine {
namespace {

bool is_placed(const model::PodRecord& record) { return record.assignment.place().node.valid(); }

double ratio(std::int32_t placed, std::int32_t minimum) {
  return minimum > 0 ? static_cast<double>(placed) / minimum : 1e9 + placed;
}

}  // namespace

VictimOrder::VictimOrder(const model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals,
                         std::vector<model::GroupId> candidates)
    : cluster_(cluster),
      pool_(pool),
      totals_(totals),
      candidates_(std::move(candidates)),
      node_of_(cluster.queues().size(), 0) {
  nodes_.emplace_back();
}

VictimOrder::Remaining& VictimOrder::remaining(model::GroupId id) {
  auto [found, made] = remaining_.try_emplace(id);
  Remaining& left = found->second;
  if (!made) return left;
  const model::GroupRecord& group = cluster_.group(id);
  for (const model::PodSet& set : group.pod_sets) {
    left.placed.push_back(set.placed());
    if (set.placed() == 0) continue;
    for (model::PodId pod : set.pods)
      if (is_placed(cluster_.pod(pod))) left.held += cluster_.queue_charge(pod);
  }
  left.exhausted = group.placed() == 0;
  return left;
}

bool VictimOrder::minimum_left(model::GroupId id, std::size_t node) {
  const model::GroupRecord& group = cluster_.group(id);
  const model::GangNode& at = group.tree[node];
  if (at.is_leaf()) return remaining(id).placed[at.pod_set] >= group.pod_sets[at.pod_set].min_member;
  std::int32_t met = 0;
  for (std::size_t child : at.children) met += minimum_left(id, child) ? 1 : 0;
  return met >= at.min_children;
}

std::int32_t VictimOrder::elastic_of(model::GroupId id) {
  if (!minimum_left(id, 0)) return -1;
  const model::GroupRecord& group = cluster_.group(id);
  const Remaining& left = remaining(id);
  for (std::size_t i = 0; i < left.placed.size(); ++i)
    if (left.placed[i] > group.pod_sets[i].min_member) return 1;
  return 0;
}

void VictimOrder::mark_taken(model::GroupId id, const std::vector<model::PodId>& pods) {
  Remaining& left = remaining(id);
  for (model::PodId pod : pods) {
    if (!is_placed(cluster_.pod(pod))) continue;  // the state is without it already
    --left.placed[cluster_.pod(pod).pod_set];
    const model::QueueCharge charge = cluster_.queue_charge(pod);
    left.held.gpu -= charge.gpu;
    left.held.cpu -= charge.cpu;
    left.held.memory -= charge.memory;
    left.taken.push_back(pod);
  }
  left.exhausted =
      std::all_of(left.placed.begin(), left.placed.end(), [](std::int32_t placed) { return placed == 0; });
}

std::vector<model::PodId> VictimOrder::chunk_of(model::GroupId id) {
  const model::GroupRecord& group = cluster_.group(id);
  const Remaining& left = remaining(id);
  auto stays = [&](model::PodId pod) {
    return is_placed(cluster_.pod(pod)) &&
           std::find(left.taken.begin(), left.taken.end(), pod) == left.taken.end();
  };
  std::size_t most = left.placed.size();
  for (std::size_t i = 0; i < left.placed.size(); ++i) {
    if (left.placed[i] <= group.pod_sets[i].min_member) continue;
    // Of equals the last in the object.
    if (most == left.placed.size() || ratio(left.placed[i], group.pod_sets[i].min_member) >=
                                          ratio(left.placed[most], group.pod_sets[most].min_member))
      most = i;
  }
  if (most < left.placed.size()) {
    const auto& pods = group.pod_sets[most].pods;
    for (auto pod = pods.rbegin(); pod != pods.rend(); ++pod)
      if (stays(*pod)) return {*pod};
  }
  std::vector<model::PodId> chunk;
  for (const model::PodSet& set : group.pod_sets)
    for (model::PodId pod : set.pods)
      if (stays(pod)) chunk.push_back(pod);
  if (group.pod_sets.size() == 1) {
    std::reverse(chunk.begin(), chunk.end());
  } else {
    std::sort(chunk.begin(), chunk.end(),
              [&](model::PodId a, model::PodId b) { return cluster_.task_before(b, a); });
  }
  return chunk;
}

bool VictimOrder::before(const Entry& a, const Entry& b) const {
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.elastic != b.elastic) return a.elastic > b.elastic;
  const model::PodGroup& first = cluster_.group(a.group).spec;
  const model::PodGroup& second = cluster_.group(b.group).spec;
  return std::tie(first.created, first.uid, first.key) > std::tie(second.created, second.uid, second.key);
}

std::size_t VictimOrder::node_of(model::QueueId queue) {
  if (node_of_[queue.index()] != 0) return node_of_[queue.index()];
  const model::QueueId above = cluster_.queues().at(queue).parent;
  const std::size_t parent = above.valid() ? node_of(above) : 0;
  const std::size_t index = nodes_.size();
  QueueNode& node = nodes_.emplace_back();
  node.queue = queue;
  node.parent = parent;
  node_of_[queue.index()] = index;
  const auto& order = above.valid() ? cluster_.queues().at(above).children : cluster_.queues().roots();
  auto& siblings = nodes_[parent].children;
  siblings.clear();
  for (model::QueueId sibling : order)
    if (node_of_[sibling.index()] != 0) siblings.push_back(node_of_[sibling.index()]);
  return index;
}

void VictimOrder::mark_stale(std::size_t leaf) {
  for (std::size_t at = leaf; at != 0; at = nodes_[at].parent) nodes_[at].stale = true;
  nodes_[0].stale = true;
}

void VictimOrder::push(std::size_t leaf, model::GroupId group) {
  const model::Policies& policies = cluster_.configuration().policies;
  auto& heap = nodes_[leaf].heap;
  heap.push_back({policies.priority ? cluster_.group(group).priority : 0,
                  policies.elastic ? elastic_of(group) : 0, group});
  std::push_heap(heap.begin(), heap.end(), [&](const Entry& a, const Entry& b) { return before(b, a); });
}

void VictimOrder::restart(const std::vector<VictimChunk>& recorded) {
  remaining_.clear();
  for (QueueNode& node : nodes_) {
    node.heap.clear();
    node.popped = {};
    node.stale = true;
  }
  for (const VictimChunk& chunk : recorded) mark_taken(chunk.group, chunk.pods);
  for (model::GroupId group : candidates_) {
    const std::size_t leaf = node_of(cluster_.group(group).queue);
    if (!remaining(group).exhausted) push(leaf, group);
  }
}

void VictimOrder::refresh(std::size_t index) {
  if (!nodes_[index].stale) return;
  QueueNode& node = nodes_[index];
  node.stale = false;
  node.best_leaf = 0;
  if (!node.heap.empty()) {
    node.best_leaf = index;
  } else {
    std::size_t best = 0;
    const bool by_share = cluster_.configuration().policies.proportion;
    for (std::size_t child : node.children) {
      refresh(child);
      if (nodes_[child].best_leaf == 0) continue;
      // The last in the order of service. Without the proportion policy that is the youngest queue.
      if (best == 0 || !by_share || compare_queues(nodes_[child].rank, nodes_[best].rank) > 0) best = child;
    }
    if (best != 0) node.best_leaf = nodes_[best].best_leaf;
  }
  if (index == 0 || node.best_leaf == 0) return;
  const QueueNode& leaf = nodes_[node.best_leaf];
  model::QueueCharge victims = leaf.popped;
  victims += remaining(leaf.heap.front().group).held;
  const model::QueueAccount& account = cluster_.queues().account(pool_, node.queue);
  node.dimensions.resize(account.dimensions.size());
  for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
    const model::DimensionAccount& own = account.dimensions[i];
    node.dimensions[i] = {own.allocated,   0,          victims.at(i), own.fair_share, own.quota.quota,
                          own.quota.limit, totals_[i], piece_of(i),   own.declared};
  }
  const model::Queue& spec = cluster_.queues().at(node.queue).spec;
  node.rank = rank_queue({node.dimensions, account.priority, spec.created, spec.uid});
}

model::GroupId VictimOrder::peek() {
  refresh(0);
  return nodes_[0].best_leaf == 0 ? model::GroupId() : nodes_[nodes_[0].best_leaf].heap.front().group;
}

VictimChunk VictimOrder::take() {
  const model::GroupId group = peek();
  const std::size_t leaf = nodes_[0].best_leaf;
  auto& heap = nodes_[leaf].heap;
  std::pop_heap(heap.begin(), heap.end(), [&](const Entry& a, const Entry& b) { return before(b, a); });
  heap.pop_back();
  VictimChunk chunk{group, chunk_of(group)};
  for (model::PodId pod : chunk.pods) {
    const std::optional<base::Time>& until = cluster_.pod(pod).eviction_refused_until;
    if (!until || *until <= cluster_.now()) continue;
    if (!refused_until_ || *until < *refused_until_) refused_until_ = until;
    remaining(group).exhausted = true;
    mark_stale(leaf);
    return {group, {}};
  }
  nodes_[leaf].popped += remaining(group).held;
  mark_taken(group, chunk.pods);
  if (!remaining(group).exhausted) push(leaf, group);
  mark_stale(leaf);
  return chunk;
}

}  // namespace fairlead::engine
