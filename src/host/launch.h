#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "host/control_group.h"
#include "host/replica_files.h"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::host {

/// A process to start: as which account, where, with what.
struct Launch {
  std::vector<std::string> command;      ///< program, searched in the environment's PATH, and arguments
  NamedValues environment;               ///< complete, but for what every account has (HOME, USER, PATH ...)
  std::string working_directory;         ///< empty: the account's home
  std::optional<std::uint32_t> account;  ///< none: the account of this process
  int input = -1;                        ///< becomes standard input ...
  int output = -1;
  int error = -1;
  std::optional<ControlGroup> group;  ///< that it enters
  bool terminal = false;              ///< these three are a terminal that becomes the controlling one
};

/// A process that was forked and waits, before it runs the command, so that it can be written down
/// first. Dropped without release(): it ends without having run
/// anything.
class HeldProcess {
 public:
  /// Forks. The process has its own session, default signals, and dies when this process does.
  /// The caller must have one thread.
  static base::Result<HeldProcess> fork(const Launch& launch);

  pid_t pid() const { return pid_; }
  /// Lets it run the command. Errors: why the command could not be run, for people; the process ends then
  /// and is still to be waited for.
  base::Result<void> release();

 private:
  HeldProcess(pid_t pid, base::Descriptor gate, base::Descriptor failure)
      : pid_(pid), gate_(std::move(gate)), failure_(std::move(failure)) {}
  pid_t pid_;
  base::Descriptor gate_;
  base::Descriptor failure_;
};

/// The environment that a command finds: what the caller gave, and HOME, USER, LOGNAME, SHELL and PATH of
/// the account where the caller gave none.
NamedValues account_environment(const NamedValues& given, std::optional<std::uint32_t> account);

}  // namespace fairlead::host
