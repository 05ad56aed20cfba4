#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/decision.h"
#include "model/queue.h"
#include "model/workload.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::world {

enum class WorkloadState : std::uint8_t {
  kPending,   ///< waits for devices, or for the workloads it comes after
  kStarting,  ///< placed; not all of its minimum runs yet
  kRunning,
  kStopping,  ///< asked to end: preempted, suspended, deleted or over a limit
  kBackOff,   ///< failed, and waits before it is tried again
  kSuspended,
  kSucceeded,
  kFailed,
};

/// One try of one replica: a process tree, once it is placed.
struct ReplicaView {
  std::string uid;  ///< the pod's, as the engine knows it
  std::string role;
  std::int32_t index = 0;
  std::int32_t attempt = 0;
  std::string state;  ///< "Pending", "Binding", "Running", "Releasing", "Succeeded", "Failed"
  std::string node;
  std::vector<std::string> devices;     ///< identities
  std::int64_t device_thousandths = 0;  ///< held in all
  std::optional<base::Time> started;
  std::optional<base::Time> ended;
  std::optional<std::int32_t> exit_code;
  std::optional<std::int32_t> exit_signal;
  std::string message;   ///< why it is not running, for people
  std::int64_t pid = 0;  ///< 0: none
};

/// A workload and what became of it. Immutable once published.
struct WorkloadView {
  std::string uid;
  model::Workload spec;
  std::uint64_t version = 0;  ///< changes with it; its ETag
  std::string submitted_by;
  base::Time submitted;
  std::optional<base::Time> first_started;
  std::optional<base::Time> ended;
  WorkloadState state = WorkloadState::kPending;
  model::Verdict verdict;  ///< why it waits; the binding reason first
  std::string reason;      ///< one sentence for people; empty: nothing to say
  std::int32_t failures = 0;
  std::int32_t preemptions = 0;
  std::optional<base::Time> last_checkpoint;
  std::vector<ReplicaView> replicas;  ///< present tries first, then the last ended one of each replica
  std::string address;                ///< of a service: "/serve/PROJECT/NAME/"
};

/// A queue (department or project) with what it has now, in thousandths of a device, millicores and bytes.
struct QueueView {
  model::Queue queue;
  std::uint64_t version = 0;
  bool leaf = true;
  struct Amounts {
    std::string dimension;
    std::int64_t allocated = 0;
    std::int64_t requested = 0;
    std::int64_t non_preemptible = 0;
    double fair_share = 0;
  };
  std::vector<Amounts> amounts;
};

struct DeviceView {
  std::string identity;
  std::string node;
  std::uint32_t slot = 0;
  std::string vendor;
  std::string model;
  std::int64_t memory_mib = 0;
  bool healthy = true;
  bool simulated = false;
  std::string message;  ///< why it is not healthy
  std::int64_t allocated_thousandths = 0;
  std::vector<std::string> workloads;  ///< keys of those on it
  std::optional<double> utilisation;   ///< [0, 1]; none: not measured
  std::optional<std::int64_t> memory_used_mib;
  std::optional<double> power_watts;
  std::optional<double> temperature_celsius;
};

struct NodeView {
  std::string name;
  bool ready = true;
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t cpu_allocated_milli = 0;
  std::int64_t memory_allocated_bytes = 0;
  std::string isolation;                  ///< "cgroup v2", "cgroup v1", "session"
  std::vector<std::string> not_enforced;  ///< "memory limit", "device access" ...
  std::vector<std::uint32_t> devices;     ///< indices into View::devices
};

/// Everything that can be seen, at one instant. Published after each round and never changed afterwards;
/// readers keep it as long as they like.
struct View {
  std::uint64_t version = 0;  ///< ascending
  base::Time time;
  std::vector<std::shared_ptr<const WorkloadView>> workloads;  ///< by project, then name
  std::vector<std::shared_ptr<const QueueView>> queues;        ///< parents before children, siblings by name
  std::vector<NodeView> nodes;
  std::vector<DeviceView> devices;

  /// Binary search. Null when there is none.
  const WorkloadView* find(std::string_view project, std::string_view name) const;
  const QueueView* find_queue(std::string_view name) const;  ///< linear
};

/// Who asks, as the caller has proved it.
struct Actor {
  std::string user;
  std::optional<std::uint32_t> account;  ///< Unix uid that its work runs as; none: the server's own
};

struct Submission {
  model::Workload workload;
  Actor actor;
  std::string idempotency_key;  ///< the same key and workload again gives the first answer; empty: none
};

/// What would come of a change, or why it cannot.
struct Forecast {
  bool starts = false;
  std::string node;                   ///< of the first replica
  std::vector<std::string> evicted;   ///< workload keys, and why, for people
  std::vector<std::string> shrunk;    ///< the same of those that go on with fewer replicas
  std::vector<std::string> started;   ///< other workloads that would start
  std::string reason;                 ///< why it would wait
  std::vector<std::string> remedies;  ///< changes that would start it, each verified
};

struct WorkloadChange {
  enum class Kind : std::uint8_t { kSuspend, kResume, kScale, kDelete, kReplace };
  Kind kind = Kind::kDelete;
  std::int32_t replicas = 0;                ///< kScale
  std::optional<model::Workload> workload;  ///< kReplace: the new version
  std::optional<std::uint64_t> if_version;  ///< refused (kFailedPrecondition) when it changed since
};

/// One piece of a log file.
struct LogPiece {
  std::string bytes;
  std::uint64_t next = 0;  ///< offset to go on from
  bool ended = false;      ///< nothing will follow
};

/// A running process's terminal or pipes. Methods may be called from any thread; dropping it hangs up.
class Terminal {
 public:
  virtual ~Terminal() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual void resize(std::uint16_t columns, std::uint16_t rows) = 0;
};
struct TerminalEvents {
  std::function<void(std::string_view bytes)> on_output;
  std::function<void(std::int32_t exit_code)> on_exit;
};

/// A TCP connection to a port of a replica. Methods may be called from any thread, also by its events;
/// dropping it closes the connection.
class PortConnection {
 public:
  virtual ~PortConnection() = default;
  /// Sends bytes; `taken` is called when more may come (at once when it is closed). One at a time.
  virtual void write(std::string bytes, std::function<void()> taken) = 0;
  virtual void end() = 0;    ///< nothing more will be written; what comes back is still read
  virtual void go_on() = 0;  ///< reads again after on_bytes returned false
};
/// On a thread of the connection's own.
struct PortEvents {
  /// False: not taken now. The same bytes come again after go_on(), which may be called before this returns.
  std::function<bool(std::string_view bytes)> on_bytes;
  std::function<void()> on_end;  ///< once, when the other end closed; not after the connection was dropped
};

/// Documents of the layers above (users, tokens, access rules, audit), kept durably beside the rest.
struct Record {
  std::string key;
  std::uint64_t version = 0;
  std::string json;
};

/// What a world offers upwards. Every method may be called from any thread and returns when its effect is
/// durable, except where it says otherwise.
class World {
 public:
  virtual ~World() = default;

  virtual std::shared_ptr<const View> view() const = 0;  ///< never null; does not wait
  /// Returns when view()->version is above `version`, or after `timeout`.
  virtual std::shared_ptr<const View> wait_for_view(std::uint64_t version, base::Duration timeout) const = 0;

  virtual base::Result<std::shared_ptr<const WorkloadView>> submit(const Submission& submission) = 0;
  /// What submitting it would lead to; changes nothing.
  virtual base::Result<Forecast> forecast(const model::Workload& workload) = 0;
  virtual base::Result<std::shared_ptr<const WorkloadView>> change(const std::string& project,
                                                                   const std::string& name,
                                                                   const WorkloadChange& change,
                                                                   const Actor& actor) = 0;
  /// Why a workload waits and what would start it, for people; ends with the changes.
  virtual base::Result<Forecast> explain(const std::string& project, const std::string& name) = 0;

  virtual base::Result<std::shared_ptr<const QueueView>> put_queue(const model::Queue& queue,
                                                                   std::optional<std::uint64_t> if_version,
                                                                   const Actor& actor) = 0;
  virtual base::Result<void> remove_queue(const std::string& name, const Actor& actor) = 0;
  virtual base::Result<Forecast> forecast_queue(const model::Queue& queue) = 0;

  virtual base::Result<LogPiece> read_log(const std::string& replica_uid, std::uint64_t offset,
                                          std::size_t limit) = 0;
  virtual base::Result<std::unique_ptr<Terminal>> exec(const std::string& replica_uid,
                                                       const std::vector<std::string>& command, bool tty,
                                                       TerminalEvents events) = 0;

  /// Connects to a port on which a process of the replica listens. Errors: kFailedPrecondition when none
  /// does, kUnimplemented in a world without ports.
  virtual base::Result<std::unique_ptr<PortConnection>> connect_port(const std::string& replica_uid,
                                                                     std::uint16_t port, PortEvents events);

  virtual base::Result<void> put_secret(const std::string& project, const std::string& name,
                                        const std::string& value, const Actor& actor) = 0;

  virtual base::Result<std::vector<Record>> records(std::string_view kind) = 0;
  virtual base::Result<void> put_record(std::string_view kind, const Record& record) = 0;
  virtual base::Result<void> remove_record(std::string_view kind, std::string_view key) = 0;

  /// Where the ledger lies, for its readers.
  virtual std::string ledger_path() const = 0;
};

}  // namespace fairlead::world
