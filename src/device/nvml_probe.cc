#include "base/descriptor.h"
#include "base/json_writer.h"
#include "device/device_provider.h"
#include "device/nvml_library.h"
#include "device/probe_protocol.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::device {
namespace {

using nvml::Functions;
using nvml::kSuccess;
using nvml::Library;
using nvml::Return;

constexpr std::int64_t kMebibyte = 1 << 20;
/// A probe that its platform left behind in a call without end goes after this.
constexpr unsigned kLongestRequestSeconds = 120;

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

// "00000000:1B:00.0", as the library writes it, as the kernel does: "0000:1b:00.0".
std::string pci_address(const nvml::PciInfo& info) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.0", info.domain, info.bus, info.device);
  return text.data();
}

// Talks to the library, which may crash or hang here.
class NvmlProbe {
 public:
  explicit NvmlProbe(std::unique_ptr<Library> library) : library_(std::move(library)) {
    std::uint32_t count = 0;
    call(&Functions::device_count, &count);
    for (std::uint32_t index = 0; index < count; ++index) {
      nvml::Device device = nullptr;
      // A device that is lost has no handle; the others have.
      if (call(&Functions::device_by_index, index, &device) == kSuccess)
        devices_.push_back({device, uuid_of(device)});
    }
    watch_faults();
  }

  template <class Tell>
  void discover(Tell tell) {
    std::vector<DiscoveredDevice> found;
    for (const Known& known : devices_) found.push_back(describe(known));
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      add_links(i, found);
      tell(encode_device(found[i]));
    }
  }

  template <class Tell>
  void read(const std::vector<std::string>& skipped, Tell tell) {
    take_faults();
    for (const Known& known : devices_) {
      if (std::find(skipped.begin(), skipped.end(), known.uuid) != skipped.end()) continue;
      tell(encode_reading(read_device(known)));
    }
  }

 private:
  struct Known {
    nvml::Device device;
    std::string uuid;
  };

  template <class Function, class... Arguments>
  Return call(Function function, Arguments... arguments) const {
    return library_->call(function, arguments...);
  }

  std::string uuid_of(nvml::Device device) const {
    std::array<char, nvml::kNameSize> text{};
    const Return code = call(&Functions::uuid, device, text.data(), static_cast<std::uint32_t>(text.size()));
    return code == kSuccess ? std::string(text.data()) : std::string();
  }
  std::string name_of(nvml::Device device) const {
    std::array<char, nvml::kNameSize> text{};
    const Return code = call(&Functions::name, device, text.data(), static_cast<std::uint32_t>(text.size()));
    return code == kSuccess ? std::string(text.data()) : std::string();
  }

  DiscoveredDevice describe(const Known& known) const {
    DiscoveredDevice device;
    device.identity = known.uuid;
    device.vendor = "nvidia";
    device.model = with_dashes(name_of(known.device));
    device.memory_mib = memory_of(known.device).value_or(nvml::Memory{}).total / kMebibyte;
    nvml::PciInfo pci{};
    if (call(&Functions::pci_info, known.device, &pci) == kSuccess) device.pci_address = pci_address(pci);
    if (device.identity.empty()) device.identity = device.pci_address;
    std::uint32_t number = 0;
    if (call(&Functions::numa_node, known.device, &number) == kSuccess && number < 4096) {
      device.numa_node = static_cast<std::int32_t>(number);
    }
    if (call(&Functions::minor_number, known.device, &number) == kSuccess) {
      device.device_nodes = {"/dev/nvidia" + std::to_string(number)};
    }
    device.visibility_variable = "CUDA_VISIBLE_DEVICES";
    device.visibility_value = device.identity;
    std::array<char, 80> version{};
    if (call(&Functions::driver_version, version.data(), static_cast<std::uint32_t>(version.size())) ==
        kSuccess) {
      device.driver_version = version.data();
    }
    device.partitions = partitions_of(known.device);
    return device;
  }

  std::optional<nvml::Memory> memory_of(nvml::Device device) const {
    nvml::MemoryV2 newer{};
    newer.version = nvml::kMemoryV2;
    if (call(&Functions::memory_v2, device, &newer) == kSuccess) {
      return nvml::Memory{newer.total, newer.free, newer.used};
    }
    nvml::Memory memory{};
    if (call(&Functions::memory, device, &memory) == kSuccess) return memory;
    return std::nullopt;
  }

  std::vector<DiscoveredDevice::Partition> partitions_of(nvml::Device device) const {
    std::vector<DiscoveredDevice::Partition> partitions;
    std::uint32_t current = 0;
    std::uint32_t pending = 0;
    std::uint32_t most = 0;
    if (call(&Functions::mig_mode, device, &current, &pending) != kSuccess || current == 0) return partitions;
    call(&Functions::max_mig_devices, device, &most);
    for (std::uint32_t index = 0; index < most; ++index) {
      nvml::Device instance = nullptr;
      if (call(&Functions::mig_device, device, index, &instance) != kSuccess) continue;
      DiscoveredDevice::Partition partition;
      partition.identity = uuid_of(instance);
      // "NVIDIA A100-SXM4-40GB MIG 1g.5gb"
      const std::string name = name_of(instance);
      const std::size_t mark = name.rfind("MIG ");
      if (mark != std::string::npos) partition.profile = name.substr(mark + 4);
      nvml::DeviceAttributes attributes{};
      if (call(&Functions::attributes, instance, &attributes) == kSuccess) {
        partition.memory_mib = static_cast<std::int64_t>(attributes.memory_mib);
      } else if (const auto memory = memory_of(instance)) {
        partition.memory_mib = static_cast<std::int64_t>(memory->total / kMebibyte);
      }
      partitions.push_back(std::move(partition));
    }
    return partitions;
  }

  // How many links lead to each device by its PCI address; under "switch" those to a switch.
  std::map<std::string, std::int32_t> nvlinks_of(nvml::Device device) const {
    std::map<std::string, std::int32_t> links;
    for (std::uint32_t link = 0; link < nvml::kMaxLinks; ++link) {
      std::uint32_t active = 0;
      const Return code = call(&Functions::nvlink_state, device, link, &active);
      if (code == nvml::kFunctionNotFound) break;
      if (code != kSuccess || active == 0) continue;
      std::uint32_t type = 0;
      if (call(&Functions::nvlink_remote_type, device, link, &type) == kSuccess &&
          type == nvml::kRemoteIsSwitch) {
        ++links["switch"];
        continue;
      }
      nvml::PciInfo remote{};
      if (call(&Functions::nvlink_remote_pci, device, link, &remote) == kSuccess)
        ++links[pci_address(remote)];
    }
    return links;
  }

  void add_links(std::size_t index, std::vector<DiscoveredDevice>& found) {
    if (nvlinks_.empty()) {
      for (const Known& known : devices_) nvlinks_.push_back(nvlinks_of(known.device));
    }
    for (std::size_t other = 0; other < devices_.size(); ++other) {
      if (other == index) continue;
      std::int32_t width = count_of(nvlinks_[index], found[other].pci_address);
      // Through switches every device reaches every other with all that both have.
      width += std::min(count_of(nvlinks_[index], "switch"), count_of(nvlinks_[other], "switch"));
      if (width > 0) {
        found[index].links.push_back({found[other].identity, "nvlink", width});
        continue;
      }
      std::uint32_t level = 0;
      if (call(&Functions::common_ancestor, devices_[index].device, devices_[other].device, &level) !=
          kSuccess) {
        continue;
      }
      const char* kind = "system";
      if (level <= nvml::kSameNode) kind = "numa";
      if (level <= nvml::kSameSwitches) kind = "pcie-switch";
      found[index].links.push_back({found[other].identity, kind, 0});
    }
  }
  static std::int32_t count_of(const std::map<std::string, std::int32_t>& counts, const std::string& key) {
    const auto found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
  }

  void watch_faults() {
    if (call(&Functions::event_set_create, &events_) != kSuccess) return;
    for (const Known& known : devices_) {
      call(&Functions::register_events, known.device, nvml::kEventXid, events_);
    }
  }
  void take_faults() {
    nvml::EventData event{};
    // Not without end: the same fault may come by thousands.
    for (int i = 0; events_ != nullptr && i < 4096; ++i) {
      if (call(&Functions::event_set_wait, events_, &event, 0U) != kSuccess) return;
      if (event.event_type != nvml::kEventXid) continue;
      auto& faults = faults_[event.device];
      const auto number = static_cast<std::int64_t>(event.event_data);
      if (std::find(faults.begin(), faults.end(), number) == faults.end()) faults.push_back(number);
    }
  }

  ProbeReading read_device(const Known& known) {
    ProbeReading probe;
    DeviceReading& reading = probe.reading;
    reading.identity = known.uuid;
    const nvml::Device device = known.device;
    const auto note = [&](Return code) {
      if (code == nvml::kGpuIsLost || code == nvml::kResetRequired || code == nvml::kUnknown) {
        reading.healthy = false;
        reading.message = library_->describe(code);
      }
      return code == kSuccess;
    };
    nvml::Utilization utilization{};
    if (note(call(&Functions::utilization, device, &utilization)) && utilization.gpu <= 100) {
      reading.utilisation = utilization.gpu / 100.0;
    }
    if (const auto memory = memory_of(device)) {
      reading.memory_used_mib = static_cast<std::int64_t>(memory->used / kMebibyte);
    }
    std::uint32_t number = 0;
    if (note(call(&Functions::power, device, &number))) reading.power_watts = number / 1000.0;
    if (note(call(&Functions::temperature, device, nvml::kTemperatureOfGpu, &number))) {
      reading.temperature_celsius = number;
    }
    std::uint64_t errors = 0;
    if (note(call(&Functions::total_ecc_errors, device, nvml::kUncorrected, nvml::kSinceDriverLoad,
                  &errors)) &&
        errors != nvml::kNotAvailable) {
      reading.uncorrected_errors = static_cast<std::int64_t>(errors);
    }
    std::array<nvml::ProcessInfo, 256> processes{};
    auto count = static_cast<std::uint32_t>(processes.size());
    if (note(call(&Functions::compute_processes, device, &count, processes.data()))) {
      for (std::uint32_t i = 0; i < std::min<std::uint32_t>(count, processes.size()); ++i) {
        reading.pids.push_back(processes[i].pid);
      }
    }
    std::uint32_t unused = 0;
    std::uint32_t failed = 0;
    if (call(&Functions::remapped_rows, device, &unused, &unused, &unused, &failed) == kSuccess) {
      probe.memory_worn_out = failed != 0;
    }
    nvml::FieldValue field{};
    field.field = nvml::kFieldRecoveryAction;
    if (call(&Functions::field_values, device, 1, &field) == kSuccess && field.result == kSuccess) {
      probe.recovery = field.value.as_uint32;
    }
    probe.faults = std::exchange(faults_[device], {});
    return probe;
  }

  std::unique_ptr<Library> library_;
  std::vector<Known> devices_;
  std::vector<std::map<std::string, std::int32_t>> nvlinks_;
  nvml::EventSet events_ = nullptr;
  std::map<nvml::Device, std::vector<std::int64_t>> faults_;
};

// Reads lines from standard input. False: there is no more.
bool next_line(std::string& line) {
  line.clear();
  char c = 0;
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    if (c == '\n') return true;
    line += c;
  }
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t end = line.find(' ');
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

}  // namespace

int run_nvml_probe(const std::string& library_path) {
  // What the library prints must not be taken for an answer.
  const base::Descriptor out(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  dup2(STDERR_FILENO, STDOUT_FILENO);
  const auto tell = [&](std::string line) {
    line += '\n';
    // Who does not read has gone: the next read of a request ends.
    [[maybe_unused]] const ssize_t put = write(out.get(), line.data(), line.size());
  };
  alarm(kLongestRequestSeconds);
  auto library = Library::open(library_path);
  if (!library) {
    std::string json;
    base::JsonWriter writer(json);
    writer.begin_object();
    writer.member("error", library.error().message());
    writer.member("code", library.error().code() == base::Code::kNotFound ? "notFound" : "unavailable");
    writer.end_object();
    tell(std::move(json));
    return 1;
  }
  NvmlProbe probe(std::move(*library));
  tell("{\"ready\":true}");
  std::string line;
  for (alarm(0); next_line(line); alarm(0)) {
    alarm(kLongestRequestSeconds);
    std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    if (words[0] == "discover") probe.discover(tell);
    if (words[0] == "read") probe.read({words.begin() + 1, words.end()}, tell);
    tell("{\"done\":true}");
  }
  return 0;
}

}  // namespace fairlead::device
