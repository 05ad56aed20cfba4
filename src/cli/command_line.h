#pragma once

#include "cli/command.h"
#include "cli/environment.h"

#include <vector>

namespace fairlead::cli {

/// Runs the command that the arguments name and returns its exit code (ExitCode). Help goes to `out`, errors
/// to `err`. `more`: commands of layers that this one may not use ("up", "ledger"), placed before the others.
int run_command_line(int argc, const char* const* argv, const Environment& environment,
                     std::vector<Command> more = {});

}  // namespace fairlead::cli
