#include "device/machine_devices.h"

#include "device/sysfs_provider.h"

#include <utility>

namespace fairlead::device {

MachineDevices find_machine_devices(const std::string& program) {
  MachineDevices machine;
  SysfsOptions options;
  options.with_driver_only = true;
  auto nvml = make_nvml_provider(program);
  if (auto found = nvml->discover(); found && !found->empty()) {
    machine.devices = std::move(*found);
    machine.providers.push_back(std::move(nvml));
    options.without_vendor = "nvidia";
  } else if (!found && found.error().code() != base::Code::kNotFound) {
    machine.notes.push_back(found.error().message());
  }
  auto sysfs = make_sysfs_provider(options);
  auto found = sysfs->discover();
  if (found && !found->empty()) {
    machine.devices.insert(machine.devices.end(), found->begin(), found->end());
    machine.providers.push_back(std::move(sysfs));
  }
  options.with_driver_only = false;
  const auto all = make_sysfs_provider(options)->discover();
  if (!found || !all || all->size() == found->size()) return machine;
  for (const DiscoveredDevice& device : *all) {
    if (has_driver(device)) continue;
    machine.notes.push_back(device.model + " at " + device.pci_address + " has no " + device.vendor +
                            " driver and cannot be used");
  }
  return machine;
}

}  // namespace fairlead::device
