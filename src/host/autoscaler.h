#pragma once

#include "base/time.h"
#include "model/workload.h"

#include <cstdint>
#include <optional>

namespace fairlead::host {

/// What a service carried lately, as the proxy measured it.
struct ServiceLoad {
  double in_flight = 0;  ///< requests at once, those that wait for a replica included; mean of a second
  double requests_per_second = 0;                  ///< that arrived
  std::optional<double> latency_p95_milliseconds;  ///< of those that ended; none: none did
  std::int32_t waiting = 0;                        ///< held now for want of a replica
};

/// What the decision remembers from one time to the next.
struct ScalingMemory {
  std::optional<base::Duration> fewer_since;  ///< fewer than now would do since then ...
  std::int32_t most_needed_since = 0;         ///< ... and so many at most
  std::optional<base::Duration> idle_since;   ///< no request since then
};

/// How many replicas a service is to have: enough for the target, at once when more are needed, and fewer
/// only when they have been enough throughout the scale-down delay. With a minimum of 0 the last one goes
/// after the retention without any request, and the first request brings one. Pure but for the memory.
/// @param now  a clock that does not jump
std::int32_t replicas_wanted(const model::ServiceSpec& service, std::int32_t present, const ServiceLoad& load,
                             base::Duration now, ScalingMemory& memory);

}  // namespace fairlead::host
