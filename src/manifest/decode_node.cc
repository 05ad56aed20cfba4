#include "manifest/decoding.h"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

std::optional<model::Taint::Effect> effect_of(std::string_view name) {
  if (name == "NoSchedule") return model::Taint::Effect::kNoSchedule;
  if (name == "PreferNoSchedule") return model::Taint::Effect::kPreferNoSchedule;
  if (name == "NoExecute") return model::Taint::Effect::kNoExecute;
  return std::nullopt;
}

void decode_taints(Fields& fields, const Value& spec, model::Node& node) {
  fields.each_object(spec, "taints", [&](const Value& value) {
    const auto effect = effect_of(fields.text(value, "effect"));
    if (!effect) {
      fields.error(value, "has no known taint effect", "write NoSchedule, PreferNoSchedule or NoExecute");
      return;
    }
    node.taints.push_back({fields.string(value, "key"), fields.string(value, "value"), *effect});
  });
}

bool is_ready(Fields& fields, const Value& status) {
  bool ready = true;
  fields.each_object(status, "conditions", [&](const Value& condition) {
    if (fields.text(condition, "type") == "Ready") ready = fields.text(condition, "status") == "True";
  });
  return ready;
}

void add_device_set(model::Node& node, const AcceleratorRule& rule, const Accelerators& accelerators,
                    const std::string& resource, std::int64_t count) {
  model::DeviceSet set;
  set.resource = resource;
  set.vendor = accelerators.vendor(rule, resource);
  set.model = device_model(rule, node.labels);
  set.count = count;
  set.memory_mib = device_memory_mib(rule, node.labels);
  node.devices.push_back(std::move(set));
}

void take_resource(model::Node& node, const Accelerators& accelerators, const std::string& name,
                   std::int64_t amount) {
  if (name == "cpu") {
    node.allocatable.cpu_milli = amount;
  } else if (name == "memory") {
    node.allocatable.memory_bytes = amount;
  } else if (name == "pods") {
    node.pod_capacity = amount;
  } else if (amount > 0) {
    const AcceleratorRule* rule = accelerators.find(name);
    if (rule != nullptr && rule->kind == AcceleratorRule::Kind::kWhole) {
      add_device_set(node, *rule, accelerators, name, amount);
      return;
    }
    const auto quota = rule != nullptr && rule->kind == AcceleratorRule::Kind::kPartition
                           ? partition_quota(*rule, name)
                           : std::nullopt;
    if (quota) {
      node.partitions.push_back({name, amount, *quota});
    } else {
      node.allocatable.counted.push_back({name, amount});
    }
  }
}

/// The strategy label stays on nodes whose devices are not partitioned; it counts where partitioning is said,
/// or seen, to be on.
model::Node::PartitionStrategy strategy_of(const model::Node& node) {
  const auto enabled = model::find_label(node.labels, "node-role.kubernetes.io/mig-enabled");
  const bool on = enabled ? *enabled == "true" : !node.partitions.empty();
  if (!on) return model::Node::PartitionStrategy::kNone;
  const auto strategy = model::find_label(node.labels, "nvidia.com/mig.strategy");
  if (strategy && *strategy == "mixed") return model::Node::PartitionStrategy::kMixed;
  if (strategy && *strategy == "single") return model::Node::PartitionStrategy::kSingle;
  return model::Node::PartitionStrategy::kNone;
}

}  // namespace

std::optional<model::Node> decode_node(Fields& fields, const ReadOptions& options,
                                       const Accelerators& accelerators) {
  model::Node node;
  const Value& root = fields.root();
  Identity identity = decode_identity(fields, false);
  node.name = std::move(identity.name);
  node.uid = std::move(identity.uid);
  node.created = identity.created;
  if (const Value* metadata = fields.object(root, "metadata"))
    node.labels = fields.labels(*metadata, "labels");
  if (const Value* spec = fields.object(root, "spec")) {
    node.unschedulable = fields.boolean(*spec, "unschedulable");
    decode_taints(fields, *spec, node);
  }
  if (const Value* status = fields.object(root, "status")) {
    node.ready = is_ready(fields, *status);
    // A quantity that cannot be read counts as none: the node then takes less, never more.
    bool ok = true;
    for (const auto& [name, amount] : decode_amounts(fields, *status, "allocatable", ok)) {
      take_resource(node, accelerators, name, amount);
    }
  }
  std::sort(node.allocatable.counted.begin(), node.allocatable.counted.end());
  std::sort(node.partitions.begin(), node.partitions.end());
  // Shares are of the first set: one of known memory, else there are none, and of those the largest.
  std::sort(node.devices.begin(), node.devices.end(),
            [](const model::DeviceSet& a, const model::DeviceSet& b) {
              return std::tuple(a.memory_mib <= 0, -a.count, std::string_view(a.resource)) <
                     std::tuple(b.memory_mib <= 0, -b.count, std::string_view(b.resource));
            });
  node.partition_strategy = strategy_of(node);
  if (const auto pool = model::find_label(node.labels, options.node_pool_label)) node.pool = *pool;
  if (fields.failed()) return std::nullopt;
  return node;
}

}  // namespace fairlead::manifest
