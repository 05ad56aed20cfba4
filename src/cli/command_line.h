#pragma once

#include "cli/environment.h"

namespace fairlead::cli {

/// Runs the command that the arguments name and returns its exit code (ExitCode). Help goes to `out`, errors
/// to `err`.
int run_command_line(int argc, const char* const* argv, const Environment& environment);

}  // namespace fairlead::cli
