#include "cli/command_line.h"

#include "cli/completion.h"
#include "cli/plan_command.h"
#include "cli/simulate_command.h"
#include "sim/simulation.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <exception>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr std::string_view kProgram = "fairlead";

constexpr const char* kExitCodes =
    "\nExit codes: 0 done (whether or not groups wait), 1 the input cannot be used,\n"
    "2 wrong command line, 3 parts of the input were left out and --strict was given,\n"
    "70 a defect of Fairlead.";

constexpr const char* kExamples =
    "\nExamples:\n"
    "  kubectl get nodes,pods,queues,podgroups,topologies,priorityclasses -A -o json > cluster.json\n"
    "  fairlead plan -f cluster.json                      what starts, what is evicted, what waits and why\n"
    "  fairlead plan -f cluster.json --explain ml/train   why this group waits, and what would start it\n"
    "  fairlead simulate --nodes N.csv --pods P.csv       how full a recorded cluster can be packed";

constexpr const char* kPlanExamples =
    "\nExamples:\n"
    "  fairlead plan -f examples/cluster                  plan a folder of manifests\n"
    "  kubectl get nodes,pods -A -o json | fairlead plan -f -\n"
    "  fairlead plan -f cluster.json -f new-job.yaml      what a new job would change\n"
    "  fairlead plan -f cluster.json --explain ml/train   everything about one group\n"
    "  fairlead plan -f cluster.json --cycles 3 -o json   three cycles, for a program\n"
    "  fairlead plan --cycle < cycle.json                 one cycle, JSON in and out\n"
    "\nLarge clusters: ask kubectl for -o json, which is read ten times as fast as YAML.";

constexpr const char* kSimulateExamples =
    "\nThe trace is the one that Alibaba published in 2023; tasks are drawn from it until their demand "
    "reaches the load,\n"
    "arrive one by one and never leave (docs/simulate.md).\n"
    "\nExamples:\n"
    "  fairlead simulate --nodes openb_node_list_gpu_node.csv --pods openb_pod_list_default.csv\n"
    "  fairlead simulate --nodes N.csv --pods P.csv --placement best-fit --load 1 --seed 7\n"
    "  fairlead simulate --nodes N.csv --pods P.csv --seeds 42-51          the mean of ten replays\n"
    "  fairlead simulate --nodes N.csv --pods P.csv -o json > curve.json   all points, for a program";

/// Adds options to a command of the parser and to the words that shells complete, from one description.
class Command {
 public:
  Command(CLI::App& parent, std::string name, std::string description, const char* footer)
      : app_(parent.add_subcommand(name, description)) {
    words_.name = std::move(name);
    words_.description = std::move(description);
    app_->footer(std::string(footer) + "\n" + kExitCodes);
    words_.options.push_back({{"--help"}, "Print this help and exit", {}, false, false});
  }

  CLI::App& app() { return *app_; }
  CommandWords& words() { return words_; }
  bool chosen() const { return app_->parsed(); }
  const std::string& name() const { return words_.name; }

  CLI::Option* flag(const std::string& names, bool& value, const std::string& description) {
    note(names, description, false);
    return app_->add_flag(names, value, description);
  }
  template <class T>
  CLI::Option* option(const std::string& names, T& value, const std::string& type,
                      const std::string& description) {
    note(names, description, true);
    return app_->add_option(names, value, description)->type_name(type);
  }
  template <class T>
  void choice(const std::string& names, T& value, const std::vector<std::pair<std::string, T>>& choices,
              const std::string& description) {
    std::string type;
    note(names, description, true);
    for (const auto& [word, meaning] : choices) {
      type += (type.empty() ? "" : "|") + word;
      words_.options.back().values.push_back(word);
    }
    auto parse = [&value, choices, type](const std::string& text) {
      for (const auto& [word, meaning] : choices) {
        if (word != text) continue;
        value = meaning;
        return;
      }
      throw CLI::ValidationError(fmt::format("\"{}\" is not one of {}", text, type));
    };
    app_->add_option_function<std::string>(names, parse, description)->type_name(type);
  }

 private:
  void note(std::string_view names, const std::string& description, bool takes_value) {
    OptionWords option;
    option.description = description;
    option.takes_value = takes_value;
    while (!names.empty()) {
      std::size_t comma = names.find(',');
      option.names.emplace_back(names.substr(0, comma));
      names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
    }
    words_.options.push_back(std::move(option));
  }

  CLI::App* app_;
  CommandWords words_;
};

class CommandLine {
 public:
  explicit CommandLine(const Environment& environment)
      : environment_(environment),
        app_("Fairlead divides accelerators fairly between teams and puts each workload on the right device.",
             std::string(kProgram)),
        plan_(app_, "plan",
              "Show what would be placed where, what would be evicted for whom, and what waits and why",
              kPlanExamples),
        simulate_(app_, "simulate",
                  "Replay a recorded trace of a cluster and show how much of its devices is used",
                  kSimulateExamples),
        version_(app_, "version", "Print the version", "\nExample:\n  fairlead version"),
        completion_(app_, "completion", "Print a completion script for a shell",
                    "\nExamples:\n  source <(fairlead completion bash)\n"
                    "  fairlead completion zsh > \"${fpath[1]}/_fairlead\"\n"
                    "  fairlead completion fish | source") {
    app_.require_subcommand(0, 1);
    app_.footer(std::string(kExamples) + "\n" + kExitCodes +
                "\n\n'fairlead COMMAND --help' says more about a command.");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    add_plan();
    add_simulate();
    completion_.app().add_option("shell", shell_, "bash, zsh or fish")->required()->type_name("SHELL");
    completion_.words().arguments = {"bash", "zsh", "fish"};
  }

  int run(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
      check();
    } catch (const CLI::CallForHelp&) {
      environment_.out << help();
      return kExitOk;
    } catch (const CLI::ParseError& error) {
      environment_.err << "fairlead: " << error.what() << "\nRun '" << help_command() << "' for usage.\n";
      return kExitUsage;
    }
    if (plan_.chosen()) return run_plan(plan_options_, environment_);
    if (simulate_.chosen()) return run_simulate(simulate_options_, environment_);
    if (version_.chosen()) {
      environment_.out << kProgram << ' ' << FAIRLEAD_VERSION << '\n';
      return kExitOk;
    }
    if (completion_.chosen()) return print_completion();
    environment_.out << app_.help();
    return kExitOk;
  }

 private:
  void add_plan() {
    using Output = PlanOptions::Output;
    using Colour = PlanOptions::Colour;
    PlanOptions& options = plan_options_;
    plan_.option("-f,--filename", options.files, "FILE_OR_DIR...",
                 "Objects of a cluster as JSON or YAML: files, folders, or - for standard input");
    plan_.words().options.back().takes_path = true;
    plan_.choice<Output>("-o,--output", options.output,
                         {{"table", Output::kTable},
                          {"wide", Output::kWide},
                          {"json", Output::kJson},
                          {"yaml", Output::kYaml}},
                         "How the plan is printed [table]");
    plan_.option("--explain", options.explain, "GROUP",
                 "Say everything about one group (NAMESPACE/NAME, or a name), ending with the changes that "
                 "would start it");
    plan_
        .option(
            "--cycles", options.cycles, "N",
            "Plan N cycles in a row: bound pods run, evicted pods wait again, nominations are forgotten [1]")
        ->check(CLI::Range(1, kMaxCycles));
    plan_
        .option("--scheduler-name", options.scheduler_names, "NAME",
                "Serve pods of this scheduler name; may be repeated [fairlead, kai-scheduler]")
        ->expected(1)
        ->take_all();
    plan_.option("--accelerators", options.accelerators, "FILE",
                 "Rules that tell what a site's own resource names mean (docs/objects.md)");
    plan_.words().options.back().takes_path = true;
    plan_.option("--now", options.now, "TIME", "Plan as of this instant, RFC 3339 [the present]");
    plan_.choice<Colour>("--color", options.colour,
                         {{"auto", Colour::kAuto}, {"always", Colour::kAlways}, {"never", Colour::kNever}},
                         "When to colour [auto: on a terminal, unless NO_COLOR is set]");
    plan_.flag("--strict", options.strict,
               "Fail with exit code 3 when parts of the input had to be left out");
    plan_.flag("--cycle", options.cycle,
               "Read one cycle as JSON from standard input and answer as JSON (docs/plan.md)");
    plan_.flag("--fair-share", options.fair_share,
               "Read one division among sibling queues a line as JSON from standard input and answer each");
  }

  void add_simulate() {
    using Output = SimulateOptions::Output;
    SimulateOptions& options = simulate_options_;
    simulate_.choice<std::string>("--trace", options.trace, {{"openb", "openb"}},
                                  "Format of the trace [openb]");
    simulate_.option("--nodes", options.nodes, "FILE", "The trace's nodes as CSV");
    simulate_.words().options.back().takes_path = true;
    simulate_.option("--pods", options.pods, "FILE", "The trace's tasks as CSV");
    simulate_.words().options.back().takes_path = true;
    std::vector<std::pair<std::string, std::string>> placements;
    for (const std::string_view name : sim::placement_names()) placements.emplace_back(name, name);
    simulate_.choice<std::string>(
        "--placement", options.placement, placements,
        "How nodes are chosen [fragmentation: the best that there is, now the gradient]");
    simulate_.option("--load", options.load, "LOAD",
                     "Demand that arrives, in parts of the devices: 1.3 is 130 % [1.3]");
    simulate_.option("--seed,--seeds", options.seeds, "SEEDS",
                     "Numbers and ranges, such as 42 or 42-51: one replay each, and their mean [42]");
    simulate_.choice<Output>("-o,--output", options.output,
                             {{"table", Output::kTable}, {"json", Output::kJson}},
                             "How the outcome is printed [table]");
  }

  /// What the parser cannot express.
  void check() const {
    if (!plan_.chosen()) return;
    const PlanOptions& options = plan_options_;
    int modes = (options.cycle ? 1 : 0) + (options.fair_share ? 1 : 0) + (options.files.empty() ? 0 : 1);
    if (modes == 0) throw CLI::ValidationError("plan needs -f FILE_OR_DIR, --cycle or --fair-share");
    if (modes > 1) throw CLI::ValidationError("-f, --cycle and --fair-share exclude each other");
    bool for_files = !options.explain.empty() || options.cycles != 1 || !options.now.empty();
    if (options.files.empty() && for_files) {
      throw CLI::ValidationError("--explain, --cycles and --now go with -f");
    }
  }

  std::string help() {
    for (Command* command : {&plan_, &simulate_, &version_, &completion_}) {
      if (command->chosen()) return command->app().help(std::string(kProgram));
    }
    return app_.help();
  }
  std::string help_command() const {
    std::string command(kProgram);
    for (const Command* candidate : {&plan_, &simulate_, &version_, &completion_}) {
      if (candidate->chosen()) command += " " + candidate->name();
    }
    return command + " --help";
  }

  int print_completion() {
    std::vector<CommandWords> commands;
    for (Command* command : {&plan_, &simulate_, &version_, &completion_})
      commands.push_back(command->words());
    if (shell_ == "bash") {
      environment_.out << bash_completion(kProgram, commands);
    } else if (shell_ == "zsh") {
      environment_.out << zsh_completion(kProgram, commands);
    } else if (shell_ == "fish") {
      environment_.out << fish_completion(kProgram, commands);
    } else {
      environment_.err << fmt::format(
          "fairlead: there is no completion for \"{}\"; there is for bash, zsh and fish\n", shell_);
      return kExitUsage;
    }
    return kExitOk;
  }

  const Environment& environment_;
  CLI::App app_;
  PlanOptions plan_options_;
  SimulateOptions simulate_options_;
  std::string shell_;
  Command plan_;
  Command simulate_;
  Command version_;
  Command completion_;
};

}  // namespace

int run_command_line(int argc, const char* const* argv, const Environment& environment) {
  try {
    return CommandLine(environment).run(argc, argv);
  } catch (const std::exception& error) {
    environment.err << "fairlead: internal error: " << error.what()
                    << "\nThis is a defect of Fairlead; please report it with the input that led to it.\n";
    return kExitInternal;
  }
}

}  // namespace fairlead::cli
