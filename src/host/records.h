#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::host {

/// What is wanted of a workload now. Whether its replicas have followed yet is told by them.
enum class Stage : std::uint8_t {
  kActive,     ///< in the queue, or running
  kBlocked,    ///< waits for the workloads that it comes after
  kBackOff,    ///< failed, and is tried again at retry_at
  kSuspended,  ///< waits for being resumed
  kSucceeded,
  kFailed,
};
std::string_view stage_name(Stage stage);
inline bool is_final(Stage stage) { return stage == Stage::kSucceeded || stage == Stage::kFailed; }

/// How far one try of a replica got.
enum class Progress : std::uint8_t {
  kPending,    ///< waits for a place
  kBinding,    ///< has a place; its process is being started
  kRunning,    ///< its process runs
  kReleasing,  ///< its process was asked to end, and holds its place until it has
  kSucceeded,  ///< ended by itself with exit code 0
  kFailed,     ///< ended otherwise, or could not be started
  kStopped,    ///< ended because it was asked to
};
std::string_view progress_name(Progress progress);
inline bool is_live(Progress progress) {
  return progress == Progress::kBinding || progress == Progress::kRunning || progress == Progress::kReleasing;
}
inline bool has_ended(Progress progress) { return progress >= Progress::kSucceeded; }

/// Why a replica was asked to end.
enum class StopReason : std::uint8_t {
  kNone,
  kPreempted,
  kSuspended,
  kDeleted,
  kPeerFailed,
  kTimeLimit,
  kIdle,
  kScaledDown,
  kReplaced,
  kBadDevice,
  kNotHealthy,
  kShutdown,  ///< the platform was told to end with all its work; goes on at the next start
};
std::string_view stop_reason_name(StopReason reason);

/// A workload as the platform keeps it: the document of kind "workload". The truth after a restart.
struct WorkloadRecord {
  std::string uid;
  model::Workload spec;
  std::string submitted_by;
  std::optional<std::uint32_t> account;  ///< Unix uid that its processes run as; none: the platform's own
  std::string idempotency_key;
  base::Time submitted;
  std::optional<base::Time> first_started;
  std::optional<base::Time> running_since;  ///< of the present stretch with its minimum running
  base::Duration ran;                       ///< in earlier stretches
  std::optional<base::Time> ended;
  Stage stage = Stage::kActive;
  bool deleting = false;  ///< is removed when its last process has ended
  std::string reason;     ///< one sentence for people
  std::int32_t failures = 0;
  std::int32_t failures_in_a_row = 0;  ///< decides the back-off
  std::int32_t preemptions = 0;
  std::optional<base::Time> retry_at;
  std::optional<base::Time> last_checkpoint;
  std::optional<base::Time> idle_since;  ///< all its devices unused since then
  std::int32_t run = 0;  ///< counts restarts as a whole; replicas that ended in an earlier one count no more
  std::int32_t revision = 0;                     ///< counts replacements of the spec
  std::int32_t wanted = 0;                       ///< replicas of a service now
  std::uint16_t master_port = 0;                 ///< of the present run
  std::optional<model::Workload> previous_spec;  ///< a service's, while an update is under way
  std::uint64_t version = 0;                     ///< of the last change; its ETag
};

/// One try of one replica: the document of kind "replica".
struct ReplicaRecord {
  std::string uid;       ///< the engine's pod: "<workload uid>-<role>-<index>-<attempt>"
  std::string workload;  ///< key
  std::string role;
  std::int32_t index = 0;
  std::int32_t attempt = 0;
  std::int32_t run = 0;
  std::int32_t revision = 0;
  bool borrowing = false;  ///< a service's replica above the minimum
  base::Time created;
  Progress progress = Progress::kPending;
  std::string node;
  std::vector<std::uint32_t> slots;        ///< of the node's devices
  std::vector<std::string> devices;        ///< identities, in the order of slots
  std::vector<std::string> device_groups;  ///< the engine's names of shared devices, in the order of slots
  std::int64_t share_thousandths = 0;      ///< of each device; 1000 for whole ones
  std::uint16_t port = 0;
  std::int32_t rank = 0;
  std::int32_t world_size = 1;
  std::optional<base::Time> started;
  std::optional<base::Time> ended;
  std::optional<std::int32_t> exit_code;
  std::optional<std::int32_t> exit_signal;
  StopReason stop_reason = StopReason::kNone;
  std::optional<base::Time> stop_asked;
  std::string message;
  std::int64_t pid = 0;

  std::int64_t held_thousandths() const {
    return is_live(progress) ? static_cast<std::int64_t>(slots.size()) * share_thousandths : 0;
  }
};

std::string to_json(const WorkloadRecord& record);
std::string to_json(const ReplicaRecord& record);
/// Errors: kInvalidArgument for what to_json did not write.
base::Result<WorkloadRecord> workload_from_json(std::string_view json);
base::Result<ReplicaRecord> replica_from_json(std::string_view json);

}  // namespace fairlead::host
