#include "host/autoscaler.h"

#include <algorithm>
#include <cmath>

namespace fairlead::host {
namespace {

/// Latency answers slowly to more replicas: between these parts of the target nothing is done.
constexpr double kTooSlow = 1.1;
constexpr double kFastEnough = 0.5;

std::int32_t needed_for(const model::ServiceSpec& service, std::int32_t present, const ServiceLoad& load) {
  const auto replicas_for = [&](double amount) {
    const double count = std::ceil(amount / service.target - 1e-9);
    return static_cast<std::int32_t>(std::clamp(count, 0.0, 10'000.0));
  };
  switch (service.metric) {
    case model::ScaleMetric::kConcurrency:
      return replicas_for(load.in_flight);
    case model::ScaleMetric::kRequestsPerSecond:
      return replicas_for(load.requests_per_second);
    case model::ScaleMetric::kLatencyP95: {
      if (!load.latency_p95_milliseconds) return present;
      const double part = *load.latency_p95_milliseconds / service.target;
      if (part > kTooSlow)
        return static_cast<std::int32_t>(std::ceil(std::min(part, 2.0) * std::max(present, 1)));
      return part < kFastEnough ? present - 1 : present;
    }
  }
  return present;
}

}  // namespace

std::int32_t replicas_wanted(const model::ServiceSpec& service, std::int32_t present, const ServiceLoad& load,
                             base::Duration now, ScalingMemory& memory) {
  const bool idle = load.in_flight <= 0 && load.requests_per_second <= 0 && load.waiting == 0;
  if (!idle) {
    memory.idle_since.reset();
  } else if (!memory.idle_since) {
    memory.idle_since = now;
  }
  std::int32_t needed = std::max(needed_for(service, present, load), 1);
  if (idle && service.minimum_replicas == 0 && now - *memory.idle_since >= service.scale_to_zero_retention)
    needed = 0;
  if (idle && present == 0) needed = 0;
  needed = std::clamp(needed, service.minimum_replicas, service.maximum_replicas);
  if (needed >= present) {
    memory.fewer_since.reset();
    return needed;
  }
  if (!memory.fewer_since) {
    memory.fewer_since = now;
    memory.most_needed_since = needed;
  }
  memory.most_needed_since = std::max(memory.most_needed_since, needed);
  if (now - *memory.fewer_since < service.scale_down_delay) return present;
  const std::int32_t fewer = memory.most_needed_since;
  memory.fewer_since.reset();
  return fewer;
}

}  // namespace fairlead::host
