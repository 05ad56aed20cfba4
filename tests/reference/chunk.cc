#include "reference/chunk.h"

#include "reference/fair_share.h"

namespace fairlead::reference {
namespace {

std::int32_t count(const Part& part, const State& state, bool (*counts)(Status)) {
  std::int32_t number = 0;
  for (const model::Pod* pod : part.pods) number += counts(state_of(state, *pod).status) ? 1 : 0;
  for (const Part& child : part.children) number += count(child, state, counts);
  return number;
}

bool is_present(Status status) { return is_active(status) || is_waiting(status); }

std::size_t sub_groups_needed(const Part& part) {
  return part.min_sub_group ? static_cast<std::size_t>(std::max(0, *part.min_sub_group))
                            : part.children.size();
}

/// Adds the waiting pods that are missing to the minimum of each part that is needed.
void take_missing(const Part& part, const State& state, Chunk& chunk) {
  if (part.leaf) {
    std::int32_t missing = part.min_member - count(part, state, is_active);
    for (const model::Pod* pod : part.pods)
      if (missing > 0 && is_waiting(state_of(state, *pod).status)) {
        chunk.push_back(pod);
        --missing;
      }
    return;
  }
  std::size_t needed = sub_groups_needed(part);
  for (const Part& child : part.children)
    if (minimum_met(child, state, is_active) && needed > 0) --needed;
  for (const Part* child : ordered_children(part, state)) {
    if (needed == 0) return;
    if (minimum_met(*child, state, is_active) || !minimum_met(*child, state, is_present)) continue;
    take_missing(*child, state, chunk);
    --needed;
  }
}

/// What waits beyond the minimum: one pod of a part whose minimum is met, else all that a part which is not
/// needed lacks to its own minimum.
void take_more(const Part& part, const State& state, Chunk& chunk) {
  if (!minimum_met(part, state, is_active)) {
    if (minimum_met(part, state, is_present)) take_missing(part, state, chunk);
    return;
  }
  for (const model::Pod* pod : part.pods)
    if (chunk.empty() && is_waiting(state_of(state, *pod).status)) chunk.push_back(pod);
  for (const Part* child : ordered_children(part, state))
    if (chunk.empty()) take_more(*child, state, chunk);
}

void all_leaves(const Part& part, std::vector<const Part*>& leaves) {
  if (part.leaf) leaves.push_back(&part);
  for (const Part& child : part.children) all_leaves(child, leaves);
}

}  // namespace

std::int32_t active_pods(const Part& part, const State& state) { return count(part, state, is_active); }
std::int32_t active_pods(const Group& group, const State& state) { return active_pods(group.root, state); }

bool minimum_met(const Part& part, const State& state, bool (*counts)(Status)) {
  if (part.leaf) return count(part, state, counts) >= part.min_member;
  std::size_t met = 0;
  for (const Part& child : part.children) met += minimum_met(child, state, counts) ? 1 : 0;
  return met >= sub_groups_needed(part);
}

std::vector<const Part*> ordered_children(const Part& part, const State& state) {
  std::vector<const Part*> children;
  for (const Part& child : part.children) children.push_back(&child);
  auto ratio = [&](const Part* child) {  // active pods per minimum; inner parts by their total
    std::vector<const Part*> leaves;
    all_leaves(*child, leaves);
    double minimum = 0;
    for (const Part* leaf : leaves) minimum += leaf->min_member;
    return minimum > 0 ? active_pods(*child, state) / minimum : 1e9 + active_pods(*child, state);
  };
  // Inner parts before leaves, as they are placed; unsatisfied ones first; ties keep the object's order.
  std::stable_sort(children.begin(), children.end(), [&](const Part* a, const Part* b) {
    if (a->leaf != b->leaf) return !a->leaf;
    bool met_a = minimum_met(*a, state, is_active);
    bool met_b = minimum_met(*b, state, is_active);
    if (met_a != met_b) return !met_a;
    return ratio(a) < ratio(b);
  });
  return children;
}

bool enough_pods(const Group& group, const State& state) {
  return minimum_met(group.root, state, is_present);
}

Chunk next_chunk(const Group& group, const State& state) {
  Chunk chunk;
  if (!minimum_met(group.root, state, is_active))
    take_missing(group.root, state, chunk);
  else
    take_more(group.root, state, chunk);
  return chunk;
}

Amounts chunk_request(const Facts& facts, const Chunk& chunk) {
  Amounts sum{{"gpu", 0}, {"cpu", 0}, {"memory", 0}};
  for (const model::Pod* pod : chunk) add(sum, charge(facts, *pod, nullptr));
  return sum;
}

Chunk next_victims(const Group& group, const State& state) {
  auto stays = [&](const model::Pod* pod) { return is_active(state_of(state, *pod).status); };
  std::vector<const Part*> leaves;
  all_leaves(group.root, leaves);
  const Part* most = nullptr;
  double most_ratio = 0;
  for (const Part* leaf : leaves) {
    auto active = std::count_if(leaf->pods.begin(), leaf->pods.end(), stays);
    if (active <= leaf->min_member) continue;
    double ratio = leaf->min_member > 0 ? static_cast<double>(active) / leaf->min_member
                                        : 1e9 + static_cast<double>(active);
    if (!most || ratio >= most_ratio) {  // of equals the last in the object
      most = leaf;
      most_ratio = ratio;
    }
  }
  Chunk chunk;
  for (auto pod = group.pods.rbegin(); pod != group.pods.rend(); ++pod) {
    if (!stays(*pod)) continue;
    if (!most) chunk.push_back(*pod);
    if (most && std::find(most->pods.begin(), most->pods.end(), *pod) != most->pods.end()) return {*pod};
  }
  return chunk;
}

int elastic_state(const Group& group, const State& state) {
  if (!minimum_met(group.root, state, is_active)) return -1;
  std::vector<const Part*> leaves;
  all_leaves(group.root, leaves);
  bool above = std::any_of(leaves.begin(), leaves.end(),
                           [&](const Part* leaf) { return active_pods(*leaf, state) > leaf->min_member; });
  return above ? 1 : 0;
}

bool is_elastic(const Group& group) {
  std::vector<const Part*> leaves;
  all_leaves(group.root, leaves);
  return std::any_of(leaves.begin(), leaves.end(), [](const Part* leaf) {
    return static_cast<std::int32_t>(leaf->pods.size()) > leaf->min_member;
  });
}

}  // namespace fairlead::reference
