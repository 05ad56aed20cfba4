#pragma once

#include <cstdint>
#include <string>

namespace fairlead::device {

/// What an NVIDIA driver's critical error (XID) means for the device that it names, from NVIDIA's catalogue.
enum class FaultClass : std::uint8_t {
  kApplication,  ///< a program did something wrong; the device is well
  kDevice,       ///< unusable until it is reset
  kBus,          ///< lost to the machine
  kFabric,       ///< a link between devices failed
  kRetirement,   ///< worn memory or channels were put aside
  kUnknown,      ///< not in the catalogue: to be looked at
};

FaultClass classify_fault(std::int64_t xid);
/// For people: "XID 79: lost to the bus".
std::string describe_fault(std::int64_t xid);
/// What the driver's recovery action asks for, for people.
std::string describe_recovery(std::int64_t action);

}  // namespace fairlead::device
