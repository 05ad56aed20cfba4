#pragma once

#include "ledger/sqlite.h"
#include "ledger/verify.h"

#include <functional>

namespace fairlead::ledger {

/// Works the chain of hashes out again from the rows of every table, and adds what does not agree to the
/// report. `step` is called for each row.
void check_chain(Database& database, const std::function<void()>& step, VerifyReport& report);

/// Adds to what is damaged, up to kMostDamage.
void note_damage(VerifyReport& report, std::string what);

}  // namespace fairlead::ledger
