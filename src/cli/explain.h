#pragma once

#include "base/result.h"
#include "cli/cluster_summary.h"
#include "cli/plan.h"
#include "cli/style.h"
#include "cli/waiting.h"
#include "engine/explain/counterfactual.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// Everything that a plan tells about one group.
struct Explanation {
  enum class Fate : std::uint8_t { kWaits, kStarts, kStartsLater, kRuns, kFinished };
  std::size_t group = 0;  ///< index in ClusterObjects::groups
  Fate fate = Fate::kWaits;
  std::int64_t priority = 0;
  bool preemptible = true;
  std::size_t running = 0;  ///< pods by what becomes of them
  std::size_t starting = 0;
  std::size_t waiting = 0;
  std::size_t evicted = 0;
  std::string needs;  ///< of the waiting pods
  ReasonContext context;
  model::Verdict verdict;
  std::vector<QueueLine> chain;  ///< its queue and the queues above it, the root first; one line per pool
  std::optional<std::size_t> position;  ///< among the waiting groups of its queue, from 1
  std::size_t waiting_in_queue = 0;
  std::vector<std::string> places;                      ///< "node-a (3)", of pods that start, or start later
  std::optional<engine::CounterfactualAnswer> changes;  ///< none: not asked for
};

/// The group that a person means: a key, a name that only one group has, or a pod of it.
/// Errors: kNotFound, naming groups with similar names; kInvalidArgument where the name fits several.
base::Result<std::size_t> find_group(const manifest::ClusterObjects& cluster, std::string_view name);

/// Collects what the plan says about a group. Counterfactuals are searched when the group waits and a factory
/// is given; that makes tens of plans, and `progress` is told before each how many were made.
Explanation explain(const PlanInput& input, const PlanResult& result, std::size_t group,
                    const SchedulerFactory& make_scheduler,
                    const std::function<void(std::size_t plans)>& progress = {});

/// For a person. Ends with the changes that would start the group.
std::string explanation_text(const manifest::ClusterObjects& cluster, const Explanation& explanation,
                             const Style& style, std::size_t width);
/// For programs (docs/plan.md).
std::string explanation_json(const manifest::ClusterObjects& cluster, const Explanation& explanation,
                             int indent);

/// "the quota of queue research were 24 devices instead of 16": what would have to be, without the "if".
std::string counterfactual_text(const engine::Counterfactual& change);

}  // namespace fairlead::cli
