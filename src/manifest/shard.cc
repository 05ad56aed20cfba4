#include "manifest/shard.h"

#include "manifest/decoding.h"
#include "manifest/own_settings.h"
#include "manifest/plugins.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

void decode_placement(Fields& fields, const Value& spec, model::Placement& placement) {
  const Value* strategy = fields.object(spec, "placementStrategy");
  if (strategy == nullptr) return;
  const auto take = [&](const char* key, model::PlacementStrategy& out) {
    const std::string_view name = fields.text(*strategy, key);
    if (name.empty()) return;
    if (const auto found = placement_strategy_of(name)) {
      out = *found;
    } else {
      fields.left_out(*strategy->find(key), "is not a placement strategy", "write binpack or spread");
    }
  };
  take("gpu", placement.devices);
  take("cpu", placement.cpu);
  placement.pack_shares = placement.devices != model::PlacementStrategy::kSpread;
}

void decode_queue_depth(Fields& fields, const Value& spec, model::Configuration& configuration) {
  const Value* depths = fields.object(spec, "queueDepthPerAction");
  if (depths == nullptr) return;
  configuration.queue_depth.assign(5, 0);
  for (const auto& [name, value] : depths->members()) {
    const auto action = action_of(name);
    if (!action) {
      fields.warning(value, "is for an action that does not exist; it is passed over", "name an action");
      continue;
    }
    configuration.queue_depth[static_cast<std::size_t>(*action)] =
        fields.small_integer(*depths, name, 0).value_or(0);
  }
}

void decode_min_runtime(Fields& fields, const Value& spec, model::Configuration& configuration) {
  const Value* runtimes = fields.object(spec, "minRuntime");
  if (runtimes == nullptr) return;
  if (const auto runtime = fields.duration(*runtimes, "preemptMinRuntime"))
    configuration.preempt_min_runtime = *runtime;
  if (const auto runtime = fields.duration(*runtimes, "reclaimMinRuntime"))
    configuration.reclaim_min_runtime = *runtime;
}

void decode_usage(Fields& fields, const Value& spec, model::Configuration& configuration) {
  const Value* database = fields.object(spec, "usageDBConfig");
  if (database == nullptr) return;
  const Value* parameters = fields.object(*database, "usageParams");
  if (parameters != nullptr) {
    const auto half_life = fields.duration(*parameters, "halfLifePeriod");
    if (half_life && *half_life > base::Duration()) configuration.usage_half_life = *half_life;
    const std::string_view window = fields.text(*parameters, "windowType");
    if (!window.empty() && window != "sliding") {
      fields.warning(*parameters->find("windowType"),
                     "is a kind of window that is not supported yet; usage decays instead",
                     "use a sliding window with a half-life");
    }
  }
  fields.warning(*database,
                 "names a database of past usage, which is not read; usage samples are events here",
                 "leave it out where usage does not count");
}

/// The scheduler's flags that steer decisions; the others say how KAI runs.
void decode_flags(Fields& fields, const Value& spec, model::Configuration& configuration) {
  const Value* flags = fields.object(spec, "args");
  if (flags == nullptr) return;
  for (const auto& [name, value] : flags->members()) {
    const std::string_view text =
        value.kind() == Value::Kind::kBoolean ? (value.boolean() ? "true" : "false") : value.text();
    const auto bad = [&](const char* remedy) {
      fields.left_out(value, "is not a value of this flag", remedy);
    };
    if (name == "default-staleness-grace-period") {
      const auto grace = base::parse_duration(text);
      if (grace) {
        configuration.staleness_grace = *grace;
      } else {
        bad("write a duration such as 60s");
      }
    } else if (name == "max-consolidation-preemptees") {
      const auto count = parse_integer(text);
      if (count && *count >= -1 && *count <= std::numeric_limits<std::int32_t>::max()) {
        configuration.max_consolidation_victims = static_cast<std::int32_t>(*count);
      } else {
        bad("write a whole number from -1");
      }
    } else if (name == "full-hierarchy-fairness" || name == "allow-consolidating-reclaim") {
      if (text != "true" && text != "false") {
        bad("write true or false");
      } else if (name == "full-hierarchy-fairness") {
        configuration.full_hierarchy_fairness = text == "true";
      } else {
        configuration.consolidating_reclaim = text == "true";
      }
    } else {
      fields.warning(
          value,
          fmt::format("is a flag of another scheduler ({}) without a counterpart here", shortened(name)),
          "none is needed");
    }
  }
}

void decode_plugins(Fields& fields, const Value& spec, model::Configuration& configuration,
                    model::Placement& placement) {
  const Value* plugins = fields.object(spec, "plugins");
  if (plugins == nullptr) return;
  for (const auto& [name, value] : plugins->members()) {
    if (!value.is_object()) continue;
    if (!set_plugin(configuration, name, fields.boolean(value, "enabled", true))) {
      fields.warning(value, "is a plugin that does not exist here", "remove it, or correct its name");
      continue;
    }
    if (const Value* arguments = fields.object(value, "arguments")) {
      decode_plugin_arguments(fields, name, *arguments, configuration, placement);
    }
  }
}

void decode_actions(Fields& fields, const Value& spec, const model::Placement& placement,
                    model::Configuration& configuration) {
  auto& actions = configuration.actions;
  const auto remove = [&](model::Action action) { std::erase(actions, action); };
  // Moving work together would undo spreading.
  const bool spreads = placement.devices == model::PlacementStrategy::kSpread ||
                       placement.cpu == model::PlacementStrategy::kSpread;
  if (spreads) remove(model::Action::kConsolidate);
  const Value* written = fields.object(spec, "actions");
  if (written == nullptr) return;
  for (const auto& [name, value] : written->members()) {
    const auto action = action_of(name);
    if (!action) {
      fields.warning(value, "is an action that does not exist", "remove it, or correct its name");
      continue;
    }
    if (!value.is_object() || value.find("enabled") == nullptr) continue;
    remove(*action);
    if (fields.boolean(value, "enabled", true)) actions.push_back(*action);
  }
  std::sort(actions.begin(), actions.end());
}

}  // namespace

void decode_shard(Fields& fields, std::optional<model::Configuration>& configuration) {
  decode_identity(fields, false);
  const Value* spec = fields.object(fields.root(), "spec");
  if (fields.failed() || spec == nullptr) return;
  const std::string pool = fields.string(*spec, "partitionLabelValue");
  if (!configuration) configuration.emplace();
  model::Configuration shard = *configuration;
  model::Placement& placement = pool_configuration(shard, pool).placement;
  decode_placement(fields, *spec, placement);
  decode_plugins(fields, *spec, shard, placement);
  const Value* metadata = fields.object(fields.root(), "metadata");
  const Value* annotations = metadata ? fields.object(*metadata, "annotations") : nullptr;
  if (annotations != nullptr) decode_shard_settings(fields, *annotations, pool, shard);
  const bool is_default = pool.empty();
  if (is_default) {
    decode_actions(fields, *spec, placement, shard);
    decode_queue_depth(fields, *spec, shard);
    decode_min_runtime(fields, *spec, shard);
    decode_usage(fields, *spec, shard);
    decode_flags(fields, *spec, shard);
    if (const auto weight = fields.number(*spec, "kValue")) shard.usage_weight = std::max(0.0, *weight);
  } else {
    // One engine serves all pools; beyond placement the default shard's settings hold for each.
    const auto warn_of = [&](const Value& parent, std::string_view key) {
      if (const Value* value = parent.find(key); value != nullptr && !value->is_null()) {
        fields.warning(*value, "is set per shard; here the default shard's setting holds for all pools",
                       "set it in the shard without partitionLabelValue");
      }
    };
    for (const char* key :
         {"args", "actions", "minRuntime", "kValue", "usageDBConfig", "queueDepthPerAction"})
      warn_of(*spec, key);
    if (annotations != nullptr)
      for (std::string_view key : {kVictimOrderAnnotation, kRestartCostAnnotation})
        warn_of(*annotations, key);
  }
  if (fields.failed()) return;
  if (is_default) {
    configuration = std::move(shard);
  } else {
    pool_configuration(*configuration, pool) = pool_configuration(shard, pool);
  }
}

}  // namespace fairlead::manifest
