#pragma once

#include <cstdint>

namespace fairlead::ledger {

/// What SQLite meets while a FaultyDisk is there: the n-th write or sync from now fails, or ends the process
/// as kill -9 does (kKillAtSync: at the first sync from then on, when a transaction is written and not yet
/// answered). Of this process only.
class FaultyDisk {
 public:
  enum class Fault : std::uint8_t { kNone, kFull, kSyncFails, kReadOnly, kKill, kKillAtSync };

  FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;
  ~FaultyDisk();

  /// From the `after`-th write or sync on (0: the next), until mended; kKill is only met once, of course.
  void break_after(std::int64_t after, Fault fault);
  void mend() { break_after(0, Fault::kNone); }
  /// Whether the fault was met since it was set.
  bool met() const;
  /// Writes and syncs so far.
  std::int64_t calls() const;
};

}  // namespace fairlead::ledger
