#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/decision.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::ledger {

/// Goes up with each release in which equal events can lead to other decisions. A segment that another
/// revision wrote is not replayed.
inline constexpr std::uint32_t kEngineRevision = 1;

/// One engine round as the ledger keeps it: what was told, what was asked, what was decided.
struct RoundRecord {
  std::uint64_t number = 0;  ///< from 1 within its segment, without gaps; 0: the ledger numbers it
  base::Time time;
  std::vector<model::Event> events;
  model::RoundRequest request;
  std::vector<model::Decision> decisions;
};

/// One durable document of the platform: a workload, a replica, a queue, a user ... The ledger does not look
/// inside.
struct Document {
  std::string kind;
  std::string key;
  std::uint64_t version = 0;  ///< of the last write, in the order of all writes
  std::string json;
};

/// Something that happened, for people: what `fairlead events` prints and the event stream sends.
struct HistoryEntry {
  std::uint64_t position = 0;  ///< given by the ledger; ascending, without gaps
  base::Time time;
  std::string kind;     ///< "workload-submitted", "replica-started" ...
  std::string subject;  ///< "workload research/llama"
  std::string actor;    ///< user, or empty for the platform
  std::string json;     ///< details, an object
};

/// What one replica used during a stretch of time.
struct UsageSample {
  base::Time since;
  base::Time until;
  std::string department;
  std::string project;
  std::string user;
  std::string workload;
  std::string device_model;
  std::int64_t allocated_thousandths = 0;        ///< devices held
  std::int64_t over_quota_thousandths = 0;       ///< of these, above the project's quota
  std::optional<std::int64_t> used_thousandths;  ///< of these, in use; none: nothing measures it
  std::int64_t lost_thousandths = 0;  ///< of these, thrown away: since the last checkpoint of an evicted pod
};

/// What one transaction writes. Filled by one thread, then given to Ledger::commit.
struct Batch {
  std::vector<RoundRecord> rounds;
  std::vector<Document> written;                             ///< `version` is given by the ledger
  std::vector<std::pair<std::string, std::string>> removed;  ///< kind and key
  std::vector<HistoryEntry> history;
  std::vector<UsageSample> usage;

  bool empty() const {
    return rounds.empty() && written.empty() && removed.empty() && history.empty() && usage.empty();
  }
};

struct LedgerOptions {
  std::int64_t keep_bytes = 4LL << 30;                                ///< older segments go first
  base::Duration keep_time = base::Duration::seconds(90LL * 86'400);  ///< of closed segments and history
};

/// The durable record of a platform, in one SQLite database (WAL, full synchronisation), and the truth from
/// which it starts again. Rounds stand in segments: a segment begins with the events that lead an empty
/// scheduler to its first state (a snapshot), and each row carries the hash of all before it, so that an
/// altered byte is found. Thread: one, the writer's; readers open LedgerReader.
class Ledger {
 public:
  /// Opens or makes the database and brings its schema up to date. Errors: kFailedPrecondition (a newer
  /// schema, another process holds it), kUnavailable (disk full, read-only), kInternal (damaged), each with
  /// its remedy.
  static base::Result<std::unique_ptr<Ledger>> open(const std::string& path, LedgerOptions options = {});
  virtual ~Ledger() = default;

  /// Ends the open segment and begins one with these events as its first state; durable on return. To be
  /// called before the first commit with rounds after open, and whenever the writer starts a fresh scheduler.
  virtual base::Result<void> begin_segment(base::Time now, std::span<const model::Event> snapshot) = 0;
  /// Writes a batch in one transaction: on return it is durable, on an error nothing of it is.
  /// Errors: kUnavailable (no space, not writable), kInternal.
  virtual base::Result<void> commit(Batch batch) = 0;
  /// Visits the documents of a kind, by key.
  virtual base::Result<void> each_document(std::string_view kind,
                                           const std::function<void(const Document&)>& visit) = 0;
  virtual base::Result<std::optional<Document>> document(std::string_view kind, std::string_view key) = 0;
  /// Position of the newest history entry; 0 when there is none.
  virtual std::uint64_t last_position() const = 0;
  /// Version of the document that was written last: those of a batch get the versions after it, in the order
  /// of Batch::written.
  virtual std::uint64_t last_version() const = 0;
  /// Bytes of rounds in the open segment, for the writer to decide when to begin another.
  virtual std::int64_t open_segment_bytes() const = 0;
  /// Deletes closed segments, history and usage beyond what the options keep.
  virtual base::Result<void> apply_retention(base::Time now) = 0;
};

/// A view of the same database for other threads and other processes; never writes.
class LedgerReader {
 public:
  static base::Result<std::unique_ptr<LedgerReader>> open(const std::string& path);
  virtual ~LedgerReader() = default;

  /// Entries after a position, oldest first, at most `limit`, of one subject or (empty) of all.
  virtual base::Result<std::vector<HistoryEntry>> history(std::uint64_t after, std::size_t limit,
                                                          std::string_view subject = {}) = 0;

  struct UsageRow {
    std::string name;  ///< of the department, project, user or workload
    std::string device_model;
    double allocated_hours = 0;
    std::optional<double> used_hours;  ///< none: nothing measured any of it
    std::optional<double> idle_hours;
    double over_quota_hours = 0;
    double lost_hours = 0;
  };
  enum class UsageBy : std::uint8_t { kDepartment, kProject, kUser, kWorkload };
  virtual base::Result<std::vector<UsageRow>> usage(UsageBy by, base::Time since, base::Time until) = 0;
};

}  // namespace fairlead::ledger
