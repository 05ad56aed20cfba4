#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"
#include "cli/workload_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace fairlead::cli {
namespace {

constexpr int kBarWidth = 20;
constexpr std::size_t kMostWorkloads = 15;

struct TopOptions {
  ClientOptions client;
  bool once = false;
};

// One picture of the pool: devices, queues, and the workloads that run or wait.
std::optional<std::string> picture(ApiClient& client, const Environment& environment, int& code) {
  const auto devices = client.ask({.path = "/api/v1/devices"}, code);
  const auto queues = devices == nullptr ? nullptr : client.ask({.path = "/api/v1/queues"}, code);
  const auto workloads = queues == nullptr
                             ? nullptr
                             : client.ask({.path = "/api/v1/workloads?limit=1000&state=running&state=starting"
                                                   "&state=pending&state=stopping&state=back-off"},
                                          code);
  if (workloads == nullptr) return std::nullopt;
  const Style style = style_of(environment);
  const auto width =
      environment.out_is_terminal ? static_cast<std::size_t>(std::max(environment.columns, 0)) : 0;
  double given = 0;
  bool simulated = false;
  const auto all = at(devices->root(), "items").items();
  TextTable device_table({{"DEVICE"}, {"MODEL"}, {"GIVEN"}, {"USED"}, {"WORKLOADS"}});
  for (const base::JsonValue& device : all) {
    const double allocated = number_at(device, "allocated");
    given += allocated;
    simulated = simulated || at(device, "simulated").boolean();
    std::string names;
    for (const base::JsonValue& name : at(device, "workloads").items()) {
      names += (names.empty() ? "" : ", ") + std::string(name.text());
    }
    const bool measured = !at(device, "utilisation").is_null();
    device_table.add_row(
        {text_at(device, "identity"), text_at(device, "model"), bar(allocated, -1, kBarWidth),
         measured ? bar(number_at(device, "utilisation"), -1, kBarWidth) : "not measured", names});
  }
  std::string out = style.heading(fmt::format("{} of {} devices given{}", number_text(given), all.size(),
                                              simulated ? ", simulated" : "")) +
                    "\n\n";
  device_table.write(out, style, 0, width);
  out += '\n';
  TextTable queue_table({{"QUEUE"},
                         {"HAS", TextTable::Align::kRight},
                         {"QUOTA", TextTable::Align::kRight},
                         {"FAIR SHARE", TextTable::Align::kRight},
                         {"WAITS", TextTable::Align::kRight}});
  for (const base::JsonValue& queue : at(queues->root(), "items").items()) {
    const double has = number_at(queue, "status.gpu.allocated");
    queue_table.add_row({text_at(queue, "name"), number_text(has), text_at(queue, "resources.gpu.quota"),
                         number_text(number_at(queue, "status.gpu.fairShare")),
                         number_text(std::max(0.0, number_at(queue, "status.gpu.requested") - has))});
  }
  queue_table.write(out, style, 0, width);
  out += '\n';
  TextTable workload_table({{"WORKLOAD"}, {"STATE"}, {"DEVICES"}, {"REPLICAS"}, {"REASON"}});
  const auto items = at(workloads->root(), "items").items();
  for (std::size_t i = 0; i < std::min(items.size(), kMostWorkloads); ++i) {
    const base::JsonValue& workload = items[i];
    workload_table.add_row({workload_name(workload), text_at(workload, "status.state"),
                            workload_devices(workload),
                            fmt::format("{}/{}", text_at(workload, "status.replicasRunning"),
                                        text_at(workload, "status.replicasWanted")),
                            text_at(workload, "status.reason")});
  }
  workload_table.write(out, style, 0, width);
  if (items.size() > kMostWorkloads) out += fmt::format("and {} more\n", items.size() - kMostWorkloads);
  return out;
}

int run_top(const TopOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const bool live = environment.out_is_terminal && !options.once;
  const auto show = [&] {
    const auto text = picture(*client, environment, code);
    if (!text) return false;
    if (live) environment.out << "\x1b[H\x1b[2J";
    environment.out << *text;
    if (live) environment.out << "\nCtrl-C ends.\n";
    environment.out << std::flush;
    return true;
  };
  if (!show()) return code;
  // Each event and each heartbeat of the stream is a reason to look again, over a connection of its own.
  bool failed = false;
  const auto watching = live ? ApiClient::open(environment, options.client, code) : nullptr;
  while (watching != nullptr && !failed) {
    ApiClient::Request request;
    request.path = "/api/v1/events?watch=true";
    request.on_bytes = [&](std::string_view) {
      failed = !show();
      return !failed;
    };
    const auto response = watching->send(request, code);
    if (environment.keep_going && !environment.keep_going()) return kExitOk;
    if (!response) return code;
  }
  return failed ? code : kExitOk;
}

}  // namespace

Command top_command() {
  auto options = std::make_shared<TopOptions>();
  Command command;
  command.name = "top";
  command.description = "Show devices, queues and workloads, live on a terminal";
  command.examples = "  fairlead top\n  fairlead top --once";
  command.flag("--once", options->once, "Print one picture and end");
  add_client_options(command, options->client);
  command.run = [options](const Environment& environment) { return run_top(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
