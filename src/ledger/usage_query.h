#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ledger/ledger.h"
#include "ledger/sqlite.h"

#include <vector>

namespace fairlead::ledger {

/// Adds up the samples that overlap [since, until), each by the part of it that lies within, by name and
/// device model in ascending order. Cost: the samples that end after `since`.
base::Result<std::vector<LedgerReader::UsageRow>> query_usage(Database& database, LedgerReader::UsageBy by,
                                                              base::Time since, base::Time until);

}  // namespace fairlead::ledger
