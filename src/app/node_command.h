#pragma once

#include "cli/command.h"

namespace fairlead::app {

/// `fairlead node describe`: the accelerators of this machine (or of a recorded tree of /sys and /proc), how
/// they are linked and how they are, and what is enforced between workloads. Asks no server.
cli::Command node_command();

}  // namespace fairlead::app
