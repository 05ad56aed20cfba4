#include "ledger/schema.h"

#include <fmt/format.h>

#include <array>

namespace fairlead::ledger {
namespace {

constexpr std::int64_t kApplicationId = 0x464c4447;  // "FLDG"

// Step i leads from version i to i + 1. A step that was released is never changed.
//
// Rounds have one ascending id over all segments; a segment's rounds are those from its first_round to the
// next segment's. Each row carries the number of the batch that wrote it. Texts that are JSON are not looked
// at by SQL.
constexpr std::array<const char*, kSchemaVersion> kSteps = {R"sql(
  CREATE TABLE migration(version INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE batch(
    number INTEGER PRIMARY KEY,
    rounds BLOB NOT NULL,
    history BLOB NOT NULL,
    usage BLOB NOT NULL,
    documents BLOB NOT NULL,
    last_position INTEGER NOT NULL,
    last_version INTEGER NOT NULL,
    last_usage INTEGER NOT NULL,
    last_round INTEGER NOT NULL,
    retained TEXT NOT NULL,
    hash BLOB NOT NULL
  ) STRICT;
  CREATE TABLE segment(
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    began INTEGER NOT NULL,
    first_round INTEGER NOT NULL,
    engine_revision INTEGER NOT NULL,
    event_version INTEGER NOT NULL,
    snapshot TEXT NOT NULL
  ) STRICT;
  CREATE TABLE round(
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE document(
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    json TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY(kind, key)
  ) STRICT;
  CREATE TABLE history(
    position INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL,
    json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX history_by_subject ON history(subject, position);
  CREATE TABLE usage(
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    department TEXT NOT NULL,
    project TEXT NOT NULL,
    user TEXT NOT NULL,
    workload TEXT NOT NULL,
    device_model TEXT NOT NULL,
    allocated INTEGER NOT NULL,
    over_quota INTEGER NOT NULL,
    used INTEGER,
    lost INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX usage_by_until ON usage(until);
)sql"};

/// The file's version; 0 for a new one.
base::Result<std::int64_t> version_of(Database& database) {
  const auto application = database.integer("PRAGMA application_id");
  if (!application) return application.error();
  const auto version = database.integer("PRAGMA user_version");
  if (!version) return version.error();
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const bool is_new = tables->value_or(0) == 0 && version->value_or(0) == 0;
  if (application->value_or(0) != kApplicationId && !is_new) {
    return base::Error(base::Code::kFailedPrecondition,
                       "the file is a database of another program; name another file or folder");
  }
  if (version->value_or(0) > kSchemaVersion) {
    return base::Error(
        base::Code::kFailedPrecondition,
        fmt::format("the ledger has schema {}, written by a newer release; this one knows up to {}: "
                    "start the newer release, or restore the backup from before it",
                    version->value_or(0), kSchemaVersion));
  }
  return version->value_or(0);
}

base::Result<void> run_step(Database& database, std::int64_t from) {
  if (auto done = database.execute("BEGIN IMMEDIATE"); !done) return done;
  const auto step = [&]() -> base::Result<void> {
    if (auto done = database.execute(kSteps[static_cast<std::size_t>(from)]); !done) return done;
    const std::string mark = fmt::format(
        "INSERT INTO migration(version) VALUES({0}); PRAGMA user_version={0}; PRAGMA "
        "application_id={1};",
        from + 1, kApplicationId);
    if (auto done = database.execute(mark.c_str()); !done) return done;
    return database.execute("COMMIT");
  };
  auto done = step();
  if (!done) database.roll_back();
  return done;
}

}  // namespace

base::Result<void> bring_up_to_date(Database& database) {
  const auto version = version_of(database);
  if (!version) return version.error();
  if (*version == 0) {
    // Only has an effect before the first table is made. It lets the file shrink when rows are deleted.
    if (auto done = database.execute("PRAGMA auto_vacuum=INCREMENTAL"); !done) return done;
  }
  if (auto done = database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"); !done) return done;
  for (std::int64_t from = *version; from < kSchemaVersion; ++from) {
    if (auto done = run_step(database, from); !done)
      return done.error().in(fmt::format("bring the schema from {} to {}", from, from + 1));
  }
  return {};
}

base::Result<void> check_schema(Database& database) {
  const auto version = version_of(database);
  if (!version) return version.error();
  if (*version == 0)
    return base::Error(base::Code::kFailedPrecondition,
                       "the ledger is empty: the platform has not written to it yet");
  if (*version < kSchemaVersion) {
    return base::Error(base::Code::kFailedPrecondition,
                       fmt::format("the ledger has schema {}, older than {}: start the platform once, which "
                                   "brings it up to date",
                                   *version, kSchemaVersion));
  }
  return {};
}

}  // namespace fairlead::ledger
