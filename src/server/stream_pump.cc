#include "server/stream_pump.h"

#include "server/view_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fairlead::server {
namespace {

using Clock = std::chrono::steady_clock;

// How long a log that grows waits to be looked at, and how soon a stopped pump ends.
constexpr base::Duration kBeat = base::Duration::milliseconds(200);
constexpr std::chrono::milliseconds kPause{10};
constexpr std::chrono::seconds kHeartbeat{15};
constexpr std::size_t kMostRecent = 4096;
constexpr std::size_t kEntriesAtOnce = 256;
constexpr std::size_t kLogBytesAtOnce = 64 * 1024;

class EventStream final : public PumpedStream {
 public:
  EventStream(std::shared_ptr<net::BodyStream> out, History& history, Identity identity, std::uint64_t after,
              std::string subject)
      : out_(std::move(out)),
        history_(history),
        identity_(std::move(identity)),
        position_(after),
        subject_(std::move(subject)) {}

  bool pump(const PumpTurn& turn) override {
    if (out_->closed()) return false;
    std::string text;
    if (!started_) {
      // Says at once that the stream stands, and how soon to come back when it breaks.
      text = "retry: 1000\n\n";
      last_sent_ = turn.now;
      started_ = true;
    }
    for (bool more = true; more;) {
      const auto entries = history_.after(position_, kEntriesAtOnce, subject_);
      if (!entries) {
        out_->end();
        return false;
      }
      more = entries->size() == kEntriesAtOnce;
      for (const ledger::HistoryEntry& entry : *entries) {
        position_ = entry.position;
        if (!may_see(entry, identity_, turn.view)) continue;
        text +=
            fmt::format("id: {}\nevent: {}\ndata: {}\n\n", entry.position, entry.kind, history_json(entry));
      }
      if (!text.empty() && !send(text, turn)) return false;
    }
    if (turn.now - last_sent_ >= kHeartbeat) {
      text = ": still here\n\n";
      return send(text, turn);
    }
    return true;
  }

 private:
  bool send(std::string& text, const PumpTurn& turn) {
    last_sent_ = turn.now;
    const bool sent = out_->write(text);
    text.clear();
    if (!sent) out_->end();
    return sent;
  }

  std::shared_ptr<net::BodyStream> out_;
  History& history_;
  const Identity identity_;
  std::uint64_t position_;
  const std::string subject_;
  bool started_ = false;
  Clock::time_point last_sent_;
};

class LogStream final : public PumpedStream {
 public:
  LogStream(std::shared_ptr<net::BodyStream> out, world::World& world, LogChoice choice)
      : out_(std::move(out)), world_(world), choice_(std::move(choice)), offset_(choice_.offset) {}

  bool pump(const PumpTurn& turn) override {
    if (out_->closed()) return false;
    if (!unsent_.empty() && !send()) return !out_->closed();
    const world::WorkloadView* workload = turn.view.find(choice_.project, choice_.name);
    if (workload == nullptr) return finish();
    const bool over = workload->ended.has_value();
    for (;;) {
      if (replica_.empty() && !choose(*workload)) return over ? finish() : true;
      auto piece = world_.read_log(replica_, offset_, kLogBytesAtOnce);
      if (!piece) return over ? finish() : true;
      offset_ = piece->next;
      unsent_ = std::move(piece->bytes);
      if (!unsent_.empty()) {
        if (!send()) return !out_->closed();
        continue;
      }
      if (!piece->ended) return true;
      if (!choice_.replica.empty()) return finish();
      read_.push_back(std::exchange(replica_, {}));
      offset_ = 0;
    }
  }

 private:
  bool choose(const world::WorkloadView& workload) {
    const world::ReplicaView* replica = chosen_replica(workload, choice_);
    if (replica == nullptr || std::find(read_.begin(), read_.end(), replica->uid) != read_.end())
      return false;
    replica_ = replica->uid;
    return true;
  }
  // A reader that is slow for a while is waited for: the log stays where it is.
  bool send() {
    if (!out_->write(unsent_)) return false;
    unsent_.clear();
    return true;
  }
  bool finish() {
    out_->end();
    return false;
  }

  std::shared_ptr<net::BodyStream> out_;
  world::World& world_;
  const LogChoice choice_;
  std::string replica_;            // that is being read
  std::vector<std::string> read_;  // to their ends
  std::uint64_t offset_;
  std::string unsent_;
};

}  // namespace

StreamPump::StreamPump(world::World& world, std::function<void()> before_turn)
    : world_(world), before_turn_(std::move(before_turn)), thread_([this] { run(); }) {}

StreamPump::~StreamPump() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void StreamPump::add(std::shared_ptr<PumpedStream> stream) {
  const auto view = world_.view();
  before_turn_();
  std::lock_guard lock(mutex_);
  if (stopping_ || !stream->pump({*view, Clock::now()})) return;
  streams_.push_back(std::move(stream));
  wake_.notify_all();
}

std::size_t StreamPump::size() const {
  std::lock_guard lock(mutex_);
  return streams_.size();
}

void StreamPump::run() {
  std::uint64_t version = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !streams_.empty(); });
      // Views that come in quick succession are looked at together.
      if (!stopping_) wake_.wait_for(lock, kPause, [this] { return stopping_; });
      if (stopping_) break;
    }
    const auto view = world_.wait_for_view(version, kBeat);
    version = view->version;
    before_turn_();
    std::lock_guard lock(mutex_);
    if (stopping_) break;
    pump_all({*view, Clock::now()});
  }
  std::lock_guard lock(mutex_);
  streams_.clear();
}

void StreamPump::pump_all(const PumpTurn& turn) {
  std::erase_if(streams_, [&](const auto& stream) { return !stream->pump(turn); });
}

base::Result<ledger::LedgerReader*> History::reader() {
  if (reader_ == nullptr) {
    auto opened = open_();
    if (!opened) return opened.error();
    reader_ = *std::move(opened);
  }
  return reader_.get();
}

base::Result<void> History::refresh() {
  std::lock_guard lock(mutex_);
  auto from = reader();
  if (!from) return from.error();
  for (bool more = true; more;) {
    auto entries = (*from)->history(newest_, kMostRecent);
    if (!entries) return entries.error();
    more = entries->size() == kMostRecent;
    for (ledger::HistoryEntry& entry : *entries) {
      newest_ = entry.position;
      recent_.push_back(std::move(entry));
    }
    while (recent_.size() > kMostRecent) recent_.pop_front();
  }
  return {};
}

base::Result<std::vector<ledger::HistoryEntry>> History::after(std::uint64_t position, std::size_t limit,
                                                               std::string_view subject) {
  std::lock_guard lock(mutex_);
  if (position >= newest_) return std::vector<ledger::HistoryEntry>();
  if (!recent_.empty() && position + 1 >= recent_.front().position) {
    std::vector<ledger::HistoryEntry> found;
    const auto from =
        std::upper_bound(recent_.begin(), recent_.end(), position,
                         [](std::uint64_t value, const auto& entry) { return value < entry.position; });
    for (auto entry = from; entry != recent_.end() && found.size() < limit; ++entry) {
      if (subject.empty() || entry->subject == subject) found.push_back(*entry);
    }
    return found;
  }
  auto from = reader();
  if (!from) return from.error();
  return (*from)->history(position, limit, subject);
}

base::Result<std::vector<ledger::LedgerReader::UsageRow>> History::usage(ledger::LedgerReader::UsageBy by,
                                                                         base::Time since, base::Time until) {
  std::lock_guard lock(mutex_);
  auto from = reader();
  if (!from) return from.error();
  return (*from)->usage(by, since, until);
}

std::uint64_t History::newest() const {
  std::lock_guard lock(mutex_);
  return newest_;
}

std::string_view queue_of_subject(std::string_view subject) {
  constexpr std::string_view kWorkload = "workload ";
  constexpr std::string_view kQueue = "queue ";
  if (subject.starts_with(kWorkload)) {
    subject.remove_prefix(kWorkload.size());
    return subject.substr(0, subject.find('/'));
  }
  return subject.starts_with(kQueue) ? subject.substr(kQueue.size()) : std::string_view();
}

bool may_see(const ledger::HistoryEntry& entry, const Identity& identity, const world::View& view) {
  const std::string_view queue = queue_of_subject(entry.subject);
  if (queue.empty()) return has_role_somewhere(identity, Role::kViewer);
  return has_role(identity, Role::kViewer, queue, view);
}

std::shared_ptr<PumpedStream> event_stream(std::shared_ptr<net::BodyStream> out, History& history,
                                           Identity identity, std::uint64_t after, std::string subject) {
  return std::make_shared<EventStream>(std::move(out), history, std::move(identity), after,
                                       std::move(subject));
}

std::shared_ptr<PumpedStream> log_stream(std::shared_ptr<net::BodyStream> out, world::World& world,
                                         LogChoice choice) {
  return std::make_shared<LogStream>(std::move(out), world, std::move(choice));
}

const world::ReplicaView* chosen_replica(const world::WorkloadView& workload, const LogChoice& choice) {
  const std::string role =
      !choice.role.empty() || workload.spec.roles.empty() ? choice.role : workload.spec.roles[0].name;
  const world::ReplicaView* chosen = nullptr;
  for (const world::ReplicaView& replica : workload.replicas) {
    if (!choice.replica.empty()) {
      if (replica.uid == choice.replica) return &replica;
      continue;
    }
    const bool fits = replica.role == role && replica.index == choice.index && replica.started.has_value();
    if (fits && (chosen == nullptr || replica.attempt > chosen->attempt)) chosen = &replica;
  }
  return chosen;
}

}  // namespace fairlead::server
