#pragma once

#include "cli/command.h"

namespace fairlead::cli {

/// The commands that work on files and ask no server.
Command plan_command();
Command simulate_command();
Command ledger_command();
Command usage_command();

}  // namespace fairlead::cli
