#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"
#include "cli/workload_text.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

struct ListOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::vector<std::string> states;
  std::string user;
  std::string kind;
};

struct OneOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::string name;
};

std::string list_path(const ListOptions& options, const std::string& after) {
  std::string path = "/api/v1/workloads?limit=1000";
  if (!options.client.project.empty()) path += "&project=" + encoded(options.client.project);
  for (const std::string& state : options.states) path += "&state=" + encoded(state);
  if (!options.user.empty()) path += "&user=" + encoded(options.user);
  if (!options.kind.empty()) path += "&kind=" + encoded(options.kind);
  if (!after.empty()) path += "&after=" + encoded(after);
  return path;
}

std::vector<TextTable::Column> columns(bool wide) {
  std::vector<TextTable::Column> all = {{"PROJECT"},
                                        {"NAME"},
                                        {"KIND"},
                                        {"STATE"},
                                        {"DEVICES"},
                                        {"REPLICAS"},
                                        {"AGE", TextTable::Align::kRight}};
  if (wide) {
    for (const char* heading : {"USER", "PRIORITY", "PREEMPTIBLE", "NODES"}) all.push_back({heading});
  }
  all.push_back({"REASON"});
  return all;
}

void add_row(TextTable& table, const base::JsonValue& workload, bool wide, const Environment& environment) {
  const base::JsonValue& status = at(workload, "status");
  std::vector<std::string> row = {
      text_at(workload, "spec.project"),
      text_at(workload, "metadata.name"),
      text_at(workload, "spec.kind"),
      text_at(status, "state"),
      workload_devices(workload),
      fmt::format("{}/{}", text_at(status, "replicasRunning"), text_at(status, "replicasWanted")),
      age_text(environment, text_at(status, "submitted"))};
  if (wide) {
    std::string nodes;
    for (const base::JsonValue& replica : at(status, "replicas").items()) {
      const std::string node = text_at(replica, "node");
      if (!node.empty() && nodes.find(node) == std::string::npos) nodes += (nodes.empty() ? "" : ",") + node;
    }
    row.push_back(text_at(status, "submittedBy"));
    row.push_back(text_at(status, "priority"));
    row.push_back(at(status, "preemptible").boolean() ? "yes" : "no");
    row.push_back(nodes);
  }
  row.push_back(text_at(status, "reason"));
  table.add_row(std::move(row));
}

int run_list(const ListOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const bool wide = options.output == Output::kWide;
  TextTable table(columns(wide));
  std::string after;
  bool simulated = false;
  // Programs that ask for JSON get the pages one after another, one document each.
  do {
    const auto page = client->ask({.path = list_path(options, after)}, code);
    if (page == nullptr) return code;
    after = text_at(page->root(), "next");
    if (print_document(environment, *page, options.output, workload_name)) continue;
    for (const base::JsonValue& workload : at(page->root(), "items").items()) {
      add_row(table, workload, wide, environment);
      simulated = simulated || at(workload, "status.simulated").boolean();
    }
  } while (!after.empty());
  if (options.output != Output::kTable && !wide) return kExitOk;
  if (table.empty()) {
    environment.err << "There are no workloads. Submit one with 'fairlead submit'.\n";
    return kExitOk;
  }
  print_table(environment, table);
  if (simulated) environment.err << "Devices are simulated.\n";
  return kExitOk;
}

int run_one(const OneOptions& options, bool describe, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const std::string path = workload_path(*client, environment, options.client, options.name, code);
  if (path.empty()) return code;
  const auto workload = client->ask({.path = path}, code);
  if (workload == nullptr) return code;
  if (!describe) {
    if (print_document(environment, *workload, options.output, workload_name)) return kExitOk;
    const bool wide = options.output == Output::kWide;
    TextTable table(columns(wide));
    add_row(table, workload->root(), wide, environment);
    print_table(environment, table);
    return kExitOk;
  }
  const auto events = client->ask({.path = path + "/events?limit=1000"}, code);
  environment.out << workload_description(workload->root(), environment);
  if (events == nullptr) return code;
  const auto items = at(events->root(), "items").items();
  if (items.empty()) return kExitOk;
  environment.out << '\n';
  TextTable table({{"AGE", TextTable::Align::kRight}, {"EVENT"}, {"BY"}, {"DETAILS"}});
  const std::size_t first = items.size() > 20 ? items.size() - 20 : 0;
  for (const base::JsonValue& event : items.subspan(first)) {
    std::string details;
    for (const auto& member : at(event, "details").members()) {
      if (member.value.text().empty()) continue;
      details += fmt::format("{}{}={}", details.empty() ? "" : " ", member.key, member.value.text());
    }
    table.add_row({age_text(environment, text_at(event, "time")), text_at(event, "kind"),
                   text_at(event, "actor"), details});
  }
  print_table(environment, table);
  return kExitOk;
}

Command one_command(std::string name, std::string description, std::string examples, bool describe) {
  auto options = std::make_shared<OneOptions>();
  Command command;
  command.name = std::move(name);
  command.description = std::move(description);
  command.examples = std::move(examples);
  command.argument("name", options->name, "NAME", "The workload, as NAME or PROJECT/NAME").required = true;
  add_project_option(command, options->client);
  if (!describe) add_output_option(command, options->output);
  add_client_options(command, options->client);
  command.run = [options, describe](const Environment& environment) {
    return run_one(*options, describe, environment);
  };
  return command;
}

}  // namespace

std::vector<Command> workload_commands() {
  auto options = std::make_shared<ListOptions>();
  Command list;
  list.name = "list";
  list.description = "List workloads";
  list.examples =
      "  fairlead list\n"
      "  fairlead list -p research --state pending --state running\n"
      "  fairlead list -o wide\n"
      "  fairlead list -o name --user ada";
  add_project_option(list, options->client);
  Option& state =
      list.option("--state", options->states, "STATE",
                  "Only in this state: pending, starting, running, stopping, back-off, suspended, "
                  "succeeded or failed; may be repeated");
  state.choices = {"pending",  "starting",  "running",   "stopping",
                   "back-off", "suspended", "succeeded", "failed"};
  list.option("--user", options->user, "USER", "Only of this submitter");
  list.option("--type", options->kind, "KIND", "Only workspaces, trainings or inference").choices = {
      "workspace", "training", "inference"};
  add_output_option(list, options->output);
  add_client_options(list, options->client);
  list.run = [options](const Environment& environment) { return run_list(*options, environment); };
  std::vector<Command> commands;
  commands.push_back(std::move(list));
  commands.push_back(one_command("get", "Show one workload",
                                 "  fairlead get llama\n"
                                 "  fairlead get research/llama -o yaml",
                                 false));
  commands.push_back(one_command("describe", "Show one workload with its replicas and what happened to it",
                                 "  fairlead describe llama\n"
                                 "  fairlead describe llama -p research",
                                 true));
  return commands;
}

}  // namespace fairlead::cli
