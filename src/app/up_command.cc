#include "app/up_command.h"

#include "app/activity.h"
#include "app/console_files.h"
#include "app/end_signals.h"
#include "app/process_facts.h"
#include "app/proxy.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "host/platform.h"
#include "host/service_router.h"
#include "host/state_folder.h"
#include "net/http_server.h"
#include "server/api.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <thread>

namespace fairlead::app {
namespace {

constexpr int kDefaultPort = 7070;

struct UpOptions {
  std::string state;
  std::string simulated;
  std::string address = "127.0.0.1";
  std::int64_t port = kDefaultPort;
  bool fresh = false;
  bool quiet = false;
  bool plain = false;
  bool stop_on_term = false;
  bool check = false;
  std::string certificate;
  std::string key;
  std::string workspace_domain;
};

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

int fail(const cli::Environment& environment, const base::Error& error) {
  environment.err << "fairlead: " << error.message() << '\n';
  return error.code() == base::Code::kInvalidArgument ? cli::kExitUsage : cli::kExitFailed;
}

/// The clock of a platform: starts at the present and never jumps, whatever people do to the system's.
std::function<base::Time()> steady_clock_from_now() {
  return [start = base::system_time(), begun = base::monotonic_time()] {
    return start + (base::monotonic_time() - begun);
  };
}

void print_start(const cli::Environment& environment, const UpOptions& options, host::Platform& platform,
                 const server::Api& api, std::uint16_t port) {
  std::ostream& out = environment.out;
  const std::string scheme = options.certificate.empty() ? "http" : "https";
  const std::string url = fmt::format("{}://{}:{}/", scheme, options.address, port);
  out << fmt::format("Fairlead {} at {}\n", FAIRLEAD_VERSION, url);
  const auto view = platform.view();
  std::map<std::string, int> models;
  for (const world::DeviceView& device : view->devices) ++models[device.model];
  std::string devices;
  for (const auto& [model, count] : models)
    devices += fmt::format("{}{}x {}", devices.empty() ? "" : ", ", count, model);
  if (devices.empty()) devices = "none";
  out << fmt::format("Devices: {}{}\n", devices, platform.simulated() ? " (simulated)" : "");
  out << fmt::format("State:   {}\n", options.state);
  for (const std::string& line : platform.guarantees()) out << fmt::format("Note:    {}\n", line);
  if (geteuid() != 0)
    out << fmt::format("Note:    not started by root, so all work runs as {}\n", own_account_name());
  if (const auto code = api.first_code())
    out << fmt::format("Sign in once as administrator: {}sign-in?code={}\n", url, *code);
  out << "In another terminal: fairlead submit --name hello -p default -g 1 -- sh -c 'echo hi', fairlead "
         "list\n";
  out << "Ctrl-C or `fairlead down` ends the platform and its work.\n" << std::flush;
}

int run_up(UpOptions options, const cli::Environment& environment) {
  if (options.state.empty()) options.state = environment.state_folder;
  if (!is_loopback(options.address) && options.certificate.empty() && !options.plain)
    return fail(environment,
                base::invalid_argument(fmt::format(
                    "{} is reached from other machines; give --certificate and --key, or --plain to do "
                    "without encryption",
                    options.address)));
  if (const auto taken = port_problem(options.address, static_cast<std::uint16_t>(options.port)))
    return fail(environment, base::Error(base::Code::kAlreadyExists, *taken));
  if (options.check) return cli::kExitOk;
  const EndSignals signals;
  host::PlatformOptions platform_options;
  platform_options.program = own_program();
  platform_options.state_folder = options.state;
  platform_options.fresh = options.fresh;
  platform_options.simulated_devices = options.simulated;
  platform_options.clock = steady_clock_from_now();
  platform_options.make_uid = random_uid;
  platform_options.make_scheduler = [] { return engine::make_engine(); };
  platform_options.environment = inherited_environment();
  auto platform = host::Platform::start(std::move(platform_options));
  if (!platform) return fail(environment, platform.error());
  server::ApiOptions api_options;
  api_options.version = FAIRLEAD_VERSION;
  api_options.own_account = geteuid();
  api_options.work_needs_account = geteuid() == 0;
  api_options.secure_cookies = !options.certificate.empty();
  api_options.now = base::system_time;
  api_options.console = console_files();
  api_options.traffic = [&router = (*platform)->router()] {
    server::Traffic traffic;
    for (const auto& [key, one] : router.take_traffic())
      traffic[key] = {one.in_flight, one.held, one.requests_per_second, one.latency_p95_milliseconds};
    return traffic;
  };
  api_options.make_scheduler = [] { return engine::make_engine(); };
  auto api = server::Api::make(**platform, api_options);
  if (!api) return fail(environment, api.error());
  net::HttpServerOptions server_options;
  server_options.address = options.address;
  server_options.port = static_cast<std::uint16_t>(options.port);
  server_options.unix_socket = options.state + "/socket";
  server_options.certificate_file = options.certificate;
  server_options.key_file = options.key;
  server_options.proxy_prefixes = {kServePrefix};
  // Every name below localhost is this machine's loopback, to browsers as well.
  if (options.workspace_domain.empty() && is_loopback(options.address))
    options.workspace_domain = "localhost";
  if (!options.workspace_domain.empty())
    server_options.proxy_host_suffixes = {"." + options.workspace_domain};
  server_options.clock = base::system_time;
  net::HttpHandlers handlers = (*api)->handlers();
  handlers.on_proxy =
      proxy_handler(**platform, **api, {options.workspace_domain, !options.certificate.empty()});
  auto http = net::HttpServer::start(std::move(server_options), std::move(handlers));
  if (!http) return fail(environment, http.error());
  print_start(environment, options, **platform, **api, (*http)->port());
  int number = 0;
  {
    const Activity activity(**platform, options.quiet ? nullptr : &environment.out);
    number = signals.wait();
  }
  // At the terminal's end as at a service manager's request work goes on; Ctrl-C and `down` mean all of it.
  const bool all = number == SIGINT || options.stop_on_term;
  http->reset();
  if (all && !options.quiet) environment.out << "Ending the work, then the platform ...\n" << std::flush;
  (*platform)->stop(all);
  if (!options.quiet)
    environment.out << (all ? "Ended. `fairlead up` goes on where this left off.\n"
                            : "Ended; the work goes on. `fairlead up` finds it again.\n");
  return cli::kExitOk;
}

int run_down(std::string state, bool keep, const cli::Environment& environment) {
  if (state.empty()) state = environment.state_folder;
  const int pid = host::StateFolder::holder(state);
  if (pid <= 0) {
    environment.out << fmt::format("No Fairlead uses {}.\n", state);
    return cli::kExitOk;
  }
  if (kill(pid, keep ? SIGTERM : SIGINT) != 0)
    return fail(environment,
                base::Error(base::Code::kPermissionDenied,
                            fmt::format("process {} cannot be told to end: {}", pid, std::strerror(errno))));
  // Each workload may use its grace period, which is five minutes at most.
  constexpr int kLongestSeconds = 330;
  if (!wait_for_end(pid, kLongestSeconds) && host::StateFolder::holder(state) == pid)
    return fail(environment,
                base::Error(base::Code::kUnavailable, fmt::format("process {} does not end", pid)));
  environment.out << (keep ? "Ended; the work goes on.\n" : "Ended, with its work.\n");
  return cli::kExitOk;
}

}  // namespace

cli::Command up_command() {
  auto options = std::make_shared<UpOptions>();
  cli::Command command;
  command.name = "up";
  command.description = "Run the platform on this machine until it is told to end";
  command.examples =
      "  fairlead up\n"
      "  fairlead up --simulate-devices \"4x H100-80GB, 2x MI300X-192GB\"\n"
      "  fairlead up --address 0.0.0.0 --certificate cert.pem --key key.pem";
  command.more =
      "Ctrl-C and `fairlead down` end the platform and its work; SIGTERM, as a service manager sends it, "
      "leaves the\n"
      "work running, and the next start finds it again.";
  command
      .option("--state", options->state, "FOLDER",
              "Where everything is kept [$FAIRLEAD_STATE, or by account]")
      .takes_path = true;
  command.option(
      "--simulate-devices", options->simulated, "DEVICES",
      "Devices that are not there, such as \"4x H100-80GB\" [the machine's own; if it has none, these]");
  command.option("--address", options->address, "ADDRESS", "Where the API listens [127.0.0.1]");
  command.option("--port", options->port, "PORT", "Port of the API; 0: any free one [7070]").range = {0,
                                                                                                      65'535};
  command.option("--certificate", options->certificate, "FILE", "TLS certificate with its chain, PEM")
      .takes_path = true;
  command.option("--key", options->key, "FILE", "Private key of the certificate, PEM").takes_path = true;
  command.option("--workspace-domain", options->workspace_domain, "DOMAIN",
                 "Where browsers reach workspaces, each at a name below it (*.DOMAIN leads here) [localhost; "
                 "none where other machines reach the API]");
  command.flag("--plain", options->plain, "Allow an address that other machines reach without TLS");
  command.flag("--fresh", options->fresh, "Forget everything first: workloads, queues, users, the ledger");
  command.flag("--stop-workloads", options->stop_on_term, "End the work on SIGTERM, too");
  command.flag("--check", options->check, "Only tell whether the address is free, and start nothing");
  command.flag("-q,--quiet", options->quiet, "Do not print what happens");
  command.check = [options]() -> std::string {
    if (options->certificate.empty() != options->key.empty()) return "--certificate and --key go together";
    const std::string& domain = options->workspace_domain;
    const bool is_name = std::all_of(domain.begin(), domain.end(), [](unsigned char c) {
      return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '.';
    });
    if (is_name && !domain.starts_with('.') && !domain.ends_with('.')) return {};
    return "--workspace-domain: \"" + domain + "\" is not a name such as work.example.org, in small letters";
  };
  command.run = [options](const cli::Environment& environment) { return run_up(*options, environment); };
  return command;
}

cli::Command down_command() {
  struct DownOptions {
    std::string state;
    bool keep = false;
  };
  auto options = std::make_shared<DownOptions>();
  cli::Command command;
  command.name = "down";
  command.description = "End the platform that runs on this machine, and its work";
  command.examples = "  fairlead down\n  fairlead down --keep-workloads";
  command.option("--state", options->state, "FOLDER", "State folder of the platform [as for up]").takes_path =
      true;
  command.flag("--keep-workloads", options->keep, "Leave the work running; the next start finds it again");
  command.run = [options](const cli::Environment& environment) {
    return run_down(options->state, options->keep, environment);
  };
  return command;
}

}  // namespace fairlead::app
