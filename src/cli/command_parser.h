#pragma once

#include "cli/command.h"
#include "cli/completion.h"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// The program's own help.
struct ProgramText {
  std::string name;
  std::string description;
  std::string examples;
};

/// Parses the arguments, fills what the options of the chosen command point to, and runs it. Help goes to
/// `out`, what is wrong to `err`. Returns an ExitCode.
int parse_and_run(const ProgramText& program, std::vector<Command>& commands, int argc,
                  const char* const* argv, const Environment& environment);

/// What shells complete. A command with subcommands has their names as its arguments and all their options.
std::vector<CommandWords> completion_words(const std::vector<Command>& commands);

/// The reference of all commands in Markdown (docs/cli.md).
std::string reference_text(const ProgramText& program, std::vector<Command>& commands);

}  // namespace fairlead::cli
