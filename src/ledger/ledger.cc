#include "ledger/ledger.h"

#include "ledger/chain.h"
#include "ledger/decision_json.h"
#include "ledger/event_json.h"
#include "ledger/retention.h"
#include "ledger/schema.h"
#include "ledger/sqlite.h"
#include "ledger/writer_lock.h"

#include <fmt/format.h>

#include <utility>

namespace fairlead::ledger {
namespace {

/// The statements of a transaction, prepared once.
struct Statements {
  Statement begin;
  Statement commit;
  Statement insert_batch;
  Statement insert_segment;
  Statement insert_round;
  Statement insert_history;
  Statement insert_usage;
  Statement document_hash;
  Statement put_document;
  Statement remove_document;
  Statement documents;
  Statement document;

  base::Result<void> prepare(Database& database) {
    const std::pair<Statement*, std::string> all[] = {
        {&begin, "BEGIN IMMEDIATE"},
        {&commit, "COMMIT"},
        {&insert_batch, "INSERT INTO batch VALUES(?,?,?,?,?,?,?,?,?,?,?)"},
        {&insert_segment, "INSERT INTO segment VALUES(?,?,?,?,?,?,?)"},
        {&insert_round, "INSERT INTO round VALUES(?,?,?,?,?)"},
        {&insert_history, "INSERT INTO history VALUES(?,?,?,?,?,?,?)"},
        {&insert_usage, "INSERT INTO usage VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"},
        {&document_hash, "SELECT hash FROM document WHERE kind=? AND key=?"},
        {&put_document,
         "INSERT INTO document VALUES(?,?,?,?,?) ON CONFLICT(kind, key) DO UPDATE SET "
         "version=excluded.version, json=excluded.json, hash=excluded.hash"},
        {&remove_document, "DELETE FROM document WHERE kind=? AND key=?"},
        {&documents, std::string(kSelectDocuments) + "WHERE kind=? ORDER BY key"},
        {&document, std::string(kSelectDocuments) + "WHERE kind=? AND key=?"},
    };
    for (const auto& [statement, sql] : all) {
      auto prepared = database.prepare(sql);
      if (!prepared) return prepared.error();
      *statement = std::move(*prepared);
    }
    return {};
  }
};

std::span<const std::byte> bytes_of(const Hash& hash) { return hash; }
std::span<const std::byte> bytes_of(const std::optional<Hash>& hash) {
  static constexpr std::byte kNothing{};
  return hash ? std::span<const std::byte>(*hash) : std::span<const std::byte>(&kNothing, 0);
}

base::Error precondition(std::string message) {
  return base::Error(base::Code::kFailedPrecondition, std::move(message));
}

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(WriterLock lock, Database database, LedgerOptions options)
      : lock_(std::move(lock)), database_(std::move(database)), options_(options) {}

  base::Result<void> start();

  base::Result<void> begin_segment(base::Time now, std::span<const model::Event> snapshot) override;
  base::Result<void> commit(Batch batch) override;
  base::Result<void> each_document(std::string_view kind,
                                   const std::function<void(const Document&)>& visit) override;
  base::Result<std::optional<Document>> document(std::string_view kind, std::string_view key) override;
  std::uint64_t last_position() const override { return last_.last_position; }
  std::uint64_t last_version() const override { return last_.last_version; }
  std::int64_t open_segment_bytes() const override { return segment_bytes_; }
  base::Result<void> apply_retention(base::Time now) override;

 private:
  /// Runs `write` in a transaction that ends with the row of the chain; `next` is that row, filled so far.
  template <class Write>
  base::Result<void> transact(BatchRow& next, Write write);
  base::Result<void> write_rounds(Batch& batch, BatchRow& next, std::int64_t& bytes);
  base::Result<void> write_documents(Batch& batch, BatchRow& next);
  base::Result<void> write_history(Batch& batch, BatchRow& next);
  base::Result<void> write_usage(Batch& batch, BatchRow& next);
  base::Result<std::optional<Hash>> hash_of_document(std::string_view kind, std::string_view key);
  base::Result<void> check_documents();
  BatchRow next_row() const;

  WriterLock lock_;
  Database database_;  // before the statements, which must go first
  Statements statements_;
  LedgerOptions options_;
  BatchRow last_;  ///< the newest of the chain; number 0 in an empty ledger
  bool segment_open_ = false;
  std::uint64_t rounds_in_segment_ = 0;
  std::int64_t segment_bytes_ = 0;
};

base::Result<void> SqliteLedger::start() {
  const char* settings =
      "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=67108864;";
  if (auto done = database_.execute(settings); !done) return done;
  if (auto done = bring_up_to_date(database_); !done) return done;
  if (auto done = statements_.prepare(database_); !done) return done;
  auto newest = database_.prepare(std::string(kSelectBatches) + "ORDER BY number DESC LIMIT 1");
  if (!newest) return newest.error();
  const auto found = newest->step();
  if (!found) return found.error();
  if (*found) {
    auto row = batch_of(*newest);
    if (!row) return row.error();
    last_ = std::move(*row);
  }
  newest->reset();
  return check_documents();
}

/// Whether the documents, from which the platform starts, are those that the newest transaction left.
base::Result<void> SqliteLedger::check_documents() {
  // In the order of their index, which is thereby looked through too.
  auto all = database_.prepare(std::string(kSelectDocuments) + "ORDER BY kind, key");
  if (!all) return all.error();
  SetDigest digest;
  for (;;) {
    const auto row = all->step();
    if (!row) return row.error();
    if (!*row) break;
    const Hash hash = hash_of(document_of(*all));
    if (hash_from_bytes(all->text(4)) != hash) {
      return base::Error(base::Code::kInternal,
                         fmt::format("the document {} {} is not what was written: the database is damaged; "
                                     "keep a copy of it, and restore the last backup or see docs/ledger.md, "
                                     "Recovery",
                                     all->text(0), all->text(1)));
    }
    digest.add(hash);
  }
  if (digest.value() != last_.documents) {
    return base::Error(base::Code::kInternal,
                       "the documents are not those of the newest transaction: the database is damaged; keep "
                       "a copy of it, and restore the last backup or see docs/ledger.md, Recovery");
  }
  return {};
}

BatchRow SqliteLedger::next_row() const {
  BatchRow next;
  next.number = last_.number + 1;
  next.documents = last_.documents;
  next.last_position = last_.last_position;
  next.last_version = last_.last_version;
  next.last_usage = last_.last_usage;
  next.last_round = last_.last_round;
  return next;
}

template <class Write>
base::Result<void> SqliteLedger::transact(BatchRow& next, Write write) {
  const auto run = [&]() -> base::Result<void> {
    if (auto done = statements_.begin.run(); !done) return done;
    if (auto done = write(); !done) return done;
    next.hash = hash_of(next, last_.hash);
    auto& insert = statements_.insert_batch;
    insert.bind(next.number, bytes_of(next.rounds), bytes_of(next.history), bytes_of(next.usage),
                bytes_of(next.documents), next.last_position, next.last_version, next.last_usage,
                next.last_round, next.retained, bytes_of(next.hash));
    if (auto done = insert.run(); !done) return done;
    return statements_.commit.run();
  };
  if (auto done = run(); !done) {
    database_.roll_back();
    return done.error().in("write the ledger");
  }
  last_ = next;
  return {};
}

base::Result<void> SqliteLedger::begin_segment(base::Time now, std::span<const model::Event> snapshot) {
  BatchRow next = next_row();
  const std::string text = events_to_json(snapshot);
  const auto number = static_cast<std::int64_t>(next.number);
  // A segment's id is the number of the transaction that began it, so that ids ascend without a counter.
  const SegmentRow segment{number,          next.number,          now, last_.last_round + 1,
                           kEngineRevision, model::kEventVersion, text};
  auto done = transact(next, [&] {
    Hasher hasher;
    add_to(hasher, segment);
    next.rounds = hasher.finish();
    return statements_.insert_segment
        .bind(segment.id, segment.batch, now.unix_nanoseconds(), segment.first_round,
              std::int64_t{segment.engine_revision}, std::int64_t{segment.event_version}, segment.snapshot)
        .run();
  });
  if (!done) return done;
  segment_open_ = true;
  rounds_in_segment_ = 0;
  segment_bytes_ = 0;
  return {};
}

base::Result<void> SqliteLedger::commit(Batch batch) {
  if (batch.empty()) return {};
  if (!batch.rounds.empty() && !segment_open_)
    return precondition("rounds were committed before a segment was begun");
  for (std::size_t i = 0; i < batch.rounds.size(); ++i) {
    const std::uint64_t expected = rounds_in_segment_ + i + 1;
    std::uint64_t& number = batch.rounds[i].number;
    if (number == 0) number = expected;
    if (number != expected)
      return precondition(fmt::format("round {} was committed where {} comes next", number, expected));
  }
  BatchRow next = next_row();
  std::int64_t bytes = 0;
  auto done = transact(next, [&]() -> base::Result<void> {
    if (auto written = write_rounds(batch, next, bytes); !written) return written;
    if (auto written = write_documents(batch, next); !written) return written;
    if (auto written = write_history(batch, next); !written) return written;
    return write_usage(batch, next);
  });
  if (!done) return done;
  rounds_in_segment_ += batch.rounds.size();
  segment_bytes_ += bytes;
  return {};
}

base::Result<void> SqliteLedger::write_rounds(Batch& batch, BatchRow& next, std::int64_t& bytes) {
  if (batch.rounds.empty()) return {};
  Hasher hasher;
  for (const RoundRecord& round : batch.rounds) {
    const std::string body = round_to_json(round);
    const RoundRow row{++next.last_round, next.number, round.number, round.time, body};
    add_to(hasher, row);
    bytes += static_cast<std::int64_t>(body.size());
    auto done =
        statements_.insert_round.bind(row.id, row.batch, row.number, row.time.unix_nanoseconds(), row.body)
            .run();
    if (!done) return done;
  }
  next.rounds = hasher.finish();
  return {};
}

base::Result<std::optional<Hash>> SqliteLedger::hash_of_document(std::string_view kind,
                                                                 std::string_view key) {
  Statement& find = statements_.document_hash;
  const auto found = find.bind(kind, key).step();
  if (!found) return found.error();
  std::optional<Hash> hash;
  if (*found) hash = hash_from_bytes(find.text(0));
  const bool damaged = *found && !hash;
  find.reset();
  if (damaged)
    return base::Error(base::Code::kInternal, fmt::format("the document {} {} has no hash", kind, key));
  return hash;
}

base::Result<void> SqliteLedger::write_documents(Batch& batch, BatchRow& next) {
  SetDigest digest = SetDigest::from(next.documents);
  for (Document& document : batch.written) {
    const auto before = hash_of_document(document.kind, document.key);
    if (!before) return before.error();
    if (*before) digest.remove(**before);
    document.version = ++next.last_version;
    const Hash hash = hash_of(document);
    digest.add(hash);
    auto done = statements_.put_document
                    .bind(document.kind, document.key, document.version, document.json, bytes_of(hash))
                    .run();
    if (!done) return done;
  }
  for (const auto& [kind, key] : batch.removed) {
    const auto before = hash_of_document(kind, key);
    if (!before) return before.error();
    if (*before) digest.remove(**before);
    if (auto done = statements_.remove_document.bind(kind, key).run(); !done) return done;
  }
  next.documents = digest.value();
  return {};
}

base::Result<void> SqliteLedger::write_history(Batch& batch, BatchRow& next) {
  if (batch.history.empty()) return {};
  Hasher hasher;
  for (HistoryEntry& entry : batch.history) {
    entry.position = ++next.last_position;
    add_to(hasher, entry);
    auto done = statements_.insert_history
                    .bind(entry.position, next.number, entry.time.unix_nanoseconds(), entry.kind,
                          entry.subject, entry.actor, entry.json)
                    .run();
    if (!done) return done;
  }
  next.history = hasher.finish();
  return {};
}

base::Result<void> SqliteLedger::write_usage(Batch& batch, BatchRow& next) {
  if (batch.usage.empty()) return {};
  Hasher hasher;
  for (const UsageSample& sample : batch.usage) {
    const std::int64_t id = ++next.last_usage;
    add_to(hasher, id, sample);
    auto done = statements_.insert_usage
                    .bind(id, next.number, sample.since.unix_nanoseconds(), sample.until.unix_nanoseconds(),
                          sample.department, sample.project, sample.user, sample.workload,
                          sample.device_model, sample.allocated_thousandths, sample.over_quota_thousandths,
                          sample.used_thousandths, sample.lost_thousandths)
                    .run();
    if (!done) return done;
  }
  next.usage = hasher.finish();
  return {};
}

base::Result<void> SqliteLedger::each_document(std::string_view kind,
                                               const std::function<void(const Document&)>& visit) {
  Statement& documents = statements_.documents;
  documents.bind(kind);
  for (;;) {
    const auto row = documents.step();
    if (!row) return row.error();
    if (!*row) break;
    visit(document_of(documents));
  }
  documents.reset();
  return {};
}

base::Result<std::optional<Document>> SqliteLedger::document(std::string_view kind, std::string_view key) {
  Statement& find = statements_.document;
  const auto found = find.bind(kind, key).step();
  if (!found) return found.error();
  std::optional<Document> result;
  if (*found) result = document_of(find);
  find.reset();
  return result;
}

base::Result<void> SqliteLedger::apply_retention(base::Time now) {
  auto plan = plan_retention(database_, options_, now);
  if (!plan) return plan.error().in("retention");
  if (!plan->has_value()) return {};
  BatchRow next = next_row();
  next.retained = to_json(**plan);
  auto done = transact(next, [&] { return delete_before(database_, **plan); });
  if (!done) return done.error().in("retention");
  return database_.execute("PRAGMA incremental_vacuum");
}

}  // namespace

base::Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path, LedgerOptions options) {
  const std::string context = "ledger " + path;
  auto lock = WriterLock::take(path);
  if (!lock) return lock.error().in(context);
  auto database = Database::open(path, Database::Mode::kWrite);
  if (!database) return database.error().in(context);
  auto ledger = std::make_unique<SqliteLedger>(std::move(*lock), std::move(*database), options);
  if (auto started = ledger->start(); !started) return started.error().in(context);
  return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace fairlead::ledger
