#include "manifest/encode.h"

#include "manifest/encoding.h"

namespace fairlead::manifest {

void write_objects(base::JsonWriter& out, const ClusterObjects& objects) {
  const ReadOptions options;
  Encoder encoder(out, options);
  for (const auto& value : objects.topologies) encoder.topology(value);
  for (const auto& value : objects.priority_classes) encoder.priority_class(value);
  for (const auto& [name, labels] : objects.namespaces) encoder.name_space(name, labels);
  for (const auto& value : objects.queues) encoder.queue(value);
  for (const auto& value : objects.nodes) encoder.node(value);
  for (const auto& value : objects.volume_claims) encoder.volume_claim(value);
  for (const auto& value : objects.disruption_budgets) encoder.disruption_budget(value);
  for (const auto& value : objects.device_classes) encoder.device_class(value);
  for (const auto& value : objects.resource_slices) encoder.resource_slice(value);
  for (const auto& value : objects.resource_claims) encoder.resource_claim(value);
  for (const auto& value : objects.groups) encoder.group(value);
  for (const auto& value : objects.pods) encoder.pod(value);
}

}  // namespace fairlead::manifest
