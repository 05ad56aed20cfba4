#pragma once

#include "base/time.h"

namespace fairlead::base {

/// The present by the system's clock, which people set and which may jump. Not for the engine, where time is
/// an event.
Time system_time();

/// Time since some fixed instant by a clock that never jumps: for deadlines and spans.
Duration monotonic_time();

}  // namespace fairlead::base
