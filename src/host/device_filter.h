#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::host {

/// What a device node stands for.
struct DeviceNumber {
  bool block = false;  ///< otherwise a character device
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
};

/// Forbids the processes of a control group of the unified hierarchy to open these devices or make nodes for
/// them: loads a small program into the kernel (BPF_PROG_TYPE_CGROUP_DEVICE), which lives as long as the
/// group. Needs CAP_BPF or root, and Linux 4.15.
base::Result<void> attach_device_filter(const std::string& group_folder,
                                        const std::vector<DeviceNumber>& denied);

}  // namespace fairlead::host
