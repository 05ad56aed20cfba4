#pragma once

#include "base/json_value.h"
#include "ledger/verify.h"

#include <string>
#include <string_view>

namespace fairlead::ledger {

/// "equal", "different", "skipped", "unreadable".
std::string_view outcome_name(SegmentReport::Outcome outcome);

/// A report as the API and `fairlead ledger verify -o json` show it.
std::string to_json(const VerifyReport& report, int indent = 0);
/// Of an answer of the API. What is missing reads as absent; an outcome that is not known as unreadable.
VerifyReport verify_report_from(const base::JsonValue& object);

}  // namespace fairlead::ledger
