#include "reference/place.h"

#include "reference/claims.h"
#include "reference/fit.h"

#include <tuple>

namespace fairlead::reference {
namespace {

/// A node's score for a pod: bands from the most to the least important; a higher one always wins.
using Score = std::tuple<bool, std::int64_t, std::int64_t, std::int64_t, int, bool, bool, bool, double>;

/// What placement looks at: whole devices for pods with devices, of the kind that they name, those that
/// drivers offer for pods with claims on accelerators, else cpu.
struct PackResource {
  bool devices;
  bool claims;
  std::string named;  ///< empty: the first kind on the node
  std::string name(const NodeUse& use) const {
    if (claims) return "resource claims";
    return !devices ? "cpu" : named.empty() ? use.shareable : device_name(named);
  }
  std::int64_t capacity(const NodeUse& use) const { return get(use.capacity, name(use)); }
  std::int64_t free(const NodeUse& use) const { return use.free_later(name(use)); }
};

/// A node's use with the devices that drivers offer to claims there.
NodeUse use_with_claims(const Facts& facts, const State& state, const model::Node& node, bool claims) {
  NodeUse use = node_use(facts, state, node);
  if (!claims) return use;
  ClaimDevices devices = claim_devices(facts, state, node);
  use.capacity["resource claims"] = devices.all;
  use.active["resource claims"] = devices.all - devices.free_later;
  return use;
}

/// Rule 13. Bin-pack: 9 for the fullest to 0 for the emptiest of the candidates that have the resource;
/// spread: the free part.
double placement_score(const NodeUse& use, const PackResource& resource, model::PlacementStrategy strategy,
                       std::int64_t least, std::int64_t most) {
  std::int64_t capacity = resource.capacity(use);
  if (capacity <= 0) return 0;
  auto free = static_cast<double>(resource.free(use));
  if (strategy == model::PlacementStrategy::kSpread) return free / static_cast<double>(capacity);
  if (most == 0) return 0;
  if (most == least) return 9;
  return 9 * (1 - (free - static_cast<double>(least)) / static_cast<double>(most - least));
}

std::int64_t preferred_node_score(const model::Pod& pod, const model::Node& node) {
  std::int64_t score = 0;
  for (const model::PreferredTerm& preferred : pod.constraints.preferred_nodes)
    if (model::matches(preferred.term, node.labels, node.name)) score += preferred.weight;
  return score;
}

std::int64_t untolerated_preferences(const model::Pod& pod, const model::Node& node) {
  return std::count_if(node.taints.begin(), node.taints.end(), [&](const model::Taint& taint) {
    const auto& list = pod.constraints.tolerations;
    return taint.effect == model::Taint::Effect::kPreferNoSchedule &&
           std::none_of(list.begin(), list.end(),
                        [&](const auto& one) { return model::tolerates(one, taint); });
  });
}

/// The nodes of a set in the order in which a pod tries them: by score, ties by name.
std::vector<const model::Node*> ordered_nodes(const Facts& facts, const State& state, const model::Pod& pod,
                                              const NodeSet& set) {
  const model::Policies& policies = facts.world->configuration.policies;
  bool own = pod.devices.kind != model::DeviceRequest::Kind::kNone || !pod.devices.partitions.empty();
  bool has_devices = own || claims_charge(*facts.world, pod) > 0;
  bool whole = pod.devices.kind == model::DeviceRequest::Kind::kWhole;
  PackResource resource{own, has_devices && !own, whole ? pod.devices.resource : ""};
  std::int64_t least = INT64_MAX;
  std::int64_t most = 0;
  for (const model::Node* node : set.nodes) {
    NodeUse use = use_with_claims(facts, state, *node, resource.claims);
    if (resource.capacity(use) <= 0) continue;
    least = std::min(least, resource.free(use));
    most = std::max(most, resource.free(use));
  }
  std::vector<std::pair<Score, const model::Node*>> scored;
  for (const model::Node* node : set.nodes) {
    NodeUse use = use_with_claims(facts, state, *node, resource.claims);
    const model::Placement& placement = pool_configuration(facts, node->pool).placement;
    auto topology = set.scores.find(node->name);
    bool no_devices = node->devices.empty() || get(use.capacity, use.shareable) == 0;
    Score score{
        policies.nominated_node && !pod.nominated_node.empty() && pod.nominated_node == node->name,
        policies.pod_affinity ? affinity_score(facts, state, pod, *node) : 0,
        policies.filters ? preferred_node_score(pod, *node) : 0,
        policies.filters ? -untolerated_preferences(pod, *node) : 0,
        topology == set.scores.end() ? 0 : topology->second,
        policies.sharing_order && placement.pack_shares && fits_on_shared_device(facts, state, pod, *node),
        policies.node_availability && !refusal(facts, state, pod, *node, When::kNow),
        policies.resource_type && !has_devices && no_devices && node->partitions.empty() &&
            claim_accelerators(*facts.world, *node) == 0,
        policies.node_placement
            ? placement_score(use, resource, has_devices ? placement.devices : placement.cpu, least, most)
            : 0};
    scored.emplace_back(score, node);
  }
  std::stable_sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second->name < b.second->name;
  });
  std::vector<const model::Node*> order;
  for (const auto& [score, node] : scored) order.push_back(node);
  return order;
}

void put(State& state, const model::Pod& pod, Place place, Status status) {
  PodState& at = state.pods.at(pod.uid);
  if (at.status == Status::kEvicted && at.home == place) {
    at.status = at.home_status;
    at.leaving = at.home_leaving;
  } else {
    at.status = status;
  }
  at.place = std::move(place);
  state.placed.push_back(pod.uid);
}

/// All of a part's pods that are in the chunk.
std::vector<const model::Pod*> pods_in(const Part& part, const Chunk& chunk) {
  std::vector<const model::Pod*> pods;
  for (const model::Pod* pod : part.pods)
    if (std::find(chunk.begin(), chunk.end(), pod) != chunk.end()) pods.push_back(pod);
  for (const Part& child : part.children)
    for (const model::Pod* pod : pods_in(child, chunk)) pods.push_back(pod);
  return pods;
}

struct Placement {
  const Facts& facts;
  State& state;
  const PoolShares& shares;
  const Group& group;
  const Chunk& chunk;
  bool pipeline_only;
  model::Reason why = {};  ///< where it did not work the last time

  /// Section 3, "Allocate": walks the tree; each level may narrow the nodes, and the next candidate is tried
  /// when something below does not fit.
  bool place_part(const Part& part, const NodeSet& outer) {
    std::vector<const model::Pod*> pods = pods_in(part, chunk);
    if (pods.empty()) return true;
    std::vector<NodeSet> candidates = topology_candidates(facts, state, part, pods, outer);
    for (const NodeSet& set : candidates) {
      State before = state;
      if (place_within(part, pods, set)) return true;
      state = before;
    }
    bool known = facts.world->topologies.count(part.topology.topology) > 0;
    if (candidates.empty())
      why.code = known ? model::ReasonCode::kTopology : model::ReasonCode::kUnknownTopology;
    return false;
  }

  bool place_within(const Part& part, const std::vector<const model::Pod*>& pods, const NodeSet& set) {
    if (part.leaf) {
      for (const model::Pod* pod : pods) {
        if (place_pod(facts, state, shares, group, *pod, set, pipeline_only)) continue;
        why.code =
            pod == pods.front() ? model::ReasonCode::kNodesDoNotFit : model::ReasonCode::kGangDoesNotFit;
        return false;
      }
      return true;
    }
    std::vector<const Part*> children = ordered_children(part, state);
    return std::all_of(children.begin(), children.end(),
                       [&](const Part* child) { return place_part(*child, set); });
  }
};

bool starts_now(Status status) { return status == Status::kAllocated || status == Status::kRunning; }

/// A pod waits for the things that it refers to and that are known to be missing.
std::optional<model::Reason> missing_reference(const Facts& facts, const Chunk& chunk) {
  if (!facts.world->configuration.policies.filters) return std::nullopt;
  for (const model::Pod* pod : chunk) {
    if (pod->missing_references.empty()) continue;
    model::Reason reason;
    reason.code = model::ReasonCode::kMissingReference;
    reason.detail = pod->missing_references.front();
    return reason;
  }
  return std::nullopt;
}

void pipeline_all(const Part& part, State& state) {
  for (const model::Pod* pod : part.pods)
    if (PodState& at = state.pods.at(pod->uid); at.status == Status::kAllocated)
      at.status = Status::kPipelined;
  for (const Part& child : part.children) pipeline_all(child, state);
}

bool any_pipelined(const Part& part, const State& state) {
  return std::any_of(
             part.pods.begin(), part.pods.end(),
             [&](const model::Pod* pod) { return state_of(state, *pod).status == Status::kPipelined; }) ||
         std::any_of(part.children.begin(), part.children.end(),
                     [&](const Part& child) { return any_pipelined(child, state); });
}

/// A part of which some pods wait for released capacity, while those that could start miss its minimum, waits
/// as a whole.
void hold_back(const Part& part, State& state) {
  for (const Part& child : part.children) hold_back(child, state);
  if (any_pipelined(part, state) && !minimum_met(part, state, starts_now)) pipeline_all(part, state);
}

/// Whether every part that has some of these pods has its minimum.
bool is_whole(const Part& part, const State& state, const Chunk& pods) {
  if (pods_in(part, pods).empty()) return true;
  return minimum_met(part, state, is_active) &&
         std::all_of(part.children.begin(), part.children.end(),
                     [&](const Part& child) { return is_whole(child, state, pods); });
}

}  // namespace

namespace {

using Quotas = std::vector<std::pair<std::string, model::Quota>>;
/// Dimensions in the order in which a refusal names them: devices, cpu, memory, then models.
Quotas devices_first(const std::map<std::string, model::Quota>& quotas) {
  Quotas ordered;
  for (const char* first : {"gpu", "cpu", "memory"})
    if (auto found = quotas.find(first); found != quotas.end()) ordered.push_back(*found);
  for (const auto& [dimension, quota] : quotas)
    if (dimension != "gpu" && dimension != "cpu" && dimension != "memory")
      ordered.emplace_back(dimension, quota);
  return ordered;
}

}  // namespace

std::optional<model::Reason> gate(const Facts& facts, const State& state, const PoolShares& shares,
                                  const Group& group, const Amounts& request) {
  if (!facts.world->configuration.policies.proportion) return std::nullopt;
  Allocations allocated = allocations(facts, state, shares.pool);
  for (const std::string& queue : path_to_root(facts, group.queue))
    for (const auto& [dimension, quota] : devices_first(shares.queues.at(queue).quota)) {
      std::int64_t want = get(request, dimension);
      std::int64_t have = get(allocated.all[queue], dimension);
      std::int64_t fixed = get(allocated.non_preemptible[queue], dimension);
      if (want <= 0) continue;
      if (!quota.limit.allows(have + want))
        return model::Reason{.code = model::ReasonCode::kOverLimit,
                             .queue = queue,
                             .dimension = dimension,
                             .have = have,
                             .want = want,
                             .limit = quota.limit.amount(),
                             .detail = {},
                             .nodes = {},
                             .claims = {}};
      // A user's leaf has no quota of its own: what counts is that of the queue that the users share.
      if (!group.preemptible && !facts.queues.at(queue).of_user && !quota.quota.allows(fixed + want))
        return model::Reason{.code = model::ReasonCode::kNonPreemptibleOverQuota,
                             .queue = queue,
                             .dimension = dimension,
                             .have = fixed,
                             .want = want,
                             .limit = quota.quota.amount(),
                             .detail = {},
                             .nodes = {},
                             .claims = {}};
    }
  return std::nullopt;
}

namespace {

bool has_models(const PoolShares& shares) {
  return std::any_of(shares.queues.begin(), shares.queues.end(),
                     [](const auto& entry) { return entry.second.quota.size() > 3; });
}

}  // namespace

bool place_pod(const Facts& facts, State& state, const PoolShares& shares, const Group& group,
               const model::Pod& pod, const NodeSet& set, bool pipeline_only) {
  // The part of a device that its memory makes depends on the node, and so does the dimension of the model.
  bool depends_on_node = pod.devices.kind == model::DeviceRequest::Kind::kMemory || has_models(shares);
  for (const model::Node* node : ordered_nodes(facts, state, pod, set)) {
    if (depends_on_node && gate(facts, state, shares, group, charge(facts, pod, node))) continue;
    for (When when : {When::kNow, When::kLater}) {
      if ((when == When::kNow && pipeline_only) || refusal(facts, state, pod, *node, when)) continue;
      auto devices = choose_devices(facts, state, pod, *node, when);
      auto claims = choose_claims(facts, state, pod, *node, when);
      put(state, pod, {node->name, *devices, *claims},
          when == When::kNow ? Status::kAllocated : Status::kPipelined);
      return true;
    }
  }
  return false;
}

bool place_chunk(const Facts& facts, State& state, const PoolShares& shares, const Group& group,
                 const Chunk& chunk, const std::vector<const model::Node*>& nodes, bool pipeline_only,
                 model::Reason* why) {
  if (chunk.empty()) return false;
  auto refuse = [&](const model::Reason& reason) {
    if (why) *why = reason;
    return false;
  };
  if (auto missing = missing_reference(facts, chunk)) return refuse(*missing);
  for (const model::Pod* pod : chunk) {
    std::string problem = claims_problem(facts, *pod);
    if (problem.empty()) continue;
    model::Reason reason;
    reason.code = model::ReasonCode::kClaim;
    reason.detail = std::move(problem);
    return refuse(reason);
  }
  if (auto reason = gate(facts, state, shares, group, chunk_request(facts, chunk))) return refuse(*reason);
  State before = state;
  Placement placement{facts, state, shares, group, chunk, pipeline_only};
  if (!placement.place_part(group.root, {nodes, {}})) {
    state = before;
    return refuse(placement.why);
  }
  hold_back(group.root, state);
  return true;
}

bool renew_places(const Facts& facts, State& state, const PoolShares& shares, const Group& group,
                  const Chunk& nominated) {
  State tried = state;
  for (const model::Pod* pod : nominated) {
    tried.pods.at(pod->uid).status = Status::kPending;
    tried.pods.at(pod->uid).place = {};
  }
  if (gate(facts, tried, shares, group, chunk_request(facts, nominated))) return false;
  for (const model::Pod* pod : nominated) {
    const Place& place = state_of(state, *pod).place;
    const model::Node& node = facts.world->nodes.at(place.node);
    auto fits = [&](When when) {
      return !refusal(facts, tried, *pod, node, when, true) &&
             devices_have_room(facts, tried, *pod, node, place.device_groups, when) &&
             claims_have_room(facts, tried, *pod, place.claims, when);
    };
    bool now = fits(When::kNow);
    if (!now && !fits(When::kLater)) return false;
    put(tried, *pod, place, now ? Status::kAllocated : Status::kPipelined);
  }
  if (!is_whole(group.root, tried, nominated)) return false;
  hold_back(group.root, tried);
  state = std::move(tried);
  return true;
}

}  // namespace fairlead::reference
