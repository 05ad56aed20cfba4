#pragma once

#include "base/json_value.h"
#include "device/device_provider.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::device {

/// What a probe (the child process that talks to a vendor's library) and its provider say to each other, a
/// line each:
///   to the probe    discover
///                   read IDENTITY...        all devices but these

///   from the probe  {"ready": true}         once the library is loaded
///                   {"device": {...}} one of each device, as it is found
///                   {"reading": {...}}      one of each device, as it is read: when the probe does not get
///                   on,
///                                           the next device is the one that does not answer
///                   {"done": true}
///                   {"error": "...", "code": "notFound" | "unavailable"}
struct ProbeReading {
  DeviceReading reading;                 ///< healthy only says whether the device answered
  std::vector<std::int64_t> faults;      ///< numbers of critical errors (XID) since the last reading
  std::optional<std::int64_t> recovery;  ///< what the driver says is to be done; 0: nothing
  bool memory_worn_out = false;          ///< rows that failed can be replaced no more
};

std::string encode_device(const DiscoveredDevice& device);
DiscoveredDevice device_from(const base::JsonValue& object);
std::string encode_reading(const ProbeReading& reading);
ProbeReading reading_from(const base::JsonValue& object);

}  // namespace fairlead::device
