#pragma once

#include "base/time.h"
#include "cli/environment.h"
#include "manifest/objects.h"
#include "model/decision.h"
#include "model/scheduler.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::cli {

/// One cycle's input: a cluster at an instant. The cluster's configuration, if any, steers the decisions.
struct PlanInput {
  manifest::ClusterObjects cluster;
  base::Time now;
  model::RoundRequest limits;  ///< none by default
  /// What an earlier scheduler knew and held besides; nothing by default.
  std::vector<model::UsageSampled> usage = {};
  model::Assumptions assumptions = {};
};

struct PlannedBind {
  std::size_t pod = 0;  ///< index in ClusterObjects::pods
  std::string node;
  std::vector<std::uint32_t> devices;
  std::vector<std::string> device_groups;
  std::int64_t share_thousandths = 0;
  std::vector<model::ClaimAllocation> claims = {};  ///< what its claims get that had nothing
};
/// What the status of a resource claim is once the plan is carried out.
struct PlannedClaim {
  std::size_t claim = 0;  ///< index in ClusterObjects::resource_claims
  std::optional<model::Allocation> allocation;
  std::vector<std::string> reserved_for;  ///< uids
};
struct PlannedEviction {
  std::size_t pod = 0;
  model::EvictionRule rule = model::EvictionRule::kReclaim;
  std::string beneficiary;  ///< key of a group; empty for a stale gang
  std::string reason;
};
struct PlannedNomination {
  std::size_t pod = 0;
  std::string node;
};
/// A group that has pods which neither run nor were bound in this cycle.
struct WaitingGroup {
  std::size_t group = 0;   ///< index in ClusterObjects::groups
  std::size_t pods = 0;    ///< how many of its pods wait, gated ones included
  model::Verdict verdict;  ///< empty where the scheduler gave none
};

/// What one cycle decides. A pod that is both evicted and nominated is moved.
struct PlanResult {
  std::vector<PlannedBind> binds;  ///< this and the next two in the order of the decisions
  std::vector<PlannedEviction> evictions;
  std::vector<PlannedNomination> nominations;
  std::vector<PlannedClaim> claims;   ///< of those that change, by key
  std::vector<WaitingGroup> waiting;  ///< by key
  std::vector<std::string> rejected;  ///< objects that the scheduler refused, in words
  bool more = false;                  ///< a limit was reached before everything was tried
  std::optional<base::Time> wake_at;  ///< when time alone could change the plan
};

/// Plans one cycle: brings a fresh scheduler to the state of the input and runs one round. It has no memory;
/// what an earlier cycle set aside is in the pods' nominated nodes. The one function behind `plan --cycle`
/// and `plan -f`. Cost: that of reading the state into the scheduler, plus one round.
PlanResult plan(const PlanInput& input, model::Scheduler& scheduler);

/// What the cluster has become by the next cycle when everything that was decided happens at once: bound pods
/// run, evicted pods and pods that were being deleted are recreated and wait, nominations are forgotten.
PlanInput next_cycle(PlanInput input, const PlanResult& result);

}  // namespace fairlead::cli
