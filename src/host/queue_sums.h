#pragma once

#include <cstdint>
#include <string_view>

namespace fairlead::host {

/// What replicas take of a queue, in thousandths of a device, millicores and bytes.
struct Charge {
  std::int64_t gpu = 0;
  std::int64_t cpu = 0;
  std::int64_t memory = 0;

  std::int64_t of(std::string_view dimension) const {
    return dimension == "gpu" ? gpu : dimension == "cpu" ? cpu : dimension == "memory" ? memory : 0;
  }
  Charge& operator+=(const Charge& other) {
    gpu += other.gpu;
    cpu += other.cpu;
    memory += other.memory;
    return *this;
  }
  Charge& operator-=(const Charge& other) {
    gpu -= other.gpu;
    cpu -= other.cpu;
    memory -= other.memory;
    return *this;
  }
};

/// What a workload, a project or a department has and wants.
struct QueueSums {
  Charge allocated;
  Charge requested;
  Charge non_preemptible;  ///< of what is allocated

  QueueSums& operator+=(const QueueSums& other) {
    allocated += other.allocated;
    requested += other.requested;
    non_preemptible += other.non_preemptible;
    return *this;
  }
  QueueSums& operator-=(const QueueSums& other) {
    allocated -= other.allocated;
    requested -= other.requested;
    non_preemptible -= other.non_preemptible;
    return *this;
  }
};

}  // namespace fairlead::host
