#include "engine/gang/placer.h"

#include "engine/gang/chunk.h"
#include "engine/gang/gates.h"
#include "engine/gang/plain_scan.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace fairlead::engine {

/// A node's score for a pod: bands from the most to the least important, a higher one always wins.
struct Placer::Score {
  bool nominated = false;
  std::int64_t affinity = 0;
  std::int32_t preference = 0;
  std::int32_t tolerated = 0;  ///< minus the PreferNoSchedule taints that are not
  std::int32_t topology = 0;
  bool joins_shared_device = false;
  bool available_now = false;
  bool cpu_only_match = false;
  double placement = 0;

  friend bool operator>(const Score& a, const Score& b) {
    return std::tie(a.nominated, a.affinity, a.preference, a.tolerated, a.topology, a.joins_shared_device,
                    a.available_now, a.cpu_only_match, a.placement) >
           std::tie(b.nominated, b.affinity, b.preference, b.tolerated, b.topology, b.joins_shared_device,
                    b.available_now, b.cpu_only_match, b.placement);
  }
};

namespace {

/// Bin-pack and spread by one column: devices for pods with devices, else cpu.
class LoadScore {
 public:
  LoadScore(const model::Cluster& cluster, model::ResourceId packed, const NodeSet& set)
      : capacity_(cluster.nodes().capacity(packed)), later_(cluster.nodes().later(packed)) {
    for (model::NodeId node : set.nodes) {
      if (capacity_[node.index()] <= 0) continue;
      least_ = std::min(least_, later_[node.index()]);
      most_ = std::max(most_, later_[node.index()]);
    }
  }
  /// Bin-pack: 9 for the fullest to 0 for the emptiest of the candidates that have the resource. Spread: the
  /// free part.
  double of(model::NodeId node, model::PlacementStrategy strategy) const {
    const std::int64_t capacity = capacity_[node.index()];
    if (capacity <= 0) return 0;
    const auto free = static_cast<double>(later_[node.index()]);
    if (strategy == model::PlacementStrategy::kSpread) return free / static_cast<double>(capacity);
    if (most_ == 0) return 0;
    if (most_ == least_) return 9;
    return 9 * (1 - (free - static_cast<double>(least_)) / static_cast<double>(most_ - least_));
  }

 private:
  const std::vector<std::int64_t>& capacity_;
  const std::vector<std::int64_t>& later_;
  std::int64_t least_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t most_ = 0;
};

bool is_single_leaf(const model::GroupRecord& group) {
  return group.tree.front().is_leaf() && group.tree.front().topology.empty();
}

/// Whether any pod of the part waits for capacity that is being freed.
bool any_reserved(const model::GroupRecord& group, std::size_t part) {
  const model::GangNode& at = group.tree[part];
  if (at.is_leaf()) return group.pod_sets[at.pod_set].reserved() > 0;
  return std::any_of(at.children.begin(), at.children.end(),
                     [&](std::size_t child) { return any_reserved(group, child); });
}

}  // namespace

Placer::Placer(model::Cluster& cluster, std::vector<NamedScorerFactory> scorers)
    : cluster_(cluster), scores_(std::move(scorers)) {}

const NodeSet& Placer::pool_nodes(model::PoolId pool) {
  if (pool_nodes_.size() <= pool.index()) pool_nodes_.resize(pool.index() + 1);
  PoolNodes& cached = pool_nodes_[pool.index()];
  if (cached.structure != cluster_.nodes().structure_version()) {
    cached.set.nodes.clear();
    for (model::NodeId node : cluster_.nodes().by_name())
      if (cluster_.nodes().at(node).pool == pool) cached.set.nodes.push_back(node);
    cached.structure = cluster_.nodes().structure_version();
  }
  return cached.set;
}

bool Placer::is_known_failure(model::GroupId id, const std::vector<model::PodId>& chunk) const {
  const model::GroupRecord& group = cluster_.group(id);
  const std::pair first{cluster_.pod(chunk.front()).pod_class, group.pool};
  return is_single_leaf(group) && std::find(failed_.begin(), failed_.end(), first) != failed_.end();
}

void Placer::only_reserve(model::GroupId id, std::size_t part) {
  const model::GroupRecord& group = cluster_.group(id);
  const model::GangNode& at = group.tree[part];
  for (std::size_t child : at.children) only_reserve(id, child);
  if (!at.is_leaf()) return;
  for (model::PodId pod : group.pod_sets[at.pod_set].pods) {
    model::Assignment assignment = cluster_.pod(pod).assignment;
    if (assignment.state != model::PodState::kBinding || cluster_.pod(pod).decision != 0) continue;
    assignment.state = model::PodState::kNominated;
    assignment.reserved = std::move(assignment.held);
    assignment.held = {};
    cluster_.assign(pod, std::move(assignment));
  }
}

void Placer::hold_back(model::GroupId id, std::size_t part) {
  const model::GroupRecord& group = cluster_.group(id);
  for (std::size_t child : group.tree[part].children) hold_back(id, child);
  if (any_reserved(group, part) && !minimum_met(group, part, Counted::kActive)) only_reserve(id, part);
}

bool Placer::is_whole(model::GroupId id, std::size_t part, const std::vector<model::PodId>& pods) const {
  std::vector<model::PodId> here;
  pods_of(id, part, pods, here);
  if (here.empty()) return true;
  const model::GroupRecord& group = cluster_.group(id);
  const model::GangNode& at = group.tree[part];
  return minimum_met(group, part, Counted::kPlaced) &&
         std::all_of(at.children.begin(), at.children.end(),
                     [&](std::size_t child) { return is_whole(id, child, here); });
}

bool Placer::renew_places(model::GroupId id,
                          const std::vector<std::pair<model::PodId, model::Place>>& reserved) {
  const model::GroupRecord& group = cluster_.group(id);
  model::QueueCharge request;
  std::vector<model::PodId> pods;
  for (const auto& [pod, place] : reserved) {
    pods.push_back(pod);
    request += cluster_.queue_charge(cluster_.class_of(pod), model::NodeId());
  }
  if (gate(cluster_, group.pool, group, request)) return false;
  const std::size_t placed_before = placed_.size();
  const std::size_t mark = cluster_.mark();
  bool stays = std::all_of(reserved.begin(), reserved.end(), [&](const auto& one) {
    const auto& [pod, place] = one;
    const StaticFit::Entry entry = static_fit_.of(cluster_, cluster_.pod(pod).pod_class)[place.node.index()];
    PodConstraints constraints(cluster_, pod, Series::kStays);
    auto fits = [&](When when) {
      return !engine::refusal(cluster_, entry, constraints, pod, place.node, when) &&
             devices_have_room(cluster_, cluster_.class_of(pod), place, when) &&
             grants_have_room(cluster_, pod, place, when);
    };
    const bool now = fits(When::kNow);
    if (!now && !fits(When::kLater)) return false;
    put(pod, place, now);
    return true;
  });
  stays = stays && is_whole(id, 0, pods);
  if (stays) {
    hold_back(id, 0);
  } else {
    cluster_.rollback(mark);
    placed_.resize(placed_before);
  }
  cluster_.keep(mark);
  return stays;
}

bool Placer::place_chunk(model::GroupId id, const std::vector<model::PodId>& chunk, bool reserve_only) {
  const model::GroupRecord& group = cluster_.group(id);
  if (chunk.empty()) return false;
  if (!keeps_caches_) {
    failed_.clear();
    static_fit_ = {};
    share_fit_ = {};
    trees_ = {};
  }
  for (model::PodId pod : chunk) {
    const auto& missing = cluster_.pod(pod).spec.missing_references;
    if (missing.empty() || !cluster_.configuration().policies.filters) continue;
    refusal_ = model::Reason();
    refusal_.code = model::ReasonCode::kMissingReference;
    refusal_.detail = missing.front();
    return false;
  }
  for (model::PodId pod : chunk) {
    if (cluster_.pod(pod).claims.empty()) continue;
    std::string problem = claims_problem(cluster_, pod);
    if (problem.empty()) continue;
    refusal_ = model::Reason();
    refusal_.code = model::ReasonCode::kClaim;
    refusal_.detail = std::move(problem);
    return false;
  }
  model::QueueCharge request;
  for (model::PodId pod : chunk) request += cluster_.queue_charge(cluster_.class_of(pod), model::NodeId());
  if (auto refused = gate(cluster_, group.pool, group, request)) {
    refusal_ = std::move(*refused);
    return false;
  }
  const bool single_leaf = is_single_leaf(group);
  const std::pair first{cluster_.pod(chunk.front()).pod_class, group.pool};
  if (is_known_failure(id, chunk)) {
    refusal_ = model::Reason();
    refusal_.want = static_cast<std::int64_t>(chunk.size());
    return false;
  }
  failed_for_any_pod_ = false;
  const std::size_t placed_before = placed_.size();
  const std::size_t mark = cluster_.mark();
  const bool placed = place_part(id, 0, chunk, pool_nodes(group.pool), reserve_only);
  if (placed) {
    if (group.reserved() > 0) hold_back(id, 0);
  } else {
    cluster_.rollback(mark);
    placed_.resize(placed_before);
    if (single_leaf && failed_for_any_pod_) failed_.push_back(first);
  }
  cluster_.keep(mark);
  return placed;
}

void Placer::pods_of(model::GroupId id, std::size_t part, const std::vector<model::PodId>& chunk,
                     std::vector<model::PodId>& pods) const {
  const model::GroupRecord& group = cluster_.group(id);
  const model::GangNode& at = group.tree[part];
  if (at.is_leaf()) {
    for (model::PodId pod : chunk)
      if (cluster_.pod(pod).pod_set == at.pod_set) pods.push_back(pod);
    return;
  }
  for (std::size_t child : at.children) pods_of(id, child, chunk, pods);
}

bool Placer::place_part(model::GroupId id, std::size_t part, const std::vector<model::PodId>& chunk,
                        const NodeSet& outer, bool reserve_only) {
  std::vector<model::PodId> pods;
  pods_of(id, part, chunk, pods);
  if (pods.empty()) return true;
  const model::GroupRecord& group = cluster_.group(id);
  if (group.tree[part].topology.empty() || !cluster_.configuration().policies.topology)
    return place_within(id, part, pods, outer, reserve_only);
  std::vector<NodeSet> candidates = topology_candidates(cluster_, trees_, group, part, pods, outer);
  for (const NodeSet& set : candidates) {
    const std::size_t placed_before = placed_.size();
    const std::size_t mark = cluster_.mark();
    const bool placed = place_within(id, part, pods, set, reserve_only);
    if (!placed) {
      cluster_.rollback(mark);
      placed_.resize(placed_before);
    }
    cluster_.keep(mark);
    if (placed) return true;
  }
  if (candidates.empty()) {
    refusal_ = model::Reason();
    refusal_.code = cluster_.topology(group.tree[part].topology.topology)
                        ? model::ReasonCode::kTopology
                        : model::ReasonCode::kUnknownTopology;
    refusal_.want = static_cast<std::int64_t>(pods.size());
    refusal_.detail = group.tree[part].topology.required_level.empty()
                          ? group.tree[part].topology.topology
                          : group.tree[part].topology.required_level;
  }
  return false;
}

bool Placer::place_within(model::GroupId id, std::size_t part, const std::vector<model::PodId>& chunk,
                          const NodeSet& set, bool reserve_only) {
  const model::GroupRecord& group = cluster_.group(id);
  if (group.tree[part].is_leaf()) {
    std::int64_t done = 0;
    for (model::PodId pod : chunk) {
      if (!place_pod(id, pod, set, reserve_only)) {
        refusal_ = model::Reason();
        refusal_.code = done == 0 ? model::ReasonCode::kNodesDoNotFit : model::ReasonCode::kGangDoesNotFit;
        refusal_.have = done;
        refusal_.want = static_cast<std::int64_t>(chunk.size());
        refusal_.detail = group.tree[part].name;
        failed_for_any_pod_ = failed_for_any_pod_ && done == 0;
        return false;
      }
      ++done;
    }
    return true;
  }
  for (std::size_t child : ordered_children(group, part))
    if (!place_part(id, child, chunk, set, reserve_only)) return false;
  return true;
}

bool Placer::place_pod(model::GroupId id, model::PodId pod, const NodeSet& set, bool reserve_only) {
  const model::GroupRecord& group = cluster_.group(id);
  const model::Configuration& configuration = cluster_.configuration();
  const model::Policies& policies = configuration.policies;
  const model::PodRecord& record = cluster_.pod(pod);
  const model::PodClass& pod_class = cluster_.pod_class(record.pod_class);
  const std::vector<StaticFit::Entry>& static_entries = static_fit_.of(cluster_, record.pod_class);
  const model::Placement& placement = cluster_.pool_configuration(group.pool).placement;
  const bool devices = pod_class.uses_devices;
  const bool shares = pod_class.key.devices.shares_devices();
  const bool charge_depends_on_node = pod_class.key.devices.kind == model::DeviceRequest::Kind::kMemory ||
                                      cluster_.queues().dimension_count() > model::dimension::kFixed;
  const bool scored = policies.node_placement && scores_.turn_to(cluster_, pod, placement);
  PodConstraints constraints(cluster_, pod);
  if (!constraints.any() && !charge_depends_on_node && !scored && policies.node_placement &&
      is_plain(pod_class)) {
    const auto strategy = devices ? placement.devices : placement.cpu;
    auto choice = best_plain_node(cluster_, static_entries, pod_class, set, strategy, record.nominated_node);
    failed_for_any_pod_ = !choice;
    return choice && put_with_claims(pod, {choice->node, {}}, choice->now && !reserve_only);
  }
  const bool searched = pod_class.key.claims.kind == model::ClaimNeeds::Kind::kSearched;
  const LoadScore load(cluster_, pod_class.packed, set);
  const bool fit_by_class = share_fit_.turn_to(cluster_, pod, constraints);

  model::NodeId best;
  Score best_score;
  bool best_now = false;
  for (std::size_t i = 0; i < set.nodes.size(); ++i) {
    const model::NodeId node = set.nodes[i];
    const StaticFit::Entry& entry = static_entries[node.index()];
    if (entry.refusal != 0) continue;
    bool now = false;
    bool later = true;
    bool joins = false;
    if (fit_by_class) {
      const ShareFit::Entry& fit = share_fit_.of(node, entry, constraints);
      now = fit.now;
      later = fit.later;
      joins = fit.joins;
    } else {
      if (!resources_fit(cluster_, pod_class, node, When::kLater)) continue;
      now = resources_fit(cluster_, pod_class, node, When::kNow);
      if (shares || searched || constraints.any() || !pod_class.key.devices.partitions.empty()) {
        now = now && !engine::refusal(cluster_, entry, constraints, pod, node, When::kNow);
        later = !engine::refusal(cluster_, entry, constraints, pod, node, When::kLater);
      }
      joins = shares && fits_on_shared_device(cluster_, pod_class, node);
    }
    if (!later && (!now || reserve_only)) continue;
    if (charge_depends_on_node && gate(cluster_, group.pool, group, cluster_.queue_charge(pod_class, node)))
      continue;
    Score score;
    score.nominated = policies.nominated_node && record.nominated_node == node;
    score.affinity = constraints.any() ? constraints.score(node) : 0;
    score.preference = entry.preference;
    score.tolerated = -entry.untolerated;
    score.topology = set.scores.empty() ? 0 : set.scores[i];
    score.joins_shared_device = joins && policies.sharing_order && placement.pack_shares;
    score.available_now = policies.node_availability && now;
    score.cpu_only_match = policies.resource_type && !devices &&
                           cluster_.nodes().capacity(model::column::kDevices)[node.index()] == 0 &&
                           cluster_.nodes().at(node).spec.partitions.empty() &&
                           cluster_.nodes().at(node).claim_devices == 0;
    if (scored) {
      score.placement = scores_.of(node);
    } else if (policies.node_placement) {
      score.placement = load.of(node, devices ? placement.devices : placement.cpu);
    }
    if (best.valid() && !(score > best_score)) continue;
    best = node;
    best_score = score;
    best_now = now;
  }
  if (!best.valid()) {
    failed_for_any_pod_ = !shares && !searched && !constraints.any() && !charge_depends_on_node;
    return false;
  }
  const bool starts = best_now && !reserve_only;
  std::optional<model::DeviceGroups> chosen = choose_devices(
      cluster_, pod, best, starts ? When::kNow : When::kLater, scored ? scores_.device(best) : std::nullopt);
  return put_with_claims(pod, {best, std::move(*chosen)}, starts);
}

bool Placer::put_with_claims(model::PodId pod, model::Place place, bool now) {
  if (!cluster_.pod(pod).claims.empty()) {
    place.grants = choose_grants(cluster_, pod, place.node, now ? When::kNow : When::kLater);
    if (!place.grants) {
      // Only where the limit on steps is below what one look at the devices takes.
      failed_for_any_pod_ = false;
      return false;
    }
  }
  put(pod, std::move(place), now);
  return true;
}

void Placer::put(model::PodId pod, model::Place place, bool now) {
  const model::PodRecord& record = cluster_.pod(pod);
  model::Assignment next = record.assignment;
  if (next.state == model::PodState::kEvicted) {
    if (record.home.place() == place) {
      next = record.home;  // it never left
    } else {
      next.state = next.held.node.valid() ? model::PodState::kMoved : model::PodState::kNominated;
      next.reserved = std::move(place);
    }
  } else if (now) {
    next.state = model::PodState::kBinding;
    next.held = std::move(place);
  } else {
    next.state = model::PodState::kNominated;
    next.reserved = std::move(place);
  }
  cluster_.assign(pod, std::move(next));
  placed_.push_back(pod);
}

/// Adds to `reason` what a node lacks for the claims of a pod.
void Placer::note_shortage(model::Reason& reason, model::PodId pod, model::NodeId node) {
  ClaimRefusal refusal;
  if (choose_grants(cluster_, pod, node, When::kLater, &refusal)) return;
  const std::string& claim = cluster_.claims().key(refusal.claim);
  auto known = std::find_if(reason.claims.begin(), reason.claims.end(), [&](const model::ClaimShortage& one) {
    return one.claim == claim && one.request == refusal.request && one.reason == refusal.reason;
  });
  if (known == reason.claims.end())
    known = reason.claims.insert(known, {claim, refusal.request, refusal.reason, 0, 0, refusal.want});
  ++known->nodes;
  known->have = std::max(known->have, refusal.have);
}

model::Reason Placer::explain_nodes(model::GroupId id, model::PodId pod) {
  model::Reason reason;
  reason.code = model::ReasonCode::kNodesDoNotFit;
  const auto& entries = static_fit_.of(cluster_, cluster_.pod(pod).pod_class);
  PodConstraints constraints(cluster_, pod);
  std::vector<std::uint32_t> counts(static_cast<std::size_t>(model::NodeReason::kCount), 0);
  const model::PoolId pool = cluster_.group(id).pool;
  const bool has_claims = !cluster_.pod(pod).claims.empty();
  for (std::size_t i = 0; i < cluster_.nodes().size(); ++i) {
    const model::NodeId node(i);
    if (!cluster_.nodes().at(node).alive) continue;
    if (cluster_.nodes().at(node).pool != pool) {
      ++counts[static_cast<std::size_t>(model::NodeReason::kOtherPool)];
    } else if (auto refused = engine::refusal(cluster_, entries[i], constraints, pod, node, When::kLater)) {
      ++counts[static_cast<std::size_t>(*refused)];
      if (*refused == model::NodeReason::kClaim && has_claims) note_shortage(reason, pod, node);
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) reason.nodes.emplace_back(static_cast<model::NodeReason>(i), counts[i]);
  std::sort(reason.claims.begin(), reason.claims.end(), [](const auto& a, const auto& b) {
    return std::tie(a.claim, a.request, a.reason) < std::tie(b.claim, b.request, b.reason);
  });
  return reason;
}

}  // namespace fairlead::engine
