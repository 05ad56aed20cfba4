#pragma once

#include "world/world.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::server {

/// Counts that the API itself keeps, for the metrics.
struct RequestCounts {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;  ///< status 4xx
  std::uint64_t failed = 0;   ///< status 5xx
  std::uint64_t streams = 0;  ///< open now
};

/// A view in Prometheus' text format 0.0.4. Every metric of devices has the label `simulated`.
std::string metrics_text(const world::View& view, const RequestCounts& counts, std::string_view version);

}  // namespace fairlead::server
