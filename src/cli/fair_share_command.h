#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace fairlead::cli {

/// Answers one line of `fairlead plan --fair-share`: a JSON object with sibling queues and the total to
/// divide, of one resource (`resource`) or of all three.
///
///   {"total": {"GPU": 8}, "resource": "GPU", "k": 1, "queues": [{"ID": "a", "Priority": 100, "CreationRank":
///   0,
///    "GPU": {"Deserved": 2, "OverQuotaWeight": 1, "MaxAllowed": -1, "Request": 6, "Usage": 0.5}}]}
///
/// -1 as Deserved or MaxAllowed is no bound; what is absent is 0, and no bound for MaxAllowed. The answer is
/// {"fair_share": {"a": {"gpu": 6, "cpu": 0, "memory": 0}}, "remaining": 2} without a newline; `remaining` is
/// that of the resource named, else of devices. The shares come from engine::divide_fairly. Errors:
/// kInvalidArgument for a text that is not such an object, naming the field.
base::Result<std::string> answer_fair_share(std::string_view line);

}  // namespace fairlead::cli
