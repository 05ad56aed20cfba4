#pragma once

#include "base/json_writer.h"
#include "cli/reason_text.h"
#include "model/decision.h"

namespace fairlead::cli {

/// A reason as programs read it: its stable name, the sentence, and the numbers that it has.
void write_reason(base::JsonWriter& json, const model::Reason& reason, const ReasonContext& context);

}  // namespace fairlead::cli
