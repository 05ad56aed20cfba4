#include "device/nvml_library.h"

#include <dlfcn.h>

#include <initializer_list>

namespace fairlead::device::nvml {

base::Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
  void* handle = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return base::not_found(why == nullptr ? path + " cannot be opened" : why);
  }
  std::unique_ptr<Library> library(new Library(handle));
  library->resolve();
  const Return code = library->call(&Functions::init);
  if (code != kSuccess) {
    return base::Error(code == kDriverNotLoaded ? base::Code::kNotFound : base::Code::kUnavailable,
                       "NVML does not start: " + library->describe(code));
  }
  return base::Result<std::unique_ptr<Library>>(std::move(library));
}

Library::~Library() {
  call(&Functions::shutdown);
  // Stays loaded: a driver's library may have threads and handlers that outlive a close.
}

std::string Library::describe(Return code) const {
  const char* text = functions_.error_string == nullptr ? nullptr : functions_.error_string(code);
  return text == nullptr ? "error " + std::to_string(code) : std::string(text);
}

void Library::resolve() {
  const auto find = [this](auto& function, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      void* address = dlsym(handle_, name);
      if (address == nullptr) continue;
      function = reinterpret_cast<std::decay_t<decltype(function)>>(address);
      return;
    }
  };
  Functions& f = functions_;
  find(f.init, {"nvmlInit_v2", "nvmlInit"});
  find(f.shutdown, {"nvmlShutdown"});
  find(f.error_string, {"nvmlErrorString"});
  find(f.driver_version, {"nvmlSystemGetDriverVersion"});
  find(f.device_count, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"});
  find(f.device_by_index, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"});
  find(f.name, {"nvmlDeviceGetName"});
  find(f.uuid, {"nvmlDeviceGetUUID"});
  find(f.pci_info, {"nvmlDeviceGetPciInfo_v3"});
  find(f.minor_number, {"nvmlDeviceGetMinorNumber"});
  find(f.numa_node, {"nvmlDeviceGetNumaNodeId"});
  find(f.memory, {"nvmlDeviceGetMemoryInfo"});
  find(f.memory_v2, {"nvmlDeviceGetMemoryInfo_v2"});
  find(f.utilization, {"nvmlDeviceGetUtilizationRates"});
  // The first form has a shorter struct, and is not taken.
  find(f.compute_processes,
       {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"});
  find(f.temperature, {"nvmlDeviceGetTemperature"});
  find(f.power, {"nvmlDeviceGetPowerUsage"});
  find(f.total_ecc_errors, {"nvmlDeviceGetTotalEccErrors"});
  find(f.remapped_rows, {"nvmlDeviceGetRemappedRows"});
  find(f.field_values, {"nvmlDeviceGetFieldValues"});
  find(f.nvlink_state, {"nvmlDeviceGetNvLinkState"});
  find(f.nvlink_remote_pci, {"nvmlDeviceGetNvLinkRemotePciInfo_v2"});
  find(f.nvlink_remote_type, {"nvmlDeviceGetNvLinkRemoteDeviceType"});
  find(f.common_ancestor, {"nvmlDeviceGetTopologyCommonAncestor"});
  find(f.mig_mode, {"nvmlDeviceGetMigMode"});
  find(f.max_mig_devices, {"nvmlDeviceGetMaxMigDeviceCount"});
  find(f.mig_device, {"nvmlDeviceGetMigDeviceHandleByIndex"});
  find(f.attributes, {"nvmlDeviceGetAttributes_v2", "nvmlDeviceGetAttributes"});
  find(f.event_set_create, {"nvmlEventSetCreate"});
  find(f.register_events, {"nvmlDeviceRegisterEvents"});
  find(f.event_set_wait, {"nvmlEventSetWait_v2", "nvmlEventSetWait"});
}

}  // namespace fairlead::device::nvml
