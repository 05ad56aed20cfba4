#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::device {

/// One accelerator of this machine.
struct DiscoveredDevice {
  std::string identity;  ///< the vendor's unique id; PCI address where there is none
  std::string vendor;    ///< "nvidia", "amd", "intel" ...
  std::string model;     ///< as labels name it: "NVIDIA-H100-80GB-HBM3"
  std::int64_t memory_mib = 0;
  std::string pci_address;
  std::int32_t numa_node = -1;
  std::vector<std::string> device_nodes;  ///< "/dev/nvidia0"
  std::string visibility_variable;        ///< "CUDA_VISIBLE_DEVICES"
  std::string visibility_value;           ///< what names this device in it
  bool simulated = false;
  struct Link {
    std::string to;    ///< identity
    std::string kind;  ///< "nvlink", "xgmi", "pcie-switch", "numa", "system"
    std::int32_t width = 0;
  };
  std::vector<Link> links;
  struct Partition {
    std::string identity;
    std::string profile;  ///< "1g.10gb"
    std::int64_t memory_mib = 0;
  };
  std::vector<Partition> partitions;
  std::string driver_version;
};

/// What a device says about itself now. What it does not say is absent, never zero.
struct DeviceReading {
  std::string identity;
  std::optional<double> utilisation;  ///< [0, 1]
  std::optional<std::int64_t> memory_used_mib;
  std::optional<double> power_watts;
  std::optional<double> temperature_celsius;
  std::optional<std::int64_t> uncorrected_errors;
  std::vector<std::int64_t> pids;
  bool healthy = true;
  std::string message;  ///< why not
};

/// A source of devices: a vendor's library, the kernel's files, or a description of simulated ones.
/// A call never hangs: what talks to a vendor's library does so in a child process, with a deadline.
class DeviceProvider {
 public:
  virtual ~DeviceProvider() = default;
  virtual std::string name() const = 0;  ///< "nvml", "sysfs", "simulated"
  virtual base::Result<std::vector<DiscoveredDevice>> discover() = 0;
  /// Readings of all its devices, in the order of discover().
  virtual base::Result<std::vector<DeviceReading>> read() = 0;
};

/// Devices from a text such as "4x H100-80GB, 2x MI300X-192GB". Errors: kInvalidArgument with the remedy.
/// `use_of` tells what the processes that hold a device do: cores busy, and bytes of memory.
struct ProcessUse {
  double cores = 0;
  std::int64_t memory_bytes = 0;
};
base::Result<std::unique_ptr<DeviceProvider>> make_simulated_provider(
    const std::string& description, std::function<ProcessUse(const std::string& identity)> use_of);
/// Devices found below `sysroot` in sys/bus/pci and sys/class/drm: any vendor, without its library.
std::unique_ptr<DeviceProvider> make_sysfs_provider(std::string sysroot);
/// NVIDIA's through NVML in a child process; `library` is opened at run time. `program`: this binary.
std::unique_ptr<DeviceProvider> make_nvml_provider(std::string program,
                                                   std::string library = "libnvidia-ml.so.1");

/// The child process of the NVML provider (`fairlead device-probe nvml LIBRARY`): answers requests from
/// standard input until that ends (probe_protocol.h). Returns the exit code.
int run_nvml_probe(const std::string& library);

}  // namespace fairlead::device
