#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "host/replica_files.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::host {

/// What to run beside a running workload.
struct AttachRequest {
  std::vector<std::string> command;
  NamedValues environment;  ///< besides the workload's own, such as TERM
  bool terminal = false;    ///< a terminal for all three streams; otherwise three pipes
  int rows = 24;
  int columns = 80;
};

/// How a process ended.
struct ProcessExit {
  std::optional<int> code;
  std::optional<int> signal;
};

/// A further command in a running try: same account, environment, working directory, limits and devices as
/// the workload. It is the supervisor's child; its streams are here. Dropped while it runs: it gets a hang-up
/// signal, as when a terminal is closed. It ends with the workload at the latest.
/// Thread: one at a time, any.
class AttachedCommand {
 public:
  /// `folder`: of the try. Takes milliseconds, at most some seconds. Errors: kNotFound (it does not run),
  /// kFailedPrecondition (why the command could not be run), kUnavailable.
  static base::Result<AttachedCommand> start(const std::string& folder, const AttachRequest& request);

  /// To write to; the terminal, when there is one. Does not block. Invalid after close_input().
  int input() const { return terminal_.valid() ? terminal_.get() : input_.get(); }
  /// To read from. Does not block. At its end a pipe reads as 0 bytes and a terminal as EIO.
  int output() const { return terminal_.valid() ? terminal_.get() : output_.get(); }
  /// -1 with a terminal.
  int error() const { return error_.get(); }
  /// The command reads the end of its input. With a terminal one writes the character for it instead.
  void close_input() { input_.reset(); }
  base::Result<void> resize(int rows, int columns) const;

  /// Readable when exit() has news.
  int descriptor() const { return socket_.get(); }
  /// None while it runs. Output may still be there to read.
  std::optional<ProcessExit> exit();

 private:
  base::Descriptor socket_;
  base::Descriptor terminal_;
  base::Descriptor input_;
  base::Descriptor output_;
  base::Descriptor error_;
  std::optional<ProcessExit> exit_;
};

}  // namespace fairlead::host
