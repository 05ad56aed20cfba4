#pragma once

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "ledger/ledger.h"
#include "model/decision.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::ledger {

/// Decisions as the ledger keeps them: [{"number": 7, "bind": {"pod": "...", "node": "..."}}, ...]. Exact in
/// both directions, as events are. Thousands that wait alike are told the same at once: after a verdict,
/// {"alike": ["group", ...]} stands for the verdicts of these groups with the next numbers.
void write_decisions(base::JsonWriter& out, std::span<const model::Decision> decisions);
base::Result<std::vector<model::Decision>> read_decisions(const base::JsonValue& json);
/// One decision on one line, as verify prints it.
std::string decision_to_json(const model::Decision& decision);

/// The body of a round's row: {"events": [...], "request": {...}, "decisions": [...]}. Number and time have
/// columns of their own.
std::string round_to_json(const RoundRecord& round);
/// Fills events, request and decisions. Errors: kInvalidArgument, naming the place.
base::Result<RoundRecord> round_from_json(std::string_view text);

/// Equal in every bit.
bool same_decision(const model::Decision& a, const model::Decision& b);

}  // namespace fairlead::ledger
