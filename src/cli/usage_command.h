#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/environment.h"
#include "ledger/ledger.h"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// The command line of `fairlead usage`.
struct UsageOptions {
  enum class Output { kTable, kCsv, kJson };
  std::string state;  ///< a state folder or the database itself; empty: the account's own
  ledger::LedgerReader::UsageBy by = ledger::LedgerReader::UsageBy::kProject;
  std::string since = "30d";  ///< an instant, or how long ago
  std::string until;          ///< likewise; empty: now
  Output output = Output::kTable;
};

/// "2026-01-31T09:00:00Z", or "7d" for so long before `now`. Errors: kInvalidArgument for other texts.
base::Result<base::Time> instant_or_ago(std::string_view text, base::Time now);

/// Usage as the outputs of the command. Figures that nothing measured are empty in CSV and null in JSON.
std::string usage_csv(const std::vector<ledger::LedgerReader::UsageRow>& rows);
std::string usage_json(const std::vector<ledger::LedgerReader::UsageRow>& rows);

/// Runs `fairlead usage`. Returns an ExitCode.
int run_usage(const UsageOptions& options, const Environment& environment);

}  // namespace fairlead::cli
