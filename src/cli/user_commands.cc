#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/output.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

struct UserOptions {
  ClientOptions client;
  Output output = Output::kTable;
  std::string name;
  std::string role;
  std::string queue;
  std::string lifetime;
  std::optional<std::int64_t> account;
  bool no_account = false;
  bool disable = false;
  bool enable = false;
};
using Options = std::shared_ptr<UserOptions>;

std::string roles_text(const base::JsonValue& user) {
  std::string out;
  for (const base::JsonValue& role : at(user, "roles").items()) {
    const std::string queue = text_at(role, "queue");
    out += fmt::format("{}{}{}", out.empty() ? "" : ", ", text_at(role, "role"),
                       queue.empty() ? "" : "@" + queue);
  }
  return out;
}

int list_users(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  const auto list = client == nullptr ? nullptr : client->ask({.path = "/api/v1/users"}, code);
  if (list == nullptr) return code;
  const auto name = [](const base::JsonValue& user) { return text_at(user, "name"); };
  if (print_document(environment, *list, options.output, name)) return kExitOk;
  TextTable table({{"USER"}, {"UNIX ACCOUNT"}, {"PASSWORD"}, {"SIGNS IN"}, {"ROLES"}});
  for (const base::JsonValue& user : at(list->root(), "items").items()) {
    table.add_row({name(user), text_at(user, "account"), at(user, "hasPassword").boolean() ? "yes" : "no",
                   at(user, "disabled").boolean() ? "no" : "yes", roles_text(user)});
  }
  print_table(environment, table);
  return kExitOk;
}

int set_user(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string body;
  base::JsonWriter json(body);
  json.begin_object();
  if (options.account) json.member("account", *options.account);
  if (options.no_account) {
    json.key("account");
    json.null();
  }
  if (options.disable || options.enable) json.member("disabled", options.disable);
  json.end_object();
  const std::string path = "/api/v1/users/" + encoded(options.name);
  const auto response = client->send({.method = "PUT", .path = path, .body = body}, code);
  if (!response) return code;
  if (response->status >= 400) return client->tell_problem(*response);
  const bool created = response->status == 201;
  environment.out << fmt::format("user {} {}\n", options.name, created ? "created" : "changed");
  if (!created) return kExitOk;
  const auto answer = client->ask({.method = "POST", .path = path + "/code"}, code);
  if (answer == nullptr) return code;
  environment.out << fmt::format("They sign in once, within a day, with\n  fairlead login {} --code {}\n",
                                 client->context().server.empty() ? "URL" : client->context().server,
                                 text_at(answer->root(), "code"));
  return kExitOk;
}

int make_code(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  const auto answer =
      client->ask({.method = "POST", .path = "/api/v1/users/" + encoded(options.name) + "/code"}, code);
  if (answer == nullptr) return code;
  environment.out << text_at(answer->root(), "code") << '\n';
  return kExitOk;
}

int remove(const UserOptions& options, const std::string& path, std::string_view what,
           const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  if (client->ask({.method = "DELETE", .path = path + encoded(options.name)}, code) == nullptr) return code;
  environment.out << fmt::format("{} {}\n", what, options.name);
  return kExitOk;
}

int change_password(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string lines[2];
  for (int i = 0; i < 2; ++i) {
    if (environment.err_is_terminal)
      environment.err << (i == 0 ? "Present password (may be empty): " : "New password: ") << std::flush;
    const auto typed =
        environment.read_password ? environment.read_password() : environment.read_standard_input();
    if (!typed) {
      environment.err << "fairlead: " << typed.error().message() << '\n';
      return kExitFailed;
    }
    lines[i] = *typed;
    while (lines[i].ends_with('\n') || lines[i].ends_with('\r')) lines[i].pop_back();
  }
  std::string body;
  base::JsonWriter json(body);
  json.begin_object();
  if (!lines[0].empty()) json.member("current", lines[0]);
  json.member("new", lines[1]);
  json.end_object();
  if (client->ask({.method = "PUT", .path = "/api/v1/password", .body = body}, code) == nullptr) return code;
  environment.out << "The password is changed.\n";
  return kExitOk;
}

int list_rules(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  const auto list = client == nullptr ? nullptr : client->ask({.path = "/api/v1/access-rules"}, code);
  if (list == nullptr) return code;
  const auto id = [](const base::JsonValue& rule) { return text_at(rule, "id"); };
  if (print_document(environment, *list, options.output, id)) return kExitOk;
  TextTable table({{"ID"}, {"USER"}, {"ROLE"}, {"QUEUE"}, {"BY"}});
  for (const base::JsonValue& rule : at(list->root(), "items").items()) {
    const std::string queue = text_at(rule, "queue");
    table.add_row({id(rule), text_at(rule, "user"), text_at(rule, "role"), queue.empty() ? "(all)" : queue,
                   text_at(rule, "createdBy")});
  }
  print_table(environment, table);
  return kExitOk;
}

int grant(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string body;
  base::JsonWriter json(body);
  json.begin_object();
  json.member("user", options.name);
  json.member("role", options.role);
  json.member("queue", options.queue);
  json.end_object();
  const auto rule = client->ask({.method = "POST", .path = "/api/v1/access-rules", .body = body}, code);
  if (rule == nullptr) return code;
  environment.out << fmt::format("access rule {}: {} is {} of {}\n", text_at(rule->root(), "id"),
                                 options.name, options.role,
                                 options.queue.empty() ? "everything" : options.queue);
  return kExitOk;
}

int list_tokens(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  const auto list = client == nullptr ? nullptr : client->ask({.path = "/api/v1/tokens"}, code);
  if (list == nullptr) return code;
  const auto id = [](const base::JsonValue& token) { return text_at(token, "id"); };
  if (print_document(environment, *list, options.output, id)) return kExitOk;
  TextTable table({{"ID"}, {"NAME"}, {"USE"}, {"CREATED"}, {"EXPIRES"}});
  for (const base::JsonValue& token : at(list->root(), "items").items()) {
    table.add_row({id(token), text_at(token, "name"), text_at(token, "use"), text_at(token, "created"),
                   text_at(token, "expires")});
  }
  print_table(environment, table);
  return kExitOk;
}

int create_token(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  std::string body;
  base::JsonWriter json(body);
  json.begin_object();
  json.member("name", options.name);
  if (!options.lifetime.empty()) json.member("lifetime", options.lifetime);
  json.end_object();
  const auto token = client->ask({.method = "POST", .path = "/api/v1/tokens", .body = body}, code);
  if (token == nullptr) return code;
  environment.out << text_at(token->root(), "token") << '\n';
  return kExitOk;
}

int put_secret(const UserOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options.client, code);
  if (client == nullptr) return code;
  if (environment.err_is_terminal) environment.err << "Value: " << std::flush;
  const auto value =
      environment.read_password ? environment.read_password() : environment.read_standard_input();
  if (!value) {
    environment.err << "fairlead: " << value.error().message() << '\n';
    return kExitFailed;
  }
  std::string text = *value;
  if (text.ends_with('\n')) text.pop_back();
  std::string body;
  base::JsonWriter json(body);
  json.begin_object();
  json.member("value", text);
  json.end_object();
  const std::string path = "/api/v1/secrets/" + encoded(client->project()) + "/" + encoded(options.name);
  if (client->ask({.method = "PUT", .path = path, .body = body}, code) == nullptr) return code;
  environment.out << fmt::format("secret {} of project {} stored\n", options.name, client->project());
  return kExitOk;
}

Command part(std::string name, std::string description, std::string examples, const Options& options,
             int (*run)(const UserOptions&, const Environment&)) {
  Command command;
  command.name = std::move(name);
  command.description = std::move(description);
  command.examples = std::move(examples);
  add_client_options(command, options->client);
  command.run = [options, run](const Environment& environment) { return run(*options, environment); };
  return command;
}

void add_name(Command& command, const Options& options, std::string text) {
  command.argument("name", options->name, "NAME", std::move(text)).required = true;
}

Command group(std::string name, std::string description, std::string examples,
              std::vector<Command> commands) {
  Command command;
  command.name = std::move(name);
  command.description = std::move(description);
  command.examples = std::move(examples);
  command.commands = std::move(commands);
  return command;
}

Command user_command(const Options& options) {
  std::vector<Command> commands;
  Command list = part("list", "List users and their roles", "  fairlead user list", options, list_users);
  add_output_option(list, options->output);
  commands.push_back(std::move(list));
  for (const bool create : {true, false}) {
    Command set =
        part(create ? "create" : "set",
             create ? "Create a user, and print how they sign in first" : "Change a user",
             create ? "  fairlead user create ada --account 1001" : "  fairlead user set ada --disable",
             options, set_user);
    add_name(set, options, "The user");
    set.option("--account", options->account, "UID",
               "Unix account that their work runs as, and that signs them in");
    if (!create) {
      set.flag("--no-account", options->no_account, "Unbind the Unix account");
      set.flag("--disable", options->disable, "They may not sign in");
      set.flag("--enable", options->enable, "They may sign in again");
    }
    commands.push_back(std::move(set));
  }
  Command code =
      part("code", "Print a code that signs a user in once", "  fairlead user code ada", options, make_code);
  add_name(code, options, "The user");
  commands.push_back(std::move(code));
  commands.push_back(
      part("password", "Change your password", "  fairlead user password", options, change_password));
  Command remove_user = part("delete", "Delete a user; their work stays", "  fairlead user delete ada",
                             options, [](const UserOptions& chosen, const Environment& environment) {
                               return remove(chosen, "/api/v1/users/", "deleted user", environment);
                             });
  add_name(remove_user, options, "The user");
  commands.push_back(std::move(remove_user));
  return group("user", "Manage users", "  fairlead user list", std::move(commands));
}

Command access_command(const Options& options) {
  std::vector<Command> commands;
  Command list = part("list", "List who has which role", "  fairlead access list", options, list_rules);
  add_output_option(list, options->output);
  commands.push_back(std::move(list));
  Command add = part("grant", "Give a user a role in a queue and all below it",
                     "  fairlead access grant ada researcher --queue vision\n"
                     "  fairlead access grant root administrator",
                     options, grant);
  add_name(add, options, "The user");
  Option& role = add.argument("role", options->role, "ROLE",
                              "viewer, researcher, department-administrator or administrator");
  role.required = true;
  role.choices = {"viewer", "researcher", "department-administrator", "administrator"};
  add.option("--queue", options->queue, "QUEUE", "Where [everywhere]");
  commands.push_back(std::move(add));
  Command revoke = part("revoke", "Take a role away", "  fairlead access revoke 0123456789abcdef", options,
                        [](const UserOptions& chosen, const Environment& environment) {
                          return remove(chosen, "/api/v1/access-rules/", "revoked access rule", environment);
                        });
  add_name(revoke, options, "Id of the access rule");
  commands.push_back(std::move(revoke));
  return group("access", "Manage who may do what", "  fairlead access list", std::move(commands));
}

Command token_command(const Options& options) {
  std::vector<Command> commands;
  Command list = part("list", "List your tokens", "  fairlead token list", options, list_tokens);
  add_output_option(list, options->output);
  commands.push_back(std::move(list));
  Command create = part("create", "Make a token for a program and print it",
                        "  fairlead token create prometheus --lifetime 8760h", options, create_token);
  add_name(create, options, "What it is for");
  create.option("--lifetime", options->lifetime, "TIME", "It expires after so long [never]");
  commands.push_back(std::move(create));
  Command revoke = part("revoke", "Revoke a token", "  fairlead token revoke 0123456789abcdef", options,
                        [](const UserOptions& chosen, const Environment& environment) {
                          return remove(chosen, "/api/v1/tokens/", "revoked token", environment);
                        });
  add_name(revoke, options, "Id of the token");
  commands.push_back(std::move(revoke));
  return group("token", "Manage your tokens", "  fairlead token list", std::move(commands));
}

Command secret_command(const Options& options) {
  Command set = part("set", "Store a secret of a project, read without echo or from standard input",
                     "  fairlead secret set hub -p research < token.txt", options, put_secret);
  add_name(set, options, "The secret");
  add_project_option(set, options->client);
  std::vector<Command> commands;
  commands.push_back(std::move(set));
  return group("secret", "Store secrets for workloads", "  fairlead secret set hub -p research < token.txt",
               std::move(commands));
}

}  // namespace

std::vector<Command> user_commands() {
  const auto options = std::make_shared<UserOptions>();
  std::vector<Command> commands;
  commands.push_back(user_command(options));
  commands.push_back(access_command(options));
  commands.push_back(token_command(options));
  commands.push_back(secret_command(options));
  return commands;
}

}  // namespace fairlead::cli
