// What events of pods change.

#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::model {

Assignment Cluster::assignment_from_world(const Pod& pod) {
  Assignment assignment;
  switch (pod.phase) {
    case Pod::Phase::kPending:
      assignment.state = pod.releasing ? PodState::kFinished
                         : pod.gated   ? PodState::kGated
                                       : PodState::kPending;
      return assignment;
    case Pod::Phase::kSucceeded:
    case Pod::Phase::kFailed:
      assignment.state = PodState::kFinished;
      return assignment;
    case Pod::Phase::kBinding:  // an order that somebody recorded; kBinding is for the engine's own
    case Pod::Phase::kBound:
      assignment.state = PodState::kBound;
      break;
    case Pod::Phase::kRunning:
      assignment.state = PodState::kRunning;
      break;
  }
  if (pod.releasing) assignment.state = PodState::kReleasing;
  assignment.held.node = nodes_.intern(pod.node);
  if (pod.devices.shares_devices() && !pod.reservation) {
    for (const std::string& group : pod.device_groups)
      assignment.held.device_groups.push_back(device_group_names_.intern(group));
    // A share whose device the world has not named still takes one.
    for (auto i = static_cast<std::int64_t>(pod.device_groups.size()); i < pod.devices.count; ++i)
      assignment.held.device_groups.push_back(device_group_names_.intern(fmt::format("{}-{}", pod.uid, i)));
  }
  return assignment;
}

base::Result<void> Cluster::apply_body(const PodUpserted& event) {
  const Pod& pod = event.pod;
  if (pod.uid.empty()) return base::invalid_argument(fmt::format("pod {} has no uid", pod.display_name()));
  const bool placed = pod.phase == Pod::Phase::kBinding || pod.phase == Pod::Phase::kBound ||
                      pod.phase == Pod::Phase::kRunning;
  if (placed && pod.node.empty())
    return base::invalid_argument(fmt::format("pod {} runs on no node", pod.display_name()));
  if (pod.served && pod.group.empty())
    return base::invalid_argument(fmt::format("pod {} has no group", pod.display_name()));

  PodId id = find_pod(pod.uid);
  const bool known = id.valid();
  if (!known) {
    if (free_pods_.empty()) {
      id = PodId(pods_.size());
      pods_.emplace_back();
    } else {
      id = free_pods_.back();
      free_pods_.pop_back();
    }
    pod_ids_.emplace(pod.uid, id);
  }
  PodRecord& record = pods_[id.index()];
  const bool claims_differ = known ? record.spec.claims != pod.claims : !pod.claims.empty();
  Assignment next = assignment_from_world(pod);
  ClassId old_class;
  const bool keeps_nomination =
      known && record.assignment.state == PodState::kNominated && next.state == PodState::kPending;
  const GroupId old_group = record.group;
  if (known) {
    next = merge_with_assumed(record, pod, std::move(next));
    charge(id, -1);
    if (record.group.valid()) remove_from_pod_set(id);
    old_class = record.pod_class;
  }
  record.spec = pod;
  record.alive = false;  // until it is charged, it does not count for a term that it is the first to name
  if (pod.reservation) record.spec.devices = DeviceRequest();
  ClaimIds relinked;
  if (claims_differ) {
    relinked = record.claims;
    unlink_claims(id);
    link_claims(id);
    relinked.insert(relinked.end(), record.claims.begin(), record.claims.end());
    if (next.held.node.valid()) next.held.grants = claims_.told_grants(record.claims, nullptr);
  }
  record.pod_class = acquire_class(record);
  if (old_class.valid()) classes_.release(old_class);
  nodes_.add_columns();
  record.group = pod.served ? groups_.intern(pod.group) : GroupId();
  record.assignment = std::move(next);
  record.home = Assignment();
  if (!keeps_nomination) {
    record.nominated_node = pod.nominated_node.empty() ? NodeId() : nodes_.intern(pod.nominated_node);
    record.inherited = !known && inherit(record.group, pod, record.assignment);
    if (record.inherited) record.nominated_node = record.assignment.reserved.node;
  }
  if (record.group.valid()) {
    GroupRecord& group = groups_.record(record.group);
    if (!group.pool.valid()) group.pool = group.first_pool = intern_pool("");
    place_in_pod_set(id);
  }
  if (old_group.valid() && old_group != record.group) list_group(old_group);
  resolve_terms(id);
  resolve_budgets(id);
  record.alive = true;
  charge(id, +1);
  if (!relinked.empty()) settle_claims(id, relinked);
  follow_node_pool(id);
  return {};
}

Assignment Cluster::merge_with_assumed(PodRecord& record, const Pod& pod, Assignment told) {
  const Assignment& assumed = record.assignment;
  if (!record.claims.empty() && told.held.node.valid())
    told.held.grants = claims_.told_grants(
        record.claims, told.held.node == assumed.held.node ? assumed.held.grants : nullptr);
  // The names that were chosen for shared devices stand where the world has none.
  if (told.held.node == assumed.held.node && pod.device_groups.empty() &&
      assumed.held.device_groups.size() == told.held.device_groups.size())
    told.held.device_groups = assumed.held.device_groups;
  const bool waits = told.state == PodState::kPending;
  const bool further = pod.releasing || told.state == PodState::kFinished;
  // An order without its outcome stands, unless the world says that things have gone further or elsewhere.
  if (record.decision != 0 && !further) {
    if (is_leaving(assumed.state)) return assumed;
    if (assumed.state == PodState::kBinding && (waits || told.held == assumed.held)) return assumed;
  }
  if (waits && record.bound && is_active(assumed.state)) return assumed;
  if (waits && assumed.state == PodState::kNominated) return assumed;
  if (told.state == PodState::kReleasing && assumed.state == PodState::kMoved) {
    told.state = PodState::kMoved;
    told.reserved = assumed.reserved;
  }
  record.bound = false;
  return told;
}

bool Cluster::inherit(GroupId group, const Pod& pod, Assignment& assignment) {
  if (assignment.state != PodState::kPending) return false;
  auto orphan = std::find_if(orphans_.begin(), orphans_.end(), [&](const Orphan& one) {
    return one.group == group && one.sub_group == pod.sub_group && one.devices == pod.devices;
  });
  if (orphan == orphans_.end()) return false;
  assignment.state = PodState::kNominated;
  assignment.reserved = std::move(orphan->place);
  orphans_.erase(orphan);
  if (!assignment.reserved.grants) return true;
  // Its claims are new ones with the same requests.
  const ClaimIds& own = pods_[find_pod(pod.uid).index()].claims;
  const auto& old = assignment.reserved.grants->grants;
  boost::intrusive_ptr<PodGrants> grants(new PodGrants);
  for (std::size_t i = 0; i < old.size() && old.size() == own.size(); ++i) {
    boost::intrusive_ptr<Grant> grant(new Grant(*old[i]));
    grant->claim = own[i];
    grants->grants.push_back(std::move(grant));
  }
  assignment.reserved.grants = std::move(grants);
  return true;
}

base::Result<void> Cluster::apply_body(const PodRemoved& event) {
  const PodId id = find_pod(event.uid);
  if (!id.valid()) return base::not_found(fmt::format("pod {} is not known", event.uid));
  charge(id, -1);
  PodRecord& record = pods_[id.index()];
  if (record.assignment.state == PodState::kMoved)
    orphans_.push_back(
        {record.group, record.spec.sub_group, record.spec.devices, std::move(record.assignment.reserved)});
  if (record.group.valid()) {
    remove_from_pod_set(id);
    list_group(record.group);
  }
  classes_.release(record.pod_class);
  const ClaimIds claims = record.claims;
  if (!claims.empty()) unlink_claims(id);
  pod_ids_.erase(record.spec.uid);
  record = PodRecord();
  free_pods_.push_back(id);
  if (!claims.empty()) settle_claims(id, claims);
  return {};
}

void Cluster::resolve_terms(PodId id) {
  PodRecord& record = pods_[id.index()];
  record.selected_by.clear();
  record.keeps_away.clear();
  record.needs_near.clear();
  record.spreads_over.clear();
  record.prefers.clear();
  const Constraints& constraints = record.spec.constraints;
  for (const PodAffinityTerm& affinity : constraints.required_anti_affinity)
    record.keeps_away.push_back(intern_term(term_of(affinity)));
  if (record.spec.served) {
    for (const PodAffinityTerm& affinity : constraints.required_affinity)
      record.needs_near.push_back(intern_term(term_of(affinity)));
    for (const SpreadConstraint& spread : constraints.spread)
      record.spreads_over.push_back(intern_term(term_of(spread, record.spec.namespace_name)));
  }
  auto prefer = [&](const std::vector<PodAffinityTerm>& list, std::int32_t sign) {
    for (const PodAffinityTerm& affinity : list)
      record.prefers.emplace_back(intern_term(term_of(affinity)), sign * std::max(1, affinity.weight));
  };
  prefer(constraints.preferred_affinity, 1);
  prefer(constraints.preferred_anti_affinity, -1);
  // A requirement also attracts, as in Kubernetes' default of one for hard affinity.
  prefer(constraints.required_affinity, 1);
  for (std::size_t i = 0; i < terms_.size(); ++i)
    if (terms_.selects(TermId(i), record.spec)) record.selected_by.push_back(TermId(i));
}

TermId Cluster::intern_term(const PodTerm& term) {
  const std::size_t before = terms_.size();
  const TermId id = terms_.intern(term);
  if (terms_.size() == before) return id;
  // The first to ask: from now on the pods that are there already count.
  for (std::size_t i = 0; i < pods_.size(); ++i) {
    PodRecord& record = pods_[i];
    if (!record.alive || !terms_.selects(id, record.spec)) continue;
    const Assignment& assignment = record.assignment;
    record.selected_by.push_back(id);
    if (record.group.valid()) touch(record.group);
    auto count = [&](const Place& place, std::int64_t PodCounts::* use) {
      if (!place.node.valid() || !nodes_.at(place.node).alive) return;
      const PodTermTable::DomainId domain = terms_.intern_domain(id, nodes_.at(place.node).spec.labels);
      terms_.count_selected(id, domain, place.node, use, +1);
    };
    count(assignment.held, is_leaving(assignment.state) ? &PodCounts::leaving : &PodCounts::active);
    count(assignment.reserved, &PodCounts::reserved);
  }
  return id;
}

base::Result<void> Cluster::apply_body(const PodStarted& event) {
  const PodId id = find_pod(event.uid);
  if (!id.valid()) return base::not_found(fmt::format("pod {} is not known", event.uid));
  PodRecord& record = pods_[id.index()];
  if (is_active(record.assignment.state)) {
    Assignment next = record.assignment;
    next.state = PodState::kRunning;
    assign(id, std::move(next));
  }
  if (is_active(record.assignment.state) || is_leaving(record.assignment.state))
    record.spec.phase = Pod::Phase::kRunning;
  record.spec.started = now_;
  return {};
}

base::Result<void> Cluster::apply_body(const PodFinished& event) {
  const PodId id = find_pod(event.uid);
  if (!id.valid()) return base::not_found(fmt::format("pod {} is not known", event.uid));
  charge(id, -1);
  PodRecord& record = pods_[id.index()];
  record.assignment = Assignment{PodState::kFinished, {}, {}};
  record.spec.phase = event.succeeded ? Pod::Phase::kSucceeded : Pod::Phase::kFailed;
  charge(id, +1);
  return {};
}

base::Result<void> Cluster::apply_body(const CheckpointTaken& event) {
  const PodId id = find_pod(event.uid);
  if (!id.valid()) return base::not_found(fmt::format("pod {} is not known", event.uid));
  pods_[id.index()].spec.last_checkpoint = now_;
  return {};
}

}  // namespace fairlead::model
