// A stand-in for NVIDIA's libnvidia-ml.so.1 without a driver or a device. It shares no header with the code
// under test: what it writes lies at the offsets that the real library's interface has, so that a struct of
// ours that is laid out otherwise is noticed.
//
// The file that the variable FAIRLEAD_NVML_SCRIPT names says what the machine has, and is read anew at each
// call:
//   gpus 2
//   gpu.0.uuid GPU-aaaa          name, memory, used, busy, power, temperature, errors, pids, links, mig ...
//   fail nvmlInit_v2 12          the function returns this code; "fail.1 NAME CODE" for one device
//   hang nvmlDeviceGetName       the function does not return; "hang.1 NAME" for one device
//   crash nvmlDeviceGetName      the program ends with SIGSEGV; "crash.1 NAME"
//   event 1 79                   this XID of this device is waiting

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Code = int;
constexpr Code kSuccess = 0;
constexpr Code kInvalidArgument = 2;
constexpr Code kNotSupported = 3;
constexpr Code kInsufficientSize = 7;
constexpr Code kNotFound = 6;
constexpr Code kTimeout = 10;
[[maybe_unused]] constexpr Code kVersionMismatch = 25;

// Handles: 1 + index of a device, 1001 + 100 * device + index of an instance of it.
std::uintptr_t number_of(const void* handle) { return reinterpret_cast<std::uintptr_t>(handle); }
bool is_instance(const void* handle) { return number_of(handle) > 1000; }
long index_of(const void* handle) {
  return is_instance(handle) ? static_cast<long>((number_of(handle) - 1001) / 100)
                             : static_cast<long>(number_of(handle)) - 1;
}
long instance_of(const void* handle) { return static_cast<long>((number_of(handle) - 1001) % 100); }

using Script = std::multimap<std::string, std::string>;

Script read_script() {
  Script script;
  const char* path = std::getenv("FAIRLEAD_NVML_SCRIPT");
  if (path == nullptr) return script;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    script.emplace(line.substr(0, blank), line.substr(blank + 1));
  }
  return script;
}

std::string value(const Script& script, const std::string& key, const std::string& otherwise) {
  const auto found = script.find(key);
  return found == script.end() ? otherwise : found->second;
}

// What the script says about a function: its fault, or nothing.
Code fault(const Script& script, const std::string& function, long device) {
  const std::string one = "." + std::to_string(device);
  for (const std::string& suffix : {std::string(), one}) {
    for (auto [entry, end] = script.equal_range("hang" + suffix); entry != end; ++entry) {
      while (entry->second == function) pause();
    }
    for (auto [entry, end] = script.equal_range("crash" + suffix); entry != end; ++entry) {
      if (entry->second != function) continue;
      signal(SIGSEGV, SIG_DFL);  // a sanitizer would make it an ordinary end
      raise(SIGSEGV);
    }
    for (auto [entry, end] = script.equal_range("fail" + suffix); entry != end; ++entry) {
      std::istringstream words(entry->second);
      std::string name;
      Code code = 0;
      if (words >> name >> code && name == function) return code;
    }
  }
  return kSuccess;
}

// One call of a function of a device.
class Call {
 public:
  Call(const char* function, const void* device)
      : script_(read_script()), index_(device == nullptr ? -1 : index_of(device)) {
    fault_ = fault(script_, function, index_);
  }
  Code fault_code() const { return fault_; }
  std::string text(const std::string& key, const std::string& otherwise) const {
    return value(script_, "gpu." + std::to_string(index_) + "." + key, otherwise);
  }
  bool has(const std::string& key) const { return !text(key, "").empty(); }
  long number(const std::string& key, long otherwise) const {
    return std::atol(text(key, std::to_string(otherwise)).c_str());
  }
  const Script& script() const { return script_; }
  long index() const { return index_; }

 private:
  Script script_;
  long index_;
  Code fault_ = kSuccess;
};

void put32(void* to, std::size_t offset, std::uint32_t number) {
  std::memcpy(static_cast<char*>(to) + offset, &number, sizeof number);
}
void put64(void* to, std::size_t offset, std::uint64_t number) {
  std::memcpy(static_cast<char*>(to) + offset, &number, sizeof number);
}
[[maybe_unused]] std::uint32_t get32(const void* from, std::size_t offset) {
  std::uint32_t number = 0;
  std::memcpy(&number, static_cast<const char*>(from) + offset, sizeof number);
  return number;
}

Code copy_text(const std::string& text, char* to, unsigned size) {
  if (text.size() + 1 > size) return kInsufficientSize;
  std::memcpy(to, text.c_str(), text.size() + 1);
  return kSuccess;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

void put_pci(void* info, long device) {
  std::memset(info, 0, 68);
  char text[32];
  std::snprintf(text, sizeof text, "%08X:%02X:00.0", 0U, static_cast<unsigned>(0x1b + device));
  std::memcpy(static_cast<char*>(info) + 36, text, std::strlen(text));
  put32(info, 16, 0);
  put32(info, 20, static_cast<std::uint32_t>(0x1b + device));
  put32(info, 24, 0);
}

constexpr std::uint64_t kMebibyte = 1 << 20;

}  // namespace

#define FUNCTION(name, device, ...)   \
  extern "C" Code name(__VA_ARGS__) { \
    const Call call(#name, device);   \
    if (call.fault_code() != kSuccess) return call.fault_code();

FUNCTION(nvmlInit_v2, nullptr)
std::puts("a library may print what it likes");
return kSuccess;
}
FUNCTION(nvmlShutdown, nullptr)
return kSuccess;
}
extern "C" const char* nvmlErrorString(Code code) {
  return code == 15 ? "GPU is lost" : code == 9 ? "Driver Not Loaded" : "Some error";
}
FUNCTION(nvmlSystemGetDriverVersion, nullptr, char* text, unsigned size)
return copy_text("580.65.06", text, size);
}
FUNCTION(nvmlDeviceGetCount_v2, nullptr, unsigned* count)
*count = static_cast<unsigned>(std::atoi(value(call.script(), "gpus", "1").c_str()));
return kSuccess;
}
extern "C" Code nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  const Code code = fault(read_script(), "nvmlDeviceGetHandleByIndex_v2", index);
  *device = reinterpret_cast<void*>(static_cast<std::uintptr_t>(index) + 1);
  return code;
}
FUNCTION(nvmlDeviceGetName, device, void* device, char* text, unsigned size)
std::string name = call.text("name", "NVIDIA H100 80GB HBM3");
if (is_instance(device))
  name += " MIG " + words_of(call.text("mig", "")).at(static_cast<std::size_t>(instance_of(device)));
return copy_text(name, text, size);
}
FUNCTION(nvmlDeviceGetUUID, device, void* device, char* text, unsigned size)
if (is_instance(device)) return copy_text("MIG-" + std::to_string(number_of(device)), text, size);
return copy_text(call.text("uuid", "GPU-" + std::to_string(call.index())), text, size);
}
FUNCTION(nvmlDeviceGetPciInfo_v3, device, void* device, void* info)
put_pci(info, call.index());
return kSuccess;
}
FUNCTION(nvmlDeviceGetMinorNumber, device, void* device, unsigned* number)
*number = static_cast<unsigned>(call.number("minor", call.index()));
return kSuccess;
}
FUNCTION(nvmlDeviceGetMemoryInfo, device, void* device, void* memory)
const auto total = static_cast<std::uint64_t>(call.number("memory", 81559));
const auto used = static_cast<std::uint64_t>(call.number("used", 0));
put64(memory, 0, total* kMebibyte);
put64(memory, 8, (total - used) * kMebibyte);
put64(memory, 16, used* kMebibyte);
return kSuccess;
}
FUNCTION(nvmlDeviceGetUtilizationRates, device, void* device, void* rates)
if (!call.has("busy")) return kNotSupported;
put32(rates, 0, static_cast<std::uint32_t>(call.number("busy", 0)));
put32(rates, 4, 0);
return kSuccess;
}
FUNCTION(nvmlDeviceGetTemperature, device, void* device, unsigned sensor, unsigned* degrees)
if (sensor != 0) return kInvalidArgument;
*degrees = static_cast<unsigned>(call.number("temperature", 40));
return kSuccess;
}
FUNCTION(nvmlDeviceGetPowerUsage, device, void* device, unsigned* milliwatts)
if (!call.has("power")) return kNotSupported;
*milliwatts = static_cast<unsigned>(call.number("power", 0));
return kSuccess;
}
FUNCTION(nvmlDeviceGetTotalEccErrors, device, void* device, unsigned type, unsigned counter,
         std::uint64_t* errors)
if (type != 1 || counter != 0) return kInvalidArgument;
*errors = static_cast<std::uint64_t>(call.number("errors", 0));
return kSuccess;
}
FUNCTION(nvmlDeviceGetRemappedRows, device, void* device, unsigned* corrected, unsigned* uncorrected,
         unsigned* pending, unsigned* failed)
*corrected = *uncorrected = *pending = 0;
*failed = static_cast<unsigned>(call.number("wornOut", 0));
return kSuccess;
}
FUNCTION(nvmlDeviceGetNvLinkState, device, void* device, unsigned link, unsigned* active)
const auto links = words_of(call.text("links", ""));
*active = link < links.size() ? 1 : 0;
return link < 18 ? kSuccess : kInvalidArgument;
}
FUNCTION(nvmlDeviceGetNvLinkRemotePciInfo_v2, device, void* device, unsigned link, void* info)
const std::string to = words_of(call.text("links", "")).at(link);
put_pci(info, to == "switch" ? 100 : std::atol(to.c_str()));
return kSuccess;
}
FUNCTION(nvmlDeviceGetTopologyCommonAncestor, device, void* device, void* other, unsigned* level)
*level = static_cast<unsigned>(call.number("ancestor." + std::to_string(index_of(other)), 50));
return kSuccess;
}
FUNCTION(nvmlDeviceGetMigMode, device, void* device, unsigned* current, unsigned* pending)
*current = *pending = call.has("mig") ? 1 : 0;
return kSuccess;
}
FUNCTION(nvmlDeviceGetMaxMigDeviceCount, device, void* device, unsigned* count)
*count = 7;
return kSuccess;
}
FUNCTION(nvmlDeviceGetMigDeviceHandleByIndex, device, void* device, unsigned index, void** instance)
if (index >= words_of(call.text("mig", "")).size()) return kNotFound;
*instance = reinterpret_cast<void*>(static_cast<std::uintptr_t>(1001 + 100 * call.index() + index));
return kSuccess;
}
FUNCTION(nvmlEventSetCreate, nullptr, void** set)
*set = reinterpret_cast<void*>(std::uintptr_t{1});
return kSuccess;
}
FUNCTION(nvmlDeviceRegisterEvents, device, void* device, std::uint64_t types, void* set)
return set != nullptr && (types & 8) != 0 ? kSuccess : kInvalidArgument;
}

#ifndef FAIRLEAD_OLD_NVML

extern "C" Code nvmlDeviceGetMemoryInfo_v2(void* device, void* memory) {
  const Call call("nvmlDeviceGetMemoryInfo_v2", device);
  if (call.fault_code() != kSuccess) return call.fault_code();
  if (get32(memory, 0) != 0x02000028) return kVersionMismatch;
  const auto total = static_cast<std::uint64_t>(call.number("memory", 81559));
  const auto used = static_cast<std::uint64_t>(call.number("used", 0));
  put64(memory, 8, total * kMebibyte);
  put64(memory, 16, 500 * kMebibyte);
  put64(memory, 24, (total - used) * kMebibyte);
  put64(memory, 32, used * kMebibyte);
  return kSuccess;
}
FUNCTION(nvmlDeviceGetComputeRunningProcesses_v3, device, void* device, unsigned* count, void* processes)
const auto pids = words_of(call.text("pids", ""));
const unsigned room = *count;
*count = static_cast<unsigned>(pids.size());
if (pids.size() > room) return kInsufficientSize;
for (std::size_t i = 0; i < pids.size(); ++i) {
  put32(processes, 24 * i, static_cast<std::uint32_t>(std::atoi(pids[i].c_str())));
  put64(processes, 24 * i + 8, 100 * kMebibyte);
  put64(processes, 24 * i + 16, ~std::uint64_t{0});
}
return kSuccess;
}
FUNCTION(nvmlDeviceGetNumaNodeId, device, void* device, unsigned* node)
*node = static_cast<unsigned>(call.number("numa", 0));
return kSuccess;
}
FUNCTION(nvmlDeviceGetNvLinkRemoteDeviceType, device, void* device, unsigned link, unsigned* type)
*type = words_of(call.text("links", "")).at(link) == "switch" ? 2 : 0;
return kSuccess;
}
FUNCTION(nvmlDeviceGetAttributes_v2, device, void* device, void* attributes)
if (!is_instance(device)) return kInvalidArgument;
std::memset(attributes, 0, 40);
put64(attributes, 32, 9856);
return kSuccess;
}
FUNCTION(nvmlDeviceGetFieldValues, device, void* device, int count, void* fields)
if (count != 1 || get32(fields, 0) != 230) return kInvalidArgument;
put32(fields, 24, 1);
put32(fields, 28, static_cast<std::uint32_t>(call.has("recovery") ? kSuccess : kNotSupported));
put32(fields, 32, static_cast<std::uint32_t>(call.number("recovery", 0)));
return kSuccess;
}
FUNCTION(nvmlEventSetWait_v2, nullptr, void* set, void* event, unsigned milliseconds)
static std::size_t taken = 0;
if (set == nullptr || milliseconds > 5000) return kInvalidArgument;
std::vector<std::string> waiting;
for (auto [entry, end] = call.script().equal_range("event"); entry != end; ++entry)
  waiting.push_back(entry->second);
if (taken >= waiting.size()) return kTimeout;
const auto words = words_of(waiting[taken++]);
put64(event, 0, static_cast<std::uint64_t>(std::atol(words.at(0).c_str())) + 1);
put64(event, 8, 8);
put64(event, 16, static_cast<std::uint64_t>(std::atol(words.at(1).c_str())));
put64(event, 24, ~std::uint64_t{0});
return kSuccess;
}

#endif
