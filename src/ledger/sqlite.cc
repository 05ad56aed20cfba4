#include "ledger/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace fairlead::ledger {
namespace {

base::Error error_of(sqlite3* handle, int result) {
  const int extended = handle == nullptr ? result : sqlite3_extended_errcode(handle);
  const std::string said = handle == nullptr ? sqlite3_errstr(result) : sqlite3_errmsg(handle);
  const auto unavailable = [&](std::string_view remedy) {
    return base::Error(base::Code::kUnavailable, fmt::format("{}; {}", said, remedy));
  };
  constexpr std::string_view kFreeSpace =
      "free space on the disk of the state folder; writing goes on by itself then";
  switch (result & 0xff) {
    case SQLITE_FULL:
      return unavailable(kFreeSpace);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return unavailable("let the account that runs fairlead write the file and its folder");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable("another program holds the database; end it, or try again");
    case SQLITE_CANTOPEN:
      return unavailable("check that the folder exists and may be read and written");
    case SQLITE_IOERR:
      // The index of the log could not grow, which is for want of space.
      if (extended == SQLITE_IOERR_SHMSIZE)
        return base::Error(base::Code::kUnavailable,
                           fmt::format("{}; {}", sqlite3_errstr(SQLITE_FULL), kFreeSpace));
      return unavailable(
          fmt::format("input or output failed (code {}); look at the system's log for the disk", extended));
    case SQLITE_NOMEM:
      return unavailable("memory ran out");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return base::Error(base::Code::kInternal,
                         said +
                             "; the database is damaged: keep a copy of it, and restore the last backup or "
                             "see docs/ledger.md, Recovery");
    default:
      return base::Error(base::Code::kInternal, fmt::format("{} (code {})", said, extended));
  }
}

base::Error error_of(sqlite3_stmt* statement, int result) {
  return error_of(sqlite3_db_handle(statement), result);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

void Statement::bind_one(int index, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
}
void Statement::bind_one(int index, std::string_view text) {
  // A null pointer would be NULL instead of the empty text.
  sqlite3_bind_text64(statement_.get(), index, text.data() == nullptr ? "" : text.data(), text.size(),
                      nullptr, SQLITE_UTF8);
}
void Statement::bind_one(int index, std::span<const std::byte> blob) {
  sqlite3_bind_blob64(statement_.get(), index, blob.data(), blob.size(), nullptr);
}
void Statement::bind_one(int index, const std::optional<std::int64_t>& value) {
  if (value) {
    bind_one(index, *value);
  } else {
    sqlite3_bind_null(statement_.get(), index);
  }
}

base::Result<bool> Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  base::Error error = error_of(statement_.get(), result);
  reset();
  return error;
}

base::Result<void> Statement::run() {
  for (;;) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) break;
  }
  reset();
  return {};
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}
std::string_view Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

base::Result<Database> Database::open(const std::string& path, Mode mode) {
  std::string name = path;
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (mode == Mode::kWrite) {
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  } else {
    flags |= SQLITE_OPEN_READONLY;
  }
  if (mode == Mode::kImmutable) {
    flags |= SQLITE_OPEN_URI;
    name = "file:";
    for (const char c : path) {
      if (c == '%' || c == '?' || c == '#') {
        name += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
      } else {
        name += c;
      }
    }
    name += "?immutable=1";
  }
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (result != SQLITE_OK) return error_of(handle, result);
  // Another connection holds locks for moments only: a checkpoint, or recovery after a crash.
  sqlite3_busy_timeout(handle, 5000);
  return database;
}

base::Result<void> Database::execute(const char* sql) {
  const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return error_of(handle_.get(), result);
  return {};
}

base::Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  Statement prepared;
  prepared.statement_.reset(statement);
  if (result != SQLITE_OK) return error_of(handle_.get(), result);
  return prepared;
}

base::Result<std::optional<std::int64_t>> Database::integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  if (!*row || statement->is_null(0)) return std::optional<std::int64_t>();
  return std::optional(statement->integer(0));
}

void Database::roll_back() {
  if (sqlite3_get_autocommit(handle_.get()) != 0) return;
  sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

base::Result<Database> open_for_reading(const std::string& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem))
    return base::not_found(
        "there is no such file; name the state folder of a platform that was started once");
  const auto open = [&path](Database::Mode mode) -> base::Result<Database> {
    auto database = Database::open(path, mode);
    if (!database) return database;
    // The file is read by the first statement only.
    if (auto read = database->integer("SELECT count(*) FROM sqlite_schema"); !read) return read.error();
    return database;
  };
  auto database = open(Database::Mode::kRead);
  if (database || database.error().code() != base::Code::kUnavailable) return database;
  // Reading a database in WAL mode makes a file beside it. Where that is not allowed and nobody has left
  // anything in the log, the file alone is everything.
  const auto left = std::filesystem::file_size(path + "-wal", problem);
  if (!problem && left > 0) return database;
  auto immutable = open(Database::Mode::kImmutable);
  return immutable ? std::move(immutable) : std::move(database);
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

}  // namespace fairlead::ledger
