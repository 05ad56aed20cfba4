#pragma once

#include "model/decision.h"
#include "scenario.h"

#include <map>
#include <string>
#include <vector>

namespace fairlead::scenarios {

/// "n1", or "n1/g1+g2" with shared devices.
std::string place_text(const std::string& node, const std::vector<std::string>& device_groups);
/// "over-limit at team", "nodes-do-not-fit".
std::string reason_text(const model::Reason& reason);
/// Everything that decides, on one line; for comparing runs with each other.
std::string decision_text(const model::Decision& decision);
/// A round's decisions in the form of the tables; verdicts apart.
Expected in_table_form(const std::vector<model::Decision>& decisions);
/// What differs from a table, a line each; empty: nothing.
std::string difference(const Expected& expected, const Expected& actual);
/// The same for verdicts, against those that stand after the round.
std::string waits_difference(const Expected& expected, const std::map<std::string, model::Verdict>& verdicts);

}  // namespace fairlead::scenarios
