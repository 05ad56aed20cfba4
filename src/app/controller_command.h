#pragma once

#include "cli/command.h"

namespace fairlead::app {

/// `fairlead controller`: the scheduler of a Kubernetes cluster, until it is told to end.
cli::Command controller_command();

}  // namespace fairlead::app
