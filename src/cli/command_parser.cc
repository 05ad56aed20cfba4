#include "cli/command_parser.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::cli {
namespace {

constexpr const char* kExitCodes =
    "\nExit codes: 0 done (whether or not work waits), 1 refused or failed, 2 wrong command line,\n"
    "3 parts of the input were left out and --strict was given, 4 not signed in or not allowed,\n"
    "5 there is no such thing, 6 it is there already or was changed meanwhile, 7 no server answers,\n"
    "70 a defect of Fairlead.";

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> split;
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    split.emplace_back(names.substr(0, comma));
    names.remove_prefix(comma == std::string_view::npos ? names.size() : comma + 1);
  }
  return split;
}

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

CLI::Option* add_value(CLI::App& app, const Option& option) {
  return std::visit(
      [&](const auto& target) -> CLI::Option* {
        using Target = std::decay_t<decltype(target)>;
        if constexpr (std::is_same_v<Target, bool*>) {
          return app.add_flag(option.names, *target, option.description);
        } else if constexpr (std::is_same_v<Target, std::vector<std::string>*>) {
          CLI::Option* added = app.add_option(option.names, *target, option.description);
          const bool by_position = option.names.front() != '-';
          return option.many_at_once || by_position ? added : added->expected(1)->take_all();
        } else if constexpr (std::is_pointer_v<Target>) {
          using Value = std::remove_pointer_t<Target>;
          if constexpr (IsOptional<Value>::value) {
            auto store = [target](const typename Value::value_type& value) { *target = value; };
            return app.add_option_function<typename Value::value_type>(option.names, store,
                                                                       option.description);
          } else {
            return app.add_option(option.names, *target, option.description);
          }
        } else {
          auto store = [target](const std::string& text) {
            const std::string wrong = target(text);
            if (!wrong.empty()) throw CLI::ValidationError(wrong);
          };
          return app.add_option_function<std::string>(option.names, store, option.description);
        }
      },
      option.target);
}

void add_option(CLI::App& app, const Option& option) {
  CLI::Option* added = add_value(app, option);
  if (!option.type.empty()) added->type_name(option.type);
  if (option.required) added->required();
  if (option.range) added->check(CLI::Range(option.range->first, option.range->second));
  if (!option.choices.empty() && std::holds_alternative<std::string*>(option.target)) {
    added->check(CLI::IsMember(option.choices));
  }
}

// A command of the parser beside its description, with what lies below it.
struct Node {
  const Command* command = nullptr;
  CLI::App* app = nullptr;
  std::vector<Node> below;
};

Node add_command(CLI::App& parent, const Command& command) {
  CLI::App* app = parent.add_subcommand(command.name, command.description);
  std::string footer;
  if (!command.more.empty()) footer += "\n" + command.more + "\n";
  if (!command.examples.empty()) footer += "\nExamples:\n" + command.examples + "\n";
  app->footer(footer + kExitCodes);
  for (const Option& option : command.options) add_option(*app, option);
  for (const Option& argument : command.arguments) add_option(*app, argument);
  Node node{&command, app, {}};
  for (const Command& below : command.commands) node.below.push_back(add_command(*app, below));
  if (!node.below.empty()) app->require_subcommand(0, 1);
  return node;
}

struct Parser {
  CLI::App app;
  std::vector<Node> nodes;

  Parser(const ProgramText& program, const std::vector<Command>& commands)
      : app(program.description, program.name) {
    app.require_subcommand(0, 1);
    app.footer("\nExamples:\n" + program.examples + "\n" + kExitCodes + "\n\n'" + program.name +
               " COMMAND --help' says more about a command.");
    app.set_help_flag("-h,--help", "Print this help and exit");
    for (const Command& command : commands) nodes.push_back(add_command(app, command));
  }

  // The chosen commands from the outermost one on.
  std::vector<const Node*> chosen() const {
    std::vector<const Node*> path;
    for (const std::vector<Node>* level = &nodes; level != nullptr;) {
      const std::vector<Node>* next = nullptr;
      for (const Node& node : *level) {
        if (!node.app->parsed()) continue;
        path.push_back(&node);
        next = &node.below;
        break;
      }
      level = next;
    }
    return path;
  }
};

std::string help_of(const ProgramText& program, CLI::App& app, const std::vector<const Node*>& path) {
  if (path.empty()) return app.help();
  std::string before = program.name;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) before += " " + path[i]->command->name;
  return path.back()->app->help(before);
}

int run_chosen(const ProgramText& program, Parser& parser, std::vector<std::string> rest, bool has_rest,
               const Environment& environment) {
  const std::vector<const Node*> path = parser.chosen();
  const Command* command = path.empty() ? nullptr : path.back()->command;
  if (has_rest) {
    if (command == nullptr || command->rest == nullptr) {
      throw CLI::ValidationError("nothing may follow --" +
                                 (command == nullptr ? std::string() : " of " + command->name));
    }
    *command->rest = std::move(rest);
  }
  if (command == nullptr || !command->run) {
    environment.out << help_of(program, parser.app, path);
    return kExitOk;
  }
  if (command->check) {
    const std::string wrong = command->check();
    if (!wrong.empty()) throw CLI::ValidationError(wrong);
  }
  return command->run(environment);
}

void add_words(const Command& command, CommandWords& words) {
  for (const Option& option : command.options) {
    OptionWords added;
    added.names = split_names(option.names);
    added.description = option.description;
    added.values = option.choices;
    added.takes_value = !std::holds_alternative<bool*>(option.target);
    added.takes_path = option.takes_path;
    const auto same = [&](const OptionWords& other) { return other.names == added.names; };
    if (std::none_of(words.options.begin(), words.options.end(), same)) {
      words.options.push_back(std::move(added));
    }
  }
  for (const Option& argument : command.arguments) {
    words.arguments.insert(words.arguments.end(), argument.choices.begin(), argument.choices.end());
  }
  for (const Command& below : command.commands) {
    words.arguments.push_back(below.name);
    add_words(below, words);
  }
}

void write_reference(std::string& out, const std::string& before, const Node& node, int depth) {
  const Command& command = *node.command;
  out += fmt::format("{} {} {}\n\n{}.\n\n", std::string(static_cast<std::size_t>(depth), '#'), before,
                     command.name, command.description);
  if (command.run) {
    node.app->footer("");
    const std::string help = node.app->help(before);
    const std::size_t usage = help.find("Usage:");
    std::string_view text(help);
    if (usage != std::string::npos) text.remove_prefix(usage);
    while (text.ends_with('\n')) text.remove_suffix(1);
    out += fmt::format("```text\n{}\n```\n\n", text);
    if (!command.more.empty()) out += command.more + "\n\n";
    if (!command.examples.empty()) out += fmt::format("```sh\n{}\n```\n\n", command.examples);
  }
  for (const Node& below : node.below) {
    write_reference(out, before + " " + command.name, below, std::min(depth + 1, 4));
  }
}

}  // namespace

int parse_and_run(const ProgramText& program, std::vector<Command>& commands, int argc,
                  const char* const* argv, const Environment& environment) {
  Parser parser(program, commands);
  // What follows "--" belongs to the command that is started, not to ours, and is kept from the parser.
  int own = 0;
  while (own < argc && std::string_view(argv[own]) != "--") ++own;
  const bool has_rest = own < argc;
  std::vector<std::string> rest(argv + std::min(own + 1, argc), argv + argc);
  try {
    parser.app.parse(own, argv);
    return run_chosen(program, parser, std::move(rest), has_rest, environment);
  } catch (const CLI::CallForHelp&) {
    environment.out << help_of(program, parser.app, parser.chosen());
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    std::string help = program.name;
    for (const Node* node : parser.chosen()) help += " " + node->command->name;
    environment.err << program.name << ": " << error.what() << "\nRun '" << help << " --help' for usage.\n";
    return kExitUsage;
  }
}

std::vector<CommandWords> completion_words(const std::vector<Command>& commands) {
  std::vector<CommandWords> all;
  for (const Command& command : commands) {
    CommandWords words;
    words.name = command.name;
    words.description = command.description;
    words.options.push_back({{"--help"}, "Print this help and exit", {}, false, false});
    add_words(command, words);
    all.push_back(std::move(words));
  }
  return all;
}

std::string reference_text(const ProgramText& program, std::vector<Command>& commands) {
  Parser parser(program, commands);
  std::string out = fmt::format("# {}\n\n{}\n\n", program.name, program.description);
  out += std::string("```text") + kExitCodes + "\n```\n\n";
  for (const Node& node : parser.nodes) write_reference(out, program.name, node, 2);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace fairlead::cli
