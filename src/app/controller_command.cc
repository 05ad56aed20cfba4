#include "app/controller_command.h"

#include "app/end_signals.h"
#include "app/process_facts.h"
#include "base/clock.h"
#include "cli/reason_text.h"
#include "engine/engine.h"
#include "kube/controller.h"
#include "kube/leader_lease.h"
#include "net/http_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace fairlead::app {
namespace {

struct ControllerCommandOptions {
  std::string kubeconfig;
  std::string context;
  std::vector<std::string> scheduler_names;
  bool observe = false;
  bool alone = false;
  std::string lease_namespace;
  std::int64_t binders = 16;
  std::string metrics_address = "127.0.0.1";
  std::int64_t metrics_port = 7072;
};

std::unique_ptr<net::HttpServer> serve_metrics(const ControllerCommandOptions& options,
                                               const kube::Controller& controller, base::Error& error) {
  net::HttpServerOptions serving;
  serving.address = options.metrics_address;
  serving.port = static_cast<std::uint16_t>(options.metrics_port);
  serving.threads = 1;
  serving.handler_threads = 1;
  net::HttpHandlers handlers;
  handlers.on_request = [&controller](const net::HttpRequest& request) {
    net::HttpResponse response;
    response.content_type = "text/plain; version=0.0.4";
    if (request.path == "/metrics") {
      response.body = controller.metrics();
    } else if (request.path == "/healthz") {
      response.body = "ok\n";
    } else {
      response.status = 404;
      response.body = "there are /metrics and /healthz\n";
    }
    return response;
  };
  auto server = net::HttpServer::start(std::move(serving), std::move(handlers));
  if (server) return std::move(*server);
  error = server.error();
  return nullptr;
}

int fail(const cli::Environment& environment, const base::Error& error) {
  environment.err << "fairlead: " << error.message() << '\n';
  return error.code() == base::Code::kInvalidArgument ? cli::kExitUsage : cli::kExitFailed;
}

/// What all turns of one process share.
struct Shared {
  const ControllerCommandOptions& options;
  const cli::Environment& environment;
  const EndSignals& signals;
  std::shared_ptr<const kube::ApiServer> server;
  std::vector<std::string> scheduler_names;
  std::function<void(const std::string& line)> log;
};

kube::ControllerOptions controller_options(const Shared& shared) {
  kube::ControllerOptions controlling;
  controlling.server = shared.server;
  controlling.reading.scheduler_names = shared.scheduler_names;
  controlling.observe = shared.options.observe;
  controlling.binders = static_cast<int>(shared.options.binders);
  controlling.clock = [start = base::system_time(), begun = base::monotonic_time()] {
    return start + (base::monotonic_time() - begun);
  };
  controlling.make_scheduler = [] { return engine::make_engine(); };
  controlling.describe = [](const model::Verdict& verdict) { return cli::verdict_text(verdict, {}); };
  controlling.log = shared.log;
  return controlling;
}

/// Schedules until told to end, or until another process may lead; nothing in the latter case.
std::optional<int> schedule(const Shared& shared) {
  const cli::Environment& environment = shared.environment;
  kube::ControllerOptions controlling = controller_options(shared);
  std::mutex waking;
  kube::Controller* woken = nullptr;
  std::unique_ptr<kube::LeaderLease> lease;
  if (!shared.options.alone && !shared.options.observe) {
    kube::LeaderLeaseOptions leading;
    leading.server = shared.server;
    leading.namespace_name = shared.options.lease_namespace.empty() ? shared.server->namespace_name
                                                                    : shared.options.lease_namespace;
    leading.name = fmt::format("{}", fmt::join(shared.scheduler_names, "-"));
    leading.identity = "fairlead-" + random_uid();
    leading.log = shared.log;
    leading.on_change = [&] {
      const std::lock_guard lock(waking);
      if (woken != nullptr) woken->wake();
    };
    controlling.write_timeout = leading.write_timeout;
    lease = std::make_unique<kube::LeaderLease>(std::move(leading));
    controlling.lease = lease.get();
  }
  auto controller = std::make_unique<kube::Controller>(std::move(controlling));
  const auto wake = [&](kube::Controller* one) {
    const std::lock_guard lock(waking);
    woken = one;
  };
  wake(controller.get());
  std::unique_ptr<net::HttpServer> metrics;
  if (shared.options.metrics_port >= 0) {
    base::Error problem(base::Code::kInternal, "");
    metrics = serve_metrics(shared.options, *controller, problem);
    if (metrics == nullptr) {
      wake(nullptr);
      return fail(environment, problem.in("metrics"));
    }
  }
  bool stopped = false;
  std::thread work([&] {
    stopped = controller->run();
    // There is nothing to do without the lease: the wait below ends.
    if (!stopped) kill(getpid(), SIGTERM);
  });
  shared.signals.wait();
  controller->stop();
  work.join();
  wake(nullptr);
  metrics.reset();
  const kube::ControllerCounts counts = controller->counts();
  const std::uint64_t bound = controller->writes().bound;
  const std::uint64_t evicted = controller->writes().evicted;
  // The lease is given back when the last write has ended.
  controller.reset();
  lease.reset();
  if (!stopped) return std::nullopt;
  environment.out << fmt::format("Ended after {} rounds, {} bindings and {} evictions\n", counts.rounds,
                                 bound, evicted);
  return cli::kExitOk;
}

int run_controller(const ControllerCommandOptions& options, const cli::Environment& environment) {
  const bool named = !options.kubeconfig.empty() || !options.context.empty();
  const bool in_pod = !named && environment.variable("KUBERNETES_SERVICE_HOST").has_value();
  auto server = in_pod ? kube::in_cluster(environment.variable)
                       : kube::load_kubeconfig(options.kubeconfig, options.context, environment.variable);
  if (!server) return fail(environment, server.error());
  const EndSignals signals;
  std::mutex printing;
  Shared shared{options, environment, signals, std::make_shared<const kube::ApiServer>(std::move(*server)),
                {},      {}};
  shared.scheduler_names =
      options.scheduler_names.empty() ? std::vector<std::string>{"fairlead"} : options.scheduler_names;
  shared.log = [&](const std::string& line) {
    const std::lock_guard lock(printing);
    environment.err << base::format_time(base::system_time()) << ' ' << line << '\n' << std::flush;
  };
  environment.out << fmt::format("Fairlead {} schedules {} ({}) for schedulerName {}{}\n", FAIRLEAD_VERSION,
                                 shared.server->url, shared.server->context,
                                 fmt::join(shared.scheduler_names, ", "),
                                 options.observe ? "; it only observes" : "")
                  << std::flush;
  kube::ApiClient client(shared.server);
  const std::string other = kube::other_scheduler(client, shared.scheduler_names, base::system_time());
  if (!other.empty() && !options.observe)
    return fail(environment,
                base::Error(base::Code::kFailedPrecondition,
                            fmt::format("another scheduler serves these pods: it renews lease {}; "
                                        "end it first, or serve another name with --scheduler-name",
                                        other)));
  while (true) {
    if (const auto code = schedule(shared)) return *code;
    shared.log("another process may lead now; this one begins again as a standby");
  }
}

}  // namespace

cli::Command controller_command() {
  auto options = std::make_shared<ControllerCommandOptions>();
  cli::Command command;
  command.name = "controller";
  command.description = "Schedule a Kubernetes cluster until told to end";
  command.examples =
      "  fairlead controller                                  in a pod, with its service account\n"
      "  fairlead controller --kubeconfig ~/.kube/config --context gpu\n"
      "  fairlead controller --context gpu --observe          decide, and write nothing";
  command.more = "Serves pods whose spec.schedulerName is fairlead; docs/kubernetes.md tells what it needs.";
  command
      .option("--kubeconfig", options->kubeconfig, "FILE",
              "How the cluster is reached [in a pod its service account; else $KUBECONFIG, ~/.kube/config]")
      .takes_path = true;
  command.option("--context", options->context, "NAME", "Context of the kubeconfig [the current one]");
  command.option("--scheduler-name", options->scheduler_names, "NAME",
                 "Serve pods of this scheduler name; may be repeated [fairlead]");
  command.flag("--observe", options->observe, "Decide, but write nothing to the cluster");
  command.flag("--alone", options->alone,
               "Take no lease: nothing else schedules these pods, and only one of this runs");
  command.option("--lease-namespace", options->lease_namespace, "NAME",
                 "Where the lease lies by which one of several leads [the context's]");
  command.option("--metrics-address", options->metrics_address, "ADDRESS",
                 "Where /metrics and /healthz are served [127.0.0.1]");
  command
      .option("--metrics-port", options->metrics_port, "PORT", "Their port; 0: any free one; -1: none [7072]")
      .range = {-1, 65'535};
  command.option("--connections", options->binders, "N", "Bindings that are written at once [16]").range = {
      1, 256};
  command.run = [options](const cli::Environment& environment) {
    return run_controller(*options, environment);
  };
  return command;
}

}  // namespace fairlead::app
