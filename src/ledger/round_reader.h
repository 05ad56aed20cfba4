#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ledger/ledger.h"
#include "ledger/sqlite.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::ledger {

/// A stretch of rounds that starts from a first state of its own.
struct Segment {
  std::int64_t id = 0;
  base::Time began;
  std::optional<base::Time> ended;  ///< none: it is the open one
  std::uint32_t engine_revision = 0;
  std::int32_t event_version = 0;
  std::int64_t first_round = 0;  ///< id over all segments
  std::int64_t end_round = 0;    ///< the one after its last

  std::int64_t rounds() const { return end_round - first_round; }
  /// Whether this program's engine decides as the one that wrote it.
  bool of_this_revision() const {
    return engine_revision == kEngineRevision && event_version == model::kEventVersion;
  }
};

/// Reads the segments of a ledger as they are at one instant, while the platform goes on writing. Thread:
/// one.
class RoundReader {
 public:
  static base::Result<RoundReader> open(const std::string& path);

  /// Oldest first.
  base::Result<std::vector<Segment>> segments();
  /// The events that lead an empty scheduler to the segment's first state. To be applied as one batch.
  base::Result<std::vector<model::Event>> snapshot(const Segment& segment);
  /// Visits its rounds in order until `visit` says false. Errors: kInternal for a row that cannot be read.
  base::Result<void> each_round(const Segment& segment, const std::function<bool(RoundRecord&)>& visit);
  Database& database() { return database_; }

 private:
  explicit RoundReader(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace fairlead::ledger
