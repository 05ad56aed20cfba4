#pragma once

#include "cli/environment.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::cli {

/// One option, or one argument by position, of a command.
struct Option {
  /// Where the value goes; a vector collects all that are given. A function is called with each text and
  /// returns what is wrong with it, or nothing.
  using Target = std::variant<bool*, std::string*, int*, std::int64_t*, double*, std::optional<std::int64_t>*,
                              std::optional<double>*, std::optional<std::string>*, std::vector<std::string>*,
                              std::function<std::string(const std::string&)>>;

  std::string names;  ///< "-p,--project"; of an argument its name
  std::string type;   ///< what the value is, in capitals; of a flag empty
  std::string description;
  Target target;
  std::vector<std::string> choices;  ///< the only words that it takes; empty: anything
  std::optional<std::pair<std::int64_t, std::int64_t>> range;
  bool required = false;
  bool takes_path = false;
  bool many_at_once = false;  ///< several values may follow one name
};

/// A command of the command line, described once: the parser, the help, the completion and docs/cli.md are
/// made from it. What its options fill lives as long as `run`, which captures it.
struct Command {
  std::string name;         ///< "queue", and below it "set"
  std::string description;  ///< one sentence without a full stop
  std::string examples;     ///< lines of "  fairlead ..."
  std::string more;         ///< a paragraph before the examples
  std::vector<Option> options;
  std::vector<Option> arguments;
  std::vector<std::string>* rest = nullptr;    ///< gets what follows "--"; null: nothing may
  std::function<std::string()> check;          ///< what the parser cannot express: what is wrong, or nothing
  std::function<int(const Environment&)> run;  ///< none: only its subcommands do something
  std::vector<Command> commands;

  void flag(std::string option_names, bool& value, std::string text) {
    options.push_back({std::move(option_names), "", std::move(text), &value, {}, {}});
  }
  template <class T>
  Option& option(std::string option_names, T& value, std::string value_type, std::string text) {
    options.push_back({std::move(option_names), std::move(value_type), std::move(text), &value, {}, {}});
    return options.back();
  }
  /// An option that takes one of a few words, each with its meaning.
  template <class T>
  Option& choice(std::string option_names, T& value, const std::vector<std::pair<std::string, T>>& meanings,
                 std::string text) {
    Option added{std::move(option_names), "", std::move(text), {}, {}, {}};
    for (const auto& [word, meaning] : meanings) {
      added.type += (added.type.empty() ? "" : "|") + word;
      added.choices.push_back(word);
    }
    added.target = [&value, meanings, type = added.type](const std::string& given) -> std::string {
      for (const auto& [word, meaning] : meanings) {
        if (word != given) continue;
        value = meaning;
        return {};
      }
      return "\"" + given + "\" is not one of " + type;
    };
    options.push_back(std::move(added));
    return options.back();
  }
  template <class T>
  Option& argument(std::string argument_name, T& value, std::string value_type, std::string text) {
    arguments.push_back({std::move(argument_name), std::move(value_type), std::move(text), &value, {}, {}});
    return arguments.back();
  }
};

}  // namespace fairlead::cli
