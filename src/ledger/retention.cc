#include "ledger/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace fairlead::ledger {
namespace {

using Number = std::optional<std::int64_t>;

base::Result<Number> ask(Database& database, const std::string& sql) { return database.integer(sql); }

/// From which batch rows of `table` are to stay so that those older than `oldest` go: that of the first row
/// that is not older. Cost: the rows that go.
base::Result<std::uint64_t> batch_to_keep_from(Database& database, const std::string& table,
                                               const std::string& time, const std::string& id,
                                               base::Time oldest, std::uint64_t before) {
  const auto first = ask(database, fmt::format("SELECT batch FROM {} WHERE {}>={} ORDER BY {} LIMIT 1", table,
                                               time, oldest.unix_nanoseconds(), id));
  if (!first) return first.error();
  if (*first) return std::max(before, static_cast<std::uint64_t>(**first));
  const auto last = ask(database, fmt::format("SELECT batch FROM {} ORDER BY {} DESC LIMIT 1", table, id));
  if (!last) return last.error();
  return *last ? static_cast<std::uint64_t>(**last) + 1 : before;
}

/// Ids of the segments, oldest first; an id is also the batch that began it.
base::Result<std::vector<std::pair<std::uint64_t, base::Time>>> segments(Database& database) {
  auto select = database.prepare("SELECT batch, began FROM segment ORDER BY id");
  if (!select) return select.error();
  std::vector<std::pair<std::uint64_t, base::Time>> all;
  for (;;) {
    const auto row = select->step();
    if (!row) return row.error();
    if (!*row) return all;
    all.emplace_back(static_cast<std::uint64_t>(select->integer(0)),
                     base::Time::from_unix_nanoseconds(select->integer(1)));
  }
}

base::Result<std::int64_t> bytes_of_rows(Database& database, const std::string& expression,
                                         const std::string& from) {
  const auto bytes = ask(database, fmt::format("SELECT sum({}) FROM {}", expression, from));
  if (!bytes) return bytes.error();
  return bytes->value_or(0);
}

/// Bytes in use, without what earlier deletions left free.
base::Result<std::int64_t> bytes_used(Database& database) {
  const auto pages = ask(database, "PRAGMA page_count");
  if (!pages) return pages.error();
  const auto free = ask(database, "PRAGMA freelist_count");
  if (!free) return free.error();
  const auto size = ask(database, "PRAGMA page_size");
  if (!size) return size.error();
  return (pages->value_or(0) - free->value_or(0)) * size->value_or(0);
}

}  // namespace

base::Result<Retained> find_retained(Database& database) {
  auto select =
      database.prepare("SELECT retained FROM batch WHERE retained<>'' ORDER BY number DESC LIMIT 1");
  if (!select) return select.error();
  const auto row = select->step();
  if (!row) return row.error();
  if (!*row) return Retained();
  const auto retained = retained_from_json(select->text(0));
  if (!retained) return base::Error(base::Code::kInternal, "what retention left cannot be read");
  return *retained;
}

base::Result<std::optional<Retained>> plan_retention(Database& database, const LedgerOptions& options,
                                                     base::Time now) {
  const auto before = find_retained(database);
  if (!before) return before.error();
  const auto newest = ask(database, "SELECT max(number) FROM batch");
  if (!newest) return newest.error();
  const std::uint64_t after_newest = static_cast<std::uint64_t>(newest->value_or(0)) + 1;
  const base::Time oldest = now - options.keep_time;
  Retained next = *before;

  const auto history = batch_to_keep_from(database, "history", "time", "position", oldest, before->history);
  if (!history) return history.error();
  next.history = *history;
  const auto usage = batch_to_keep_from(database, "usage", "until", "id", oldest, before->usage);
  if (!usage) return usage.error();
  next.usage = *usage;

  // A segment ends when the next begins.
  const auto all = segments(database);
  if (!all) return all.error();
  std::size_t first = 0;
  while (first + 1 < all->size() && (*all)[first + 1].second < oldest) ++first;

  const auto used = bytes_used(database);
  if (!used) return used.error();
  std::int64_t too_many = *used - options.keep_bytes;
  const auto size_of = [&](std::size_t index) -> base::Result<std::int64_t> {
    const bool last = index + 1 == all->size();
    return bytes_of_rows(
        database, "length(body)",
        fmt::format(
            "round WHERE id>=(SELECT first_round FROM segment WHERE id={}) AND {}", (*all)[index].first,
            last ? std::string("1")
                 : fmt::format("id<(SELECT first_round FROM segment WHERE id={})", (*all)[index + 1].first)));
  };
  for (std::size_t i = 0; too_many > 0 && i + 1 < all->size(); ++i) {
    const auto bytes = size_of(i);
    if (!bytes) return bytes.error();
    const auto header =
        bytes_of_rows(database, "length(snapshot)", fmt::format("segment WHERE id={}", (*all)[i].first));
    if (!header) return header.error();
    too_many -= *bytes + *header;
    first = std::max(first, i + 1);
  }
  if (!all->empty()) next.rounds = std::max(next.rounds, (*all)[first].first);

  if (too_many > 0) {
    for (const auto& [table, from] : {std::pair<const char*, std::uint64_t*>{"history", &next.history},
                                      std::pair<const char*, std::uint64_t*>{"usage", &next.usage}}) {
      const auto middle = ask(database, fmt::format("SELECT (min(batch)+max(batch)+1)/2 FROM {0} WHERE "
                                                    "batch>={1}",
                                                    table, *from));
      if (!middle) return middle.error();
      if (*middle) *from = std::max(*from, static_cast<std::uint64_t>(**middle));
    }
  }

  if (next.rounds == before->rounds && next.history == before->history && next.usage == before->usage)
    return std::optional<Retained>();
  next.first = std::min({next.rounds, next.history, next.usage, after_newest});
  if (next.first > before->first) {
    auto select = database.prepare(std::string(kSelectBatches) + "WHERE number=?");
    if (!select) return select.error();
    const auto found = select->bind(next.first - 1).step();
    if (!found) return found.error();
    if (!*found) return base::Error(base::Code::kInternal, "the chain has a gap; run fairlead ledger verify");
    const auto row = batch_of(*select);
    if (!row) return row.error();
    next.before_first = row->hash;
  }
  return std::optional(next);
}

base::Result<void> delete_before(Database& database, const Retained& retained) {
  const std::string first_round =
      fmt::format("(SELECT min(first_round) FROM segment WHERE batch>={})", retained.rounds);
  const std::string sql = fmt::format(
      "DELETE FROM round WHERE id<{0}; DELETE FROM segment WHERE batch<{1}; DELETE FROM history WHERE "
      "batch<{2}; DELETE FROM usage WHERE batch<{3}; DELETE FROM batch WHERE number<{4};",
      first_round, retained.rounds, retained.history, retained.usage, retained.first);
  return database.execute(sql.c_str());
}

}  // namespace fairlead::ledger
