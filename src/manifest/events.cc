#include "manifest/objects.h"

#include <iterator>

namespace fairlead::manifest {

std::vector<model::Event> to_events(ClusterObjects objects, base::Time now) {
  std::vector<model::Event> events;
  events.reserve(objects.pods.size() + objects.groups.size() + objects.nodes.size() + objects.queues.size() +
                 16);
  const auto add = [&](auto body) { events.push_back({now, std::move(body)}); };
  add(model::ClockAdvanced{});
  if (objects.configuration) add(model::ConfigurationChanged{std::move(*objects.configuration)});
  for (auto& value : objects.topologies) add(model::TopologyUpserted{std::move(value)});
  for (auto& value : objects.priority_classes) add(model::PriorityClassUpserted{std::move(value)});
  for (auto& [name, labels] : objects.namespaces)
    add(model::NamespaceUpserted{std::move(name), std::move(labels)});
  for (auto& value : objects.queues) add(model::QueueUpserted{std::move(value)});
  for (auto& value : objects.nodes) add(model::NodeUpserted{std::move(value)});
  for (auto& value : objects.volume_claims) add(model::VolumeClaimUpserted{std::move(value)});
  for (auto& value : objects.disruption_budgets) add(model::DisruptionBudgetUpserted{std::move(value)});
  for (auto& value : objects.device_classes) add(model::DeviceClassUpserted{std::move(value)});
  for (auto& value : objects.resource_slices) add(model::ResourceSliceUpserted{std::move(value)});
  for (auto& value : objects.resource_claims) add(model::ResourceClaimUpserted{std::move(value)});
  for (auto& value : objects.groups) add(model::GroupUpserted{std::move(value)});
  for (auto& value : objects.pods) add(model::PodUpserted{std::move(value)});
  return events;
}

}  // namespace fairlead::manifest
