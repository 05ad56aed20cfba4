#pragma once

#include <cstdint>

/// What libnvidia-ml.so.1 expects and returns, on 64-bit Linux: our own description of its binary interface,
/// as far as it is used. The library is opened at run time and its header is not needed.
namespace fairlead::device::nvml {

using Device = void*;
using EventSet = void*;
using Return = int;

inline constexpr Return kSuccess = 0;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kGpuIsLost = 15;
inline constexpr Return kResetRequired = 16;
inline constexpr Return kTimeout = 10;
inline constexpr Return kNotFound = 6;
inline constexpr Return kFunctionNotFound = 13;
inline constexpr Return kDriverNotLoaded = 9;
inline constexpr Return kUnknown = 999;

/// A number that the driver does not know.
inline constexpr std::uint64_t kNotAvailable = ~std::uint64_t{0};

struct PciInfo {
  char bus_id_legacy[16];
  std::uint32_t domain;
  std::uint32_t bus;
  std::uint32_t device;
  std::uint32_t pci_device_id;
  std::uint32_t pci_subsystem_id;
  char bus_id[32];
};
static_assert(sizeof(PciInfo) == 68);

struct Memory {
  std::uint64_t total;
  std::uint64_t free;
  std::uint64_t used;
};
static_assert(sizeof(Memory) == 24);

struct MemoryV2 {
  std::uint32_t version;
  std::uint64_t total;
  std::uint64_t reserved;
  std::uint64_t free;
  std::uint64_t used;
};
static_assert(sizeof(MemoryV2) == 40);
/// A struct that has versions says which it is: its size, and the version in the upper byte.
inline constexpr std::uint32_t kMemoryV2 = sizeof(MemoryV2) | 2U << 24U;
static_assert(kMemoryV2 == 0x02000028);

struct Utilization {
  std::uint32_t gpu;  ///< per cent
  std::uint32_t memory;
};
static_assert(sizeof(Utilization) == 8);

struct ProcessInfo {
  std::uint32_t pid;
  std::uint64_t used_gpu_memory;
  std::uint32_t gpu_instance;
  std::uint32_t compute_instance;
};
static_assert(sizeof(ProcessInfo) == 24);

struct EventData {
  Device device;
  std::uint64_t event_type;
  std::uint64_t event_data;
  std::uint32_t gpu_instance;
  std::uint32_t compute_instance;
};
static_assert(sizeof(EventData) == 32);
inline constexpr std::uint64_t kEventXid = 8;

struct DeviceAttributes {
  std::uint32_t multiprocessors;
  std::uint32_t copy_engines;
  std::uint32_t decoders;
  std::uint32_t encoders;
  std::uint32_t jpeg_decoders;
  std::uint32_t ofa_engines;
  std::uint32_t gpu_instance_slices;
  std::uint32_t compute_instance_slices;
  std::uint64_t memory_mib;
};
static_assert(sizeof(DeviceAttributes) == 40);

struct FieldValue {
  std::uint32_t field;
  std::uint32_t scope;
  std::int64_t timestamp;
  std::int64_t latency;
  std::uint32_t value_type;
  Return result;
  union {
    std::uint32_t as_uint32;
    std::uint64_t as_uint64;
    double as_double;
  } value;
};
static_assert(sizeof(FieldValue) == 40);
/// What the driver says is to be done about a device: 0 nothing, 1 reset it, 2 start the machine anew, 3 stop
/// the work of its peers, 4 stop its work and reset it, 5 recover the fabric.
inline constexpr std::uint32_t kFieldRecoveryAction = 230;

inline constexpr std::uint32_t kTemperatureOfGpu = 0;
inline constexpr std::uint32_t kUncorrected = 1;
inline constexpr std::uint32_t kSinceDriverLoad = 0;
inline constexpr std::uint32_t kMaxLinks = 18;
inline constexpr std::uint32_t kRemoteIsSwitch = 2;
inline constexpr std::uint32_t kNameSize = 96;

/// Levels of nvmlDeviceGetTopologyCommonAncestor.
inline constexpr std::uint32_t kSameSwitches = 20;
inline constexpr std::uint32_t kSameNode = 40;

}  // namespace fairlead::device::nvml
