#pragma once

#include "base/result.h"
#include "world/world.h"

#include <memory>
#include <string>
#include <vector>

namespace fairlead::host {

/// A command beside a running try (attached_command.h) as the world offers it: a thread of its own hands its
/// output over. `folder`: of the try. Errors: those of AttachedCommand::start.
base::Result<std::unique_ptr<world::Terminal>> attach_terminal(const std::string& folder,
                                                               const std::vector<std::string>& command,
                                                               bool terminal, world::TerminalEvents events);

}  // namespace fairlead::host
