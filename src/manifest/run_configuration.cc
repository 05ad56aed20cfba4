#include "base/json_reader.h"
#include "manifest/own_settings.h"
#include "manifest/plugins.h"

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

void add_action(std::vector<model::Action>& actions, std::string_view name, Fields& fields, const Value& at) {
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
  if (name.empty()) return;
  if (const auto action = action_of(name)) {
    actions.push_back(*action);
  } else {
    fields.left_out(at, "is not an action",
                    "write allocate, consolidation, reclaim, preempt or stalegangeviction");
  }
}

/// Only the named actions run, in the engine's own order.
void set_actions(std::vector<model::Action> named, model::Configuration& configuration) {
  std::sort(named.begin(), named.end());
  named.erase(std::unique(named.begin(), named.end()), named.end());
  configuration.actions = std::move(named);
}

void decode_plugin(Fields& fields, const Value& plugin, model::Configuration& configuration) {
  const std::string_view name = fields.text(plugin, "name");
  if (!set_plugin(configuration, name, true)) {
    fields.warning(plugin, "is a plugin that does not exist here", "remove it, or correct its name");
    return;
  }
  model::Placement& placement = pool_configuration(configuration, "").placement;
  if (name == "gpupack") placement.pack_shares = true;
  if (name == "gpuspread") placement.pack_shares = false;
  if (const Value* arguments = fields.object(plugin, "arguments")) {
    decode_plugin_arguments(fields, name, *arguments, configuration, placement);
  }
}

/// A KAI scheduler configuration: actions in one text, plugins in tiers. A plugin that no tier names is off.
void decode_scheduler_configuration(Fields& fields, const Value& value, bool actions_known,
                                    model::Configuration& configuration) {
  const std::string_view actions = fields.text(value, "actions");
  if (!actions_known && !actions.empty()) {
    std::vector<model::Action> named;
    std::string_view rest = actions;
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      add_action(named, rest.substr(0, comma), fields, *value.find("actions"));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    set_actions(std::move(named), configuration);
  }
  if (fields.array(value, "tiers") == nullptr) return;
  configuration.policies = no_policies();
  fields.each_object(value, "tiers", [&](const Value& tier) {
    fields.each_object(tier, "plugins",
                       [&](const Value& plugin) { decode_plugin(fields, plugin, configuration); });
  });
}

void decode_run(Fields& fields, model::Configuration& configuration) {
  const Value& root = fields.root();
  const Value* actions = fields.array(root, "actions");
  if (actions != nullptr) {
    std::vector<model::Action> named;
    for (const Value& name : actions->items()) add_action(named, name.text(), fields, name);
    set_actions(std::move(named), configuration);
  }
  // The configuration itself stands either under its name or alone.
  const Value* scheduler = fields.object(root, "scheduler_conf");
  if (scheduler == nullptr && root.find("tiers") != nullptr) scheduler = &root;
  if (scheduler != nullptr)
    decode_scheduler_configuration(fields, *scheduler, actions != nullptr, configuration);
  if (!fields.boolean(root, "predicates_plugin", true)) configuration.policies.filters = false;
  if (const Value* gates = fields.array(root, "feature_gates")) {
    // Who names the gates of KAI's scheduler wants its claims: off without theirs, and served as by the
    // library of Kubernetes 1.34 that it has.
    configuration.claims.enabled = false;
    for (const Value& gate : gates->items())
      configuration.claims.enabled |= gate.text() == "DynamicResourceAllocation";
    configuration.claims.incomplete_pools = true;
  }
  constexpr std::int64_t kLongest = 3'153'600'000'000'000'000;  // a hundred years, as for durations
  if (const auto grace = fields.integer(root, "staleness_grace_period_ns", -kLongest, kLongest)) {
    configuration.staleness_grace = base::Duration::nanoseconds(*grace);
  }
  decode_run_settings(fields, root, configuration);
}

}  // namespace

model::Configuration read_run_configuration(std::string_view run_json, std::vector<Diagnostic>& diagnostics) {
  model::Configuration configuration;
  DiagnosticLog log;
  base::JsonReader reader;
  const auto value = reader.read(run_json);
  if (!value) {
    Diagnostic diagnostic;
    diagnostic.field = "run";
    diagnostic.message = value.error().message();
    diagnostic.remedy = "write a JSON object";
    log.add(std::move(diagnostic));
  } else {
    Fields fields(**value, Place{}, "run", log);
    if ((*value)->is_object()) {
      decode_run(fields, configuration);
    } else {
      fields.error(**value, "is not an object", "write a JSON object");
    }
  }
  for (Diagnostic& diagnostic : log.take()) diagnostics.push_back(std::move(diagnostic));
  return configuration;
}

}  // namespace fairlead::manifest
