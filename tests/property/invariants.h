#pragma once

#include "model/scheduler.h"
#include "truth.h"

#include <string>
#include <vector>

namespace fairlead::property {

/// Puts the decisions of a round into the truth, as assumptions, and says what is wrong with the round: with
/// a decision by itself (a pod bound twice, a victim that is not there), or with all of them together. What
/// must hold is written in docs/architecture.md, "A round"; this looks only at the decisions and the truth,
/// never at the scheduler.
///
/// @param truth  before the round; afterwards with its binds and evictions in flight and its nominations
/// standing
/// @return one sentence per violation; empty when all is well
std::vector<std::string> check_round(Truth& truth, const model::Round& round);

/// A decision in one line, for comparing and for people. Verdicts are left out: the answer is then empty.
std::string describe(const model::Decision& decision);

}  // namespace fairlead::property
