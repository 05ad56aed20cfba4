#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// What a shell needs to know of one option.
struct OptionWords {
  std::vector<std::string> names;   ///< "-o", "--output"
  std::string description;          ///< one line
  std::vector<std::string> values;  ///< the words that it takes; empty: anything
  bool takes_value = false;
  bool takes_path = false;
};
/// What a shell needs to know of one command.
struct CommandWords {
  std::string name;
  std::string description;
  std::vector<OptionWords> options;
  std::vector<std::string> arguments;  ///< words that may follow the command
};

/// Scripts that complete the commands of `program`. Written from the same description of the command line as
/// the help.
std::string bash_completion(std::string_view program, const std::vector<CommandWords>& commands);
std::string zsh_completion(std::string_view program, const std::vector<CommandWords>& commands);
std::string fish_completion(std::string_view program, const std::vector<CommandWords>& commands);

}  // namespace fairlead::cli
