#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fairlead::ledger {

/// Copies a ledger as it is at one instant, also while the platform writes, into a file that is not there
/// yet. The copy verifies as the ledger does. Errors: kAlreadyExists, kNotFound, and those of Database.
base::Result<void> back_up(const std::string& from, const std::string& to);

struct SalvageReport {
  std::int64_t documents = 0;
  std::int64_t history = 0;
  std::int64_t usage = 0;
  std::vector<std::string> lost;  ///< documents that are not as they were written, and tables that broke off
};

/// Makes a new ledger of what a damaged one still has: the documents whose own hash is right, and the history
/// and usage that can be read. Rounds are left behind, and the chain begins anew. `from` is only read.
/// Errors: kAlreadyExists, kNotFound, and those of Ledger and Database, where nothing of it can be read.
base::Result<SalvageReport> salvage(const std::string& from, const std::string& to);

}  // namespace fairlead::ledger
