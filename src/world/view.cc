#include "world/world.h"

#include <algorithm>
#include <tuple>

namespace fairlead::world {

const WorkloadView* View::find(std::string_view project, std::string_view name) const {
  const auto wanted = std::tuple(project, name);
  const auto key = [](const auto& one) {
    return std::tuple(std::string_view(one->spec.project), std::string_view(one->spec.name));
  };
  const auto at = std::lower_bound(workloads.begin(), workloads.end(), wanted,
                                   [&](const auto& one, const auto& sought) { return key(one) < sought; });
  return at != workloads.end() && key(*at) == wanted ? at->get() : nullptr;
}

const QueueView* View::find_queue(std::string_view name) const {
  const auto at =
      std::find_if(queues.begin(), queues.end(), [&](const auto& one) { return one->queue.name == name; });
  return at == queues.end() ? nullptr : at->get();
}

base::Result<std::unique_ptr<PortConnection>> World::connect_port(const std::string&, std::uint16_t,
                                                                  PortEvents) {
  return base::Error(base::Code::kUnimplemented, "ports of replicas cannot be reached here");
}

}  // namespace fairlead::world
