#pragma once

#include "base/result.h"
#include "base/time.h"
#include "engine/place/placement_scorer.h"
#include "model/scheduler.h"
#include "net/http_client.h"

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::cli {

using SchedulerFactory = std::function<std::unique_ptr<model::Scheduler>()>;
/// Makes a scheduler that knows these placement strategies besides its own.
using SchedulerFactoryWithScorers =
    std::function<std::unique_ptr<model::Scheduler>(std::vector<engine::NamedScorerFactory>)>;

/// What a command has around it. The program fills it from the process; tests fill it by hand, so that a
/// command's whole behaviour (what it prints, how it ends) is a function of its arguments and this.
struct Environment {
  std::ostream& out;  ///< what was asked for
  std::ostream& err;  ///< warnings, progress and errors
  std::function<base::Result<std::string>()> read_standard_input;
  std::function<base::Time()> now;
  SchedulerFactory make_scheduler;
  SchedulerFactoryWithScorers make_scheduler_with_scorers = {};
  bool out_is_terminal = false;  ///< colours and wrapping
  bool err_is_terminal = false;  ///< progress
  bool no_colour = false;        ///< NO_COLOR is set
  int columns = 0;               ///< width of the terminal; 0: unknown, nothing is wrapped
  /// Where objects on standard input can be read piece by piece ("/dev/stdin"); empty: read_standard_input
  /// serves.
  std::string standard_input_path = {};
  /// Where a platform of this account keeps its state; empty: not known.
  std::string state_folder = {};

  /// A variable of the process's environment. Absent: there are none.
  std::function<std::optional<std::string>(const std::string& name)> variable = {};
  std::function<std::unique_ptr<net::HttpClient>()> make_http_client = {};
  std::function<base::Result<std::unique_ptr<net::ClientWebSocket>>(
      const net::ClientRequest& request, net::ClientWebSocket::Callbacks callbacks)>
      connect_web_socket = {};
  int input_descriptor = 0;  ///< of standard input, for what reads it as it comes
  /// A line without echo on the terminal. Absent: standard input serves.
  std::function<base::Result<std::string>()> read_password = {};
  /// Whether to go on with what lasts until it is interrupted; false after Ctrl-C. Absent: always.
  std::function<bool()> keep_going = {};
};

/// How a command ends, the same for every command (docs/plan.md).
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed =
      1,  ///< the input cannot be used: a file that is not there, text that is no object, an unknown group
  kExitUsage = 2,        ///< the command line is wrong
  kExitPartial = 3,      ///< --strict: parts of the input were left out; the rest was planned and printed
  kExitNotAllowed = 4,   ///< not signed in, or the server does not allow it
  kExitNotFound = 5,     ///< the server has no such thing
  kExitConflict = 6,     ///< it is there already, or was changed meanwhile
  kExitUnavailable = 7,  ///< no server answers, or it cannot do it now
  kExitInternal = 70,    ///< a defect of this program
};

}  // namespace fairlead::cli
