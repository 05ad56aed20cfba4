#include "cli/output.h"

#include "base/json_writer.h"
#include "base/time.h"
#include "cli/amounts.h"
#include "cli/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace fairlead::cli {
namespace {

void write_value(base::JsonWriter& json, const base::JsonValue& value) {
  using Kind = base::JsonValue::Kind;
  switch (value.kind()) {
    case Kind::kNull:
      json.null();
      break;
    case Kind::kBoolean:
      json.value(value.boolean());
      break;
    case Kind::kNumber:
      json.raw(value.text());
      break;
    case Kind::kString:
      json.value(value.text());
      break;
    case Kind::kArray:
      json.begin_array();
      for (const base::JsonValue& item : value.items()) write_value(json, item);
      json.end_array();
      break;
    case Kind::kObject:
      json.begin_object();
      for (const auto& member : value.members()) {
        json.key(member.key);
        write_value(json, member.value);
      }
      json.end_object();
      break;
  }
}

}  // namespace

void add_client_options(Command& command, ClientOptions& options) {
  command.option("--server", options.server, "URL",
                 "The server to ask, or the name of a context [$FAIRLEAD_SERVER, or the current context]");
}

void add_project_option(Command& command, ClientOptions& options) {
  command.option("-p,--project", options.project, "PROJECT",
                 "The project [$FAIRLEAD_PROJECT, or the context's]");
}

void add_output_option(Command& command, Output& output) {
  command.choice<Output>("-o,--output", output,
                         {{"table", Output::kTable},
                          {"wide", Output::kWide},
                          {"json", Output::kJson},
                          {"yaml", Output::kYaml},
                          {"name", Output::kName}},
                         "How the answer is printed [table]");
}

Style style_of(const Environment& environment) {
  return Style(environment.out_is_terminal && !environment.no_colour);
}

void print_table(const Environment& environment, const TextTable& table) {
  std::string out;
  const auto width = static_cast<std::size_t>(std::max(environment.columns, 0));
  table.write(out, style_of(environment), 0, environment.out_is_terminal ? width : 0);
  environment.out << out;
}

bool print_document(const Environment& environment, const Document& document, Output output,
                    const std::function<std::string(const base::JsonValue&)>& name) {
  if (output == Output::kJson) {
    std::string text;
    base::JsonWriter json(text, 2);
    write_value(json, document.root());
    environment.out << text << '\n';
    return true;
  }
  if (output == Output::kYaml) {
    environment.out << yaml_text(document.root());
    return true;
  }
  if (output != Output::kName) return false;
  const base::JsonValue* items = document.root().find("items");
  if (items == nullptr) {
    environment.out << printable(name(document.root())) << '\n';
    return true;
  }
  for (const base::JsonValue& item : items->items()) environment.out << printable(name(item)) << '\n';
  return true;
}

std::string age_text(const Environment& environment, const std::string& instant) {
  const auto time = base::parse_time(instant);
  if (!time) return {};
  const std::int64_t seconds =
      std::max<std::int64_t>(0, (environment.now() - *time).nanoseconds() / 1'000'000'000);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86'400) return fmt::format("{}h{}m", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{}d", seconds / 86'400);
}

std::string number_text(double number) { return fmt::format("{:g}", std::round(number * 1000) / 1000); }

std::string memory_text(double bytes) { return bytes_text(static_cast<std::int64_t>(bytes)); }

std::string bar(double part, double mark, int width) {
  const auto cell = [width](double share) {
    return std::clamp(static_cast<int>(std::lround(share * width)), 0, width);
  };
  const int filled = cell(std::isfinite(part) ? part : 0);
  const int marked = mark >= 0 && mark <= 1 ? cell(mark) : -1;
  std::string out;
  for (int i = 0; i < width; ++i) {
    if (i == marked) {
      out += "|";
    } else {
      out += i < filled ? "█" : "·";
    }
  }
  return out;
}

std::string workload_path(ApiClient& client, const Environment& environment, const ClientOptions& options,
                          const std::string& name, int& exit_code) {
  const std::size_t slash = name.find('/');
  if (slash != std::string::npos) {
    return fmt::format("/api/v1/workloads/{}/{}", encoded(name.substr(0, slash)),
                       encoded(name.substr(slash + 1)));
  }
  if (!options.project.empty()) {
    return fmt::format("/api/v1/workloads/{}/{}", encoded(options.project), encoded(name));
  }
  const auto found = client.ask({.path = "/api/v1/workloads?limit=10&name=" + encoded(name)}, exit_code);
  if (found == nullptr) return {};
  const auto items = at(found->root(), "items").items();
  if (items.size() == 1) {
    return fmt::format("/api/v1/workloads/{}/{}", encoded(text_at(items[0], "spec.project")), encoded(name));
  }
  if (items.empty()) {
    environment.err << fmt::format("fairlead: there is no workload {} that you may see\n", printable(name));
    exit_code = kExitNotFound;
    return {};
  }
  std::string projects;
  for (const base::JsonValue& item : items) {
    projects += (projects.empty() ? "" : ", ") + text_at(item, "spec.project");
  }
  environment.err << fmt::format(
      "fairlead: several projects have a workload {}: {}\n  name one with -p PROJECT\n", printable(name),
      projects);
  exit_code = kExitUsage;
  return {};
}

}  // namespace fairlead::cli
