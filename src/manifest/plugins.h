#pragma once

#include "manifest/fields.h"
#include "model/configuration.h"

#include <optional>
#include <string_view>

namespace fairlead::manifest {

/// KAI's name of an action, in any of the spellings that its objects use.
std::optional<model::Action> action_of(std::string_view name);

/// All parts of the policy off: what a list of plugins that names none of them means.
model::Policies no_policies();

/// Switches a plugin on or off. Returns false for a plugin that KAI does not have.
bool set_plugin(model::Configuration& configuration, std::string_view name, bool enabled);

/// Reads the arguments of one plugin: each is a text, as KAI writes them, or a number. Unknown ones are
/// warnings. `placement` is that of the pool concerned.
void decode_plugin_arguments(Fields& fields, std::string_view plugin, const Fields::Value& arguments,
                             model::Configuration& configuration, model::Placement& placement);

std::optional<model::PlacementStrategy> placement_strategy_of(std::string_view name);

/// What is set for a pool, made when it is not there yet.
model::PoolConfiguration& pool_configuration(model::Configuration& configuration, std::string_view pool);

}  // namespace fairlead::manifest
