#include "cli/completion.h"

#include <fmt/format.h>

namespace fairlead::cli {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

/// For between single quotes in a shell.
std::string quoted(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out;
}

/// In zsh's option specifications brackets and colons have a meaning.
std::string zsh_description(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':') out += '\\';
    out += c;
  }
  return quoted(out);
}

}  // namespace

std::string bash_completion(std::string_view program, const std::vector<CommandWords>& commands) {
  std::string out = fmt::format(
      "# bash completion of {0}: source <({0} completion bash)\n"
      "_{0}() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\" "
      "command=\"${{COMP_WORDS[1]}}\"\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n",
      program);
  std::vector<std::string> names;
  for (const CommandWords& command : commands) names.push_back(command.name);
  out += fmt::format("    COMPREPLY=($(compgen -W \"{} --help\" -- \"$word\"))\n    return\n  fi\n",
                     joined(names, " "));
  out += "  case \"$command\" in\n";
  for (const CommandWords& command : commands) {
    out += fmt::format("    {})\n      case \"$before\" in\n", command.name);
    std::vector<std::string> words = command.arguments;
    for (const OptionWords& option : command.options) {
      words.insert(words.end(), option.names.begin(), option.names.end());
      if (!option.takes_value) continue;
      std::string reply = option.takes_path ? "compgen -f -- \"$word\""
                          : option.values.empty()
                              ? ":"
                              : fmt::format("compgen -W \"{}\" -- \"$word\"", joined(option.values, " "));
      out += fmt::format("        {}) COMPREPLY=($({})); return ;;\n", joined(option.names, "|"), reply);
    }
    out += fmt::format("      esac\n      COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))\n      ;;\n",
                       joined(words, " "));
  }
  out += fmt::format("  esac\n}}\ncomplete -o filenames -F _{0} {0}\n", program);
  return out;
}

std::string zsh_completion(std::string_view program, const std::vector<CommandWords>& commands) {
  std::string out = fmt::format(
      "#compdef {0}\n"
      "# zsh completion of {0}: {0} completion zsh > \"${{fpath[1]}}/_{0}\"\n"
      "_{0}() {{\n"
      "  local -a commands=(\n",
      program);
  for (const CommandWords& command : commands) {
    out += fmt::format("    '{}:{}'\n", command.name, zsh_description(command.description));
  }
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const CommandWords& command : commands) {
    out += fmt::format("    {})\n      _arguments", command.name);
    for (const OptionWords& option : command.options) {
      std::string action;
      if (option.takes_path) {
        action = ":path:_files";
      } else if (option.takes_value) {
        action = option.values.empty() ? ":value: " : fmt::format(":value:({})", joined(option.values, " "));
      }
      for (const std::string& name : option.names) {
        out += fmt::format(" \\\n        '*{}[{}]{}'", name, zsh_description(option.description), action);
      }
    }
    if (!command.arguments.empty())
      out += fmt::format(" \\\n        '1:argument:({})'", joined(command.arguments, " "));
    out += "\n      ;;\n";
  }
  out += fmt::format(
      "  esac\n}}\nif [ \"$funcstack[1]\" = \"_{0}\" ]; then _{0} \"$@\"; else compdef _{0} {0}; fi\n",
      program);
  return out;
}

std::string fish_completion(std::string_view program, const std::vector<CommandWords>& commands) {
  std::string out =
      fmt::format("# fish completion of {0}: {0} completion fish | source\ncomplete -c {0} -f\n", program);
  for (const CommandWords& command : commands) {
    out += fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d '{}'\n", program, command.name,
                       quoted(command.description));
  }
  for (const CommandWords& command : commands) {
    std::string condition = fmt::format("'__fish_seen_subcommand_from {}'", command.name);
    for (const OptionWords& option : command.options) {
      std::string line = fmt::format("complete -c {} -n {}", program, condition);
      for (const std::string& name : option.names) {
        line += name.starts_with("--") ? fmt::format(" -l {}", name.substr(2))
                                       : fmt::format(" -s {}", name.substr(1));
      }
      if (option.takes_path) {
        line += " -r -F";
      } else if (option.takes_value) {
        line += option.values.empty() ? " -x" : fmt::format(" -x -a '{}'", joined(option.values, " "));
      }
      out += fmt::format("{} -d '{}'\n", line, quoted(option.description));
    }
    if (!command.arguments.empty()) {
      out +=
          fmt::format("complete -c {} -n {} -a '{}'\n", program, condition, joined(command.arguments, " "));
    }
  }
  return out;
}

}  // namespace fairlead::cli
