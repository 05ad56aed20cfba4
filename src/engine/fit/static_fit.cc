#include "engine/fit/static_fit.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using model::NodeReason;

bool selected(const model::Constraints& constraints, const model::Node& node) {
  for (const auto& [key, value] : constraints.node_selector)
    if (model::find_label(node.labels, key) != std::optional<std::string_view>(value)) return false;
  const auto& terms = constraints.required_nodes;
  return !constraints.has_required_nodes ||
         std::any_of(terms.begin(), terms.end(), [&](const model::NodeSelectorTerm& term) {
           return model::matches(term, node.labels, node.name);
         });
}

bool tolerated(const model::Constraints& constraints, const model::Taint& taint) {
  const auto& list = constraints.tolerations;
  return std::any_of(list.begin(), list.end(), [&](const auto& one) { return model::tolerates(one, taint); });
}

bool volumes_allow(const model::Cluster& cluster, const model::PodClass& pod_class, const model::Node& node) {
  for (const std::string& name : pod_class.key.constraints.volume_claims) {
    const model::VolumeClaim* claim = cluster.volume_claim(pod_class.key.namespace_name + "/" + name);
    if (!claim || claim->state == model::VolumeClaim::State::kUnbound) return false;
    if (!claim->node_terms.empty() && std::none_of(claim->node_terms.begin(), claim->node_terms.end(),
                                                   [&](const model::NodeSelectorTerm& term) {
                                                     return model::matches(term, node.labels, node.name);
                                                   }))
      return false;
  }
  return true;
}

/// The first refusal by Kubernetes' filters.
std::uint8_t filtered(const model::Cluster& cluster, const model::PodClass& pod_class,
                      const model::Node& node) {
  auto refuse = [](NodeReason reason) { return static_cast<std::uint8_t>(1 + static_cast<int>(reason)); };
  const model::Constraints& constraints = pod_class.key.constraints;
  if (!node.ready) return refuse(NodeReason::kNotReady);
  if (node.unschedulable) return refuse(NodeReason::kUnschedulable);
  if (!selected(constraints, node)) return refuse(NodeReason::kNodeSelector);
  for (const model::Taint& taint : node.taints)
    if (taint.effect != model::Taint::Effect::kPreferNoSchedule && !tolerated(constraints, taint))
      return refuse(NodeReason::kTaint);
  if (!volumes_allow(cluster, pod_class, node)) return refuse(NodeReason::kVolume);
  return 0;
}

/// The first refusal by what kind of devices the node has.
std::uint8_t wrong_devices(const model::PodClass& pod_class, const model::Node& node) {
  auto refuse = [](NodeReason reason) { return static_cast<std::uint8_t>(1 + static_cast<int>(reason)); };
  const model::DeviceRequest& request = pod_class.key.devices;
  const bool partitioned = !request.partitions.empty();
  using Strategy = model::Node::PartitionStrategy;
  if (pod_class.key.legacy_partition_request) return refuse(NodeReason::kPartitionStrategy);
  if (node.partition_strategy == Strategy::kMixed && request.kind != model::DeviceRequest::Kind::kNone)
    return refuse(NodeReason::kPartitionStrategy);
  if (node.partition_strategy == Strategy::kSingle && (partitioned || request.shares_devices()))
    return refuse(NodeReason::kPartitionStrategy);
  auto has = [&](const std::string& resource) {
    return std::any_of(node.devices.begin(), node.devices.end(),
                       [&](const model::DeviceSet& set) { return set.resource == resource; });
  };
  if ((request.kind == model::DeviceRequest::Kind::kWhole && !has(request.resource)) ||
      (request.second_count > 0 && !has(request.second_resource)))
    return refuse(NodeReason::kNoSuchDevice);
  if (!request.shares_devices()) return 0;
  if (node.devices.empty() ||
      (!request.resource.empty() && request.resource != node.devices.front().resource))
    return refuse(NodeReason::kNoSuchDevice);
  const std::int64_t size = node.devices.front().memory_mib;
  if (size <= 0 || (request.kind == model::DeviceRequest::Kind::kMemory && request.memory_mib > size))
    return refuse(NodeReason::kDeviceMemory);
  return 0;
}

}  // namespace

StaticFit::Entry StaticFit::examine(const model::Cluster& cluster, const model::PodClass& pod_class,
                                    model::NodeId id) {
  Entry entry;
  const model::NodeRecord& record = cluster.nodes().at(id);
  if (!record.alive) {
    entry.refusal = 1 + static_cast<std::uint8_t>(NodeReason::kNotReady);
    return entry;
  }
  const bool filters = cluster.configuration().policies.filters;
  if (filters) entry.refusal = filtered(cluster, pod_class, record.spec);
  if (entry.refusal == 0) entry.refusal = wrong_devices(pod_class, record.spec);
  if (!filters) return entry;
  const model::Constraints& constraints = pod_class.key.constraints;
  for (const model::PreferredTerm& preferred : constraints.preferred_nodes)
    if (model::matches(preferred.term, record.spec.labels, record.spec.name))
      entry.preference += preferred.weight;
  for (const model::Taint& taint : record.spec.taints)
    if (taint.effect == model::Taint::Effect::kPreferNoSchedule && !tolerated(constraints, taint))
      ++entry.untolerated;
  return entry;
}

const std::vector<StaticFit::Entry>& StaticFit::of(const model::Cluster& cluster, model::ClassId id) {
  if (columns_.size() <= id.index()) columns_.resize(id.index() + 1);
  Column& column = columns_[id.index()];
  const model::PodClass& pod_class = cluster.pod_class(id);
  const model::NodeTable& nodes = cluster.nodes();
  const bool afresh = column.generation != pod_class.generation ||
                      column.volumes != cluster.volume_version() ||
                      column.configuration != cluster.configuration_version() || column.entries.empty();
  if (!afresh && column.structure == nodes.structure_version()) return column.entries;
  column.entries.resize(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const model::NodeId node(i);
    if (afresh || nodes.at(node).static_version > column.structure)
      column.entries[i] = examine(cluster, pod_class, node);
  }
  column.generation = pod_class.generation;
  column.volumes = cluster.volume_version();
  column.configuration = cluster.configuration_version();
  column.structure = nodes.structure_version();
  return column.entries;
}

}  // namespace fairlead::engine
