#include "manifest/plugins.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

struct PolicyName {
  std::string_view plugin;
  bool model::Policies::* policy;
};

constexpr std::array<PolicyName, 15> kPolicies = {{
    {"predicates", &model::Policies::filters},
    {"proportion", &model::Policies::proportion},
    {"priority", &model::Policies::priority},
    {"elastic", &model::Policies::elastic},
    {"subgrouporder", &model::Policies::sub_group_order},
    {"taskorder", &model::Policies::task_order},
    {"nominatednode", &model::Policies::nominated_node},
    {"minruntime", &model::Policies::min_runtime},
    {"topology", &model::Policies::topology},
    {"nodeplacement", &model::Policies::node_placement},
    {"nodeavailability", &model::Policies::node_availability},
    {"resourcetype", &model::Policies::resource_type},
    {"podaffinity", &model::Policies::pod_affinity},
    {"gpusharingorder", &model::Policies::sharing_order},
    // Both of these set the order among shared devices.
    {"gpupack", &model::Policies::device_order},
}};

/// An argument's value as text, whichever way it is written.
std::string_view argument_text(const Value& value) {
  if (value.kind() == Value::Kind::kBoolean) return value.boolean() ? "true" : "false";
  return value.text();
}

void take_duration(Fields& fields, const Value& value, base::Duration& out) {
  const auto parsed = base::parse_duration(argument_text(value));
  if (parsed) {
    out = *parsed;
  } else {
    fields.left_out(value, "is not a duration", "write a number with a unit, such as 10m");
  }
}

void take_number(Fields& fields, const Value& value, double least, double& out) {
  const auto parsed = parse_number(argument_text(value));
  if (parsed) {
    out = std::max(least, *parsed);
  } else {
    fields.left_out(value, "is not a number", "write a number");
  }
}

void take_strategy(Fields& fields, const Value& value, model::PlacementStrategy& out) {
  if (const auto strategy = placement_strategy_of(argument_text(value))) {
    out = *strategy;
  } else {
    fields.left_out(value, "is not a placement strategy", "write binpack or spread");
  }
}

}  // namespace

std::optional<model::Action> action_of(std::string_view name) {
  if (name == "allocate") return model::Action::kAllocate;
  if (name == "consolidation" || name == "consolidate") return model::Action::kConsolidate;
  if (name == "reclaim") return model::Action::kReclaim;
  if (name == "preempt") return model::Action::kPreempt;
  if (name == "stalegangeviction" || name == "staleGangEviction") return model::Action::kEvictStale;
  return std::nullopt;
}

model::Policies no_policies() {
  model::Policies policies;
  for (const PolicyName& name : kPolicies) policies.*name.policy = false;
  return policies;
}

bool set_plugin(model::Configuration& configuration, std::string_view plugin, bool enabled) {
  if (plugin == "gpuspread") plugin = "gpupack";
  for (const PolicyName& name : kPolicies) {
    if (name.plugin != plugin) continue;
    configuration.policies.*name.policy = enabled;
    return true;
  }
  // They have no part in what can be switched here: leaders come first, claims are separate, snapshots are a
  // debug aid.
  return plugin == "kubeflow" || plugin == "ray" || plugin == "dynamicresources" || plugin == "snapshot" ||
         plugin == "reflectjoborder";
}

std::optional<model::PlacementStrategy> placement_strategy_of(std::string_view name) {
  if (name == "binpack" || name == "bin-pack") return model::PlacementStrategy::kBinPack;
  if (name == "spread") return model::PlacementStrategy::kSpread;
  if (name == "fragmentation-gradient") return model::PlacementStrategy::kFragmentationGradient;
  return std::nullopt;
}

model::PoolConfiguration& pool_configuration(model::Configuration& configuration, std::string_view pool) {
  auto& pools = configuration.pools;
  const auto found = std::find_if(pools.begin(), pools.end(),
                                  [&](const model::PoolConfiguration& other) { return other.pool == pool; });
  if (found != pools.end()) return *found;
  pools.emplace_back();
  pools.back().pool = pool;
  return pools.back();
}

void decode_plugin_arguments(Fields& fields, std::string_view plugin, const Value& arguments,
                             model::Configuration& configuration, model::Placement& placement) {
  for (const auto& [name, value] : arguments.members()) {
    if (value.is_null()) continue;
    if (plugin == "nodeplacement" && name == "gpu") {
      take_strategy(fields, value, placement.devices);
    } else if (plugin == "nodeplacement" && name == "cpu") {
      take_strategy(fields, value, placement.cpu);
    } else if (plugin == "proportion" && name == "kValue") {
      take_number(fields, value, 0, configuration.usage_weight);
    } else if (plugin == "proportion" &&
               (name == "relcaimerSaturationMultiplier" || name == "reclaimerUtilizationMultiplier")) {
      take_number(fields, value, 1, configuration.saturation_multiplier);
    } else if (plugin == "minruntime" && name == "defaultPreemptMinRuntime") {
      take_duration(fields, value, configuration.preempt_min_runtime);
    } else if (plugin == "minruntime" && name == "defaultReclaimMinRuntime") {
      take_duration(fields, value, configuration.reclaim_min_runtime);
    } else if (plugin == "minruntime" && name == "reclaimResolveMethod") {
      const std::string_view method = argument_text(value);
      configuration.reclaim_min_runtime_scope =
          method == "queue" ? model::MinRuntimeScope::kQueue : model::MinRuntimeScope::kLowestCommonAncestor;
      if (method != "queue" && method != "lca")
        fields.left_out(value, "is not a method", "write lca or queue");
    } else {
      fields.warning(
          value, fmt::format("is an argument that the plugin {} does not have; it is passed over", plugin),
          "remove it, or correct its name");
    }
  }
}

}  // namespace fairlead::manifest
