#pragma once

#include "cli/api_client.h"
#include "cli/environment.h"

#include <string>

namespace fairlead::cli {

struct LedgerVerifyOptions {
  enum class Output { kText, kJson };
  /// A state folder or the database itself; empty: that of the server that commands talk to, which is asked
  /// when it is not this account's on this machine.
  std::string state;
  ClientOptions client = {};
  Output output = Output::kText;
};
/// Runs `fairlead ledger verify`. Returns an ExitCode: kExitFailed when something is damaged or was decided
/// otherwise.
int run_ledger_verify(const LedgerVerifyOptions& options, const Environment& environment);

struct LedgerExportOptions {
  std::string state;  ///< as above
  std::string at;     ///< an instant, or how long ago; empty: now
};
/// Runs `fairlead ledger export`: prints the document on which `fairlead plan --cycle` decides what was
/// decided then. Returns an ExitCode.
int run_ledger_export(const LedgerExportOptions& options, const Environment& environment);

struct LedgerCopyOptions {
  std::string state;  ///< as above
  std::string to;     ///< a file that is not there yet
};
/// Run `fairlead ledger backup` and `fairlead ledger salvage`. Return an ExitCode.
int run_ledger_backup(const LedgerCopyOptions& options, const Environment& environment);
int run_ledger_salvage(const LedgerCopyOptions& options, const Environment& environment);

/// The database of a state folder; a path to the database stays as it is. Errors: kInvalidArgument when
/// neither is given nor known.
base::Result<std::string> ledger_path(const std::string& state, const Environment& environment);

}  // namespace fairlead::cli
