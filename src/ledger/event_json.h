#pragma once

#include "model/json/events.h"

namespace fairlead::ledger {

// Events are kept as JSON, exactly; the values of the model themselves say how.
using model::json::events_from_json;
using model::json::events_to_json;
using model::json::read_events;
using model::json::same_event;
using model::json::write_events;

}  // namespace fairlead::ledger
