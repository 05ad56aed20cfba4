#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace fairlead::ledger {

/// A prepared statement of a Database, which must outlive it. Use: bind in order, then step until it says
/// false; run() does both for a statement without rows. Movable.
class Statement {
 public:
  Statement() = default;

  /// Values for the placeholders, from the first on; resets the statement. Texts are not copied: they must
  /// live until the statement is reset.
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }
  /// Whether there is a row. Errors are those of Database.
  base::Result<bool> step();
  /// Runs to the end and resets. Rows are passed over.
  base::Result<void> run();
  void reset();

  std::int64_t integer(int column) const;
  bool is_null(int column) const;
  /// Text or blob; valid until the next step or reset.
  std::string_view text(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void bind_one(int index, std::int64_t value);
  void bind_one(int index, std::uint64_t value) { bind_one(index, static_cast<std::int64_t>(value)); }
  void bind_one(int index, std::string_view text);
  void bind_one(int index, const std::string& text) { bind_one(index, std::string_view(text)); }
  void bind_one(int index, std::span<const std::byte> blob);
  void bind_one(int index, const std::optional<std::int64_t>& value);

  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection to an SQLite database. The only place that knows its C interface. Thread: one.
///
/// Errors of every call: kUnavailable (no space, not writable, locked, input or output failed), kInternal
/// (damaged, or a defect of ours), each with what to do about it.
class Database {
 public:
  enum class Mode : std::uint8_t {
    kWrite,      ///< makes the file when it is not there
    kRead,       ///< sees what writers commit
    kImmutable,  ///< nobody writes: no lock is taken, no file made beside it
  };
  static base::Result<Database> open(const std::string& path, Mode mode);

  /// Runs statements that give no rows.
  base::Result<void> execute(const char* sql);
  base::Result<Statement> prepare(std::string_view sql);
  /// The integer in the first column of the only row; nothing without a row or for NULL.
  base::Result<std::optional<std::int64_t>> integer(std::string_view sql);
  /// Ends a transaction without effect, if one is open.
  void roll_back();
  /// Rows that the last statement wrote or deleted.
  std::int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Opens a database to read it, also where this account may write nothing beside it. Errors: kNotFound, and
/// those of Database.
base::Result<Database> open_for_reading(const std::string& path);

}  // namespace fairlead::ledger
