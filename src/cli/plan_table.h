#pragma once

#include "cli/plan.h"
#include "cli/style.h"

#include <cstddef>
#include <string>

namespace fairlead::cli {

struct TableOptions {
  bool wide = false;  ///< more columns, and nothing left out or folded but equal reasons
  Style style;
  std::size_t width = 0;  ///< columns of the terminal; 0: lines are as long as they are
};

/// A plan as a person reads it: devices, queues, what starts where, what is evicted for whom, what waits and
/// why. Long lists are folded and say how much they leave out. Equal plans give equal bytes.
std::string plan_table(const manifest::ClusterObjects& cluster, const PlanResult& result,
                       const TableOptions& options);

}  // namespace fairlead::cli
