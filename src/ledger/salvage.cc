#include "ledger/salvage.h"

#include "ledger/chain.h"
#include "ledger/ledger.h"
#include "ledger/schema.h"
#include "ledger/sqlite.h"

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <map>
#include <system_error>
#include <utility>

namespace fairlead::ledger {
namespace {

base::Result<void> must_not_exist(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  return base::Error(base::Code::kAlreadyExists, path + " is there already; name a new file");
}

/// Visits the rows of a table from its beginning and, where that breaks off, from its end: a damaged page in
/// the middle hides neither side.
void each_readable(Database& database, std::string_view select, std::string_view id, SalvageReport& report,
                   std::string_view table, const std::function<void(const Statement&)>& visit) {
  std::string problem;
  for (const char* direction : {"ASC", "DESC"}) {
    auto rows = database.prepare(fmt::format("{} ORDER BY {} {}", select, id, direction));
    if (!rows) {
      problem = rows.error().message();
      continue;
    }
    for (;;) {
      const auto row = rows->step();
      if (!row) {
        problem = row.error().message();
        break;
      }
      if (!*row) return;
      visit(*rows);
    }
  }
  report.lost.push_back(fmt::format("part of the table {}: {}", table, problem));
}

}  // namespace

base::Result<void> back_up(const std::string& from, const std::string& to) {
  if (auto free = must_not_exist(to); !free) return free;
  auto database = open_for_reading(from);
  if (!database) return database.error().in("ledger " + from);
  if (auto good = check_schema(*database); !good) return good.error().in("ledger " + from);
  auto copy = database->prepare("VACUUM INTO ?");
  if (!copy) return copy.error();
  auto done = copy->bind(to).run();
  return done ? done : done.error().in("write " + to);
}

base::Result<SalvageReport> salvage(const std::string& from, const std::string& to) {
  if (auto free = must_not_exist(to); !free) return free.error();
  auto database = open_for_reading(from);
  if (!database) return database.error().in("ledger " + from);
  if (auto good = check_schema(*database); !good) return good.error().in("ledger " + from);
  SalvageReport report;
  std::map<std::pair<std::string, std::string>, Document> documents;
  each_readable(*database, kSelectDocuments, "rowid", report, "document", [&](const Statement& row) {
    Document document = document_of(row);
    if (hash_from_bytes(row.text(4)) != hash_of(document)) {
      report.lost.push_back(fmt::format("document {} {}", document.kind, document.key));
      return;
    }
    Document& known = documents[{document.kind, document.key}];
    if (document.version >= known.version) known = std::move(document);
  });
  std::map<std::uint64_t, HistoryEntry> history;
  each_readable(*database, kSelectHistory, "position", report, "history", [&](const Statement& row) {
    HistoryEntry entry = history_of(row);
    history.insert_or_assign(entry.position, std::move(entry));
  });
  std::map<std::int64_t, UsageSample> usage;
  each_readable(*database, kSelectUsage, "id", report, "usage",
                [&](const Statement& row) { usage.insert_or_assign(row.integer(0), usage_of(row)); });

  Batch batch;
  for (auto& [key, document] : documents) batch.written.push_back(std::move(document));
  for (auto& [position, entry] : history) batch.history.push_back(std::move(entry));
  for (auto& [id, sample] : usage) batch.usage.push_back(std::move(sample));
  report.documents = static_cast<std::int64_t>(batch.written.size());
  report.history = static_cast<std::int64_t>(batch.history.size());
  report.usage = static_cast<std::int64_t>(batch.usage.size());
  auto ledger = Ledger::open(to);
  if (!ledger) return ledger.error();
  if (auto written = (*ledger)->commit(std::move(batch)); !written) return written.error();
  return report;
}

}  // namespace fairlead::ledger
