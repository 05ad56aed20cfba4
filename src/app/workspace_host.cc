#include "app/workspace_host.h"

#include "server/secrets.h"

#include <fmt/format.h>

namespace fairlead::app {

std::string WorkspacePort::audience() const { return fmt::format("{} {}", workload->spec.key(), port); }

std::string workspace_label(std::string_view project, std::string_view name, std::uint16_t port) {
  constexpr std::size_t kLongest = 63;
  constexpr std::string_view kBetween = "--";
  std::string label = fmt::format("{}{}{}{}{}", name, kBetween, project, kBetween, port);
  const bool clear = name.find(kBetween) == std::string_view::npos &&
                     project.find(kBetween) == std::string_view::npos && !name.ends_with('-') &&
                     !project.starts_with('-') && !project.ends_with('-') &&
                     project.find('.') == project.npos;
  if (clear && label.size() <= kLongest) return label;
  constexpr std::size_t kDigits = 40;
  return "w" + server::hash_secret(fmt::format("{}/{} {}", project, name, port)).substr(0, kDigits);
}

std::optional<WorkspacePort> find_workspace_port(const world::View& view, std::string_view label) {
  for (const auto& workload : view.workloads) {
    for (const std::int32_t number : workload->spec.ports) {
      const auto port = static_cast<std::uint16_t>(number);
      if (workspace_label(workload->spec.project, workload->spec.name, port) == label)
        return WorkspacePort{workload.get(), port};
    }
  }
  return std::nullopt;
}

}  // namespace fairlead::app
