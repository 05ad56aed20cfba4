#pragma once

#include "device/device_provider.h"

#include <string>
#include <vector>

namespace fairlead::device {

/// How devices that the kernel lists below `root` are linked: over AMD's fabric (kfd topology), a common PCIe
/// switch, the same NUMA node, or the system.
void add_links(const std::string& root, std::vector<DiscoveredDevice>& devices);

}  // namespace fairlead::device
