#include "manifest/encoding.h"

#include <fmt/format.h>

namespace fairlead::manifest {
namespace {

std::string_view name_of(model::Taint::Effect effect) {
  switch (effect) {
    case model::Taint::Effect::kNoSchedule:
      return "NoSchedule";
    case model::Taint::Effect::kPreferNoSchedule:
      return "PreferNoSchedule";
    case model::Taint::Effect::kNoExecute:
      break;
  }
  return "NoExecute";
}

}  // namespace

void Encoder::node(const model::Node& node) {
  Metadata metadata{.name = node.name, .uid = node.uid, .created = node.created};
  metadata.labels = node.labels;
  if (!node.pool.empty()) metadata.labels.emplace(options_.node_pool_label, node.pool);
  begin("v1", "Node", metadata);
  out_.key("spec");
  out_.begin_object();
  if (node.unschedulable) out_.member("unschedulable", true);
  if (!node.taints.empty()) {
    out_.key("taints");
    out_.begin_array();
    for (const model::Taint& taint : node.taints) {
      out_.begin_object();
      out_.member("key", taint.key);
      text("value", taint.value);
      out_.member("effect", name_of(taint.effect));
      out_.end_object();
    }
    out_.end_array();
  }
  out_.end_object();
  out_.key("status");
  out_.begin_object();
  out_.key("allocatable");
  out_.begin_object();
  const auto amount = [this](std::string_view name, std::int64_t value) {
    out_.member(name, std::to_string(value));
  };
  out_.member("cpu", fmt::format("{}m", node.allocatable.cpu_milli));
  amount("memory", node.allocatable.memory_bytes);
  amount("pods", node.pod_capacity);
  for (const model::DeviceSet& set : node.devices) amount(set.resource, set.count);
  for (const model::Partition& partition : node.partitions) amount(partition.resource, partition.count);
  for (const model::ResourceCount& counted : node.allocatable.counted) amount(counted.name, counted.count);
  out_.end_object();
  out_.key("conditions");
  out_.begin_array();
  out_.begin_object();
  out_.member("type", "Ready");
  out_.member("status", node.ready ? "True" : "False");
  out_.end_object();
  out_.end_array();
  out_.end_object();
  end();
}

}  // namespace fairlead::manifest
