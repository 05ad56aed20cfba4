#pragma once

#include "cli/command.h"

namespace fairlead::app {

/// `fairlead up`: the platform of one machine with its API, until it is told to end.
cli::Command up_command();
/// `fairlead down`: ends it from elsewhere.
cli::Command down_command();

}  // namespace fairlead::app
