#pragma once

#include "base/result.h"
#include "device/nvml_abi.h"

#include <cstdint>
#include <memory>
#include <string>

namespace fairlead::device::nvml {

/// The functions of the library that are used. The newest form of each is taken, and an older one where the
/// driver is older; what it does not have stays null and reads as "not supported".
struct Functions {
  Return (*init)() = nullptr;
  Return (*shutdown)() = nullptr;
  const char* (*error_string)(Return) = nullptr;
  Return (*driver_version)(char*, std::uint32_t) = nullptr;
  Return (*device_count)(std::uint32_t*) = nullptr;
  Return (*device_by_index)(std::uint32_t, Device*) = nullptr;
  Return (*name)(Device, char*, std::uint32_t) = nullptr;
  Return (*uuid)(Device, char*, std::uint32_t) = nullptr;
  Return (*pci_info)(Device, PciInfo*) = nullptr;
  Return (*minor_number)(Device, std::uint32_t*) = nullptr;
  Return (*numa_node)(Device, std::uint32_t*) = nullptr;
  Return (*memory)(Device, Memory*) = nullptr;
  Return (*memory_v2)(Device, MemoryV2*) = nullptr;
  Return (*utilization)(Device, Utilization*) = nullptr;
  Return (*compute_processes)(Device, std::uint32_t*, ProcessInfo*) = nullptr;
  Return (*temperature)(Device, std::uint32_t, std::uint32_t*) = nullptr;
  Return (*power)(Device, std::uint32_t*) = nullptr;
  Return (*total_ecc_errors)(Device, std::uint32_t, std::uint32_t, std::uint64_t*) = nullptr;
  Return (*remapped_rows)(Device, std::uint32_t*, std::uint32_t*, std::uint32_t*, std::uint32_t*) = nullptr;
  Return (*field_values)(Device, int, FieldValue*) = nullptr;
  Return (*nvlink_state)(Device, std::uint32_t, std::uint32_t*) = nullptr;
  Return (*nvlink_remote_pci)(Device, std::uint32_t, PciInfo*) = nullptr;
  Return (*nvlink_remote_type)(Device, std::uint32_t, std::uint32_t*) = nullptr;
  Return (*common_ancestor)(Device, Device, std::uint32_t*) = nullptr;
  Return (*mig_mode)(Device, std::uint32_t*, std::uint32_t*) = nullptr;
  Return (*max_mig_devices)(Device, std::uint32_t*) = nullptr;
  Return (*mig_device)(Device, std::uint32_t, Device*) = nullptr;
  Return (*attributes)(Device, DeviceAttributes*) = nullptr;
  Return (*event_set_create)(EventSet*) = nullptr;
  Return (*register_events)(Device, std::uint64_t, EventSet) = nullptr;
  Return (*event_set_wait)(EventSet, EventData*, std::uint32_t) = nullptr;
};

/// The opened and initialised library.
class Library {
 public:
  /// Errors: kNotFound (there is no such library: no driver), kUnavailable (it does not start; why).
  static base::Result<std::unique_ptr<Library>> open(const std::string& path);
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library();

  /// Calls a function; "function not found" when the library does not have it.
  template <class... Parameters, class... Arguments>
  Return call(Return (*Functions::*function)(Parameters...), Arguments... arguments) const {
    const auto address = functions_.*function;
    return address == nullptr ? kFunctionNotFound : address(arguments...);
  }
  std::string describe(Return code) const;

 private:
  explicit Library(void* handle) : handle_(handle) {}
  void resolve();

  void* handle_;
  Functions functions_;
};

}  // namespace fairlead::device::nvml
