#pragma once

#include "base/result.h"

#include <string>

namespace fairlead::ledger {

/// Held by the one process that writes a ledger: a lock of the system on PATH.lock, gone with the process
/// however it ends. The database file itself is not locked so, because closing any descriptor of it would
/// drop the locks of SQLite.
class WriterLock {
 public:
  /// Errors: kFailedPrecondition naming the process that holds it; kUnavailable when it cannot be made.
  static base::Result<WriterLock> take(const std::string& database_path);
  WriterLock(WriterLock&& other) noexcept;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

 private:
  explicit WriterLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace fairlead::ledger
