#include "engine/search/victim_order.h"

#include <algorithm>
#include <tuple>

namespace fairlead::engine {
namespace {

/// Before the search: what it recorded as victims is evicted in the live state by now.
bool was_placed(const model::PodRecord& record) { return record.home_or_place().node.valid(); }

double ratio(std::int32_t placed, std::int32_t minimum) {
  return minimum > 0 ? static_cast<double>(placed) / minimum : 1e9 + placed;
}

}  // namespace

VictimOrder::VictimOrder(const model::Cluster& cluster, model::PoolId pool, const PoolTotals& totals,
                         const Legality& legality, std::vector<model::GroupId> candidates, base::Time at)
    : cluster_(cluster),
      pool_(pool),
      totals_(totals),
      legality_(legality),
      candidates_(std::move(candidates)),
      at_(at),
      node_of_(cluster.queues().size(), 0) {
  nodes_.emplace_back();
}

void VictimOrder::add(Held& sum, const model::QueueCharge& charge, int sign) const {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += sign * charge.at(i);
}

model::QueueCharge VictimOrder::charge_of(model::PodId pod) const {
  return cluster_.queue_charge(cluster_.class_of(pod), cluster_.pod(pod).home_or_place().node);
}

VictimOrder::Remaining& VictimOrder::remaining(model::GroupId id) {
  auto [found, made] = remaining_.try_emplace(id);
  Remaining& left = found->second;
  if (!made) return left;
  const model::GroupRecord& group = cluster_.group(id);
  left.held.resize(cluster_.queues().dimension_count(), 0);
  for (const model::PodSet& set : group.pod_sets) {
    std::int32_t& placed = left.placed.emplace_back(0);
    if (set.placed() + set.in(model::PodState::kEvicted) == 0) continue;
    for (model::PodId pod : set.pods) {
      if (!was_placed(cluster_.pod(pod))) continue;
      ++placed;
      add(left.held, charge_of(pod), +1);
    }
  }
  left.exhausted =
      std::all_of(left.placed.begin(), left.placed.end(), [](std::int32_t placed) { return placed == 0; });
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
    const model::PodRecord& record = cluster_.pod(pod);
    --left.placed[record.pod_set];
    add(left.held, charge_of(pod), -1);
    left.taken.push_back(pod);
    // What the live state has evicted the budgets know themselves.
    if (record.assignment.state != model::PodState::kRunning) continue;
    for (model::BudgetId budget : record.budgets) ++disrupted_[budget.index()];
  }
  left.exhausted =
      std::all_of(left.placed.begin(), left.placed.end(), [](std::int32_t placed) { return placed == 0; });
}

std::vector<model::PodId> VictimOrder::chunk_of(model::GroupId id) {
  const model::GroupRecord& group = cluster_.group(id);
  const Remaining& left = remaining(id);
  auto stays = [&](model::PodId pod) {
    return was_placed(cluster_.pod(pod)) &&
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

std::int64_t VictimOrder::lost_work(const std::vector<model::PodId>& chunk) const {
  std::int64_t lost = 0;
  for (model::PodId pod : chunk) {
    const model::Pod& spec = cluster_.pod(pod).spec;
    const base::Time since =
        std::max(spec.started.value_or(at_), spec.last_checkpoint.value_or(base::Time()));
    const base::Duration age = std::max(base::Duration(), at_ - since);
    const std::int64_t seconds = (age + cluster_.configuration().restart_cost).nanoseconds() /
                                 base::Duration::seconds(1).nanoseconds();
    lost += charge_of(pod).gpu * seconds;
  }
  return lost;
}

/// Besides what was evicted already: no eviction of the pods was refused for now, and no budget that covers a
/// running one of them is exceeded.
bool VictimOrder::may_be_evicted(const std::vector<model::PodId>& chunk) {
  bool refused = false;
  for (model::PodId pod : chunk) {
    const auto& until = cluster_.pod(pod).eviction_refused_until;
    if (!until || *until <= cluster_.now()) continue;
    refused = true;
    if (!wake_at_ || *until < *wake_at_) wake_at_ = until;
  }
  if (refused || disrupted_.empty()) return !refused;
  boost::container::small_vector<std::pair<model::BudgetId, std::int64_t>, 2> asked;
  for (model::PodId pod : chunk) {
    const model::PodRecord& record = cluster_.pod(pod);
    if (record.assignment.state != model::PodState::kRunning) continue;
    for (model::BudgetId budget : record.budgets) {
      auto found =
          std::find_if(asked.begin(), asked.end(), [&](const auto& one) { return one.first == budget; });
      if (found == asked.end()) {
        asked.emplace_back(budget, 1);
      } else {
        ++found->second;
      }
    }
  }
  return std::all_of(asked.begin(), asked.end(), [&](const auto& one) {
    const model::BudgetTable& budgets = cluster_.budgets();
    return one.second + disrupted_[one.first.index()] + budgets.disrupted(one.first) <=
           budgets.allowed(one.first);
  });
}

bool VictimOrder::before(const Entry& a, const Entry& b) const {
  if (a.priority != b.priority) return a.priority < b.priority;
  if (a.lost_work != b.lost_work) return a.lost_work < b.lost_work;
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
  const bool by_lost_work = cluster_.configuration().victim_order == model::VictimOrder::kLeastLostWork;
  heap.push_back({policies.priority ? cluster_.group(group).priority : 0,
                  by_lost_work ? lost_work(chunk_of(group)) : 0, policies.elastic ? elastic_of(group) : 0,
                  group});
  std::push_heap(heap.begin(), heap.end(), [&](const Entry& a, const Entry& b) { return before(b, a); });
}

void VictimOrder::restart(const std::vector<VictimChunk>& recorded) {
  remaining_.clear();
  disrupted_.assign(cluster_.budgets().size(), 0);
  next_ = {};
  for (QueueNode& node : nodes_) {
    node.heap.clear();
    node.popped.assign(cluster_.queues().dimension_count(), 0);
    node.stale = true;
  }
  for (const VictimChunk& chunk : recorded) mark_taken(chunk.group, chunk.pods);
  for (model::GroupId group : candidates_) {
    const std::size_t leaf = node_of(cluster_.group(group).queue);
    nodes_[leaf].popped.resize(cluster_.queues().dimension_count(), 0);
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
  const Held& held = remaining(leaf.heap.front().group).held;
  const model::QueueAccount& account = cluster_.queues().account(pool_, node.queue);
  const Amounts& allocated = legality_.allocated_before(node.queue);
  node.dimensions.resize(account.dimensions.size());
  for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
    const model::DimensionAccount& own = account.dimensions[i];
    const std::int64_t victims = leaf.popped[i] + held[i];
    node.dimensions[i] = {allocated[i],    0,          victims,     own.fair_share, own.quota.quota,
                          own.quota.limit, totals_[i], piece_of(i), own.declared};
  }
  const model::Queue& spec = cluster_.queues().at(node.queue).spec;
  node.rank = rank_queue({node.dimensions, account.priority, spec.created, spec.uid});
}

void VictimOrder::pop(std::size_t leaf) {
  auto& heap = nodes_[leaf].heap;
  std::pop_heap(heap.begin(), heap.end(), [&](const Entry& a, const Entry& b) { return before(b, a); });
  heap.pop_back();
  mark_stale(leaf);
}

model::GroupId VictimOrder::peek() {
  if (next_.group.valid()) return next_.group;
  for (refresh(0); nodes_[0].best_leaf != 0; refresh(0)) {
    const std::size_t leaf = nodes_[0].best_leaf;
    const model::GroupId group = nodes_[leaf].heap.front().group;
    std::vector<model::PodId> chunk = chunk_of(group);
    if (may_be_evicted(chunk)) {
      next_ = {group, std::move(chunk)};
      return group;
    }
    pop(leaf);  // then nothing more of this group
  }
  return {};
}

VictimChunk VictimOrder::take() {
  const model::GroupId group = peek();
  const std::size_t leaf = nodes_[0].best_leaf;
  pop(leaf);
  const Held& held = remaining(group).held;
  for (std::size_t i = 0; i < held.size(); ++i) nodes_[leaf].popped[i] += held[i];
  VictimChunk chunk = std::move(next_);
  next_ = {};
  mark_taken(group, chunk.pods);
  chunk.last = remaining(group).exhausted;
  if (!chunk.last) push(leaf, group);
  return chunk;
}

}  // namespace fairlead::engine
