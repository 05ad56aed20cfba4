#include "app/controller_command.h"

#include "app/end_signals.h"
#include "base/clock.h"
#include "cli/reason_text.h"
#include "engine/engine.h"
#include "kube/controller.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
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
  std::int64_t binders = 16;
};

int fail(const cli::Environment& environment, const base::Error& error) {
  environment.err << "fairlead: " << error.message() << '\n';
  return error.code() == base::Code::kInvalidArgument ? cli::kExitUsage : cli::kExitFailed;
}

int run_controller(const ControllerCommandOptions& options, const cli::Environment& environment) {
  const bool named = !options.kubeconfig.empty() || !options.context.empty();
  const bool in_pod = !named && environment.variable("KUBERNETES_SERVICE_HOST").has_value();
  auto server = in_pod ? kube::in_cluster(environment.variable)
                       : kube::load_kubeconfig(options.kubeconfig, options.context, environment.variable);
  if (!server) return fail(environment, server.error());
  const EndSignals signals;
  std::mutex printing;
  kube::ControllerOptions controlling;
  controlling.server = std::make_shared<const kube::ApiServer>(std::move(*server));
  if (!options.scheduler_names.empty()) {
    controlling.reading.scheduler_names = options.scheduler_names;
  } else {
    controlling.reading.scheduler_names = {"fairlead"};
  }
  controlling.observe = options.observe;
  controlling.binders = static_cast<int>(options.binders);
  controlling.clock = [start = base::system_time(), begun = base::monotonic_time()] {
    return start + (base::monotonic_time() - begun);
  };
  controlling.make_scheduler = [] { return engine::make_engine(); };
  controlling.describe = [](const model::Verdict& verdict) { return cli::verdict_text(verdict, {}); };
  controlling.log = [&](const std::string& line) {
    const std::lock_guard lock(printing);
    environment.err << base::format_time(base::system_time()) << ' ' << line << '\n' << std::flush;
  };
  {
    const std::lock_guard lock(printing);
    environment.out << fmt::format("Fairlead {} schedules {} ({}) for schedulerName {}{}\n", FAIRLEAD_VERSION,
                                   controlling.server->url, controlling.server->context,
                                   fmt::join(controlling.reading.scheduler_names, ", "),
                                   options.observe ? "; it only observes" : "")
                    << std::flush;
  }
  kube::Controller controller(std::move(controlling));
  std::thread work([&controller] { controller.run(); });
  signals.wait();
  controller.stop();
  work.join();
  const kube::ControllerCounts counts = controller.counts();
  const std::lock_guard lock(printing);
  environment.out << fmt::format("Ended after {} rounds, {} bindings and {} evictions\n", counts.rounds,
                                 controller.writes().bound.load(), controller.writes().evicted.load());
  return cli::kExitOk;
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
  command.option("--connections", options->binders, "N", "Bindings that are written at once [16]").range = {
      1, 256};
  command.run = [options](const cli::Environment& environment) {
    return run_controller(*options, environment);
  };
  return command;
}

}  // namespace fairlead::app
