#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::host {

/// What one replica is to run, as its supervisor is told it. Secrets come apart, in an
/// anonymous file in memory, and are never written.
struct ReplicaSpec {
  std::string uid;     ///< the pod's
  std::string folder;  ///< of this try: spec, state, socket and logs; made by the platform, 0700
  std::vector<std::string> command;                              ///< program (searched in PATH) and arguments
  std::vector<std::pair<std::string, std::string>> environment;  ///< complete; nothing is inherited
  std::string working_directory;
  std::optional<std::uint32_t> account;          ///< uid to run as; none: the platform's own
  std::int64_t cpu_milli = 0;                    ///< limit; 0: none
  std::int64_t memory_bytes = 0;                 ///< limit; 0: none
  std::vector<std::string> device_nodes;         ///< "/dev/nvidia0": what it may open besides the usual ones
  std::vector<std::string> denied_device_nodes;  ///< accelerators of the machine that it was not given
  std::int64_t log_bytes = 64LL << 20;           ///< kept in all, over rotated files
};

/// How far a try got. Written by its supervisor, whole or not at all (rename), and read after a restart.
struct ReplicaState {
  std::string uid;
  std::string boot_id;  ///< of the boot in which it ran
  std::int64_t supervisor_pid = 0;
  std::int64_t pid = 0;          ///< of the workload's first process; 0: not started
  std::int64_t start_ticks = 0;  ///< field 22 of its /proc/PID/stat: with the pid its identity
  std::string cgroup;            ///< empty: none
  base::Time started;
  std::optional<base::Time> ended;
  std::optional<std::int32_t> exit_code;
  std::optional<std::int32_t> exit_signal;
  bool memory_limit_hit = false;
  std::string error;  ///< why it could not be started
};

/// What can be enforced on this machine for this process, found by trying it once.
struct Guarantees {
  enum class Containment : std::uint8_t { kCgroup2, kCgroup1, kSession };
  Containment containment = Containment::kSession;
  bool cpu_limit = false;
  bool memory_limit = false;    ///< by the kernel for the tree; otherwise per process (RLIMIT_AS is not set)
  bool device_access = false;   ///< device nodes that were not given cannot be opened
  bool other_accounts = false;  ///< may run work as another account (root)
  std::vector<std::string> not_enforced;  ///< for people
};

/// Starts, finds again and stops supervisors (`fairlead supervise FOLDER`): one process per try, apart from
/// the platform, so that a `kill -9` of the platform leaves work running. Starting the same try twice is
/// harmless: the second supervisor finds the folder locked or its state written, and ends.
/// Thread: one; callbacks run on it, from poll().
class Supervisors {
 public:
  struct Callbacks {
    std::function<void(const ReplicaState&)> on_started;
    std::function<void(const ReplicaState&)> on_ended;  ///< once per try: exited, or could not be started
  };
  /// `program`: path of this binary. `root`: of cgroups and folders, from the platform's state folder.
  static base::Result<std::unique_ptr<Supervisors>> make(std::string program, std::string root,
                                                         Callbacks callbacks);
  virtual ~Supervisors() = default;

  virtual const Guarantees& guarantees() const = 0;
  /// Starts a try, or adopts it when it runs already or has run. The outcome comes by callback.
  virtual base::Result<void> start(const ReplicaSpec& spec,
                                   const std::vector<std::pair<std::string, std::string>>& secrets) = 0;
  /// Sends a signal to the first process of a try.
  virtual base::Result<void> signal(const std::string& uid, int signal_number) = 0;
  /// Sends `signal_number` now and kills the whole tree `grace` later, if it has not ended before.
  virtual base::Result<void> stop(const std::string& uid, int signal_number, base::Duration grace) = 0;
  /// What a try's processes use now; none when it does not run.
  struct Use {
    std::int64_t cpu_nanoseconds = 0;  ///< since the start
    std::int64_t memory_bytes = 0;
    std::vector<std::int64_t> pids;
  };
  virtual std::optional<Use> use(const std::string& uid) = 0;
  /// Removes what a try left behind, apart from its logs: cgroup, socket.
  virtual void forget(const std::string& uid) = 0;
  /// Ends what runs for tries that are not among these, and removes their folders: remains of a kill between
  /// the record's end and the folder's, and work that a ledger restored from a backup does not know. To be
  /// called before the first start().
  virtual void end_strangers(const std::set<std::string>& known) = 0;

  /// To be watched for reading in an event loop; when readable, poll() has work.
  virtual int descriptor() const = 0;
  virtual void poll() = 0;
};

/// `fairlead supervise FOLDER`: runs the try that FOLDER/spec.json describes and ends after it. Returns the
/// exit code of the command.
int run_supervisor(const std::string& folder);

}  // namespace fairlead::host
