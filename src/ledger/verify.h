#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ledger/round_reader.h"
#include "model/scheduler.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::ledger {

struct VerifyOptions {
  /// What decides again; made anew for each segment. To be set.
  std::function<std::unique_ptr<model::Scheduler>()> make_scheduler;
  /// Called now and then with the rows that are done and in all.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
  /// False: nobody wants the outcome any more. Absent: somebody does.
  std::function<bool()> keep_going = {};
};

/// What came of deciding a segment again.
struct SegmentReport {
  enum class Outcome : std::uint8_t {
    kEqual,          ///< each decision came out the same, bit for bit
    kDifferent,      ///< `first_difference` says where first
    kOtherRevision,  ///< not tried: another release decided there, by other rules
    kUnreadable,     ///< a row of it is damaged
  };
  Segment segment;
  Outcome outcome = Outcome::kEqual;
  std::int64_t rounds = 0;     ///< that came out the same
  std::int64_t decisions = 0;  ///< in these
  std::string first_difference;
};

struct VerifyReport {
  /// What is not as it was written, worst first; empty: each byte of each row is. At most kMostDamage.
  std::vector<std::string> damage;
  std::size_t more_damage = 0;  ///< that is not listed
  std::vector<SegmentReport> segments;
  std::int64_t batches = 0;
  std::int64_t rounds = 0;
  std::int64_t documents = 0;
  std::int64_t history = 0;
  std::int64_t usage = 0;
  bool retained = false;    ///< retention has deleted older rows
  std::string newest_hash;  ///< hexadecimal: stands for everything; none in an empty ledger

  bool good() const;
};
inline constexpr std::size_t kMostDamage = 20;

/// Checks that every byte of every row is as it was written (the chain of hashes, and SQLite's own check of
/// its pages), and decides every round again. Reads only, and may run while the platform writes. Damage is in
/// the report. Errors: the ledger cannot be opened; kUnavailable when keep_going said false. Cost: reads
/// everything once or twice; about as long as the engine took for these rounds.
base::Result<VerifyReport> verify(const std::string& path, const VerifyOptions& options);

}  // namespace fairlead::ledger
