#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ledger/chain.h"
#include "ledger/ledger.h"
#include "ledger/sqlite.h"

#include <optional>

namespace fairlead::ledger {

/// What is to be left at `now`: closed segments that ended and history and usage that are older than the
/// options keep go; then, while the database holds more bytes than they keep, the oldest closed segment, and
/// when only the open one is left, the older half of history and usage. Nothing to delete: none.
base::Result<std::optional<Retained>> plan_retention(Database& database, const LedgerOptions& options,
                                                     base::Time now);

/// Deletes the rows before; within the transaction that records it.
base::Result<void> delete_before(Database& database, const Retained& retained);

/// What the newest transaction of retention left; by default everything.
base::Result<Retained> find_retained(Database& database);

}  // namespace fairlead::ledger
