#include "app/node_command.h"

#include "base/json_fields.h"
#include "base/json_reader.h"
#include "cli/style.h"
#include "cli/text_table.h"
#include "cli/yaml_text.h"
#include "device/machine_devices.h"
#include "host/supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace fairlead::app {
namespace {

enum class Output : std::uint8_t { kTable, kJson, kYaml };

struct NodeOptions {
  std::string sysroot;
  Output output = Output::kTable;
};

// All that is shown.
struct NodeDescription {
  std::string name;
  std::optional<host::Guarantees> guarantees;  // of this machine only
  std::vector<device::DiscoveredDevice> devices;
  std::map<std::string, device::DeviceReading> readings;
  std::vector<std::string> notes;
};

std::string program_path() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string("/proc/self/exe");
}

void take(device::DeviceProvider& provider, NodeDescription& node) {
  const auto readings = provider.read();
  if (!readings) {
    node.notes.push_back(readings.error().message());
    return;
  }
  for (const device::DeviceReading& reading : *readings) node.readings[reading.identity] = reading;
}

base::Result<NodeDescription> describe(const NodeOptions& options) {
  NodeDescription node;
  if (!options.sysroot.empty()) {
    if (access((options.sysroot + "/sys").c_str(), R_OK) != 0) {
      return base::not_found("--sysroot: there is no folder sys in \"" + options.sysroot +
                             "\"; name a folder with a copy of /sys, and of /proc for NVIDIA's driver");
    }
    node.name = options.sysroot;
    const auto provider = device::make_sysfs_provider(options.sysroot);
    auto found = provider->discover();
    if (!found) return found.error();
    node.devices = std::move(*found);
    take(*provider, node);
    return node;
  }
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  node.name = name.data();
  const std::string program = program_path();
  device::MachineDevices machine = device::find_machine_devices(program);
  node.devices = std::move(machine.devices);
  node.notes = std::move(machine.notes);
  for (const auto& provider : machine.providers) take(*provider, node);
  // The same trial that a platform makes when it starts.
  const auto supervisors = host::Supervisors::make(program, "node-describe-" + std::to_string(getpid()),
                                                   host::Supervisors::Callbacks());
  if (!supervisors) return supervisors.error();
  node.guarantees = (*supervisors)->guarantees();
  return node;
}

const char* containment_name(host::Guarantees::Containment containment) {
  switch (containment) {
    case host::Guarantees::Containment::kCgroup2:
      return "cgroup v2";
    case host::Guarantees::Containment::kCgroup1:
      return "cgroup v1";
    case host::Guarantees::Containment::kSession:
      return "session";
  }
  return "session";
}

struct Guarantee {
  const char* key;
  const char* what;
  bool holds;
};

std::vector<Guarantee> list(const host::Guarantees& guarantees) {
  return {{"memory", "memory limits", guarantees.memory_limit},
          {"cpu", "cpu limits", guarantees.cpu_limit},
          {"devices", "devices of others", guarantees.device_access},
          {"accounts", "accounts of their own", guarantees.other_accounts}};
}

void write_guarantees(base::JsonWriter& writer, const host::Guarantees& guarantees) {
  writer.key("isolation");
  writer.begin_object();
  writer.member("containment", containment_name(guarantees.containment));
  for (const Guarantee& guarantee : list(guarantees)) {
    writer.member(guarantee.key, guarantee.holds ? "enforced" : "none");
  }
  base::write_texts(writer, "notEnforced", guarantees.not_enforced);
  writer.end_object();
}

void write_reading(base::JsonWriter& writer, const device::DeviceReading& reading) {
  writer.member("healthy", reading.healthy);
  if (!reading.message.empty()) writer.member("message", reading.message);
  if (reading.utilisation) writer.member("utilisation", *reading.utilisation);
  if (reading.memory_used_mib) writer.member("memoryUsedMib", *reading.memory_used_mib);
  if (reading.power_watts) writer.member("powerWatts", *reading.power_watts);
  if (reading.temperature_celsius) writer.member("temperatureCelsius", *reading.temperature_celsius);
  if (reading.uncorrected_errors) writer.member("uncorrectedErrors", *reading.uncorrected_errors);
}

void write_device(base::JsonWriter& writer, const NodeDescription& node,
                  const device::DiscoveredDevice& device) {
  writer.begin_object();
  writer.member("identity", device.identity);
  writer.member("vendor", device.vendor);
  writer.member("model", device.model);
  writer.member("memoryMib", device.memory_mib);
  writer.member("pciAddress", device.pci_address);
  writer.member("numaNode", device.numa_node);
  writer.member("driver", device.driver_version);
  base::write_texts(writer, "deviceNodes", device.device_nodes);
  writer.member("visibilityVariable", device.visibility_variable);
  writer.member("visibilityValue", device.visibility_value);
  writer.member("simulated", device.simulated);
  const auto reading = node.readings.find(device.identity);
  if (reading != node.readings.end()) write_reading(writer, reading->second);
  writer.key("links");
  writer.begin_array();
  for (const auto& link : device.links) {
    writer.begin_object();
    writer.member("to", link.to);
    writer.member("kind", link.kind);
    if (link.width > 0) writer.member("width", link.width);
    writer.end_object();
  }
  writer.end_array();
  writer.key("partitions");
  writer.begin_array();
  for (const auto& partition : device.partitions) {
    writer.begin_object();
    writer.member("identity", partition.identity);
    writer.member("profile", partition.profile);
    writer.member("memoryMib", partition.memory_mib);
    writer.end_object();
  }
  writer.end_array();
  writer.end_object();
}

std::string json_of(const NodeDescription& node) {
  std::string json;
  base::JsonWriter writer(json, 2);
  writer.begin_object();
  writer.member("name", node.name);
  if (node.guarantees) write_guarantees(writer, *node.guarantees);
  writer.key("devices");
  writer.begin_array();
  for (const device::DiscoveredDevice& device : node.devices) write_device(writer, node, device);
  writer.end_array();
  base::write_texts(writer, "notes", node.notes);
  writer.end_object();
  return json + "\n";
}

// "nvlink x4 to 1, 2; numa to 3", by the numbers of the table.
std::string links_text(const NodeDescription& node, const device::DiscoveredDevice& device) {
  std::vector<std::pair<std::string, std::string>> kinds;
  for (const auto& link : device.links) {
    const std::string kind = link.width > 0 ? fmt::format("{} x{}", link.kind, link.width) : link.kind;
    const auto to = std::find_if(node.devices.begin(), node.devices.end(),
                                 [&](const auto& other) { return other.identity == link.to; });
    const std::string number = std::to_string(to - node.devices.begin());
    const auto same =
        std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.first == kind; });
    if (same == kinds.end()) {
      kinds.emplace_back(kind, number);
    } else {
      same->second += ", " + number;
    }
  }
  std::string text;
  for (const auto& [kind, numbers] : kinds) text += (text.empty() ? "" : "; ") + kind + " to " + numbers;
  return text.empty() ? "-" : text;
}

std::string health_text(const NodeDescription& node, const device::DiscoveredDevice& device) {
  const auto reading = node.readings.find(device.identity);
  if (reading == node.readings.end()) return "unknown";
  if (reading->second.healthy)
    return reading->second.message.empty() ? "healthy" : "healthy: " + reading->second.message;
  return "unhealthy: " + reading->second.message;
}

std::string table_of(const NodeDescription& node, const cli::Environment& environment) {
  const cli::Style style;
  std::string text = node.name + "\n\n";
  if (node.devices.empty()) {
    text += "no accelerators were found; a platform here simulates some, and says so\n";
  } else {
    using Align = cli::TextTable::Align;
    cli::TextTable table({{"no", Align::kRight},
                          {"model"},
                          {"vendor"},
                          {"memory", Align::kRight},
                          {"pci"},
                          {"numa", Align::kRight},
                          {"driver"},
                          {"links"},
                          {"health"}});
    for (std::size_t i = 0; i < node.devices.size(); ++i) {
      const device::DiscoveredDevice& device = node.devices[i];
      const std::string memory =
          device.memory_mib > 0 ? fmt::format("{:.1f} GiB", static_cast<double>(device.memory_mib) / 1024)
                                : "-";
      table.add_row({std::to_string(i), device.model, device.vendor, memory,
                     device.pci_address.empty() ? "-" : device.pci_address,
                     device.numa_node < 0 ? "-" : std::to_string(device.numa_node),
                     device.driver_version.empty() ? "none" : device.driver_version, links_text(node, device),
                     health_text(node, device)});
      for (const auto& partition : device.partitions) {
        table.add_row({"", "  " + partition.profile, "",
                       fmt::format("{:.1f} GiB", static_cast<double>(partition.memory_mib) / 1024), "", "",
                       "", "", ""});
      }
    }
    table.write(text, style, 0, static_cast<std::size_t>(std::max(environment.columns, 0)));
  }
  for (const std::string& note : node.notes) text += "note: " + cli::printable(note) + "\n";
  if (!node.guarantees) return text;
  text += fmt::format("\nworkloads are contained by: {}\n\n", containment_name(node.guarantees->containment));
  cli::TextTable table({{"between workloads"}, {"isolation"}});
  for (const Guarantee& guarantee : list(*node.guarantees)) {
    table.add_row({guarantee.what, guarantee.holds ? "enforced by the kernel" : "none"});
  }
  table.write(text, style);
  for (const std::string& what : node.guarantees->not_enforced) text += "isolation: none - " + what + "\n";
  return text;
}

int run(const NodeOptions& options, const cli::Environment& environment) {
  const auto node = describe(options);
  if (!node) {
    environment.err << "fairlead: " << node.error().message() << '\n';
    return cli::kExitFailed;
  }
  if (options.output == Output::kTable) {
    environment.out << table_of(*node, environment);
    return cli::kExitOk;
  }
  const std::string json = json_of(*node);
  if (options.output == Output::kJson) {
    environment.out << json;
    return cli::kExitOk;
  }
  base::JsonReader reader;
  const auto document = reader.read(json);
  if (!document) {
    environment.err << "fairlead: " << document.error().message() << '\n';
    return cli::kExitInternal;
  }
  environment.out << cli::yaml_text(**document);
  return cli::kExitOk;
}

}  // namespace

cli::Command node_command() {
  auto options = std::make_shared<NodeOptions>();
  cli::Command describing;
  describing.name = "describe";
  describing.description =
      "Show this machine's accelerators, how they are linked, and what is enforced between workloads";
  describing.more =
      "Asks no server: it looks at the machine, and tries what can be enforced as a platform does when it "
      "starts.";
  describing.examples =
      "  fairlead node describe\n"
      "  fairlead node describe -o json\n"
      "  fairlead node describe --sysroot ./recorded     a copy of another machine's /sys and /proc";
  describing.option("--sysroot", options->sysroot, "DIR", "Look at sys/ and proc/ in this folder instead")
      .takes_path = true;
  describing.choice<Output>("-o,--output", options->output,
                            {{"table", Output::kTable}, {"json", Output::kJson}, {"yaml", Output::kYaml}},
                            "How it is printed [table]");
  describing.run = [options](const cli::Environment& environment) { return run(*options, environment); };
  cli::Command node;
  node.name = "node";
  node.description = "Show machines and their accelerators";
  node.examples = "  fairlead node describe";
  node.commands.push_back(std::move(describing));
  return node;
}

}  // namespace fairlead::app
