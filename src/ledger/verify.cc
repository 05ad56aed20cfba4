#include "ledger/verify.h"

#include "ledger/chain_check.h"
#include "ledger/decision_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fairlead::ledger {
namespace {

/// Counts rows and reports each whole per cent.
class Progress {
 public:
  Progress(const VerifyOptions& options, std::int64_t total) : options_(options), total_(total) {}

  void step() {
    ++done_;
    if (done_ < next_) return;
    stopped_ = options_.keep_going && !options_.keep_going();
    if (options_.progress) options_.progress(std::min(done_, total_), total_);
    next_ = done_ + std::max<std::int64_t>(1, total_ / 100);
  }
  bool stopped() const { return stopped_; }

 private:
  const VerifyOptions& options_;
  std::int64_t total_;
  std::int64_t done_ = 0;
  std::int64_t next_ = 1;
  bool stopped_ = false;
};

/// SQLite's own check: pages, records, indices, and that each value is of its column's type.
void check_pages(Database& database, VerifyReport& report) {
  auto check = database.prepare("PRAGMA integrity_check(10)");
  if (!check) return note_damage(report, check.error().message());
  for (;;) {
    const auto row = check->step();
    if (!row) return note_damage(report, row.error().message());
    if (!*row) return;
    if (check->text(0) != "ok") note_damage(report, "database file: " + std::string(check->text(0)));
  }
}

std::string place_of(const RoundRecord& round) {
  return fmt::format("round {} at {}", round.number, base::format_time(round.time));
}

/// What differs first, or nothing.
std::string first_difference(const RoundRecord& round, const std::vector<model::Decision>& decided) {
  const std::size_t both = std::min(round.decisions.size(), decided.size());
  for (std::size_t i = 0; i < both; ++i) {
    if (same_decision(round.decisions[i], decided[i])) continue;
    return fmt::format("{}, decision {} of {}: recorded {}, now {}", place_of(round), i + 1,
                       round.decisions.size(), decision_to_json(round.decisions[i]),
                       decision_to_json(decided[i]));
  }
  if (decided.size() < round.decisions.size())
    return fmt::format("{}: recorded {}, now nothing", place_of(round),
                       decision_to_json(round.decisions[both]));
  if (decided.size() > round.decisions.size())
    return fmt::format("{}: recorded nothing, now {}", place_of(round), decision_to_json(decided[both]));
  return {};
}

SegmentReport replay(RoundReader& reader, const Segment& segment, const VerifyOptions& options,
                     Progress& progress) {
  using Outcome = SegmentReport::Outcome;
  SegmentReport report{segment, Outcome::kEqual, 0, 0, {}};
  if (!segment.of_this_revision()) {
    report.outcome = Outcome::kOtherRevision;
    return report;
  }
  const auto snapshot = reader.snapshot(segment);
  if (!snapshot) {
    report.outcome = Outcome::kUnreadable;
    report.first_difference = snapshot.error().message();
    return report;
  }
  const auto scheduler = options.make_scheduler();
  scheduler->apply(*snapshot);
  const auto read = reader.each_round(segment, [&](RoundRecord& round) {
    progress.step();
    if (progress.stopped()) return false;
    scheduler->apply(round.events);
    const model::Round decided = scheduler->run(round.request);
    report.first_difference = first_difference(round, decided.decisions);
    if (!report.first_difference.empty()) {
      report.outcome = Outcome::kDifferent;
      return false;
    }
    ++report.rounds;
    report.decisions += static_cast<std::int64_t>(decided.decisions.size());
    return true;
  });
  if (!read) {
    report.outcome = Outcome::kUnreadable;
    report.first_difference = read.error().message();
  }
  return report;
}

base::Result<std::int64_t> count_rows(Database& database) {
  std::int64_t total = 0;
  for (const char* sql : {"SELECT max(number)-min(number)+1 FROM batch",
                          "SELECT max(id)-min(id)+1 FROM round", "SELECT count(*) FROM document"}) {
    const auto count = database.integer(sql);
    if (!count) return count.error();
    total += count->value_or(0);
  }
  return total;
}

}  // namespace

bool VerifyReport::good() const {
  return damage.empty() && std::all_of(segments.begin(), segments.end(), [](const SegmentReport& segment) {
           return segment.outcome == SegmentReport::Outcome::kEqual ||
                  segment.outcome == SegmentReport::Outcome::kOtherRevision;
         });
}

base::Result<VerifyReport> verify(const std::string& path, const VerifyOptions& options) {
  auto reader = RoundReader::open(path);
  if (!reader) return reader.error();
  VerifyReport report;
  const auto total = count_rows(reader->database());
  Progress progress(options, total ? *total : 0);
  check_pages(reader->database(), report);
  check_chain(reader->database(), [&progress] { progress.step(); }, report);
  const auto segments = reader->segments();
  if (!segments) {
    note_damage(report, segments.error().message());
    return report;
  }
  for (const Segment& segment : *segments) {
    report.segments.push_back(replay(*reader, segment, options, progress));
    if (progress.stopped()) return base::Error(base::Code::kUnavailable, "the verification was given up");
  }
  return report;
}

}  // namespace fairlead::ledger
