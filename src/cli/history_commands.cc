#include "base/time.h"
#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

struct EventOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::string name;
  std::int64_t limit = 100;
  bool watch = false;
};

struct UsageOptions {
  ClientOptions client;
  std::string by = "project";
  std::string since;
  std::string until;
  std::string output = "table";
};

std::string event_line(const base::JsonValue& event) {
  std::string details;
  for (const auto& member : at(event, "details").members()) {
    if (!member.value.text().empty()) details += fmt::format("  {}={}", member.key, member.value.text());
  }
  const std::string actor = text_at(event, "actor");
  return printable(fmt::format("{}  {}  {}{}{}", text_at(event, "time"), text_at(event, "kind"),
                               text_at(event, "subject"), actor.empty() ? "" : "  by " + actor, details));
}

/// Takes server-sent events apart and prints the data of each.
class EventPrinter {
 public:
  EventPrinter(const Environment& environment, Output output) : environment_(environment), output_(output) {}

  bool take(std::string_view bytes) {
    pending_ += bytes;
    for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n')) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      if (line.starts_with("data: ")) print(line.substr(6));
      if (line.starts_with("id: ")) position_ = line.substr(4);
    }
    environment_.out << std::flush;
    return environment_.out.good();
  }
  const std::string& position() const { return position_; }

 private:
  void print(const std::string& data) {
    if (output_ == Output::kJson) {
      environment_.out << data << '\n';
      return;
    }
    const auto event = Document::parse(data);
    if (event) environment_.out << event_line((*event)->root()) << '\n';
  }

  const Environment& environment_;
  const Output output_;
  std::string pending_;
  std::string position_;
};

int watch(ApiClient& client, const EventOptions& options, const std::string& query,
          const Environment& environment) {
  EventPrinter printer(environment, options.output);
  // A stream that breaks goes on after the last event that came.
  for (bool more = true; more;) {
    int code = kExitOk;
    const std::string before = printer.position();
    ApiClient::Request request;
    request.path = "/api/v1/events?watch=true" + query;
    request.headers.emplace_back("Accept", "text/event-stream");
    if (!before.empty()) request.headers.emplace_back("Last-Event-ID", before);
    std::string refused;
    request.on_bytes = [&](std::string_view bytes) {
      if (refused.size() < 4096) refused += bytes;
      return printer.take(bytes);
    };
    const auto response = client.send(request, code);
    if (environment.keep_going && !environment.keep_going()) return kExitOk;
    if (!response) return code;
    if (response->status >= 400) {
      net::ClientResponse problem = *response;
      problem.body = refused;
      return client.tell_problem(problem);
    }
    more = environment.out.good() && printer.position() != before;
  }
  return kExitOk;
}

int run_events(const EventOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string query;
  if (!options.name.empty()) {
    const std::string path = workload_path(*client, environment, options.client, options.name, code);
    if (path.empty()) return code;
    query = "&subject=" + encoded("workload " + path.substr(std::string_view("/api/v1/workloads/").size()));
  }
  if (options.watch) return watch(*client, options, query, environment);
  const auto events =
      client->ask({.path = fmt::format("/api/v1/events?limit={}{}", options.limit, query)}, code);
  if (events == nullptr) return code;
  const auto name = [](const base::JsonValue& event) { return text_at(event, "position"); };
  if (print_document(environment, *events, options.output, name)) return kExitOk;
  for (const base::JsonValue& event : at(events->root(), "items").items()) {
    environment.out << event_line(event) << '\n';
  }
  return kExitOk;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string hours(const base::JsonValue& row, std::string_view key) {
  const base::JsonValue& value = at(row, key);
  return value.is_null() ? "-" : fmt::format("{:.2f}", number_at(row, key));
}

// "7d" before now, or an instant.
std::string instant(const Environment& environment, const std::string& text) {
  if (text.empty() || base::parse_time(text)) return text;
  const auto duration = base::parse_duration(text);
  return duration ? base::format_time(environment.now() - *duration) : text;
}

int run_usage(const UsageOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string path = "/api/v1/usage?by=" + encoded(options.by);
  if (!options.since.empty()) path += "&since=" + encoded(instant(environment, options.since));
  if (!options.until.empty()) path += "&until=" + encoded(instant(environment, options.until));
  const auto usage = client->ask({.path = path}, code);
  if (usage == nullptr) return code;
  const auto name = [](const base::JsonValue& row) { return text_at(row, "name"); };
  const auto rows = at(usage->root(), "items").items();
  if (options.output == "json") {
    print_document(environment, *usage, Output::kJson, name);
    return kExitOk;
  }
  if (options.output == "csv") {
    environment.out << options.by
                    << ",device_model,allocated_hours,used_hours,idle_hours,over_quota_hours,lost_hours\n";
    for (const base::JsonValue& row : rows) {
      environment.out << csv_cell(text_at(row, "name")) << ',' << csv_cell(text_at(row, "deviceModel"));
      for (const char* key : {"allocatedHours", "usedHours", "idleHours", "overQuotaHours", "lostHours"}) {
        environment.out << ',' << text_at(row, key);
      }
      environment.out << '\n';
    }
    return kExitOk;
  }
  TextTable table({{options.by},
                   {"MODEL"},
                   {"ALLOCATED", TextTable::Align::kRight},
                   {"USED", TextTable::Align::kRight},
                   {"IDLE", TextTable::Align::kRight},
                   {"OVER QUOTA", TextTable::Align::kRight},
                   {"LOST", TextTable::Align::kRight}});
  for (const base::JsonValue& row : rows) {
    table.add_row({text_at(row, "name"), text_at(row, "deviceModel"), hours(row, "allocatedHours"),
                   hours(row, "usedHours"), hours(row, "idleHours"), hours(row, "overQuotaHours"),
                   hours(row, "lostHours")});
  }
  print_table(environment, table);
  environment.err << fmt::format("Device-hours from {} to {}{}.\n", text_at(usage->root(), "since"),
                                 text_at(usage->root(), "until"),
                                 at(usage->root(), "simulated").boolean() ? " on simulated devices" : "");
  return kExitOk;
}

}  // namespace

std::vector<Command> history_commands() {
  auto options = std::make_shared<EventOptions>();
  Command events;
  events.name = "events";
  events.description = "Print what happened, or follow it";
  events.examples =
      "  fairlead events\n"
      "  fairlead events -w\n"
      "  fairlead events -w llama\n"
      "  fairlead events -w -o json            one event a line, for a program";
  events.argument("name", options->name, "[NAME]", "Only about this workload");
  events.flag("-w,--watch", options->watch, "Go on with what happens");
  events.option("--limit", options->limit, "N", "So many [100]").range = {1, 1000};
  add_project_option(events, options->client);
  add_output_option(events, options->output);
  add_client_options(events, options->client);
  events.run = [options](const Environment& environment) { return run_events(*options, environment); };

  auto asked = std::make_shared<UsageOptions>();
  Command usage;
  usage.name = "usage";
  usage.description = "Show device-hours that were allocated, used, idle, borrowed and lost";
  usage.examples =
      "  fairlead usage\n"
      "  fairlead usage --by user --since 30d\n"
      "  fairlead usage --by workload --since 2026-01-01T00:00:00Z -o csv > usage.csv";
  usage.option("--by", asked->by, "WORD", "department, project, user or workload [project]").choices = {
      "department", "project", "user", "workload"};
  usage.option("--since", asked->since, "TIME", "Beginning: an instant, or so long ago such as 7d [7d]");
  usage.option("--until", asked->until, "TIME", "End [now]");
  usage.option("-o,--output", asked->output, "WORD", "How it is printed [table]").choices = {"table", "csv",
                                                                                             "json"};
  add_client_options(usage, asked->client);
  usage.run = [asked](const Environment& environment) { return run_usage(*asked, environment); };

  std::vector<Command> commands;
  commands.push_back(std::move(events));
  commands.push_back(std::move(usage));
  return commands;
}

}  // namespace fairlead::cli
