#include "ledger/chain.h"
#include "ledger/ledger.h"
#include "ledger/schema.h"
#include "ledger/sqlite.h"
#include "ledger/usage_query.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace fairlead::ledger {
namespace {

class SqliteReader final : public LedgerReader {
 public:
  explicit SqliteReader(Database database) : database_(std::move(database)) {}

  base::Result<void> start() {
    if (auto good = check_schema(database_); !good) return good;
    const std::string select(kSelectHistory);
    auto all = database_.prepare(select + "WHERE position>? ORDER BY position LIMIT ?");
    if (!all) return all.error();
    of_all_ = std::move(*all);
    auto one = database_.prepare(select + "WHERE subject=? AND position>? ORDER BY position LIMIT ?");
    if (!one) return one.error();
    of_one_ = std::move(*one);
    return {};
  }

  base::Result<std::vector<HistoryEntry>> history(std::uint64_t after, std::size_t limit,
                                                  std::string_view subject) override {
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    after = std::min(after, kMost);
    const std::uint64_t most = std::min<std::uint64_t>(limit, kMost);
    Statement& statement = subject.empty() ? of_all_ : of_one_;
    if (subject.empty()) {
      statement.bind(after, most);
    } else {
      statement.bind(subject, after, most);
    }
    std::vector<HistoryEntry> entries;
    for (;;) {
      const auto row = statement.step();
      if (!row) return row.error();
      if (!*row) break;
      entries.push_back(history_of(statement));
    }
    statement.reset();
    return entries;
  }

  base::Result<std::vector<UsageRow>> usage(UsageBy by, base::Time since, base::Time until) override {
    return query_usage(database_, by, since, until);
  }

 private:
  Database database_;
  Statement of_all_;
  Statement of_one_;
};

}  // namespace

base::Result<std::unique_ptr<LedgerReader>> LedgerReader::open(const std::string& path) {
  const std::string context = "ledger " + path;
  auto database = open_for_reading(path);
  if (!database) return database.error().in(context);
  auto reader = std::make_unique<SqliteReader>(std::move(*database));
  if (auto started = reader->start(); !started) return started.error().in(context);
  return std::unique_ptr<LedgerReader>(std::move(reader));
}

}  // namespace fairlead::ledger
