#pragma once

#include "world/world.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::app {

/// One port of a workspace.
struct WorkspacePort {
  const world::WorkloadView* workload = nullptr;
  std::uint16_t port = 0;

  /// What passes are for: "vision/lab 8888".
  std::string audience() const;
};

/// The first label of the host at which the pages of a port live, so that each is an origin of its own:
/// "lab--vision--8888", or digits where that would be ambiguous or longer than a label may be.
std::string workspace_label(std::string_view project, std::string_view name, std::uint16_t port);

/// The port whose label this is. Cost: linear in the ports of all workspaces.
std::optional<WorkspacePort> find_workspace_port(const world::View& view, std::string_view label);

}  // namespace fairlead::app
