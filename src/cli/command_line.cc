#include "cli/command_line.h"

#include "cli/client_commands.h"
#include "cli/command_parser.h"
#include "cli/completion.h"
#include "cli/offline_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr const char* kExamples =
    "  fairlead submit hello -g 1 -- sh -c 'echo hi'      run something on a device\n"
    "  fairlead list                                      what runs and what waits\n"
    "  fairlead why hello                                 why it waits, and what would start it\n"
    "  kubectl get nodes,pods,queues,podgroups,topologies,priorityclasses -A -o json > cluster.json\n"
    "  fairlead plan -f cluster.json                      what starts, what is evicted, what waits and why\n"
    "  fairlead plan -f cluster.json --explain ml/train   why this group waits, and what would start it\n"
    "  fairlead simulate --nodes N.csv --pods P.csv       how full a recorded cluster can be packed";

Command version_command() {
  Command command;
  command.name = "version";
  command.description = "Print the version";
  command.examples = "  fairlead version";
  command.run = [](const Environment& environment) -> int {
    environment.out << "fairlead " << FAIRLEAD_VERSION << '\n';
    return kExitOk;
  };
  return command;
}

int print_completion(const std::string& program, const std::string& shell,
                     const std::vector<Command>& commands, const Environment& environment) {
  const std::vector<CommandWords> words = completion_words(commands);
  if (shell == "bash") {
    environment.out << bash_completion(program, words);
  } else if (shell == "zsh") {
    environment.out << zsh_completion(program, words);
  } else if (shell == "fish") {
    environment.out << fish_completion(program, words);
  } else {
    environment.err << fmt::format(
        "fairlead: there is no completion for \"{}\"; there is for bash, zsh and fish\n", shell);
    return kExitUsage;
  }
  return kExitOk;
}

void append(std::vector<Command>& commands, std::vector<Command> more) {
  std::move(more.begin(), more.end(), std::back_inserter(commands));
}

Command node_command() {
  Command node;
  node.name = "node";
  node.description = "Show the nodes and their accelerators";
  node.examples = "  fairlead node list";
  node.commands.push_back(node_list_command());
  return node;
}

void add_client_commands(std::vector<Command>& commands) {
  append(commands, submit_commands());
  append(commands, workload_commands());
  commands.push_back(logs_command());
  commands.push_back(exec_command());
  commands.push_back(port_forward_command());
  commands.push_back(why_command());
  append(commands, workload_change_commands());
  commands.push_back(queue_command());
  commands.push_back(node_command());
  commands.push_back(device_command());
  commands.push_back(top_command());
  append(commands, history_commands());
  append(commands, session_commands());
  append(commands, user_commands());
}

// The commands that tell about the command line itself; `all` are those that they tell about.
Command completion_command(const ProgramText& program, const std::vector<Command>& all) {
  auto shell = std::make_shared<std::string>();
  Command command;
  command.name = "completion";
  command.description = "Print a completion script for a shell";
  command.examples =
      "  source <(fairlead completion bash)\n"
      "  fairlead completion zsh > \"${fpath[1]}/_fairlead\"\n"
      "  fairlead completion fish | source";
  Option& argument = command.argument("shell", *shell, "SHELL", "bash, zsh or fish");
  argument.required = true;
  command.run = [shell, &program, &all](const Environment& environment) {
    return print_completion(program.name, *shell, all, environment);
  };
  return command;
}

Command reference_command(const ProgramText& program, std::vector<Command>& all) {
  Command command;
  command.name = "reference";
  command.description = "Print the help of all commands as Markdown";
  command.examples = "  fairlead reference > docs/cli.md";
  command.run = [&program, &all](const Environment& environment) -> int {
    environment.out << reference_text(program, all);
    return kExitOk;
  };
  return command;
}

// A command to which several layers add subcommands ("node") is one.
void join_namesakes(std::vector<Command>& commands) {
  std::vector<Command> joined;
  for (Command& command : commands) {
    const auto same = std::find_if(joined.begin(), joined.end(),
                                   [&](const Command& other) { return other.name == command.name; });
    if (same == joined.end()) {
      joined.push_back(std::move(command));
      continue;
    }
    if (!same->run && command.run) std::swap(*same, command);
    std::move(command.commands.begin(), command.commands.end(), std::back_inserter(same->commands));
  }
  commands = std::move(joined);
}

}  // namespace

int run_command_line(int argc, const char* const* argv, const Environment& environment,
                     std::vector<Command> more) {
  const ProgramText program{
      "fairlead",
      "Fairlead divides accelerators fairly between teams and puts each workload on the right device.",
      kExamples};
  try {
    std::vector<Command> commands = std::move(more);
    add_client_commands(commands);
    commands.push_back(plan_command());
    commands.push_back(simulate_command());
    Command ledger = ledger_command();
    ledger.commands.push_back(usage_command());
    commands.push_back(std::move(ledger));
    commands.push_back(version_command());
    join_namesakes(commands);
    commands.push_back(completion_command(program, commands));
    commands.push_back(reference_command(program, commands));
    return parse_and_run(program, commands, argc, argv, environment);
  } catch (const std::exception& error) {
    environment.err << "fairlead: internal error: " << error.what()
                    << "\nThis is a defect of Fairlead; please report it with the input that led to it.\n";
    return kExitInternal;
  }
}

}  // namespace fairlead::cli
