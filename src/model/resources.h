#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::model {

/// A whole device in the unit in which queues count devices.
inline constexpr std::int64_t kThousandthsPerDevice = 1000;

/// A resource that is only counted, by its Kubernetes name ("rdma/hca", "ephemeral-storage", a MIG profile).
struct ResourceCount {
  std::string name;
  std::int64_t count = 0;

  friend auto operator<=>(const ResourceCount&, const ResourceCount&) = default;
};

/// What a pod asks for, or a node offers, besides devices.
struct Resources {
  std::int64_t cpu_milli = 0;  ///< millicores
  std::int64_t memory_bytes = 0;
  std::vector<ResourceCount> counted;  ///< sorted by name, each name once, counts above 0

  friend auto operator<=>(const Resources&, const Resources&) = default;
};

/// Static partitions of devices, such as MIG instances.
struct Partition {
  std::string resource;  ///< "nvidia.com/mig-1g.10gb"
  std::int64_t count = 0;
  std::int64_t quota_thousandths =
      0;  ///< what one instance charges to a queue: an Xg.Ygb instance charges X devices

  friend auto operator<=>(const Partition&, const Partition&) = default;
};

/// The devices that a pod asks for.
struct DeviceRequest {
  enum class Kind : std::uint8_t {
    kNone,      ///< no device: a cpu-only pod, or one with partitions only
    kWhole,     ///< `count` whole devices
    kFraction,  ///< a share of `thousandths` on each of `count` devices
    kMemory,    ///< `memory_mib` on each of `count` devices
  };
  Kind kind = Kind::kNone;
  std::string resource;  ///< "nvidia.com/gpu"; empty for a share of a device of any vendor
  std::int64_t count = 0;
  std::int64_t thousandths = 0;       ///< [1, 999], kFraction only
  std::int64_t memory_mib = 0;        ///< above 0, kMemory only
  std::vector<Partition> partitions;  ///< sorted by resource
  /// Whole devices of a second kind besides, by the name that comes later in the alphabet; 0: none.
  std::string second_resource;
  std::int64_t second_count = 0;

  friend auto operator<=>(const DeviceRequest&, const DeviceRequest&) = default;
  bool shares_devices() const { return kind == Kind::kFraction || kind == Kind::kMemory; }
};

}  // namespace fairlead::model
