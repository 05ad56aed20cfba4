#pragma once

#include "base/result.h"
#include "model/scheduler.h"
#include "sim/history/history_outcome.h"
#include "sim/history/job_history.h"
#include "sim/history/sharing_policy.h"
#include "sim/replay.h"

#include <cstddef>
#include <functional>
#include <optional>

namespace fairlead::sim {

/// What an eviction costs a job.
struct RestartCost {
  /// Between checkpoints while it runs; none: it never takes one and loses everything. 0: it loses nothing.
  std::optional<base::Duration> checkpoint_every = base::Duration::seconds(1800);
  base::Duration restart = base::Duration::seconds(60);  ///< of each start after the first
};

struct HistoryRequest {
  SharingPolicy policy;
  Fleet fleet;  ///< for a policy with a pool per tenant, quotas divide it instead
  RestartCost cost;
  base::Duration sample_every = base::Duration::seconds(3600);
};

/// Plays a site's history, with time, to a scheduler that is still empty: jobs arrive as groups of pods, what
/// is bound runs until its work is done, what is evicted loses its work since the last checkpoint and waits
/// again, nodes fail and return. A job of up to a node's devices is one pod, a larger one a gang that takes
/// whole nodes. One with a minimum starts with so many devices, grows and shrinks; a change of size is a
/// checkpoint and costs a restart.
///
/// Nothing here decides: the policy is what the scheduler is configured with. The world keeps its own account
/// of every node. Errors: kInternal when the scheduler refuses an event, or gives away what is not there.
/// Deterministic. `progress` counts the jobs that ended. Cost: a round or two for each submission and end.
base::Result<HistoryOutcome> replay_history(const JobHistory& history, const HistoryRequest& request,
                                            model::Scheduler& scheduler, const Progress& progress = {});

}  // namespace fairlead::sim
