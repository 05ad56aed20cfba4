#include "device/probe_protocol.h"

#include "base/json_fields.h"

#include <cstdlib>

namespace fairlead::device {
namespace {

std::vector<std::int64_t> integers_field(const base::JsonValue& object, std::string_view name) {
  std::vector<std::int64_t> numbers;
  const base::JsonValue* value = object.find(name);
  if (value == nullptr) return numbers;
  for (const base::JsonValue& item : value->items()) {
    numbers.push_back(std::strtoll(std::string(item.text()).c_str(), nullptr, 10));
  }
  return numbers;
}

std::optional<double> real_field(const base::JsonValue& object, std::string_view name) {
  const base::JsonValue* value = object.find(name);
  if (value == nullptr || value->kind() != base::JsonValue::Kind::kNumber) return std::nullopt;
  return std::strtod(std::string(value->text()).c_str(), nullptr);
}

void write_integers(base::JsonWriter& writer, std::string_view name,
                    const std::vector<std::int64_t>& numbers) {
  writer.key(name);
  writer.begin_array();
  for (const std::int64_t number : numbers) writer.value(number);
  writer.end_array();
}

template <class T>
void write_present(base::JsonWriter& writer, std::string_view name, const std::optional<T>& value) {
  if (value) writer.member(name, *value);
}

const base::JsonValue& array_field(const base::JsonValue& object, std::string_view name) {
  static const base::JsonValue empty{};
  const base::JsonValue* value = object.find(name);
  return value == nullptr ? empty : *value;
}

}  // namespace

std::string encode_device(const DiscoveredDevice& device) {
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object();
  writer.key("device");
  writer.begin_object();
  writer.member("identity", device.identity);
  writer.member("vendor", device.vendor);
  writer.member("model", device.model);
  writer.member("memoryMib", device.memory_mib);
  writer.member("pciAddress", device.pci_address);
  writer.member("numaNode", device.numa_node);
  base::write_texts(writer, "deviceNodes", device.device_nodes);
  writer.member("visibilityVariable", device.visibility_variable);
  writer.member("visibilityValue", device.visibility_value);
  writer.member("driverVersion", device.driver_version);
  writer.key("links");
  writer.begin_array();
  for (const DiscoveredDevice::Link& link : device.links) {
    writer.begin_object();
    writer.member("to", link.to);
    writer.member("kind", link.kind);
    writer.member("width", link.width);
    writer.end_object();
  }
  writer.end_array();
  writer.key("partitions");
  writer.begin_array();
  for (const DiscoveredDevice::Partition& partition : device.partitions) {
    writer.begin_object();
    writer.member("identity", partition.identity);
    writer.member("profile", partition.profile);
    writer.member("memoryMib", partition.memory_mib);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
  writer.end_object();
  return json;
}

DiscoveredDevice device_from(const base::JsonValue& object) {
  DiscoveredDevice device;
  device.identity = base::text_field(object, "identity");
  device.vendor = base::text_field(object, "vendor");
  device.model = base::text_field(object, "model");
  device.memory_mib = base::integer_field(object, "memoryMib").value_or(0);
  device.pci_address = base::text_field(object, "pciAddress");
  device.numa_node = static_cast<std::int32_t>(base::integer_field(object, "numaNode").value_or(-1));
  device.device_nodes = base::texts_field(object, "deviceNodes");
  device.visibility_variable = base::text_field(object, "visibilityVariable");
  device.visibility_value = base::text_field(object, "visibilityValue");
  device.driver_version = base::text_field(object, "driverVersion");
  for (const base::JsonValue& link : array_field(object, "links").items()) {
    device.links.push_back({base::text_field(link, "to"), base::text_field(link, "kind"),
                            static_cast<std::int32_t>(base::integer_field(link, "width").value_or(0))});
  }
  for (const base::JsonValue& partition : array_field(object, "partitions").items()) {
    device.partitions.push_back({base::text_field(partition, "identity"),
                                 base::text_field(partition, "profile"),
                                 base::integer_field(partition, "memoryMib").value_or(0)});
  }
  return device;
}

std::string encode_reading(const ProbeReading& probe) {
  const DeviceReading& reading = probe.reading;
  std::string json;
  base::JsonWriter writer(json);
  writer.begin_object();
  writer.key("reading");
  writer.begin_object();
  writer.member("identity", reading.identity);
  write_present(writer, "utilisation", reading.utilisation);
  write_present(writer, "memoryUsedMib", reading.memory_used_mib);
  write_present(writer, "powerWatts", reading.power_watts);
  write_present(writer, "temperatureCelsius", reading.temperature_celsius);
  write_present(writer, "uncorrectedErrors", reading.uncorrected_errors);
  write_integers(writer, "pids", reading.pids);
  writer.member("healthy", reading.healthy);
  writer.member("message", reading.message);
  write_integers(writer, "faults", probe.faults);
  write_present(writer, "recovery", probe.recovery);
  writer.member("memoryWornOut", probe.memory_worn_out);
  writer.end_object();
  writer.end_object();
  return json;
}

ProbeReading reading_from(const base::JsonValue& object) {
  ProbeReading probe;
  DeviceReading& reading = probe.reading;
  reading.identity = base::text_field(object, "identity");
  reading.utilisation = real_field(object, "utilisation");
  reading.memory_used_mib = base::integer_field(object, "memoryUsedMib");
  reading.power_watts = real_field(object, "powerWatts");
  reading.temperature_celsius = real_field(object, "temperatureCelsius");
  reading.uncorrected_errors = base::integer_field(object, "uncorrectedErrors");
  reading.pids = integers_field(object, "pids");
  reading.healthy = base::boolean_field(object, "healthy");
  reading.message = base::text_field(object, "message");
  probe.faults = integers_field(object, "faults");
  probe.recovery = base::integer_field(object, "recovery");
  probe.memory_worn_out = base::boolean_field(object, "memoryWornOut");
  return probe;
}

}  // namespace fairlead::device
