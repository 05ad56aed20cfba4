#include "cli/offline_commands.h"
#include "cli/plan_command.h"

#include <memory>
#include <string>

namespace fairlead::cli {
namespace {

constexpr const char* kExamples =
    "  fairlead plan -f examples/cluster                  plan a folder of manifests\n"
    "  kubectl get nodes,pods -A -o json | fairlead plan -f -\n"
    "  fairlead plan --context gpu                        a live cluster, which is only read\n"
    "  fairlead plan -f cluster.json -f new-job.yaml      what a new job would change\n"
    "  fairlead plan -f cluster.json --explain ml/train   everything about one group\n"
    "  fairlead plan -f cluster.json --cycles 3 -o json   three cycles, for a program\n"
    "  fairlead plan --cycle < cycle.json                 one cycle, JSON in and out\n"
    "\nLarge clusters: ask kubectl for -o json, which is read ten times as fast as YAML.";

std::string check(const PlanOptions& options) {
  const bool objects = !options.files.empty() || options.reads_cluster();
  const int modes = (options.cycle ? 1 : 0) + (options.fair_share ? 1 : 0) + (objects ? 1 : 0);
  if (modes == 0)
    return "plan needs -f FILE_OR_DIR, --context NAME, --kubeconfig FILE, --cycle or --fair-share";
  if (modes > 1) return "-f or --context, --cycle and --fair-share exclude each other";
  const bool for_files = !options.explain.empty() || options.cycles != 1 || !options.now.empty();
  if (!objects && for_files) return "--explain, --cycles and --now go with -f or --context";
  return {};
}

}  // namespace

Command plan_command() {
  using Output = PlanOptions::Output;
  using Colour = PlanOptions::Colour;
  auto options = std::make_shared<PlanOptions>();
  Command command;
  command.name = "plan";
  command.description =
      "Show what would be placed where, what would be evicted for whom, and what waits and why";
  command.examples = kExamples;
  Option& files =
      command.option("-f,--filename", options->files, "FILE_OR_DIR...",
                     "Objects of a cluster as JSON or YAML: files, folders, or - for standard input");
  files.takes_path = true;
  files.many_at_once = true;
  command.option("--context", options->context, "NAME",
                 "Read a live cluster through this context of the kubeconfig; nothing is written to it");
  command
      .option("--kubeconfig", options->kubeconfig, "FILE",
              "Read a live cluster through this file [$KUBECONFIG, else ~/.kube/config]")
      .takes_path = true;
  command.choice<Output>(
      "-o,--output", options->output,
      {{"table", Output::kTable}, {"wide", Output::kWide}, {"json", Output::kJson}, {"yaml", Output::kYaml}},
      "How the plan is printed [table]");
  command.option("--explain", options->explain, "GROUP",
                 "Say everything about one group (NAMESPACE/NAME, or a name), ending with the changes that "
                 "would start it");
  command
      .option(
          "--cycles", options->cycles, "N",
          "Plan N cycles in a row: bound pods run, evicted pods wait again, nominations are forgotten [1]")
      .range = {1, kMaxCycles};
  command.option("--scheduler-name", options->scheduler_names, "NAME",
                 "Serve pods of this scheduler name; may be repeated [fairlead, kai-scheduler]");
  command
      .option("--accelerators", options->accelerators, "FILE",
              "Rules that tell what a site's own resource names mean (docs/objects.md)")
      .takes_path = true;
  command.option("--now", options->now, "TIME", "Plan as of this instant, RFC 3339 [the present]");
  command.choice<Colour>("--color", options->colour,
                         {{"auto", Colour::kAuto}, {"always", Colour::kAlways}, {"never", Colour::kNever}},
                         "When to colour [auto: on a terminal, unless NO_COLOR is set]");
  command.flag("--strict", options->strict,
               "Fail with exit code 3 when parts of the input had to be left out");
  command.flag("--cycle", options->cycle,
               "Read one cycle as JSON from standard input and answer as JSON (docs/plan.md)");
  command.flag("--fair-share", options->fair_share,
               "Read one division among sibling queues a line as JSON from standard input and answer each");
  command.check = [options] { return check(*options); };
  command.run = [options](const Environment& environment) { return run_plan(*options, environment); };
  return command;
}

}  // namespace fairlead::cli
