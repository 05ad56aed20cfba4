#include "ledger/chain_check.h"

#include "ledger/chain.h"
#include "ledger/retention.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace fairlead::ledger {
namespace {

/// The rows of one table in the order of their ids, taken batch by batch.
class Rows {
 public:
  /// Puts the present row into a hasher.
  using Add = std::function<void(const Statement&, Hasher&)>;

  Rows(Database& database, std::string name, std::string_view select, std::string_view id, Add add)
      : name_(std::move(name)), add_(std::move(add)) {
    auto prepared = database.prepare(std::string(select) + "ORDER BY " + std::string(id));
    if (prepared) {
      statement_ = std::move(*prepared);
      advance();
    } else {
      fail(prepared.error());
    }
  }

  /// Hashes the rows that this batch wrote into `hasher`. Returns how many there were.
  std::int64_t take(std::uint64_t batch, Hasher& hasher) {
    std::int64_t count = 0;
    while (row_ && batch_ <= batch) {
      if (batch_ < batch) {
        stray_.push_back(id_);
      } else {
        add_(statement_, hasher);
        ++count;
      }
      advance();
    }
    return count;
  }
  /// Rows that no batch has taken.
  std::vector<std::int64_t> take_stray() {
    for (; row_; advance()) stray_.push_back(id_);
    return std::move(stray_);
  }
  const std::string& name() const { return name_; }
  const std::optional<std::string>& failure() const { return failure_; }

 private:
  void advance() {
    const auto row = statement_.step();
    if (!row) return fail(row.error());
    row_ = *row;
    if (!row_) return;
    id_ = statement_.integer(0);
    batch_ = static_cast<std::uint64_t>(statement_.integer(1));
  }
  void fail(const base::Error& error) {
    row_ = false;
    failure_ = error.message();
  }

  std::string name_;
  Add add_;
  Statement statement_;
  bool row_ = false;
  std::int64_t id_ = 0;
  std::uint64_t batch_ = 0;
  std::vector<std::int64_t> stray_;
  std::optional<std::string> failure_;
};

class ChainCheck {
 public:
  ChainCheck(Database& database, const std::function<void()>& step, VerifyReport& report)
      : database_(database),
        step_(step),
        report_(report),
        segments_(database, "segment", kSelectSegments, "id",
                  [](const Statement& row, Hasher& hasher) { add_to(hasher, segment_of(row)); }),
        rounds_(database, "round", kSelectRounds, "id",
                [](const Statement& row, Hasher& hasher) { add_to(hasher, round_of(row)); }),
        history_(database, "history entry", kSelectHistory, "position",
                 [](const Statement& row, Hasher& hasher) { add_to(hasher, history_of(row)); }),
        usage_(database, "usage sample", kSelectUsage, "id",
               [](const Statement& row, Hasher& hasher) { add_to(hasher, row.integer(0), usage_of(row)); }) {}

  void run() {
    const auto retained = find_retained(database_);
    if (!retained) {
      note_damage(report_, retained.error().message());
    } else {
      retained_ = *retained;
    }
    report_.retained =
        retained_.first > 1 || retained_.rounds > 1 || retained_.history > 1 || retained_.usage > 1;
    walk_batches();
    for (Rows* rows : {&segments_, &rounds_, &history_, &usage_}) {
      if (rows->failure())
        note_damage(report_, fmt::format("table of {}: {}", rows->name(), *rows->failure()));
      for (const std::int64_t id : rows->take_stray())
        note_damage(report_, fmt::format("{} {} belongs to no transaction of the chain", rows->name(), id));
    }
    check_documents();
  }

 private:
  void walk_batches() {
    auto select = database_.prepare(std::string(kSelectBatches) + "ORDER BY number");
    if (!select) return note_damage(report_, select.error().message());
    std::uint64_t expected = retained_.first;
    Hash before = retained_.before_first;
    for (;;) {
      const auto row = select->step();
      if (!row) return note_damage(report_, "table of transactions: " + row.error().message());
      if (!*row) break;
      auto batch = batch_of(*select);
      if (!batch) {
        note_damage(report_, batch.error().message());
        ++expected;
        continue;
      }
      if (batch->number != expected)
        note_damage(report_, fmt::format("transaction {} stands where {} belongs", batch->number, expected));
      expected = batch->number + 1;
      check_batch(*batch, before);
      before = batch->hash;
      last_ = std::move(*batch);
      ++report_.batches;
      step_();
    }
    if (last_.number > 0) report_.newest_hash = to_hexadecimal(last_.hash);
  }

  void check_batch(const BatchRow& batch, const Hash& before) {
    if (hash_of(batch, before) != batch.hash)
      note_damage(report_,
                  fmt::format("transaction {}: its row, or that before it, was altered", batch.number));
    Hasher rounds;
    std::int64_t taken = segments_.take(batch.number, rounds);
    const std::int64_t of_rounds = rounds_.take(batch.number, rounds);
    report_.rounds += of_rounds;
    compare(batch.number, retained_.rounds, batch.rounds, rounds, taken + of_rounds, "rounds or segments");
    Hasher history;
    taken = history_.take(batch.number, history);
    report_.history += taken;
    compare(batch.number, retained_.history, batch.history, history, taken, "history entries");
    Hasher usage;
    taken = usage_.take(batch.number, usage);
    report_.usage += taken;
    compare(batch.number, retained_.usage, batch.usage, usage, taken, "usage samples");
  }

  void compare(std::uint64_t batch, std::uint64_t kept_from, const std::optional<Hash>& written,
               Hasher& hasher, std::int64_t rows, std::string_view what) {
    if (batch < kept_from) {
      if (rows > 0)
        note_damage(report_, fmt::format("transaction {}: {} that retention deleted are there", batch, what));
      return;
    }
    const std::optional<Hash> found = rows > 0 ? std::optional(hasher.finish()) : std::nullopt;
    if (found != written)
      note_damage(report_,
                  fmt::format("transaction {}: its {} are not those that were written", batch, what));
  }

  void check_documents() {
    auto select = database_.prepare(std::string(kSelectDocuments) + "ORDER BY kind, key");
    if (!select) return note_damage(report_, select.error().message());
    SetDigest digest;
    for (;;) {
      const auto row = select->step();
      if (!row) return note_damage(report_, "table of documents: " + row.error().message());
      if (!*row) break;
      const Document document = document_of(*select);
      const Hash hash = hash_of(document);
      if (hash_from_bytes(select->text(4)) != hash)
        note_damage(report_,
                    fmt::format("document {} {} is not what was written", document.kind, document.key));
      digest.add(hash);
      ++report_.documents;
      step_();
    }
    if (digest.value() != last_.documents)
      note_damage(report_, "the documents are not those that the newest transaction left");
  }

  Database& database_;
  const std::function<void()>& step_;
  VerifyReport& report_;
  Retained retained_;
  BatchRow last_;
  Rows segments_;
  Rows rounds_;
  Rows history_;
  Rows usage_;
};

}  // namespace

void note_damage(VerifyReport& report, std::string what) {
  if (report.damage.size() < kMostDamage) {
    report.damage.push_back(std::move(what));
  } else {
    ++report.more_damage;
  }
}

void check_chain(Database& database, const std::function<void()>& step, VerifyReport& report) {
  ChainCheck(database, step, report).run();
}

}  // namespace fairlead::ledger
