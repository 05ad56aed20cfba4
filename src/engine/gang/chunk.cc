#include "engine/gang/chunk.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using model::GangNode;
using model::GroupRecord;
using model::PodSet;

std::int32_t count(const PodSet& set, Counted counted) {
  switch (counted) {
    case Counted::kPlaced:
      return set.placed();
    case Counted::kActive:
      return set.active();
    case Counted::kPresent:
      return set.placed() + set.waiting();
  }
  return 0;
}

struct Filled {
  std::int32_t placed = 0;
  std::int32_t minimum = 0;
};
Filled filled(const GroupRecord& group, std::size_t node) {
  const GangNode& at = group.tree[node];
  if (at.is_leaf()) return {group.pod_sets[at.pod_set].placed(), group.pod_sets[at.pod_set].min_member};
  Filled sum;
  for (std::size_t child : at.children) {
    const Filled below = filled(group, child);
    sum.placed += below.placed;
    sum.minimum += below.minimum;
  }
  return sum;
}

/// Placed pods per pod of the minimum; without a minimum above every ratio.
double ratio(Filled filled) {
  return filled.minimum > 0 ? static_cast<double>(filled.placed) / filled.minimum : 1e9 + filled.placed;
}

void take_missing(const model::Cluster& cluster, const GroupRecord& group, std::size_t node,
                  std::vector<model::PodId>& chunk) {
  const GangNode& at = group.tree[node];
  if (at.is_leaf()) {
    const PodSet& set = group.pod_sets[at.pod_set];
    std::int32_t missing = set.min_member - set.placed();
    for (std::size_t i = 0; i < set.pods.size() && missing > 0; ++i) {
      if (!model::is_waiting(cluster.pod(set.pods[i]).assignment.state)) continue;
      chunk.push_back(set.pods[i]);
      --missing;
    }
    return;
  }
  std::int32_t needed = at.min_children;
  for (std::size_t child : at.children) needed -= minimum_met(group, child, Counted::kPlaced) ? 1 : 0;
  for (std::size_t child : ordered_children(group, node)) {
    if (needed <= 0) return;
    if (minimum_met(group, child, Counted::kPlaced) || !minimum_met(group, child, Counted::kPresent))
      continue;
    take_missing(cluster, group, child, chunk);
    --needed;
  }
}

/// What waits beyond the minimum: one pod of a part whose minimum is met, else all that a part which is not
/// needed lacks to its own minimum.
void take_more(const model::Cluster& cluster, const GroupRecord& group, std::size_t node,
               std::vector<model::PodId>& chunk) {
  if (!minimum_met(group, node, Counted::kPlaced)) {
    if (minimum_met(group, node, Counted::kPresent)) take_missing(cluster, group, node, chunk);
    return;
  }
  const GangNode& at = group.tree[node];
  if (at.is_leaf()) {
    const PodSet& set = group.pod_sets[at.pod_set];
    if (set.waiting() == 0) return;
    for (model::PodId pod : set.pods) {
      if (!model::is_waiting(cluster.pod(pod).assignment.state)) continue;
      chunk.push_back(pod);
      return;
    }
    return;
  }
  for (std::size_t child : ordered_children(group, node)) {
    take_more(cluster, group, child, chunk);
    if (!chunk.empty()) return;
  }
}

}  // namespace

bool minimum_met(const GroupRecord& group, std::size_t node, Counted counted) {
  const GangNode& at = group.tree[node];
  if (at.is_leaf())
    return count(group.pod_sets[at.pod_set], counted) >= group.pod_sets[at.pod_set].min_member;
  std::int32_t met = 0;
  for (std::size_t child : at.children) met += minimum_met(group, child, counted) ? 1 : 0;
  return met >= at.min_children;
}

std::vector<std::size_t> ordered_children(const GroupRecord& group, std::size_t node) {
  struct Child {
    std::size_t node;
    bool leaf;
    bool met;
    double ratio;
  };
  std::vector<Child> children;
  for (std::size_t child : group.tree[node].children)
    children.push_back({child, group.tree[child].is_leaf(), minimum_met(group, child, Counted::kPlaced),
                        ratio(filled(group, child))});
  std::stable_sort(children.begin(), children.end(), [](const Child& a, const Child& b) {
    if (a.leaf != b.leaf) return !a.leaf;
    if (a.met != b.met) return !a.met;
    return a.ratio < b.ratio;
  });
  std::vector<std::size_t> order;
  for (const Child& child : children) order.push_back(child.node);
  return order;
}

void next_chunk(const model::Cluster& cluster, model::GroupId id, std::vector<model::PodId>& chunk) {
  chunk.clear();
  const GroupRecord& group = cluster.group(id);
  if (!minimum_met(group, 0, Counted::kPlaced)) {
    // Of a group that is one leaf with too few pods nothing is taken, as of any such part.
    if (!group.tree.front().is_leaf() || minimum_met(group, 0, Counted::kPresent))
      take_missing(cluster, group, 0, chunk);
  } else {
    take_more(cluster, group, 0, chunk);
  }
}

void next_victims(const model::Cluster& cluster, model::GroupId id, std::vector<model::PodId>& chunk) {
  chunk.clear();
  const GroupRecord& group = cluster.group(id);
  auto stays = [&](model::PodId pod) {
    const model::PodState state = cluster.pod(pod).assignment.state;
    return model::is_active(state) || model::is_reserved(state);
  };
  const PodSet* most = nullptr;
  for (const PodSet& set : group.pod_sets) {
    if (set.placed() <= set.min_member) continue;
    // Of equals the last in the object.
    if (!most || ratio({set.placed(), set.min_member}) >= ratio({most->placed(), most->min_member}))
      most = &set;
  }
  if (most) {
    for (auto pod = most->pods.rbegin(); pod != most->pods.rend(); ++pod) {
      if (!stays(*pod)) continue;
      chunk.push_back(*pod);
      return;
    }
  }
  for (const PodSet& set : group.pod_sets)
    for (model::PodId pod : set.pods)
      if (stays(pod)) chunk.push_back(pod);
  std::sort(chunk.begin(), chunk.end(),
            [&](model::PodId a, model::PodId b) { return cluster.task_before(b, a); });
}

}  // namespace fairlead::engine
