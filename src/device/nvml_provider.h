#pragma once

#include "base/clock.h"
#include "device/device_provider.h"

#include <functional>
#include <memory>
#include <string>

namespace fairlead::device {

/// How patient the provider is with the library.
struct NvmlOptions {
  std::string program;  ///< this binary, which is run as `device-probe nvml LIBRARY`
  std::string library = "libnvidia-ml.so.1";
  base::Duration start = base::Duration::seconds(20);      ///< to load the library and find the devices
  base::Duration device = base::Duration::seconds(2);      ///< to read one device
  base::Duration ask_again = base::Duration::seconds(60);  ///< a device that did not answer
  base::Duration unmonitored =
      base::Duration::seconds(60);  ///< without readings it counts as ill from then on
  base::Duration fault_fades =
      base::Duration::seconds(600);  ///< of drivers that do not say what is to be done
  std::function<base::Duration()> clock = base::monotonic_time;
};

std::unique_ptr<DeviceProvider> make_nvml_provider(NvmlOptions options);

}  // namespace fairlead::device
