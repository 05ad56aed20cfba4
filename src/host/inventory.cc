#include "host/inventory.h"

#include "manifest/accelerators.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace fairlead::host {
namespace {

/// Of the vendor's device plugin, so that what is known about a resource elsewhere holds here.
std::string resource_of(const std::string& vendor) {
  for (const manifest::AcceleratorRule& rule : manifest::known_accelerators())
    if (rule.vendor == vendor && rule.kind == manifest::AcceleratorRule::Kind::kWhole &&
        rule.resource.find('*') == std::string::npos)
      return rule.resource;
  return vendor + ".com/device";
}

std::string name_part(std::string_view text) {
  std::string part;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      part += c;
    } else if (c >= 'A' && c <= 'Z') {
      part += static_cast<char>(c - 'A' + 'a');
    } else if (!part.empty() && part.back() != '-') {
      part += '-';
    }
  }
  while (!part.empty() && part.back() == '-') part.pop_back();
  return part;
}

constexpr std::int64_t kPodsPerMachine = 10'000;
constexpr std::int64_t kMemoryStep = 100;  // the model's convention for device memory, in MiB

}  // namespace

const InventoryDevice* Inventory::find(std::string_view identity) const {
  const auto at = std::find_if(devices.begin(), devices.end(),
                               [&](const InventoryDevice& one) { return one.device.identity == identity; });
  return at == devices.end() ? nullptr : &*at;
}

InventoryDevice* Inventory::find(std::string_view identity) {
  const auto at = std::find_if(devices.begin(), devices.end(),
                               [&](const InventoryDevice& one) { return one.device.identity == identity; });
  return at == devices.end() ? nullptr : &*at;
}

const InventoryDevice* Inventory::at(std::string_view node, std::uint32_t slot) const {
  const auto at = std::find_if(devices.begin(), devices.end(), [&](const InventoryDevice& one) {
    return one.node == node && one.slot == slot;
  });
  return at == devices.end() ? nullptr : &*at;
}

std::vector<model::Node> Inventory::present_nodes() const {
  std::vector<model::Node> present = nodes;
  for (const InventoryDevice& one : devices)
    for (model::Node& node : present)
      if (node.name == one.node) model::find_device(node, one.slot)->healthy = one.healthy;
  return present;
}

Inventory make_inventory(const Machine& machine, const std::vector<device::DiscoveredDevice>& devices) {
  Inventory inventory;
  inventory.machine = machine;
  using Key = std::tuple<std::string, std::string, std::int64_t>;
  std::map<Key, std::vector<const device::DiscoveredDevice*>> sets;
  for (const device::DiscoveredDevice& device : devices)
    sets[{device.vendor, device.model, device.memory_mib}].push_back(&device);
  const auto base_node = [&](const std::string& name) {
    model::Node node;
    node.name = name;
    node.uid = name;
    node.labels.emplace("kubernetes.io/hostname", machine.name);
    node.pod_capacity = kPodsPerMachine;
    return node;
  };
  if (sets.empty()) {
    model::Node node = base_node(machine.name);
    node.allocatable = {.cpu_milli = machine.cpu_milli, .memory_bytes = machine.memory_bytes, .counted = {}};
    inventory.nodes.push_back(std::move(node));
    return inventory;
  }
  std::set<std::string> names;
  for (const auto& [key, members] : sets) {
    const auto& [vendor, model, memory_mib] = key;
    std::string name = machine.name;
    if (sets.size() > 1) name += "-" + name_part(model);
    while (!names.insert(name).second) name += "-x";
    model::Node node = base_node(name);
    node.labels.emplace(kVendorLabel, vendor);
    node.labels.emplace(kModelLabel, model);
    const auto count = static_cast<std::int64_t>(members.size());
    const auto total = static_cast<std::int64_t>(devices.size());
    node.allocatable = {.cpu_milli = machine.cpu_milli * count / total,
                        .memory_bytes = machine.memory_bytes / total * count,
                        .counted = {}};
    model::DeviceSet set;
    set.resource = resource_of(vendor);
    set.vendor = vendor;
    set.model = model;
    set.count = count;
    set.memory_mib = memory_mib / kMemoryStep * kMemoryStep;
    for (const device::DiscoveredDevice* device : members) {
      const auto slot = static_cast<std::uint32_t>(set.devices.size());
      set.devices.push_back({device->identity, true});
      inventory.devices.push_back({*device, name, slot, true, {}, std::nullopt});
    }
    node.devices.push_back(std::move(set));
    inventory.nodes.push_back(std::move(node));
  }
  std::sort(inventory.nodes.begin(), inventory.nodes.end(),
            [](const model::Node& a, const model::Node& b) { return a.name < b.name; });
  std::sort(inventory.devices.begin(), inventory.devices.end(),
            [](const auto& a, const auto& b) { return std::tie(a.node, a.slot) < std::tie(b.node, b.slot); });
  return inventory;
}

std::string resource_of_demand(const Inventory& inventory, const model::DeviceDemand& demand,
                               std::string_view node) {
  std::string resource;
  std::int64_t most = 0;
  for (const model::Node& candidate : inventory.nodes) {
    for (const model::DeviceSet& set : candidate.devices) {
      if (candidate.name == node) return set.resource;
      if (!demand.vendor.empty() && demand.vendor != set.vendor) continue;
      if (!demand.model.empty() && demand.model != set.model) continue;
      if (set.count <= most) continue;
      most = set.count;
      resource = set.resource;
    }
  }
  return resource;
}

std::optional<std::vector<std::uint32_t>> choose_slots(const Inventory& inventory, std::string_view node,
                                                       std::int64_t count,
                                                       std::span<const std::string> groups,
                                                       std::span<const HeldDevices> held) {
  std::set<std::uint32_t> taken;
  std::map<std::string, std::uint32_t> shared;
  for (const HeldDevices& one : held)
    for (std::size_t i = 0; i < one.slots.size(); ++i) {
      taken.insert(one.slots[i]);
      if (i < one.groups.size()) shared.emplace(one.groups[i], one.slots[i]);
    }
  std::vector<std::uint32_t> free;
  for (const InventoryDevice& device : inventory.devices)
    if (device.node == node && device.healthy && !taken.contains(device.slot)) free.push_back(device.slot);
  std::vector<std::uint32_t> chosen;
  std::size_t next = 0;
  const auto take_free = [&] {
    if (next == free.size()) return false;
    chosen.push_back(free[next++]);
    return true;
  };
  if (groups.empty()) {
    for (std::int64_t i = 0; i < count; ++i)
      if (!take_free()) return std::nullopt;
    return chosen;
  }
  for (const std::string& group : groups) {
    const auto known = shared.find(group);
    if (known != shared.end()) {
      chosen.push_back(known->second);
    } else if (!take_free()) {
      return std::nullopt;
    }
  }
  return chosen;
}

}  // namespace fairlead::host
