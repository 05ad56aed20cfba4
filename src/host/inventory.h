#pragma once

#include "device/device_provider.h"
#include "model/node.h"
#include "model/workload.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fairlead::host {

/// The machine as a whole.
struct Machine {
  std::string name;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
};

/// One device with its place in the engine's picture of the machine.
struct InventoryDevice {
  device::DiscoveredDevice device;
  std::string node;
  std::uint32_t slot = 0;
  bool healthy = true;
  std::string message;
  std::optional<device::DeviceReading> reading;
};

/// The machine as the engine sees it: one node per set of equal devices (vendor, model and memory), among
/// which cpu and memory are divided in proportion to the devices; a machine without devices is one node.
struct Inventory {
  Machine machine;
  std::vector<InventoryDevice> devices;  ///< by node, then slot
  std::vector<model::Node> nodes;        ///< by name; health as it was found

  const InventoryDevice* find(std::string_view identity) const;
  InventoryDevice* find(std::string_view identity);
  const InventoryDevice* at(std::string_view node, std::uint32_t slot) const;
  /// The nodes with the health of the devices now.
  std::vector<model::Node> present_nodes() const;
};

inline constexpr std::string_view kVendorLabel = "fairlead.dev/device-vendor";
inline constexpr std::string_view kModelLabel = "fairlead.dev/device-model";

Inventory make_inventory(const Machine& machine, const std::vector<device::DiscoveredDevice>& devices);

/// The resource name that whole devices of a demand are counted under: that of the devices on `node` where it
/// is placed; else, of the kinds that the demand allows, of the one that the machine has most of, since a
/// program is built for one vendor's devices. Empty when the machine has none such.
std::string resource_of_demand(const Inventory& inventory, const model::DeviceDemand& demand,
                               std::string_view node);

/// What a replica holds of a node's devices.
struct HeldDevices {
  std::vector<std::uint32_t> slots;
  std::vector<std::string> groups;  ///< of shared devices, in the order of slots; empty: whole devices
};

/// Chooses devices for a replica that the engine put on a node: `count` whole ones when `groups` is empty,
/// else one per group: the one that the group is on already, or a free one. The lowest slots that are free
/// and healthy. Nothing when there are too few, which means that the engine counted other devices than these.
std::optional<std::vector<std::uint32_t>> choose_slots(const Inventory& inventory, std::string_view node,
                                                       std::int64_t count,
                                                       std::span<const std::string> groups,
                                                       std::span<const HeldDevices> held);

}  // namespace fairlead::host
