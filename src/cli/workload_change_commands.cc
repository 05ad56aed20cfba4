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

struct ChangeOptions {
  ClientOptions client;
  std::vector<std::string> names;
  std::int64_t replicas = 0;
};

// Goes on with the others when one fails; the first failure is the exit code.
int change_all(const ChangeOptions& options, const std::string& method, const std::string& suffix,
               const std::string& body, std::string_view done, const Environment& environment) {
  int result = kExitOk;
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  for (const std::string& name : options.names) {
    const std::string path = workload_path(*client, environment, options.client, name, code);
    const auto changed =
        path.empty() ? nullptr : client->ask({.method = method, .path = path + suffix, .body = body}, code);
    if (changed == nullptr) {
      if (result == kExitOk) result = code;
      continue;
    }
    environment.out << fmt::format("workload {} {}\n",
                                   path.substr(std::string_view("/api/v1/workloads/").size()), done);
  }
  return result;
}

Command change_command(std::string name, std::string description, std::string examples, std::string method,
                       std::string suffix, std::string done) {
  auto options = std::make_shared<ChangeOptions>();
  Command command;
  command.name = std::move(name);
  command.description = std::move(description);
  command.examples = std::move(examples);
  command.argument("names", options->names, "NAME...", "Workloads, as NAME or PROJECT/NAME").required = true;
  add_project_option(command, options->client);
  add_client_options(command, options->client);
  command.run = [options, method = std::move(method), suffix = std::move(suffix),
                 done = std::move(done)](const Environment& environment) {
    return change_all(*options, method, suffix, {}, done, environment);
  };
  return command;
}

}  // namespace

std::vector<Command> workload_change_commands() {
  std::vector<Command> commands;
  commands.push_back(change_command("delete", "End workloads and forget them",
                                    "  fairlead delete hello\n  fairlead delete research/a research/b",
                                    "DELETE", "", "deleted"));
  commands.push_back(change_command("suspend", "Stop workloads and keep them", "  fairlead suspend llama",
                                    "POST", "/suspend", "suspended"));
  commands.push_back(change_command("resume", "Queue suspended workloads again", "  fairlead resume llama",
                                    "POST", "/resume", "resumed"));
  auto options = std::make_shared<ChangeOptions>();
  Command scale;
  scale.name = "scale";
  scale.description = "Change how many replicas a workload wants";
  scale.examples = "  fairlead scale llama --replicas 4";
  scale.argument("names", options->names, "NAME...", "Workloads, as NAME or PROJECT/NAME").required = true;
  Option& replicas = scale.option("--replicas,--workers", options->replicas, "N", "Replicas that it wants");
  replicas.required = true;
  replicas.range = {0, 100'000};
  add_project_option(scale, options->client);
  add_client_options(scale, options->client);
  scale.run = [options](const Environment& environment) {
    return change_all(*options, "POST", "/scale", fmt::format("{{\"replicas\":{}}}", options->replicas),
                      "scaled", environment);
  };
  commands.push_back(std::move(scale));
  return commands;
}

}  // namespace fairlead::cli
