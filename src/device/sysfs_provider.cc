#include "device/sysfs_provider.h"

#include "base/files.h"
#include "device/pci_accelerators.h"
#include "device/sysfs_links.h"
#include "device/vendors.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

namespace fairlead::device {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMebibyte = 1 << 20;
/// Graphics built into a processor has less memory of its own than any accelerator.
constexpr std::int64_t kSmallestMemoryMib = 2048;

std::string text_of(const fs::path& path) {
  const auto text = base::read_file(path.string());
  if (!text) return {};
  const std::size_t end = text->find_last_not_of(" \n\t");
  return text->substr(0, end == std::string::npos ? 0 : end + 1);
}

std::optional<std::int64_t> number_of(const fs::path& path) {
  const std::string text = text_of(path);
  const bool hexadecimal = text.substr(0, 2) == "0x";
  const char* begin = text.data() + (hexadecimal ? 2 : 0);
  std::int64_t value = 0;
  const auto read = std::from_chars(begin, text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder, failed))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string with_dashes(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

// The value of a line "Key:  value" of a file of NVIDIA's driver.
std::string labelled(const std::string& text, const std::string& key) {
  std::size_t at = text.find(key + ":");
  if (at == std::string::npos) return {};
  at = text.find_first_not_of(" \t", at + key.size() + 1);
  if (at == std::string::npos) return {};
  return text.substr(at, text.find('\n', at) - at);
}

class SysfsProvider final : public DeviceProvider {
 public:
  explicit SysfsProvider(SysfsOptions options) : options_(std::move(options)), root_(options_.root) {}

  std::string name() const override { return "sysfs"; }

  base::Result<std::vector<DiscoveredDevice>> discover() override {
    devices_.clear();
    folders_.clear();
    std::map<std::string, int> of_vendor;
    // By address, which is the order in which runtimes count.
    for (const std::string& address : names_in(root_ / "sys/bus/pci/devices")) {
      const fs::path folder = root_ / "sys/bus/pci/devices" / address;
      auto device = describe(address, folder);
      if (!device || device->vendor == options_.without_vendor) continue;
      if (options_.with_driver_only && !has_driver(*device)) continue;
      const int index = of_vendor[device->vendor]++;
      if (device->visibility_value.empty()) device->visibility_value = std::to_string(index);
      if (device->vendor == "huawei") device->device_nodes = {"/dev/davinci" + std::to_string(index)};
      devices_.push_back(std::move(*device));
      folders_.push_back(folder);
    }
    add_links(root_.string(), devices_);
    return devices_;
  }

  base::Result<std::vector<DeviceReading>> read() override {
    if (devices_.empty()) (void)discover();
    std::vector<DeviceReading> readings;
    for (std::size_t i = 0; i < devices_.size(); ++i)
      readings.push_back(read_device(devices_[i], folders_[i]));
    return readings;
  }

 private:
  std::optional<DiscoveredDevice> describe(const std::string& address, const fs::path& folder) const {
    const auto vendor = number_of(folder / "vendor");
    const auto number = number_of(folder / "device");
    const auto kind = number_of(folder / "class");
    if (!vendor || !number) return std::nullopt;
    // A virtual function belongs to a device that is listed itself.
    if (fs::exists(fs::symlink_status(folder / "physfn"))) return std::nullopt;
    const auto known = identify_pci(static_cast<std::uint32_t>(*vendor), static_cast<std::uint32_t>(*number),
                                    static_cast<std::uint32_t>(kind.value_or(0)));
    if (!known) return std::nullopt;
    DiscoveredDevice device;
    device.vendor = known->vendor;
    device.model = known->model;
    device.memory_mib = known->memory_mib;
    device.pci_address = address;
    device.identity = address;
    device.numa_node = static_cast<std::int32_t>(number_of(folder / "numa_node").value_or(-1));
    if (const Vendor* maker = find_vendor(device.vendor))
      device.visibility_variable = maker->visibility_variable;
    add_nodes(folder, device);
    add_driver(folder, device);
    if (device.vendor == "amd") add_amd(folder, device);
    if (device.vendor == "intel") add_intel(folder, device);
    if (device.vendor == "nvidia") add_nvidia(address, device);
    if (is_built_in(address, device)) return std::nullopt;
    return device;
  }

  static bool is_built_in(const std::string& address, const DiscoveredDevice& device) {
    if (device.vendor == "intel")
      return address.substr(address.find(':')) == ":00:02.0" && device.memory_mib == 0;
    return device.vendor == "amd" && device.memory_mib > 0 && device.memory_mib < kSmallestMemoryMib;
  }

  static void add_nodes(const fs::path& folder, DiscoveredDevice& device) {
    for (const std::string& name : names_in(folder / "drm")) {
      if (name.substr(0, 4) == "card" || name.substr(0, 7) == "renderD")
        device.device_nodes.push_back("/dev/dri/" + name);
    }
    for (const std::string& name : names_in(folder / "accel")) {
      if (name.substr(0, 5) == "accel") device.device_nodes.push_back("/dev/accel/" + name);
    }
  }

  void add_driver(const fs::path& folder, DiscoveredDevice& device) const {
    std::error_code failed;
    const fs::path driver = fs::read_symlink(folder / "driver", failed);
    if (failed) return;
    const std::string module = driver.filename().string();
    const std::string version = text_of(root_ / "sys/module" / module / "version");
    device.driver_version = version.empty() ? module : version;
  }

  static void add_amd(const fs::path& folder, DiscoveredDevice& device) {
    const std::string unique = text_of(folder / "unique_id");
    if (!unique.empty() && unique != "0") {
      device.identity = "GPU-" + unique;
      device.visibility_value = device.identity;  // ROCm takes it
    }
    const std::string product = text_of(folder / "product_name");
    if (!product.empty()) device.model = with_dashes(product);
    if (const auto bytes = number_of(folder / "mem_info_vram_total")) device.memory_mib = *bytes / kMebibyte;
    const std::string partition = text_of(folder / "current_compute_partition");
    if (!partition.empty() && partition != "SPX") {
      const std::string memory = text_of(folder / "current_memory_partition");
      std::string profile = partition + (memory.empty() ? "" : "_" + memory);
      std::transform(profile.begin(), profile.end(), profile.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      device.partitions.push_back({device.identity, profile, device.memory_mib});
    }
  }

  static void add_intel(const fs::path& folder, DiscoveredDevice& device) {
    for (const std::string& name : names_in(folder / "drm")) {
      if (name.substr(0, 4) != "card") continue;
      if (const auto bytes = number_of(folder / "drm" / name / "lmem_total_bytes"))
        device.memory_mib = *bytes / kMebibyte;
    }
    std::int64_t bytes = 0;
    for (const std::string& name : names_in(folder)) {
      if (name.substr(0, 4) == "tile")
        bytes += number_of(folder / name / "physical_vram_size_bytes").value_or(0);
    }
    if (bytes > 0) device.memory_mib = bytes / kMebibyte;
  }

  // The kernel module tells a little even where its library is not installed.
  void add_nvidia(const std::string& address, DiscoveredDevice& device) const {
    const std::string text = text_of(root_ / "proc/driver/nvidia/gpus" / address / "information");
    const std::string model = labelled(text, "Model");
    if (!model.empty()) device.model = with_dashes(model);
    const std::string uuid = labelled(text, "GPU UUID");
    if (uuid.substr(0, 4) == "GPU-" && uuid.find('?') == std::string::npos) {
      device.identity = uuid;
      device.visibility_value = uuid;
    }
    const std::string minor = labelled(text, "Device Minor");
    if (!minor.empty()) device.device_nodes.push_back("/dev/nvidia" + minor);
  }

  DeviceReading read_device(const DiscoveredDevice& device, const fs::path& folder) {
    DeviceReading reading;
    reading.identity = device.identity;
    if (!number_of(folder / "vendor")) {
      reading.healthy = false;
      reading.message = "the kernel does not list it any more";
      return reading;
    }
    if (!has_driver(device)) {
      reading.healthy = false;
      reading.message = "its driver is not loaded";
      return reading;
    }
    if (const auto busy = number_of(folder / "gpu_busy_percent")) {
      reading.utilisation = std::clamp(static_cast<double>(*busy) / 100, 0.0, 1.0);
    }
    if (const auto bytes = number_of(folder / "mem_info_vram_used"))
      reading.memory_used_mib = *bytes / kMebibyte;
    read_sensors(folder, reading);
    read_errors(folder, reading);
    for (const std::string& name : names_in(folder / "accel")) {
      const std::string status = text_of(folder / "accel" / name / "device/status");
      if (status.empty() || status == "Operational" || status == "operational") continue;
      reading.healthy = false;
      reading.message = "its driver says \"" + status + "\"";
    }
    return reading;
  }

  static void read_sensors(const fs::path& folder, DeviceReading& reading) {
    for (const std::string& monitor : names_in(folder / "hwmon")) {
      const fs::path sensors = folder / "hwmon" / monitor;
      for (const char* power : {"power1_average", "power1_input"}) {
        const auto microwatts = number_of(sensors / power);
        if (microwatts && !reading.power_watts) reading.power_watts = static_cast<double>(*microwatts) / 1e6;
      }
      const auto millidegrees = number_of(sensors / "temp1_input");
      if (millidegrees) reading.temperature_celsius = static_cast<double>(*millidegrees) / 1000;
    }
  }

  // Errors of AMD's blocks: files with lines "ue: N" (uncorrectable) and "ce: N".
  void read_errors(const fs::path& folder, DeviceReading& reading) {
    std::int64_t errors = 0;
    bool told = false;
    for (const std::string& name : names_in(folder / "ras")) {
      if (name.size() < 10 || name.substr(name.size() - 10) != "_err_count") continue;
      const std::string count = labelled(text_of(folder / "ras" / name), "ue");
      std::int64_t value = 0;
      if (std::from_chars(count.data(), count.data() + count.size(), value).ec != std::errc()) continue;
      errors += value;
      told = true;
    }
    if (!told) return;
    reading.uncorrected_errors = errors;
    const auto accepted = errors_accepted_.emplace(reading.identity, errors).first;
    // Fewer than before: it was reset.
    accepted->second = std::min(accepted->second, errors);
    if (errors == accepted->second) return;
    reading.healthy = false;
    reading.message =
        std::to_string(errors - accepted->second) + " new uncorrectable errors; the device needs a reset";
  }
  SysfsOptions options_;
  fs::path root_;
  std::vector<DiscoveredDevice> devices_;
  std::vector<fs::path> folders_;
  std::map<std::string, std::int64_t> errors_accepted_;
};

}  // namespace

std::unique_ptr<DeviceProvider> make_sysfs_provider(SysfsOptions options) {
  return std::make_unique<SysfsProvider>(std::move(options));
}

std::unique_ptr<DeviceProvider> make_sysfs_provider(std::string sysroot) {
  SysfsOptions options;
  options.root = std::move(sysroot);
  return make_sysfs_provider(std::move(options));
}

bool has_driver(const DiscoveredDevice& device) {
  return !device.driver_version.empty() && device.driver_version != "nouveau";
}

}  // namespace fairlead::device
