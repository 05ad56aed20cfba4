// What the engine holds about pods beyond the world's truth, taken out of one cluster and put into another.

#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::model {
namespace {

using State = PodAssumption::State;

State state_of(PodState state) {
  switch (state) {
    case PodState::kGated:
      return State::kGated;
    case PodState::kPending:
    case PodState::kEvicted:  // only inside a hypothesis
      return State::kPending;
    case PodState::kNominated:
      return State::kNominated;
    case PodState::kBinding:
      return State::kBinding;
    case PodState::kBound:
      return State::kBound;
    case PodState::kRunning:
      return State::kRunning;
    case PodState::kMoved:
      return State::kMoved;
    case PodState::kReleasing:
      return State::kReleasing;
    case PodState::kFinished:
      break;
  }
  return State::kFinished;
}

PodState state_of(State state) {
  switch (state) {
    case State::kGated:
      return PodState::kGated;
    case State::kPending:
      return PodState::kPending;
    case State::kNominated:
      return PodState::kNominated;
    case State::kBinding:
      return PodState::kBinding;
    case State::kBound:
      return PodState::kBound;
    case State::kRunning:
      return PodState::kRunning;
    case State::kMoved:
      return PodState::kMoved;
    case State::kReleasing:
      return PodState::kReleasing;
    case State::kFinished:
      break;
  }
  return PodState::kFinished;
}

/// What the world's word alone leads to.
PodState told_state(const Pod& pod) {
  switch (pod.phase) {
    case Pod::Phase::kPending:
      return pod.releasing ? PodState::kFinished : pod.gated ? PodState::kGated : PodState::kPending;
    case Pod::Phase::kBinding:
    case Pod::Phase::kBound:
      return pod.releasing ? PodState::kReleasing : PodState::kBound;
    case Pod::Phase::kRunning:
      return pod.releasing ? PodState::kReleasing : PodState::kRunning;
    case Pod::Phase::kSucceeded:
    case Pod::Phase::kFailed:
      break;
  }
  return PodState::kFinished;
}

}  // namespace

std::optional<PodAssumption> Cluster::assumption(PodId id) const {
  const PodRecord& record = pods_[id.index()];
  if (!record.alive) return std::nullopt;
  const Assignment& assignment = record.assignment;
  const auto node_name = [this](NodeId node) {
    return node.valid() ? nodes_.at(node).spec.name : std::string();
  };
  const auto group_names = [this](const DeviceGroups& groups) {
    std::vector<std::string> names;
    for (DeviceGroupId group : groups) names.push_back(device_group_names_.text(group));
    return names;
  };
  PodAssumption result;
  result.uid = record.spec.uid;
  result.state = state_of(assignment.state);
  result.node = node_name(assignment.held.node);
  result.device_groups = group_names(assignment.held.device_groups);
  const auto claims_of = [this](const Place& place) {
    std::vector<ClaimAllocation> claims;
    if (!place.grants) return claims;
    for (const GrantPointer& grant : place.grants->grants)
      if (!claims_.is_told(*grant)) claims.push_back({claims_.key(grant->claim), claims_.describe(*grant)});
    return claims;
  };
  result.claims = claims_of(assignment.held);
  result.reserved_claims = claims_of(assignment.reserved);
  result.reserved_node = node_name(assignment.reserved.node);
  result.reserved_groups = group_names(assignment.reserved.device_groups);
  result.decision = record.decision;
  result.bound = record.bound;
  result.preferred_node = node_name(record.nominated_node);
  result.inherited = record.inherited;
  result.bind_failures = record.bind_failures;
  for (const Exclusion& exclusion : record.exclusions)
    result.excluded.emplace_back(node_name(exclusion.node), exclusion.until);
  result.eviction_refused_until = record.eviction_refused_until;
  const bool as_told = assignment.state == told_state(record.spec) &&
                       (!assignment.held.node.valid() || result.node == record.spec.node) &&
                       (result.device_groups.empty() || result.device_groups == record.spec.device_groups) &&
                       result.reserved_node.empty() && result.claims.empty();
  const bool plain = as_told && record.decision == 0 && !record.bound && !record.inherited &&
                     result.preferred_node == record.spec.nominated_node && record.bind_failures == 0 &&
                     record.exclusions.empty() && !record.eviction_refused_until;
  if (plain) return std::nullopt;
  return result;
}

base::Result<void> Cluster::assume(const PodAssumption& told) {
  const PodId id = find_pod(told.uid);
  if (!id.valid()) return base::not_found(fmt::format("pod {} is not known", told.uid));
  const PodState state = state_of(told.state);
  const bool holds = is_active(state) || is_leaving(state);
  if (holds != !told.node.empty())
    return base::invalid_argument(
        fmt::format("pod {} is assumed to hold {}", told.uid, holds ? "no node" : "a node while it waits"));
  if (is_reserved(state) != !told.reserved_node.empty())
    return base::invalid_argument(fmt::format(
        "pod {} is assumed with a reserved node that its state does not have, or without one", told.uid));
  const auto known = [this](const std::string& name) { return name.empty() || nodes_.find(name).valid(); };
  if (!known(told.node) || !known(told.reserved_node))
    return base::not_found(fmt::format("pod {} is assumed on a node that is not known", told.uid));
  const auto place = [this](const std::string& node, const std::vector<std::string>& groups) {
    Place made;
    if (node.empty()) return made;
    made.node = nodes_.intern(node);
    for (const std::string& group : groups) made.device_groups.push_back(device_group_names_.intern(group));
    return made;
  };
  PodRecord& record = pods_[id.index()];
  const bool shares = record.spec.devices.shares_devices();
  const auto devices = [&](const std::vector<std::string>& groups) {
    return shares ? groups.size() == static_cast<std::size_t>(record.spec.devices.count) : groups.empty();
  };
  if ((!told.node.empty() && !devices(told.device_groups)) ||
      (!told.reserved_node.empty() && !devices(told.reserved_groups)))
    return base::invalid_argument(
        fmt::format("pod {} is assumed on another number of shared devices than it asks for", told.uid));
  Assignment next{state, place(told.node, told.device_groups),
                  place(told.reserved_node, told.reserved_groups)};
  const auto grants = [&](const std::vector<ClaimAllocation>& allocations) -> PodGrantsPointer {
    boost::intrusive_ptr<PodGrants> made(new PodGrants);
    for (ClaimId claim : record.claims)
      for (const ClaimAllocation& one : allocations)
        if (one.claim == claims_.key(claim))
          made->grants.push_back(claims_.grant_of(claim, one.allocation, false));
    return claims_.told_grants(record.claims, made);
  };
  if (next.held.node.valid() && !record.claims.empty()) next.held.grants = grants(told.claims);
  if (next.reserved.node.valid() && !record.claims.empty())
    next.reserved.grants = grants(told.reserved_claims);
  assign(id, std::move(next));
  record.decision = told.decision;
  record.bound = told.bound;
  record.inherited = told.inherited;
  record.bind_failures = told.bind_failures;
  record.eviction_refused_until = told.eviction_refused_until;
  record.nominated_node = told.preferred_node.empty() ? NodeId() : nodes_.intern(told.preferred_node);
  record.exclusions.clear();
  for (const auto& [node, until] : told.excluded)
    record.exclusions.push_back({node.empty() ? NodeId() : nodes_.intern(node), until});
  const NodeId placed = record.assignment.place().node;
  if (record.group.valid() && placed.valid() && nodes_.at(placed).alive) {
    GroupRecord& group = groups_.record(record.group);
    group.pool = nodes_.at(placed).pool;
    group.pool_choice = 0;
  }
  ++event_version_;
  return {};
}

std::vector<std::pair<std::string, base::Time>> Cluster::below_minimum_since() {
  std::vector<std::pair<std::string, base::Time>> result;
  for (GroupId id : groups_below_minimum())
    result.emplace_back(groups_.at(id).spec.key, groups_.at(id).below_minimum_since);
  return result;
}

void Cluster::assume_below_minimum(std::string_view group, base::Time since) {
  const GroupId id = groups_.find(group);
  if (id.valid() && groups_.at(id).listed_below_minimum) groups_.record(id).below_minimum_since = since;
}

}  // namespace fairlead::model
