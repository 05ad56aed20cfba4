#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

struct NodeOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::string node;
};

std::string joined(const base::JsonValue& list) {
  std::string out;
  for (const base::JsonValue& item : list.items())
    out += (out.empty() ? "" : ", ") + std::string(item.text());
  return out;
}

std::string measured(const base::JsonValue& value, double scale, std::string_view unit) {
  if (value.is_null()) return "-";
  return number_text(number_at(value, "") * scale) + std::string(unit);
}

int run_nodes(const NodeOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const auto list = client->ask({.path = "/api/v1/nodes"}, code);
  if (list == nullptr) return code;
  const auto name = [](const base::JsonValue& node) { return text_at(node, "name"); };
  if (print_document(environment, *list, options.output, name)) return kExitOk;
  TextTable table({{"NODE"}, {"READY"}, {"DEVICES"}, {"CPU"}, {"MEMORY"}, {"ISOLATION"}, {"NOT ENFORCED"}});
  for (const base::JsonValue& node : at(list->root(), "items").items()) {
    table.add_row(
        {text_at(node, "name"), at(node, "ready").boolean() ? "yes" : "no",
         fmt::format("{}/{}{}", number_text(number_at(node, "devicesAllocated")),
                     at(node, "devices").items().size(), at(node, "simulated").boolean() ? " simulated" : ""),
         fmt::format("{}/{}", number_text(number_at(node, "cpuAllocated")),
                     number_text(number_at(node, "cpu"))),
         fmt::format("{}/{}", memory_text(number_at(node, "memoryAllocated")),
                     memory_text(number_at(node, "memory"))),
         text_at(node, "isolation"), joined(at(node, "notEnforced"))});
  }
  print_table(environment, table);
  return kExitOk;
}

int run_devices(const NodeOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string path = "/api/v1/devices";
  if (!options.node.empty()) path += "?node=" + encoded(options.node);
  const auto list = client->ask({.path = path}, code);
  if (list == nullptr) return code;
  const auto name = [](const base::JsonValue& device) { return text_at(device, "identity"); };
  if (print_document(environment, *list, options.output, name)) return kExitOk;
  const bool wide = options.output == Output::kWide;
  std::vector<TextTable::Column> columns = {{"DEVICE"},
                                            {"MODEL"},
                                            {"GIVEN", TextTable::Align::kRight},
                                            {"USED", TextTable::Align::kRight},
                                            {"MEMORY", TextTable::Align::kRight},
                                            {"HEALTH"}};
  if (wide) {
    for (const char* heading : {"NODE", "SLOT", "VENDOR", "POWER", "TEMPERATURE"})
      columns.push_back({heading});
  }
  columns.push_back({"WORKLOADS"});
  TextTable table(columns);
  bool simulated = false;
  for (const base::JsonValue& device : at(list->root(), "items").items()) {
    simulated = simulated || at(device, "simulated").boolean();
    std::string used = "-";
    if (!at(device, "memoryUsedMiB").is_null()) {
      used = memory_text(number_at(device, "memoryUsedMiB") * 1024 * 1024);
    }
    std::string health = at(device, "healthy").boolean() ? "good" : "bad";
    if (!text_at(device, "message").empty()) health += ": " + text_at(device, "message");
    std::vector<std::string> row = {text_at(device, "identity"),
                                    text_at(device, "model"),
                                    number_text(number_at(device, "allocated")),
                                    measured(at(device, "utilisation"), 100, "%"),
                                    used + "/" + memory_text(number_at(device, "memoryMiB") * 1024 * 1024),
                                    health};
    if (wide) {
      row.push_back(text_at(device, "node"));
      row.push_back(text_at(device, "slot"));
      row.push_back(text_at(device, "vendor"));
      row.push_back(measured(at(device, "powerWatts"), 1, " W"));
      row.push_back(measured(at(device, "temperatureCelsius"), 1, " C"));
    }
    std::string workloads = joined(at(device, "workloads"));
    const std::int64_t others = integer_at(device, "otherWorkloads");
    if (others > 0) workloads += fmt::format("{}{} more", workloads.empty() ? "" : ", ", others);
    row.push_back(std::move(workloads));
    table.add_row(std::move(row));
  }
  print_table(environment, table);
  if (simulated) environment.err << "Devices are simulated.\n";
  return kExitOk;
}

}  // namespace

Command node_list_command() {
  auto options = std::make_shared<NodeOptions>();
  Command list;
  list.name = "list";
  list.description = "List the nodes, with what each enforces";
  list.examples = "  fairlead node list\n  fairlead node list -o json";
  add_output_option(list, options->output);
  add_client_options(list, options->client);
  list.run = [options](const Environment& environment) { return run_nodes(*options, environment); };
  return list;
}

Command device_command() {
  auto options = std::make_shared<NodeOptions>();
  Command list;
  list.name = "list";
  list.description = "List the devices and what they are used for";
  list.examples = "  fairlead device list -o wide";
  list.option("--node", options->node, "NODE", "Only of this node");
  add_output_option(list, options->output);
  add_client_options(list, options->client);
  list.run = [options](const Environment& environment) { return run_devices(*options, environment); };
  Command device;
  device.name = "device";
  device.description = "Show the devices";
  device.examples = "  fairlead device\n  fairlead device list -o wide";
  device.options = list.options;
  device.run = list.run;
  device.commands.push_back(std::move(list));
  return device;
}

}  // namespace fairlead::cli
