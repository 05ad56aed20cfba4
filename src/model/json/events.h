#pragma once

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "model/configuration.h"
#include "model/event.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model::json {

/// Events as JSON: [{"time": nanoseconds, "pod_started": {"uid": "..."}}, ...]. Exact in
/// both directions (codec.h says how); members that have their default are left out.
void write_events(base::JsonWriter& out, std::span<const model::Event> events);
std::string events_to_json(std::span<const model::Event> events);

/// Reads what write_events wrote. Errors: kInvalidArgument, naming the place, for anything else.
base::Result<std::vector<model::Event>> read_events(const base::JsonValue& json);
base::Result<std::vector<model::Event>> events_from_json(std::string_view text);

void write_configuration(base::JsonWriter& out, const model::Configuration& configuration);
base::Result<model::Configuration> read_configuration(const base::JsonValue& json);

/// Equal in every bit.
bool same_event(const model::Event& a, const model::Event& b);

}  // namespace fairlead::model::json
