#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"

#include <fmt/format.h>

#include <memory>
#include <ostream>
#include <string>

namespace fairlead::cli {
namespace {

struct LogOptions {
  ClientOptions client;
  std::string name;
  std::string role;
  std::int64_t index = 0;
  std::string replica;
  bool follow = false;
};

int run_logs(const LogOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string path = workload_path(*client, environment, options.client, options.name, code);
  if (path.empty()) return code;
  path += fmt::format("/logs?index={}", options.index);
  if (!options.role.empty()) path += "&role=" + encoded(options.role);
  if (!options.replica.empty()) path += "&replica=" + encoded(options.replica);
  if (!options.follow) {
    // A long log comes in pieces.
    for (std::string from = "0";;) {
      const auto piece = client->send({.path = path + "&offset=" + from}, code);
      if (!piece) return code;
      if (piece->status >= 400) return client->tell_problem(*piece);
      environment.out << piece->body;
      const std::string next(piece->header("fairlead-next-offset"));
      if (piece->body.empty() || next.empty() || next == from) return kExitOk;
      from = next;
    }
  }
  // What is refused comes as a whole too: it is shown as a problem when the status is known.
  std::string refused;
  ApiClient::Request request;
  request.path = path + "&follow=true";
  request.on_bytes = [&](std::string_view bytes) {
    if (refused.size() < 64 * 1024) refused += bytes;
    environment.out << bytes << std::flush;
    return environment.out.good();
  };
  // Ask once without following, so that an error is told as such and not written as output.
  const auto check = client->send({.path = path + "&offset=1152921504606846975"}, code);
  if (!check) return code;
  if (check->status >= 400) return client->tell_problem(*check);
  const auto response = client->send(request, code);
  if (!response) return environment.keep_going && !environment.keep_going() ? kExitOk : code;
  return response->status >= 400 ? kExitFailed : kExitOk;
}

}  // namespace

Command logs_command() {
  auto options = std::make_shared<LogOptions>();
  Command command;
  command.name = "logs";
  command.description = "Print the output of a workload";
  command.examples =
      "  fairlead logs hello\n"
      "  fairlead logs -f llama                follow it until it ends, attempt after attempt\n"
      "  fairlead logs llama --index 3         of the fourth replica";
  command.argument("name", options->name, "NAME", "The workload, as NAME or PROJECT/NAME").required = true;
  command.flag("-f,--follow", options->follow, "Go on until the workload ends");
  command.option("--role", options->role, "ROLE", "Role of the replica [the first]");
  command.option("--index", options->index, "N", "Index of the replica in its role [0]").range = {0,
                                                                                                  1'000'000};
  command.option("--replica", options->replica, "UID", "One attempt of a replica, as 'describe' lists them");
  add_project_option(command, options->client);
  add_client_options(command, options->client);
  command.run = [options](const Environment& environment) { return run_logs(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
