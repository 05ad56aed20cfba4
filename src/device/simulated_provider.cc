#include "device/device_provider.h"
#include "device/vendors.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

namespace fairlead::device {
namespace {

constexpr std::int64_t kMaxDevices = 1024;
constexpr std::int64_t kMaxMemoryGb = 4096;
constexpr std::string_view kRemedy =
    "write COUNTx MODEL-MEMORYGB, several of them separated by commas, such as \"4x H100-80GB, 2x "
    "MI300X-192GB\"";

struct Kind {
  std::int64_t count = 1;
  std::string vendor;
  std::string model;
  std::int64_t memory_mib = 0;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

base::Error refuse(std::string_view part, const std::string& what, std::string_view remedy = kRemedy) {
  return base::invalid_argument("simulated devices: \"" + std::string(part) + "\" " + what + "; " +
                                std::string(remedy));
}

std::optional<std::int64_t> number(std::string_view digits) {
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// "4x H100-80GB", "H100-80GB", "2x acme/X1-32GB"
base::Result<Kind> parse_kind(std::string_view part) {
  Kind kind;
  std::string_view name = part;
  const std::size_t digits = std::min(part.find_first_not_of("0123456789"), part.size());
  if (digits > 0 && digits < part.size() && (part[digits] == 'x' || part[digits] == 'X')) {
    const auto count = number(part.substr(0, digits));
    if (!count || *count < 1 || *count > kMaxDevices) {
      return refuse(part, "has a count that is not 1 to " + std::to_string(kMaxDevices));
    }
    kind.count = *count;
    name = trimmed(part.substr(digits + 1));
  }
  const std::size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    kind.vendor = name.substr(0, slash);
    name.remove_prefix(slash + 1);
  } else if (const Vendor* vendor = vendor_of_model(name)) {
    kind.vendor = vendor->name;
  }
  if (name.empty() || name.find_first_of(" \t\"'/") != std::string_view::npos) {
    return refuse(part, "names no model");
  }
  if (kind.vendor.empty()) {
    return refuse(part, "has a model whose vendor is not known",
                  "put the vendor in front, such as acme/" + std::string(name));
  }
  kind.model = name;
  const std::size_t dash = name.rfind('-');
  const std::string_view memory = dash == std::string_view::npos ? std::string_view() : name.substr(dash + 1);
  if (memory.size() < 3 || memory.substr(memory.size() - 2) != "GB")
    return refuse(part, "does not say its memory");
  const auto gigabytes = number(memory.substr(0, memory.size() - 2));
  if (!gigabytes || *gigabytes < 1 || *gigabytes > kMaxMemoryGb) {
    return refuse(part, "has memory that is not 1 to " + std::to_string(kMaxMemoryGb) + " GB");
  }
  kind.memory_mib = *gigabytes * 1024;
  return kind;
}

base::Result<std::vector<Kind>> parse_kinds(std::string_view description) {
  std::vector<Kind> kinds;
  std::int64_t count = 0;
  while (true) {
    const std::size_t comma = description.find(',');
    auto kind = parse_kind(trimmed(description.substr(0, comma)));
    if (!kind) return kind.error();
    count += kind->count;
    if (count > kMaxDevices) {
      return refuse(description, "are more than " + std::to_string(kMaxDevices) + " devices",
                    "ask for fewer");
    }
    kinds.push_back(std::move(*kind));
    if (comma == std::string_view::npos) return kinds;
    description.remove_prefix(comma + 1);
  }
}

std::vector<DiscoveredDevice> make_devices(const std::vector<Kind>& kinds) {
  std::vector<DiscoveredDevice> devices;
  std::map<std::string, std::int64_t> of_vendor;
  std::map<std::string, std::int64_t> of_model;
  for (const Kind& kind : kinds) {
    const Vendor* vendor = find_vendor(kind.vendor);
    for (std::int64_t i = 0; i < kind.count; ++i) {
      DiscoveredDevice device;
      device.identity = "simulated-" + kind.vendor + "-" + kind.model + "-" +
                        std::to_string(of_model[kind.vendor + "/" + kind.model]++);
      device.vendor = kind.vendor;
      device.model = kind.model;
      device.memory_mib = kind.memory_mib;
      device.simulated = true;
      if (vendor != nullptr) device.visibility_variable = vendor->visibility_variable;
      device.visibility_value = std::to_string(of_vendor[kind.vendor]++);
      devices.push_back(std::move(device));
    }
  }
  return devices;
}

class SimulatedProvider final : public DeviceProvider {
 public:
  SimulatedProvider(std::vector<DiscoveredDevice> devices,
                    std::function<ProcessUse(const std::string& identity)> use_of)
      : devices_(std::move(devices)), use_of_(std::move(use_of)) {
    // A device stands for its part of the machine: busy cores of that part are what it is busy with.
    const auto count = static_cast<double>(devices_.size());
    cores_per_device_ = static_cast<double>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L)) / count;
    const double machine =
        static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    memory_per_device_ = machine / count;
  }

  std::string name() const override { return "simulated"; }
  base::Result<std::vector<DiscoveredDevice>> discover() override { return devices_; }

  base::Result<std::vector<DeviceReading>> read() override {
    std::vector<DeviceReading> readings;
    for (const DiscoveredDevice& device : devices_) {
      const ProcessUse use = use_of_ ? use_of_(device.identity) : ProcessUse{};
      DeviceReading reading;
      reading.identity = device.identity;
      reading.utilisation = std::clamp(use.cores / cores_per_device_, 0.0, 1.0);
      const double part = std::clamp(static_cast<double>(use.memory_bytes) / memory_per_device_, 0.0, 1.0);
      reading.memory_used_mib = static_cast<std::int64_t>(part * static_cast<double>(device.memory_mib));
      readings.push_back(std::move(reading));
    }
    return readings;
  }

 private:
  std::vector<DiscoveredDevice> devices_;
  std::function<ProcessUse(const std::string& identity)> use_of_;
  double cores_per_device_ = 1;
  double memory_per_device_ = 1;
};

}  // namespace

base::Result<std::unique_ptr<DeviceProvider>> make_simulated_provider(
    const std::string& description, std::function<ProcessUse(const std::string& identity)> use_of) {
  const auto kinds = parse_kinds(description);
  if (!kinds) return kinds.error();
  return base::Result<std::unique_ptr<DeviceProvider>>(
      std::make_unique<SimulatedProvider>(make_devices(*kinds), std::move(use_of)));
}

}  // namespace fairlead::device
