#pragma once

#include "cli/plan.h"

#include <span>
#include <string>

namespace fairlead::cli {

/// One cycle of a plan together with the cluster that it is about.
struct PlannedCycle {
  PlanInput input;
  PlanResult result;
};

/// The plan as programs read it (docs/plan.md): an object with `binds`, `evictions`, `nominations`, `claims`
/// and `unscheduled`. Ends with a new line. `indent`: 0 for one line.
std::string plan_json(const manifest::ClusterObjects& cluster, const PlanResult& result, int indent);
/// Several cycles: {"cycles": [...]}, each as plan_json has it.
std::string plan_json(std::span<const PlannedCycle> cycles, int indent);

}  // namespace fairlead::cli
