#pragma once

#include "base/result.h"
#include "ledger/sqlite.h"

#include <cstdint>

namespace fairlead::ledger {

/// The schema that this program writes: PRAGMA user_version. docs/ledger.md describes the tables.
inline constexpr std::int64_t kSchemaVersion = 1;

/// Makes the tables of a new database, or brings older ones up to date, each step in a transaction of its
/// own. A newer schema and a file that is not a ledger are left as they are. Errors: kFailedPrecondition for
/// these, and those of Database.
base::Result<void> bring_up_to_date(Database& database);

/// For readers: the same refusals, and that an older schema is to be brought up to date by the platform.
base::Result<void> check_schema(Database& database);

}  // namespace fairlead::ledger
