#include "cli/usage_command.h"

#include "base/json_writer.h"
#include "cli/ledger_command.h"
#include "cli/offline_commands.h"
#include "cli/style.h"
#include "cli/text_table.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <ostream>
#include <utility>

namespace fairlead::cli {
namespace {

using Row = ledger::LedgerReader::UsageRow;
using By = ledger::LedgerReader::UsageBy;

std::string hours(double value) { return fmt::format("{:.2f}", value); }
std::string hours(const std::optional<double>& value, std::string_view unknown) {
  return value ? hours(*value) : std::string(unknown);
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string_view heading_of(By by) {
  switch (by) {
    case By::kDepartment:
      return "DEPARTMENT";
    case By::kProject:
      return "PROJECT";
    case By::kUser:
      return "USER";
    case By::kWorkload:
      break;
  }
  return "WORKLOAD";
}

std::string usage_table(const std::vector<Row>& rows, By by, const Style& style) {
  if (rows.empty()) return "Nothing was used in this time.\n";
  using Align = TextTable::Align;
  TextTable table({{std::string(heading_of(by)), Align::kLeft},
                   {"DEVICE", Align::kLeft},
                   {"ALLOCATED", Align::kRight},
                   {"USED", Align::kRight},
                   {"IDLE", Align::kRight},
                   {"OVER QUOTA", Align::kRight},
                   {"LOST", Align::kRight}});
  for (const Row& row : rows) {
    table.add_row({row.name.empty() ? "(none)" : row.name, row.device_model.empty() ? "-" : row.device_model,
                   hours(row.allocated_hours), hours(row.used_hours, "-"), hours(row.idle_hours, "-"),
                   hours(row.over_quota_hours), hours(row.lost_hours)});
  }
  std::string text;
  table.write(text, style);
  return text +
         "Device-hours. Lost: work since the last checkpoint of what was preempted. -: not measured.\n";
}

int fail(const Environment& environment, const base::Error& error, int code) {
  environment.err << "fairlead: " << error.message() << '\n';
  return code;
}

}  // namespace

base::Result<base::Time> instant_or_ago(std::string_view text, base::Time now) {
  if (const auto time = base::parse_time(text)) return *time;
  if (const auto duration = base::parse_duration(text); duration && *duration >= base::Duration())
    return now - *duration;
  return base::invalid_argument(fmt::format(
      "\"{}\" is neither an instant nor how long ago; write 2026-01-31T09:00:00Z, or 7d for the last week",
      text));
}

std::string usage_csv(const std::vector<Row>& rows) {
  std::string text = "name,device_model,allocated_hours,used_hours,idle_hours,over_quota_hours,lost_hours\n";
  for (const Row& row : rows) {
    text += fmt::format("{},{},{},{},{},{},{}\n", csv_cell(row.name), csv_cell(row.device_model),
                        row.allocated_hours, row.used_hours ? fmt::format("{}", *row.used_hours) : "",
                        row.idle_hours ? fmt::format("{}", *row.idle_hours) : "", row.over_quota_hours,
                        row.lost_hours);
  }
  return text;
}

std::string usage_json(const std::vector<Row>& rows) {
  std::string text;
  base::JsonWriter out(text, 2);
  const auto optional = [&out](std::string_view name, const std::optional<double>& value) {
    out.key(name);
    if (value) {
      out.value(*value);
    } else {
      out.null();
    }
  };
  out.begin_array();
  for (const Row& row : rows) {
    out.begin_object();
    out.member("name", row.name);
    out.member("deviceModel", row.device_model);
    out.member("allocatedHours", row.allocated_hours);
    optional("usedHours", row.used_hours);
    optional("idleHours", row.idle_hours);
    out.member("overQuotaHours", row.over_quota_hours);
    out.member("lostHours", row.lost_hours);
    out.end_object();
  }
  out.end_array();
  return text + '\n';
}

int run_usage(const UsageOptions& options, const Environment& environment) {
  const base::Time now = environment.now();
  const auto since = instant_or_ago(options.since, now);
  if (!since) return fail(environment, since.error().in("--since"), kExitUsage);
  const auto until =
      options.until.empty() ? base::Result<base::Time>(now) : instant_or_ago(options.until, now);
  if (!until) return fail(environment, until.error().in("--until"), kExitUsage);
  if (*until <= *since)
    return fail(environment, base::invalid_argument("--until is not after --since"), kExitUsage);
  const auto path = ledger_path(options.state, environment);
  if (!path) return fail(environment, path.error(), kExitFailed);
  const auto reader = ledger::LedgerReader::open(*path);
  if (!reader) return fail(environment, reader.error(), kExitFailed);
  const auto rows = (*reader)->usage(options.by, *since, *until);
  if (!rows) return fail(environment, rows.error(), kExitFailed);
  switch (options.output) {
    case UsageOptions::Output::kTable:
      environment.out << usage_table(*rows, options.by,
                                     Style(environment.out_is_terminal && !environment.no_colour));
      break;
    case UsageOptions::Output::kCsv:
      environment.out << usage_csv(*rows);
      break;
    case UsageOptions::Output::kJson:
      environment.out << usage_json(*rows);
      break;
  }
  return kExitOk;
}

Command usage_command() {
  using Output = UsageOptions::Output;
  auto options = std::make_shared<UsageOptions>();
  Command command;
  command.name = "usage";
  command.description = "Add up the device-hours that were allocated, used, idle, over quota and lost";
  command.more = "Reads the ledger's file, also while no platform runs; 'fairlead usage' asks the server.";
  command.examples =
      "  fairlead ledger usage\n"
      "  fairlead ledger usage --by user --since 7d\n"
      "  fairlead ledger usage --by department --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z -o "
      "csv";
  command.choice<By>("--by", options->by,
                     {{"department", By::kDepartment},
                      {"project", By::kProject},
                      {"user", By::kUser},
                      {"workload", By::kWorkload}},
                     "What the rows stand for [project]");
  command.option("--since", options->since, "TIME|AGO", "The first instant that counts [30d]");
  command.option("--until", options->until, "TIME|AGO", "The instant up to which it counts [now]");
  command.option("--state", options->state, "DIR|FILE", "The state folder, or the database [this account's]")
      .takes_path = true;
  command.choice<Output>("-o,--output", options->output,
                         {{"table", Output::kTable}, {"csv", Output::kCsv}, {"json", Output::kJson}},
                         "How the rows are printed [table]");
  command.run = [options](const Environment& environment) { return run_usage(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
