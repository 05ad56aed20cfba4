#include "sim/node_account.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::sim {

std::optional<std::string> NodeAccount::take(const TraceTask& task,
                                             const std::vector<std::string>& shared_devices) {
  if (!task.models.empty() && !std::binary_search(task.models.begin(), task.models.end(), model_)) {
    return fmt::format("its devices are {}, the task may use {}", model_, task.model_list);
  }
  if (task.cpu_milli > cpu_milli_) {
    return fmt::format("it has {} millicores left, the task takes {}", cpu_milli_, task.cpu_milli);
  }
  if (task.memory_mib > memory_mib_) {
    return fmt::format("it has {} MiB left, the task takes {}", memory_mib_, task.memory_mib);
  }
  const bool is_share = task.devices > 0 && task.thousandths < 1000;
  if (is_share) {
    if (shared_devices.size() != 1) {
      return fmt::format("the share was put on {} devices instead of one", shared_devices.size());
    }
    const auto [device, is_new] = shared_.try_emplace(shared_devices.front(), 1000);
    if (is_new && devices_ < 1) {
      shared_.erase(device);
      return "no device is entirely free";
    }
    if (device->second < task.thousandths) {
      return fmt::format("device {} has {} thousandths left, the task takes {}", device->first,
                         device->second, task.thousandths);
    }
    device->second -= task.thousandths;
    devices_ -= is_new ? 1 : 0;
  } else {
    if (task.devices > devices_) {
      return fmt::format("{} devices are entirely free, the task takes {}", devices_, task.devices);
    }
    devices_ -= task.devices;
  }
  cpu_milli_ -= task.cpu_milli;
  memory_mib_ -= task.memory_mib;
  return std::nullopt;
}

}  // namespace fairlead::sim
