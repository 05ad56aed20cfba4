#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/client_commands.h"
#include "cli/context.h"
#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

struct LoginOptions {
  ClientOptions client;
  std::string url;
  std::string name;
  std::string user;
  std::string code;
  std::string token;
  std::string authority;
  bool password_from_input = false;
};

struct ContextOptions {
  std::string name;
  std::string project;
};

std::string roles_text(const base::JsonValue& identity) {
  std::string out;
  for (const base::JsonValue& role : at(identity, "roles").items()) {
    const std::string queue = text_at(role, "queue");
    out += fmt::format("{}{} of {}", out.empty() ? "" : ", ", text_at(role, "role"),
                       queue.empty() ? "everything" : queue);
  }
  return out.empty() ? "no role" : out;
}

std::string context_name(const std::string& server) {
  const std::size_t begin = server.find("://");
  return begin == std::string::npos ? server : server.substr(begin + 3);
}

base::Result<void> remember(const Environment& environment, const Context& context) {
  const std::string path = context_path(environment);
  auto file = read_contexts(path);
  if (!file) return file.error();
  const auto known = std::find_if(file->contexts.begin(), file->contexts.end(),
                                  [&](const Context& other) { return other.name == context.name; });
  if (known == file->contexts.end()) {
    file->contexts.push_back(context);
  } else {
    *known = context;
  }
  file->current = context.name;
  return write_contexts(path, *file);
}

std::string session_body(const LoginOptions& options, const std::string& password) {
  std::string body;
  base::JsonWriter json(body);
  json.begin_object();
  if (!options.code.empty()) {
    json.member("code", options.code);
  } else {
    json.member("user", options.user);
    json.member("password", password);
  }
  json.end_object();
  return body;
}

int run_login(LoginOptions options, const Environment& environment) {
  int code = kExitOk;
  while (options.url.ends_with('/')) options.url.pop_back();
  // A sign-in link carries the code.
  constexpr std::string_view kCode = "/sign-in?code=";
  if (const std::size_t at_code = options.url.find(kCode); at_code != std::string::npos) {
    options.code = options.url.substr(at_code + kCode.size());
    options.url.resize(at_code);
  }
  if (options.url.find("://") == std::string::npos) options.url = "https://" + options.url;
  Context context;
  context.name = options.name.empty() ? context_name(options.url) : options.name;
  context.server = options.url;
  context.token = options.token;
  context.authority = options.authority;
  options.client.server = options.url;
  if (context.token.empty()) {
    std::string password;
    if (options.code.empty()) {
      if (environment.err_is_terminal) environment.err << "Password: " << std::flush;
      const auto typed =
          environment.read_password ? environment.read_password() : environment.read_standard_input();
      if (!typed) {
        environment.err << "fairlead: " << typed.error().message() << '\n';
        return kExitFailed;
      }
      password = *typed;
      while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
    }
    const auto client = ApiClient::open(environment, options.client, code, &context);
    const auto session = client->ask(
        {.method = "POST", .path = "/api/v1/session", .body = session_body(options, password)}, code);
    if (session == nullptr) return code;
    context.token = text_at(session->root(), "token");
  }
  const auto client = ApiClient::open(environment, options.client, code, &context);
  const auto who = client->ask({.path = "/api/v1/session"}, code);
  if (who == nullptr) return code;
  if (auto remembered = remember(environment, context); !remembered) {
    environment.err << "fairlead: " << remembered.error().message() << '\n';
    return kExitFailed;
  }
  environment.out << fmt::format("Signed in to {} as {} ({}).\n", context.name, text_at(who->root(), "user"),
                                 roles_text(who->root()));
  return kExitOk;
}

int run_logout(const ClientOptions& options, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options, code);
  if (client == nullptr) return code;
  const auto done = client->ask({.method = "DELETE", .path = "/api/v1/session"}, code);
  const std::string path = context_path(environment);
  auto file = read_contexts(path);
  if (!file) return kExitFailed;
  std::erase_if(file->contexts,
                [&](const Context& context) { return context.name == client->context().name; });
  if (file->current == client->context().name) file->current.clear();
  if (auto written = write_contexts(path, *file); !written) {
    environment.err << "fairlead: " << written.error().message() << '\n';
    return kExitFailed;
  }
  if (done == nullptr) return code;
  environment.out << "Signed out.\n";
  return kExitOk;
}

int run_whoami(const ClientOptions& options, Output output, const Environment& environment) {
  int code = kExitOk;
  const auto client = ApiClient::open(environment, options, code);
  if (client == nullptr) return code;
  const auto who = client->ask({.path = "/api/v1/session"}, code);
  if (who == nullptr) return code;
  if (print_document(environment, *who, output,
                     [](const base::JsonValue& user) { return text_at(user, "user"); })) {
    return kExitOk;
  }
  environment.out << fmt::format(
      "{} at {}: {}\n", text_at(who->root(), "user"),
      client->context().server.empty() ? client->context().socket : client->context().server,
      roles_text(who->root()));
  return kExitOk;
}

int print_contexts(const Environment& environment) {
  const auto file = read_contexts(context_path(environment));
  if (!file) {
    environment.err << "fairlead: " << file.error().message() << '\n';
    return kExitFailed;
  }
  TextTable table({{""}, {"NAME"}, {"SERVER"}, {"PROJECT"}});
  bool current = false;
  for (const Context& context : file->contexts) {
    current = current || context.name == file->current;
    table.add_row({context.name == file->current ? "*" : "", context.name, context.server, context.project});
  }
  const auto platform = read_platform_context(environment.state_folder);
  if (platform) table.add_row({current ? "" : "*", "(this machine)", platform->server, platform->project});
  if (table.empty()) {
    environment.err
        << "No server is known. Start one with 'fairlead up', or sign in with 'fairlead login URL'.\n";
    return kExitOk;
  }
  print_table(environment, table);
  return kExitOk;
}

int use_context(const ContextOptions& options, const Environment& environment) {
  const std::string path = context_path(environment);
  auto file = read_contexts(path);
  if (!file) {
    environment.err << "fairlead: " << file.error().message() << '\n';
    return kExitFailed;
  }
  const std::string& name = options.name.empty() ? file->current : options.name;
  const auto known = std::find_if(file->contexts.begin(), file->contexts.end(),
                                  [&](const Context& context) { return context.name == name; });
  if (known == file->contexts.end() && name != "local") {
    environment.err << fmt::format(
        "fairlead: there is no context {}\n  see 'fairlead context'; local is this machine\n",
        printable(name));
    return kExitNotFound;
  }
  if (known != file->contexts.end() && !options.project.empty()) known->project = options.project;
  file->current = name == "local" ? "" : name;
  if (auto written = write_contexts(path, *file); !written) {
    environment.err << "fairlead: " << written.error().message() << '\n';
    return kExitFailed;
  }
  environment.out << fmt::format("The current context is {}.\n", name);
  return kExitOk;
}

Command login_command() {
  auto options = std::make_shared<LoginOptions>();
  Command login;
  login.name = "login";
  login.description = "Sign in to a server and remember it";
  login.more = "On the machine of the platform nobody needs it: the Unix socket says who asks.";
  login.examples =
      "  fairlead login https://pool.example.org --user ada\n"
      "  fairlead login 'http://127.0.0.1:7070/sign-in?code=fairlead_...'      the one-time link of the "
      "first "
      "start\n"
      "  fairlead login https://pool.example.org --token \"$TOKEN\"";
  login.argument("url", options->url, "URL", "The server").required = true;
  login.option("--user", options->user, "USER",
               "Your name; the password is asked for, or read from standard input");
  login.option("--code", options->code, "CODE", "A one-time code, instead of a password");
  login.option("--token", options->token, "TOKEN", "A token that you have, instead of a password");
  login.option("--name", options->name, "NAME", "How to call the context [the server's address]");
  login
      .option("--authority", options->authority, "FILE",
              "PEM file of the authority that signed its certificate")
      .takes_path = true;
  login.check = [options]() -> std::string {
    const bool link = options->url.find("/sign-in?code=") != std::string::npos;
    if (options->user.empty() && options->code.empty() && options->token.empty() && !link) {
      return "login needs --user, --code or --token";
    }
    return {};
  };
  login.run = [options](const Environment& environment) { return run_login(*options, environment); };
  return login;
}

}  // namespace

std::vector<Command> session_commands() {
  std::vector<Command> commands;
  commands.push_back(login_command());

  auto out = std::make_shared<ClientOptions>();
  Command logout;
  logout.name = "logout";
  logout.description = "Revoke this context's token and forget the context";
  logout.examples = "  fairlead logout";
  add_client_options(logout, *out);
  logout.run = [out](const Environment& environment) { return run_logout(*out, environment); };
  commands.push_back(std::move(logout));

  auto who = std::make_shared<std::pair<ClientOptions, Output>>();
  who->second = Output::kTable;
  Command whoami;
  whoami.name = "whoami";
  whoami.description = "Show who you are for the server, and your roles";
  whoami.examples = "  fairlead whoami";
  add_output_option(whoami, who->second);
  add_client_options(whoami, who->first);
  whoami.run = [who](const Environment& environment) {
    return run_whoami(who->first, who->second, environment);
  };
  commands.push_back(std::move(whoami));

  auto options = std::make_shared<ContextOptions>();
  Command context;
  context.name = "context";
  context.description = "Show the servers that you have signed in to, and choose one";
  context.examples =
      "  fairlead context\n"
      "  fairlead context use pool.example.org --project research\n"
      "  fairlead context use local";
  context.run = print_contexts;
  Command use;
  use.name = "use";
  use.description = "Choose the server that commands ask, and the project that they mean";
  use.examples = "  fairlead context use pool.example.org --project research";
  use.argument("name", options->name, "[NAME]",
               "The context; local is the platform on this machine [the current one]");
  use.option("--project", options->project, "PROJECT", "The project of commands that name none");
  use.run = [options](const Environment& environment) { return use_context(*options, environment); };
  context.commands.push_back(std::move(use));
  commands.push_back(std::move(context));
  return commands;
}

}  // namespace fairlead::cli
