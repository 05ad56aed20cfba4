#pragma once

#include "ledger/ledger.h"
#include "net/http_server.h"
#include "server/access.h"
#include "world/world.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace fairlead::server {

/// What each stream is given to go on with.
struct PumpTurn {
  const world::View& view;
  std::chrono::steady_clock::time_point now;
};

/// One answer that is sent as it comes. `pump` is called on one thread at a time and sends what there is;
/// false: the stream is over and will be dropped.
class PumpedStream {
 public:
  virtual ~PumpedStream() = default;
  virtual bool pump(const PumpTurn& turn) = 0;
};

/// Serves all streams from one thread, which wakes when the world has a new view and a few times a second
/// besides. Hundreds of streams cost hundreds of small objects.
class StreamPump {
 public:
  /// `before_turn` is called once before all streams are pumped.
  StreamPump(world::World& world, std::function<void()> before_turn);
  ~StreamPump();  ///< drops the streams
  StreamPump(const StreamPump&) = delete;
  StreamPump& operator=(const StreamPump&) = delete;

  /// Pumps it once, then with the others.
  void add(std::shared_ptr<PumpedStream> stream);
  std::size_t size() const;

 private:
  void run();
  void pump_all(const PumpTurn& turn);

  world::World& world_;
  const std::function<void()> before_turn_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<std::shared_ptr<PumpedStream>> streams_;
  bool stopping_ = false;
  std::thread thread_;
};

/// The history of the ledger for readers on many threads: the newest entries are read once for all of them.
class History {
 public:
  using Open = std::function<base::Result<std::unique_ptr<ledger::LedgerReader>>()>;
  explicit History(Open open) : open_(std::move(open)) {}

  /// Reads what was added since the last time.
  base::Result<void> refresh();
  /// Entries after a position up to the last refresh, oldest first, at most `limit`, of one subject or
  /// (empty) of all.
  base::Result<std::vector<ledger::HistoryEntry>> after(std::uint64_t position, std::size_t limit,
                                                        std::string_view subject = {});
  base::Result<std::vector<ledger::LedgerReader::UsageRow>> usage(ledger::LedgerReader::UsageBy by,
                                                                  base::Time since, base::Time until);
  /// Position of the newest entry at the last refresh.
  std::uint64_t newest() const;

 private:
  base::Result<ledger::LedgerReader*> reader();

  Open open_;
  mutable std::mutex mutex_;  // guards what follows
  std::unique_ptr<ledger::LedgerReader> reader_;
  std::deque<ledger::HistoryEntry> recent_;  // without gaps, up to the newest that was read
  std::uint64_t newest_ = 0;
};

/// The queue that a history entry is about; empty: none in particular.
std::string_view queue_of_subject(std::string_view subject);
/// Whether somebody may see an entry: what is about a queue or a workload whoever sees that; the rest whoever
/// has a role at all.
bool may_see(const ledger::HistoryEntry& entry, const Identity& identity, const world::View& view);

/// Server-sent events from the history: "id" is the position, so that a browser resumes by itself; a comment
/// keeps an idle connection open. A reader that is too slow is cut off; it resumes where it was.
std::shared_ptr<PumpedStream> event_stream(std::shared_ptr<net::BodyStream> out, History& history,
                                           Identity identity, std::uint64_t after, std::string subject);

/// The log of one replica from an offset on, until it ends; of a workload's replica (role and index) attempt
/// after attempt until the workload ends.
struct LogChoice {
  std::string project;
  std::string name;
  std::string replica;  ///< uid of one attempt; empty: by role and index
  std::string role;     ///< empty: the first
  std::int32_t index = 0;
  std::uint64_t offset = 0;
};
std::shared_ptr<PumpedStream> log_stream(std::shared_ptr<net::BodyStream> out, world::World& world,
                                         LogChoice choice);
/// The attempt that a choice means at this moment: the newest that was started. Null when none was.
const world::ReplicaView* chosen_replica(const world::WorkloadView& workload, const LogChoice& choice);

}  // namespace fairlead::server
