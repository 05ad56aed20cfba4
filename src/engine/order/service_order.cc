#include "engine/order/service_order.h"

#include "engine/gang/chunk.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace fairlead::engine {

namespace {

bool asks_for_no_more(const model::QueueCharge& a, const model::QueueCharge& b) {
  return a.gpu <= b.gpu && a.cpu <= b.cpu && a.memory <= b.memory;
}

}  // namespace

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

void ServiceOrder::make_stale(std::size_t leaf) {
  for (std::size_t at = leaf; !nodes_[at].stale; at = nodes_[at].parent) {
    nodes_[at].stale = true;
    if (at == 0) break;
  }
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
  ++entries_;
  make_stale(leaf);
}

void ServiceOrder::add_alike(const WaitingView& view, const std::vector<model::GroupId>& passed) {
  const model::Policies& policies = cluster_.configuration().policies;
  for (std::uint32_t index : view.alike) {
    const AlikeGroups& groups = view.waiting->alike(index);
    Alike alike;
    alike.index = index;
    alike.members = &groups.members;
    const model::GroupId last = index < passed.size() ? passed[index] : model::GroupId();
    if (last.valid()) {
      const auto next =
          std::upper_bound(groups.members.begin(), groups.members.end(), last,
                           [&](model::GroupId a, model::GroupId b) { return cluster_.group_before(a, b); });
      alike.next = static_cast<std::size_t>(next - groups.members.begin());
    }
    skip_left_out(alike);
    if (alike.empty()) continue;
    const model::QueueCharge one =
        cluster_.queue_charge(cluster_.pod_class(groups.pod_class), model::NodeId());
    alike.charge = {one.gpu * groups.pods, one.cpu * groups.pods, one.memory * groups.pods, 0};
    alike.priority = policies.priority ? groups.priority : 0;
    alike.elastic = policies.elastic ? -1 : 0;  // below its minimum
    const std::size_t leaf = nodes_.node_of(groups.queue);
    nodes_[leaf].alike.push_back(alike);
    make_stale(leaf);
  }
}

void ServiceOrder::skip_left_out(Alike& alike) const {
  if (!alike.empty() && (*alike.members)[alike.next] == left_out_) ++alike.next;
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

void ServiceOrder::find_best(QueueNode& leaf) const {
  leaf.best = {};
  leaf.best_alike = kNoAlike;
  Entry best{};
  if (!leaf.heap.empty()) {
    best = leaf.heap.front();
    leaf.best = best.group;
  }
  for (std::size_t i = 0; i < leaf.alike.size(); ++i) {
    if (leaf.alike[i].empty()) continue;
    const Entry first = leaf.alike[i].first();
    if (leaf.best.valid() && !later(best, first)) continue;
    best = first;
    leaf.best = first.group;
    leaf.best_alike = i;
  }
}

void ServiceOrder::refresh(std::size_t index) {
  QueueNode& node = nodes_[index];
  if (!node.stale) return;
  node.stale = false;
  find_best(node);
  if (!node.best.valid()) {
    for (std::size_t child : node.children) refresh(child);
    const std::size_t best = best_child(node.children);
    node.best = best == 0 ? model::GroupId() : nodes_[best].best;
    if (best != 0) node.charge = nodes_[best].charge;
  } else if (node.best_alike != kNoAlike) {
    node.charge = node.alike[node.best_alike].charge;
  } else {
    if (node.best != given_group_) next_chunk(cluster_, node.best, chunk_);
    const std::vector<model::PodId>& chunk = node.best == given_group_ ? *given_chunk_ : chunk_;
    node.charge = {};
    for (model::PodId pod : chunk)
      node.charge += cluster_.queue_charge(cluster_.class_of(pod), model::NodeId());
  }
  if (index == 0 || !node.best.valid()) return;
  const model::QueueAccount& account = cluster_.queues().account(pool_, node.queue);
  node.dimensions.resize(account.dimensions.size());
  for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
    const model::DimensionAccount& own = account.dimensions[i];
    node.dimensions[i] = {own.allocated,   node.charge.at(i), 0,           own.fair_share, own.quota.quota,
                          own.quota.limit, totals_[i],        piece_of(i), own.declared};
  }
  const model::Queue& spec = cluster_.queues().at(node.queue).spec;
  node.rank = rank_queue({node.dimensions, account.priority, spec.created, spec.uid});
}

void ServiceOrder::hold_back(std::uint32_t index) {
  for (Alike& alike : nodes_[last_leaf_].alike)
    if (alike.index == index) alike.held_back = true;
}

void ServiceOrder::hold_back_all() {
  for (QueueNode& node : nodes_)
    for (Alike& alike : node.alike) alike.held_back = true;
}

void ServiceOrder::release() {
  for (QueueNode& node : nodes_)
    for (Alike& alike : node.alike) alike.held_back = false;
}

ServiceOrder::Rest ServiceOrder::take_all_of(model::QueueId queue) {
  Rest rest;
  const std::size_t leaf = nodes_.find(queue);
  if (leaf == 0) return rest;
  for (const Entry& entry : nodes_[leaf].heap) rest.groups.push_back(entry.group);
  nodes_[leaf].heap.clear();
  entries_ -= rest.groups.size();
  for (Alike& alike : nodes_[leaf].alike) {
    if (alike.empty()) continue;
    rest.alike.emplace_back(alike.index, alike.first().group);
    alike.next = alike.members->size();
  }
  for (std::size_t at = leaf; at != 0; at = nodes_[at].parent) nodes_[at].stale = true;
  return rest;
}

model::GroupId ServiceOrder::last_passed(std::uint32_t index) const {
  for (const QueueNode& node : nodes_)
    for (const Alike& alike : node.alike)
      if (alike.index == index) return alike.next == 0 ? model::GroupId() : (*alike.members)[alike.next - 1];
  return {};
}

/// Groups that are held back and ask for no more than the charge by which their leaf has its turn: all of
/// them that come before anybody else of the leaf have it, too.
void ServiceOrder::pass(QueueNode& leaf, const model::QueueCharge& charge) {
  std::optional<Entry> stop;
  if (!leaf.heap.empty()) stop = leaf.heap.front();
  auto passes = [&](const Alike& alike) { return alike.held_back && asks_for_no_more(alike.charge, charge); };
  for (const Alike& alike : leaf.alike)
    if (!alike.empty() && !passes(alike) && (!stop || later(*stop, alike.first()))) stop = alike.first();
  for (Alike& alike : leaf.alike) {
    if (!passes(alike)) continue;
    const auto first = alike.members->begin() + static_cast<std::ptrdiff_t>(alike.next);
    const auto behind = !stop ? alike.members->end()
                              : std::partition_point(first, alike.members->end(), [&](model::GroupId group) {
                                  return !later({alike.priority, alike.elastic, group}, *stop);
                                });
    alike.next = static_cast<std::size_t>(behind - alike.members->begin());
    skip_left_out(alike);
  }
}

ServiceOrder::Next ServiceOrder::next() {
  for (std::size_t at = last_leaf_; at != 0; at = nodes_[at].parent) nodes_[at].stale = true;
  nodes_[0].stale = true;
  for (;;) {
    const bool any = entries_ > 0 || std::any_of(nodes_.begin(), nodes_.end(), [](const QueueNode& node) {
                       return std::any_of(node.alike.begin(), node.alike.end(), [](const Alike& alike) {
                         return !alike.held_back && !alike.empty();
                       });
                     });
    if (!any) return {};
    refresh(0);
    std::size_t at = 0;
    while (nodes_[at].heap.empty() && nodes_[at].best_alike == kNoAlike) at = best_child(nodes_[at].children);
    QueueNode& leaf = nodes_[at];
    last_leaf_ = at;
    if (leaf.best_alike == kNoAlike) {
      std::pop_heap(leaf.heap.begin(), leaf.heap.end(),
                    [&](const Entry& a, const Entry& b) { return later(a, b); });
      const model::GroupId group = leaf.heap.back().group;
      leaf.heap.pop_back();
      --entries_;
      return {group, std::nullopt};
    }
    Alike& alike = leaf.alike[leaf.best_alike];
    if (!alike.held_back) {
      const model::GroupId group = alike.first().group;
      ++alike.next;
      skip_left_out(alike);
      return {group, alike.index};
    }
    pass(leaf, alike.charge);
    make_stale(at);
    nodes_[0].stale = true;
  }
}

}  // namespace fairlead::engine
