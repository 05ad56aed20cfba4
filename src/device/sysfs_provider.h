#pragma once

#include "device/device_provider.h"

#include <memory>
#include <string>

namespace fairlead::device {

struct SysfsOptions {
  std::string root = "/";      ///< below which sys/ and proc/ lie
  std::string without_vendor;  ///< whose devices another provider has
  bool with_driver_only = false;
};

std::unique_ptr<DeviceProvider> make_sysfs_provider(SysfsOptions options);
/// Whether its vendor's driver is at work, as far as the kernel's files tell: for NVIDIA's the open one that
/// draws pictures does not count.
bool has_driver(const DiscoveredDevice& device);

}  // namespace fairlead::device
