#include "device/sysfs_links.h"

#include "base/files.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <utility>

namespace fairlead::device {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFabricLink = 11;  // XGMI

// Lines "key value".
std::map<std::string, std::int64_t> properties(const fs::path& file) {
  std::map<std::string, std::int64_t> found;
  const auto text = base::read_file(file.string());
  if (!text) return found;
  std::istringstream lines(*text);
  std::string key;
  std::string value;
  while (lines >> key >> value) found[key] = std::strtoll(value.c_str(), nullptr, 0);
  return found;
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed)) found.push_back(entry.path());
  return found;
}

// Pairs of PCI addresses that AMD's fabric links.
std::set<std::pair<std::string, std::string>> fabric_links(const fs::path& root) {
  std::map<std::int64_t, std::string> address_of;
  const fs::path nodes = root / "sys/class/kfd/kfd/topology/nodes";
  for (const fs::path& node : entries(nodes)) {
    const auto known = properties(node / "properties");
    const auto location = known.find("location_id");
    if (location == known.end() || location->second == 0) continue;  // a processor
    const auto domain = known.find("domain");
    const auto place = static_cast<unsigned>(location->second);
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.%x",
                  static_cast<unsigned>(domain == known.end() ? 0 : domain->second), (place >> 8U) & 0xffU,
                  (place >> 3U) & 0x1fU, place & 7U);
    address_of[std::atoll(node.filename().c_str())] = text.data();
  }
  std::set<std::pair<std::string, std::string>> links;
  for (const auto& [number, address] : address_of) {
    for (const fs::path& link : entries(nodes / std::to_string(number) / "io_links")) {
      const auto known = properties(link / "properties");
      const auto type = known.find("type");
      const auto to = known.find("node_to");
      if (type == known.end() || type->second != kFabricLink || to == known.end()) continue;
      const auto other = address_of.find(to->second);
      if (other != address_of.end()) links.emplace(address, other->second);
    }
  }
  return links;
}

// The bridges above a device, from the root of the bus on.
std::vector<std::string> bridges(const fs::path& root, const std::string& address) {
  std::error_code failed;
  const fs::path real = fs::canonical(root / "sys/bus/pci/devices" / address, failed);
  std::vector<std::string> parts;
  if (failed) return parts;
  bool below_bus = false;
  for (const fs::path& part : real.parent_path()) {
    const std::string name = part.string();
    if (name.substr(0, 3) == "pci" && name.find(':') != std::string::npos) {
      below_bus = true;
      parts.clear();
    }
    if (below_bus) parts.push_back(name);
  }
  return parts;
}

// A root port serves one slot: what two devices share below it is a switch.
bool share_a_switch(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::size_t common = 0;
  while (common < a.size() && common < b.size() && a[common] == b[common]) ++common;
  return common >= 2;
}

}  // namespace

void add_links(const std::string& root, std::vector<DiscoveredDevice>& devices) {
  const auto fabric = fabric_links(root);
  std::vector<std::vector<std::string>> above;
  for (const DiscoveredDevice& device : devices) above.push_back(bridges(root, device.pci_address));
  for (std::size_t i = 0; i < devices.size(); ++i) {
    for (std::size_t j = 0; j < devices.size(); ++j) {
      if (i == j) continue;
      std::string kind = "system";
      if (devices[i].numa_node >= 0 && devices[i].numa_node == devices[j].numa_node) kind = "numa";
      if (share_a_switch(above[i], above[j])) kind = "pcie-switch";
      if (fabric.count({devices[i].pci_address, devices[j].pci_address}) > 0) kind = "xgmi";
      devices[i].links.push_back({devices[j].identity, kind, 0});
    }
  }
}

}  // namespace fairlead::device
