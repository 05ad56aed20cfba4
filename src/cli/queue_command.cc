#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr int kBarWidth = 24;

struct QueueOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::string name;
  std::optional<std::string> parent;
  std::optional<std::string> display_name;
  std::optional<std::int64_t> priority;
  std::optional<std::string> devices;
  std::optional<std::string> device_limit;
  std::optional<double> weight;
  std::optional<std::string> cpu;
  std::optional<std::string> cpu_limit;
  std::optional<std::string> memory;
  std::optional<std::string> memory_limit;
  std::optional<std::string> preempt_min_runtime;
  std::optional<std::string> reclaim_min_runtime;
  bool dry_run = false;
};

std::string queue_name(const base::JsonValue& queue) { return text_at(queue, "name"); }

std::string amount_text(const base::JsonValue& amount) {
  if (amount.is_string()) return std::string(amount.text());
  if (amount.is_null()) return "0";
  return std::string(amount.text());
}

// How far below the root it lies; parents come first.
int depth_of(const base::JsonValue& queue, const std::vector<std::pair<std::string, int>>& depths) {
  const std::string parent = text_at(queue, "parent");
  for (const auto& [name, depth] : depths) {
    if (name == parent) return depth + 1;
  }
  return 0;
}

// The list has all parents first; a tree has each queue's children right below it.
void in_tree_order(const std::vector<const base::JsonValue*>& all, const std::string& parent,
                   std::vector<const base::JsonValue*>& ordered) {
  if (ordered.size() >= all.size()) return;
  for (const base::JsonValue* queue : all) {
    if (text_at(*queue, "parent") != parent) continue;
    ordered.push_back(queue);
    in_tree_order(all, queue_name(*queue), ordered);
  }
}

void print_tree(const base::JsonValue& list, bool wide, const Environment& environment) {
  std::vector<const base::JsonValue*> all;
  double most = 1;
  for (const base::JsonValue& queue : at(list, "items").items()) {
    all.push_back(&queue);
    most =
        std::max({most, number_at(queue, "status.gpu.allocated"), number_at(queue, "resources.gpu.quota")});
  }
  std::vector<const base::JsonValue*> ordered;
  in_tree_order(all, "", ordered);
  // A queue whose parent cannot be seen stands at the root.
  for (const base::JsonValue* queue : all) {
    if (std::find(ordered.begin(), ordered.end(), queue) == ordered.end()) ordered.push_back(queue);
  }
  std::vector<TextTable::Column> columns = {{"QUEUE"},
                                            {"DEVICES"},
                                            {"HAS", TextTable::Align::kRight},
                                            {"QUOTA", TextTable::Align::kRight},
                                            {"WAITS", TextTable::Align::kRight},
                                            {"LIMIT", TextTable::Align::kRight}};
  if (wide) {
    for (const char* heading : {"WEIGHT", "FAIR SHARE", "CPU", "CPU QUOTA", "MEMORY", "PRIORITY"}) {
      columns.push_back({heading, TextTable::Align::kRight});
    }
  }
  TextTable table(columns);
  std::vector<std::pair<std::string, int>> depths;
  for (const base::JsonValue* queue : ordered) {
    const int depth = depth_of(*queue, depths);
    depths.emplace_back(queue_name(*queue), depth);
    const double has = number_at(*queue, "status.gpu.allocated");
    const double waits = std::max(0.0, number_at(*queue, "status.gpu.requested") - has);
    const base::JsonValue& quota = at(*queue, "resources.gpu.quota");
    std::vector<std::string> row = {
        std::string(static_cast<std::size_t>(depth) * 2, ' ') + queue_name(*queue),
        bar(has / most, quota.is_string() ? -1 : number_at(*queue, "resources.gpu.quota") / most, kBarWidth),
        number_text(has),
        amount_text(quota),
        number_text(waits),
        at(*queue, "resources.gpu.limit").is_null() ? "unlimited"
                                                    : amount_text(at(*queue, "resources.gpu.limit"))};
    if (wide) {
      row.push_back(text_at(*queue, "resources.gpu.overQuotaWeight"));
      row.push_back(number_text(number_at(*queue, "status.gpu.fairShare")));
      row.push_back(number_text(number_at(*queue, "status.cpu.allocated")));
      row.push_back(amount_text(at(*queue, "resources.cpu.quota")));
      row.push_back(memory_text(number_at(*queue, "status.memory.allocated")));
      row.push_back(text_at(*queue, "priority"));
    }
    table.add_row(std::move(row));
  }
  print_table(environment, table);
  environment.err << "The bar shows devices in use; | is the quota.\n";
}

int run_list(const QueueOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const auto list = client->ask({.path = "/api/v1/queues"}, code);
  if (list == nullptr) return code;
  if (print_document(environment, *list, options.output, queue_name)) return kExitOk;
  if (at(list->root(), "items").items().empty()) {
    environment.err << "There are no queues that you may see. Create one with 'fairlead queue create'.\n";
    return kExitOk;
  }
  print_tree(list->root(), options.output == Output::kWide, environment);
  return kExitOk;
}

int run_get(const QueueOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const auto queue = client->ask({.path = "/api/v1/queues/" + encoded(options.name)}, code);
  if (queue == nullptr) return code;
  const Output output =
      options.output == Output::kTable || options.output == Output::kWide ? Output::kYaml : options.output;
  print_document(environment, *queue, output, queue_name);
  return kExitOk;
}

// An amount as the API takes it: "unlimited" as text, a number as a number, a quantity as text.
void write_amount(base::JsonWriter& json, std::string_view key, const std::optional<std::string>& amount) {
  if (amount) json.member(key, *amount);
}

void write_resource(base::JsonWriter& json, std::string_view name, const std::optional<std::string>& quota,
                    const std::optional<std::string>& limit) {
  if (!quota && !limit) return;
  json.key(name);
  json.begin_object();
  write_amount(json, "quota", quota);
  write_amount(json, "limit", limit);
  json.end_object();
}

std::string body_of(const QueueOptions& options) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("name", options.name);
  if (options.parent) json.member("parent", *options.parent);
  if (options.display_name) json.member("displayName", *options.display_name);
  if (options.priority) json.member("priority", *options.priority);
  if (options.preempt_min_runtime) json.member("preemptMinRuntime", *options.preempt_min_runtime);
  if (options.reclaim_min_runtime) json.member("reclaimMinRuntime", *options.reclaim_min_runtime);
  json.key("resources");
  json.begin_object();
  if (options.devices || options.device_limit || options.weight) {
    json.key("gpu");
    json.begin_object();
    write_amount(json, "quota", options.devices);
    write_amount(json, "limit", options.device_limit);
    if (options.weight) json.member("overQuotaWeight", *options.weight);
    json.end_object();
  }
  write_resource(json, "cpu", options.cpu, options.cpu_limit);
  write_resource(json, "memory", options.memory, options.memory_limit);
  json.end_object();
  json.end_object();
  return text;
}

int run_write(const QueueOptions& options, bool create, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  ApiClient::Request request;
  request.method = create ? "POST" : "PATCH";
  request.path = create ? "/api/v1/queues" : "/api/v1/queues/" + encoded(options.name);
  if (options.dry_run) request.path += "?dryRun=true";
  request.body = body_of(options);
  const auto answer = client->ask(request, code);
  if (answer == nullptr) return code;
  if (print_document(environment, *answer, options.output,
                     [&](const base::JsonValue&) { return options.name; })) {
    return kExitOk;
  }
  if (!options.dry_run) {
    environment.out << fmt::format("queue {} {}\n", options.name, create ? "created" : "changed");
    return kExitOk;
  }
  bool nothing = true;
  for (const auto& [key, verb] :
       {std::pair("evicted", "stops"), std::pair("shrunk", "shrinks"), std::pair("started", "starts")}) {
    for (const base::JsonValue& item : at(answer->root(), key).items()) {
      environment.out << verb << ' ' << printable(item.text()) << '\n';
      nothing = false;
    }
  }
  if (nothing) environment.out << "Nothing would start or stop.\n";
  return kExitOk;
}

int run_delete(const QueueOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const auto answer =
      client->ask({.method = "DELETE", .path = "/api/v1/queues/" + encoded(options.name)}, code);
  if (answer == nullptr) return code;
  environment.out << fmt::format("queue {} deleted\n", options.name);
  return kExitOk;
}

Command named(std::string name, std::string description, std::string examples,
              const std::shared_ptr<QueueOptions>& options) {
  Command command;
  command.name = std::move(name);
  command.description = std::move(description);
  command.examples = std::move(examples);
  command.argument("name", options->name, "NAME", "The queue").required = true;
  return command;
}

void add_settings(Command& command, QueueOptions& options) {
  command.option("--parent", options.parent, "QUEUE", "The department above; empty for a root");
  command.option("--display-name", options.display_name, "TEXT", "A name for people");
  command.option("--gpu-quota", options.devices, "N", "Devices that it is guaranteed, or unlimited");
  command.option("--gpu-limit", options.device_limit, "N", "Devices that it may have at most, or unlimited");
  command.option("--over-quota-weight", options.weight, "X",
                 "Its share of what is left over, relative to its siblings [1]");
  command.option("--cpu-quota", options.cpu, "N", "Cores that it is guaranteed, or unlimited [unlimited]");
  command.option("--memory-quota", options.memory, "AMOUNT",
                 "Memory that it is guaranteed, or unlimited [unlimited]");
  command.option("--cpu-limit", options.cpu_limit, "N", "Cores that it may have at most, or unlimited");
  command.option("--memory-limit", options.memory_limit, "AMOUNT",
                 "Memory that it may have at most, or unlimited");
  command.option("--priority", options.priority, "N", "Siblings with a higher one are served first [100]");
  command.option("--preempt-min-runtime", options.preempt_min_runtime, "TIME",
                 "Its work runs so long before its own urgent work may stop it");
  command.option("--reclaim-min-runtime", options.reclaim_min_runtime, "TIME",
                 "Its work runs so long before others may take borrowed devices back");
  command.flag("--dry-run", options.dry_run, "Change nothing; tell what would start and stop");
  add_output_option(command, options.output);
  add_client_options(command, options.client);
}

}  // namespace

Command queue_command() {
  auto options = std::make_shared<QueueOptions>();
  Command command;
  command.name = "queue";
  command.description = "Show departments and projects as a tree, and change them";
  command.examples =
      "  fairlead queue\n"
      "  fairlead queue -o wide\n"
      "  fairlead queue create vision --parent research --gpu-quota 2\n"
      "  fairlead queue set vision --gpu-quota 4 --dry-run";
  add_output_option(command, options->output);
  add_client_options(command, options->client);
  command.run = [options](const Environment& environment) { return run_list(*options, environment); };

  Command list;
  list.name = "list";
  list.description = "Show departments and projects as a tree";
  list.examples = "  fairlead queue list -o wide";
  add_output_option(list, options->output);
  add_client_options(list, options->client);
  list.run = command.run;
  command.commands.push_back(std::move(list));

  Command get = named("get", "Show one queue", "  fairlead queue get vision", options);
  add_output_option(get, options->output);
  add_client_options(get, options->client);
  get.run = [options](const Environment& environment) { return run_get(*options, environment); };
  command.commands.push_back(std::move(get));

  Command create = named("create", "Create a department or a project",
                         "  fairlead queue create research --gpu-quota 4\n"
                         "  fairlead queue create vision --parent research --gpu-quota 2 --gpu-limit 4",
                         options);
  add_settings(create, *options);
  create.run = [options](const Environment& environment) { return run_write(*options, true, environment); };
  command.commands.push_back(std::move(create));

  Command set = named("set", "Change settings of a queue",
                      "  fairlead queue set vision --gpu-quota 4\n"
                      "  fairlead queue set vision --gpu-quota 0 --dry-run     who would be stopped",
                      options);
  add_settings(set, *options);
  set.check = [options]() -> std::string {
    QueueOptions nothing;
    nothing.name = options->name;
    return body_of(*options) == body_of(nothing) ? "queue set needs a setting to change" : std::string();
  };
  set.run = [options](const Environment& environment) { return run_write(*options, false, environment); };
  command.commands.push_back(std::move(set));

  Command remove =
      named("delete", "Remove a queue in which nothing is left", "  fairlead queue delete vision", options);
  add_client_options(remove, options->client);
  remove.run = [options](const Environment& environment) { return run_delete(*options, environment); };
  command.commands.push_back(std::move(remove));
  return command;
}

}  // namespace fairlead::cli
