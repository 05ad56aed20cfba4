#pragma once

#include "sim/trace/openb.h"

#include <cstdint>

namespace fairlead::sim {

/// A made-up cluster for tests: a dozen nodes of three models, some without devices, and a few hundred tasks
/// of mixed shapes, some of which name a model. The same values each time.
OpenbTrace small_trace();

}  // namespace fairlead::sim
