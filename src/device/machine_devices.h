#pragma once

#include "device/device_provider.h"

#include <memory>
#include <string>
#include <vector>

namespace fairlead::device {

/// The accelerators of a machine, from whatever knows most about each.
struct MachineDevices {
  std::vector<std::unique_ptr<DeviceProvider>> providers;
  std::vector<DiscoveredDevice> devices;  ///< of all providers, in their order
  std::vector<std::string> notes;         ///< for people: what is there and cannot be used, and why
};

/// NVIDIA's devices through NVML, those of others from what the kernel tells. Without a driver a device can
/// do no work; it is in the notes only. `program`: this binary. Takes up to 20 s when a library hangs.
MachineDevices find_machine_devices(const std::string& program);

}  // namespace fairlead::device
