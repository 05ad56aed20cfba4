#pragma once

#include "server/console.h"

namespace fairlead::app {

/// The console that this program was built with; its source is written by tools/console when npm is there.
server::ConsoleFiles console_files();

}  // namespace fairlead::app
