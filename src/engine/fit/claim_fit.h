#pragma once

#include "engine/fit/pod_constraints.h"
#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <optional>
#include <string>

namespace fairlead::engine {

/// Why a node cannot serve a pod's claims.
struct ClaimRefusal {
  model::ClaimId claim;
  std::string request;  ///< "request" or "request/choice"; empty: the claim as a whole
  model::ClaimReason reason = model::ClaimReason::kInUse;
  std::int64_t have = 0;
  std::int64_t want = 0;
};

/// What is wrong with a pod's claims whatever the node, in words; empty: nothing. O(requests).
std::string claims_problem(const model::Cluster& cluster, model::PodId pod);

/// Devices for all claims of a pod on one node, or nothing. Claims that have devices keep them; for the
/// others the first combination is taken in the order of the claims, their requests and choices, and the
/// devices: the node's own by driver, pool, slice and place in it, then those that several nodes reach.
/// `refusal`, where it is not null, says why nothing was found. Searching costs up to ClaimPolicy::max_steps;
/// for plain requests O(devices of the node).
model::PodGrantsPointer choose_grants(model::Cluster& cluster, model::PodId pod, model::NodeId node,
                                      When when, ClaimRefusal* refusal = nullptr);

/// Whether exactly these grants of a place can be had. O(devices).
bool grants_have_room(const model::Cluster& cluster, model::PodId pod, const model::Place& place, When when);

}  // namespace fairlead::engine
