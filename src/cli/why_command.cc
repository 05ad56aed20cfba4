#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"
#include "cli/workload_text.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

namespace fairlead::cli {
namespace {

struct WhyOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::string name;
};

void print_list(const Environment& environment, const Style& style, std::string_view heading,
                const base::JsonValue& list) {
  if (list.items().empty()) return;
  environment.out << style.heading(heading) << '\n';
  for (const base::JsonValue& item : list.items()) {
    environment.out << "  " << printable(item.text()) << '\n';
  }
}

// A remedy that a command carries out ends with it: "raise the limit to 8: fairlead queue set ...".
std::string first_command(const base::JsonValue& remedies) {
  for (const base::JsonValue& remedy : remedies.items()) {
    const std::size_t at_command = remedy.text().find(": fairlead ");
    if (at_command != std::string_view::npos) return std::string(remedy.text().substr(at_command + 2));
  }
  return {};
}

int run_why(const WhyOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const std::string path = workload_path(*client, environment, options.client, options.name, code);
  if (path.empty()) return code;
  const auto workload = client->ask({.path = path}, code);
  const auto why = workload == nullptr ? nullptr : client->ask({.path = path + "/explanation"}, code);
  if (why == nullptr) return code;
  if (print_document(environment, *why, options.output,
                     [&](const base::JsonValue&) { return workload_name(workload->root()); })) {
    return kExitOk;
  }
  const Style style = style_of(environment);
  environment.out << fmt::format("{} is {}.\n", printable(workload_name(workload->root())),
                                 coloured_state(workload->root(), style));
  std::string reason = text_at(why->root(), "reason");
  if (reason.empty()) reason = text_at(workload->root(), "status.reason");
  if (!reason.empty()) environment.out << printable(reason) << '\n';
  print_list(environment, style, "Stopped for it:", at(why->root(), "evicted"));
  print_list(environment, style, "Shrunk for it:", at(why->root(), "shrunk"));
  print_list(environment, style, "What would start it:", at(why->root(), "remedies"));
  const std::string command = first_command(at(why->root(), "remedies"));
  if (!command.empty()) {
    environment.out << style.heading("To start it now:") << "\n  " << printable(command) << '\n';
  }
  return kExitOk;
}

}  // namespace

Command why_command() {
  auto options = std::make_shared<WhyOptions>();
  Command command;
  command.name = "why";
  command.description = "Say why a workload waits, and what would start it";
  command.examples = "  fairlead why llama\n  fairlead why research/llama -o json";
  command.argument("name", options->name, "NAME", "The workload, as NAME or PROJECT/NAME").required = true;
  add_project_option(command, options->client);
  add_output_option(command, options->output);
  add_client_options(command, options->client);
  command.run = [options](const Environment& environment) { return run_why(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
