#include "device/nvml_faults.h"

#include <array>

namespace fairlead::device {
namespace {

struct Entry {
  std::int64_t first;
  std::int64_t last;
  FaultClass kind;
};

constexpr std::array<Entry, 26> kCatalogue = {{
    {13, 13, FaultClass::kApplication},  {31, 32, FaultClass::kApplication},
    {43, 45, FaultClass::kApplication},  {48, 48, FaultClass::kDevice},
    {62, 62, FaultClass::kDevice},       {63, 63, FaultClass::kApplication},
    {64, 64, FaultClass::kDevice},       {68, 69, FaultClass::kApplication},
    {74, 74, FaultClass::kFabric},       {79, 79, FaultClass::kBus},
    {92, 92, FaultClass::kApplication},  {94, 94, FaultClass::kApplication},
    {95, 95, FaultClass::kDevice},       {109, 109, FaultClass::kDevice},
    {119, 120, FaultClass::kDevice},     {121, 121, FaultClass::kFabric},
    {136, 137, FaultClass::kFabric},     {140, 140, FaultClass::kDevice},
    {143, 143, FaultClass::kDevice},     {144, 150, FaultClass::kFabric},
    {156, 157, FaultClass::kRetirement}, {158, 158, FaultClass::kDevice},
    {160, 161, FaultClass::kRetirement}, {167, 167, FaultClass::kBus},
    {171, 172, FaultClass::kDevice},     {173, 173, FaultClass::kFabric},
}};

}  // namespace

FaultClass classify_fault(std::int64_t xid) {
  for (const Entry& entry : kCatalogue) {
    if (xid >= entry.first && xid <= entry.last) return entry.kind;
  }
  return FaultClass::kUnknown;
}

std::string describe_fault(std::int64_t xid) {
  const std::string name = "XID " + std::to_string(xid);
  switch (classify_fault(xid)) {
    case FaultClass::kApplication:
      return name + ": a program failed";
    case FaultClass::kDevice:
      return name + ": the device needs a reset";
    case FaultClass::kBus:
      return name + ": the device is lost to the bus";
    case FaultClass::kFabric:
      return name + ": a link between devices failed";
    case FaultClass::kRetirement:
      return name + ": worn parts were put aside";
    case FaultClass::kUnknown:
      break;
  }
  return name + ": not a known one";
}

std::string describe_recovery(std::int64_t action) {
  switch (action) {
    case 0:
      return "nothing is to be done";
    case 1:
      return "the driver asks for a reset of the device";
    case 2:
      return "the driver asks to start the machine anew";
    case 3:
      return "the driver asks to stop the work of linked devices";
    case 4:
      return "the driver asks to stop its work and reset it";
    case 5:
      return "the driver asks to recover the fabric";
    default:
      return "the driver asks for recovery action " + std::to_string(action);
  }
}

}  // namespace fairlead::device
