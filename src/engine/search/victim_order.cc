#include "engine/search/victim_order.h"

#include <algorithm>
#include <tuple>

namespace fairlead::engine {
namespace {

constexpr std::size_t kRecordedToDrop = 64;

/// Before the search: what it recorded as victims is evicted in the live state by now.
bool was_placed(const model::PodRecord& record) { return record.home_or_place().node.valid(); }

/// Steps 1 to 4 of the order of queues in one number.
std::int64_t band_of(const QueueRank& rank) {
  const std::int64_t priority = std::int64_t{INT32_MAX} - rank.priority;
  return (rank.above_fair_share ? std::int64_t{1} << 34 : 0) +
         (rank.within_quota ? 0 : std::int64_t{1} << 33) + priority * 2 -
         (rank.holds_what_it_may_not ? 0 : 1);
}

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
      nodes_(cluster.queues()) {
  fixed_ = examine_fixed();
}

bool VictimOrder::examine_fixed() const {
  if (cluster_.configuration().victim_order != model::VictimOrder::kNewestFirst ||
      cluster_.budgets().size() > 0)
    return false;
  for (model::GroupId group : candidates_)
    for (const model::PodSet& set : cluster_.group(group).pod_sets)
      for (model::PodId pod : set.pods)
        if (cluster_.pod(pod).eviction_refused_until) return false;
  return true;
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

void VictimOrder::push(QueueNode& leaf, model::GroupId group) {
  const model::Policies& policies = cluster_.configuration().policies;
  auto& heap = leaf.heap;
  const bool by_lost_work = cluster_.configuration().victim_order == model::VictimOrder::kLeastLostWork;
  heap.push_back({policies.priority ? cluster_.group(group).priority : 0,
                  by_lost_work ? lost_work(chunk_of(group)) : 0, policies.elastic ? elastic_of(group) : 0,
                  group});
  std::push_heap(heap.begin(), heap.end(), [&](const Entry& a, const Entry& b) { return before(b, a); });
}

void VictimOrder::restart(const std::vector<VictimChunk>& recorded) {
  for (QueueNode& node : nodes_) {
    node.popped.assign(cluster_.queues().dimension_count(), 0);
    node.next = 0;
  }
  if (fixed_ && started_) {
    if (recorded_ >= kRecordedToDrop) drop_recorded();
    offer_all(0);
    return;
  }
  started_ = true;
  remaining_.clear();
  taken_.clear();
  disrupted_.assign(cluster_.budgets().size(), 0);
  for (QueueNode& node : nodes_) {
    node.heap.clear();
    node.kept.clear();
  }
  for (const VictimChunk& chunk : recorded) mark_taken(chunk.group, chunk.pods);
  for (model::GroupId group : candidates_) {
    const std::size_t leaf = nodes_.node_of(cluster_.group(group).queue);
    nodes_[leaf].popped.resize(cluster_.queues().dimension_count(), 0);
    if (!remaining(group).exhausted) push(nodes_[leaf], group);
  }
  offer_all(0);
}

void VictimOrder::set_recorded(std::size_t number) {
  Taken& one = taken_[number];
  one.recorded = true;
  ++recorded_;
  if (one.first && one.chunk.last) return;
  const model::GroupRecord& group = cluster_.group(one.chunk.group);
  if (group.pod_sets.size() > 1) {
    fixed_ = false;  // which part is furthest above its minimum may be another now
    return;
  }
  // What its group loses before it the group now has without it.
  for (Kept& kept : nodes_[nodes_.find(group.queue)].kept) {
    if (kept.number >= number) break;
    if (taken_[kept.number].chunk.group != one.chunk.group) continue;
    for (model::PodId pod : one.chunk.pods) add(kept.held, charge_of(pod), -1);
  }
}

/// They are passed over otherwise.
void VictimOrder::drop_recorded() {
  for (QueueNode& node : nodes_)
    std::erase_if(node.kept, [&](const Kept& one) { return taken_[one.number].recorded; });
  recorded_ = 0;
}

/// Whether anything is left of a leaf. Where the order is fixed it works the next chunk out.
bool VictimOrder::has_next(QueueNode& leaf) {
  if (!fixed_) return !leaf.heap.empty();
  while (leaf.next < leaf.kept.size() && recorded_ > 0 && taken_[leaf.kept[leaf.next].number].recorded)
    ++leaf.next;
  if (leaf.next < leaf.kept.size()) return true;
  if (leaf.heap.empty()) return false;
  leaf.kept.push_back(take_from_heap(leaf, chunk_of(leaf.heap.front().group)));
  return true;
}

/// What the group holds that the next chunk is of.
const VictimOrder::Held& VictimOrder::next_held(const QueueNode& leaf) {
  return fixed_ ? leaf.kept[leaf.next].held : remaining(leaf.heap.front().group).held;
}

/// The leaf that the next chunk below a queue is taken from; 0: nothing is left.
std::size_t VictimOrder::first_leaf(std::size_t index) {
  QueueNode& node = nodes_[index];
  if (node.children.empty()) return has_next(node) ? index : 0;
  // The last in the order of service. Without the proportion policy that is the youngest queue.
  const bool by_share = cluster_.configuration().policies.proportion;
  auto comes_after = [&](std::size_t a, std::size_t b) {
    const Head& x = node.heads[a];
    const Head& y = node.heads[b];
    if (x.band != y.band) return x.band > y.band;
    if (x.share_after != y.share_after) return x.share_after > y.share_after;
    return compare_queues(nodes_[node.children[a]].rank, nodes_[node.children[b]].rank) > 0;
  };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < node.heads.size(); ++i)
    if (node.heads[i].leaf != 0 && (!best || !by_share || comes_after(i, *best))) best = i;
  return best ? node.heads[*best].leaf : 0;
}

/// Everything below a node is new.
void VictimOrder::offer_all(std::size_t index) {
  nodes_[index].heads.resize(nodes_[index].children.size());
  for (std::size_t i = 0; i < nodes_[index].children.size(); ++i) {
    const std::size_t child = nodes_[index].children[i];
    nodes_[child].position = i;
    offer_all(child);
  }
  if (index != 0) offer(index, first_leaf(index));
}

/// Something was taken of a leaf.
void VictimOrder::update(std::size_t leaf) {
  for (std::size_t at = leaf; at != 0; at = nodes_[at].parent) offer(at, first_leaf(at));
}

/// Tells the parent what a queue can lose next.
void VictimOrder::offer(std::size_t index, std::size_t first) {
  QueueNode& node = nodes_[index];
  QueueNode& parent = nodes_[node.parent];
  Head& head = parent.heads[node.position];
  head.leaf = first;
  if (first == 0 || parent.children.size() == 1) return;
  const QueueNode& leaf = nodes_[first];
  const Held& held = next_held(leaf);
  if (!node.ranked) {
    const model::QueueAccount& account = cluster_.queues().account(pool_, node.queue);
    const Amounts& allocated = legality_.allocated_before(node.queue);
    node.dimensions.resize(account.dimensions.size());
    for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
      const model::DimensionAccount& own = account.dimensions[i];
      node.dimensions[i] = {allocated[i],    0,          0,           own.fair_share, own.quota.quota,
                            own.quota.limit, totals_[i], piece_of(i), own.declared};
    }
    const model::Queue& spec = cluster_.queues().at(node.queue).spec;
    node.rank = rank_queue({node.dimensions, account.priority, spec.created, spec.uid});
    node.ranked = true;
    head.band = band_of(node.rank);
  }
  for (std::size_t i = 0; i < held.size(); ++i) node.dimensions[i].victims = leaf.popped[i] + held[i];
  rank_with_other_victims(node.rank);
  head.share_after = node.rank.share_after;
}

/// The next chunk that may be evicted, of that leaf.
std::optional<std::vector<model::PodId>> VictimOrder::next_in_heap(std::size_t& leaf) {
  for (leaf = first_leaf(0); leaf != 0; leaf = first_leaf(0)) {
    std::vector<model::PodId> chunk = chunk_of(nodes_[leaf].heap.front().group);
    if (may_be_evicted(chunk)) return chunk;
    pop(nodes_[leaf]);  // then nothing more of this group
    update(leaf);
  }
  return std::nullopt;
}

void VictimOrder::pop(QueueNode& leaf) {
  std::pop_heap(leaf.heap.begin(), leaf.heap.end(),
                [&](const Entry& a, const Entry& b) { return before(b, a); });
  leaf.heap.pop_back();
}

/// Takes the pods of the first group of a leaf.
VictimOrder::Kept VictimOrder::take_from_heap(QueueNode& leaf, std::vector<model::PodId> pods) {
  const model::GroupId group = leaf.heap.front().group;
  pop(leaf);
  const Kept kept{taken_.size(), remaining(group).held};
  Taken& taken = taken_.emplace_back();
  taken.first = remaining(group).taken.empty();
  VictimChunk& chunk = taken.chunk;
  chunk = {group, std::move(pods)};
  mark_taken(group, chunk.pods);
  chunk.last = remaining(group).exhausted;
  if (!chunk.last) push(leaf, group);
  return kept;
}

std::optional<std::size_t> VictimOrder::take() {
  std::size_t first = 0;
  if (fixed_) {
    first = first_leaf(0);
    if (first == 0) return std::nullopt;
  } else {
    auto pods = next_in_heap(first);
    if (!pods) return std::nullopt;
    nodes_[first].kept.assign(1, take_from_heap(nodes_[first], std::move(*pods)));
    nodes_[first].next = 0;
  }
  QueueNode& leaf = nodes_[first];
  const Kept& taken = leaf.kept[leaf.next++];
  const std::size_t number = taken.number;
  for (std::size_t i = 0; i < taken.held.size(); ++i) leaf.popped[i] += taken.held[i];
  update(first);
  return number;
}

}  // namespace fairlead::engine
