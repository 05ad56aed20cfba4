#include "ledger/round_reader.h"

#include "ledger/chain.h"
#include "ledger/decision_json.h"
#include "ledger/event_json.h"
#include "ledger/schema.h"

#include <fmt/format.h>

#include <utility>

namespace fairlead::ledger {

base::Result<RoundReader> RoundReader::open(const std::string& path) {
  const std::string context = "ledger " + path;
  auto database = open_for_reading(path);
  if (!database) return database.error().in(context);
  // All later questions see the database as it is at the first.
  if (auto begun = database->execute("BEGIN"); !begun) return begun.error().in(context);
  if (auto good = check_schema(*database); !good) return good.error().in(context);
  return RoundReader(std::move(*database));
}

base::Result<std::vector<Segment>> RoundReader::segments() {
  auto select = database_.prepare(std::string(kSelectSegments) + "ORDER BY id");
  if (!select) return select.error();
  std::vector<Segment> all;
  for (;;) {
    const auto row = select->step();
    if (!row) return row.error();
    if (!*row) break;
    const SegmentRow read = segment_of(*select);
    if (!all.empty()) {
      all.back().ended = read.began;
      all.back().end_round = read.first_round;
    }
    all.push_back({read.id, read.began, std::nullopt, read.engine_revision, read.event_version,
                   read.first_round, read.first_round});
  }
  if (!all.empty()) {
    const auto last = database_.integer("SELECT max(id) FROM round");
    if (!last) return last.error();
    if (*last && **last >= all.back().first_round) all.back().end_round = **last + 1;
  }
  return all;
}

base::Result<std::vector<model::Event>> RoundReader::snapshot(const Segment& segment) {
  auto select = database_.prepare(std::string(kSelectSegments) + "WHERE id=?");
  if (!select) return select.error();
  const auto row = select->bind(segment.id).step();
  if (!row) return row.error();
  if (!*row) return base::not_found(fmt::format("there is no segment {}", segment.id));
  auto events = events_from_json(segment_of(*select).snapshot);
  if (!events)
    return base::Error(base::Code::kInternal, fmt::format("the first state of segment {} cannot be read: {}",
                                                          segment.id, events.error().message()));
  return events;
}

base::Result<void> RoundReader::each_round(const Segment& segment,
                                           const std::function<bool(RoundRecord&)>& visit) {
  auto select = database_.prepare(std::string(kSelectRounds) + "WHERE id>=? AND id<? ORDER BY id");
  if (!select) return select.error();
  select->bind(segment.first_round, segment.end_round);
  for (;;) {
    const auto found = select->step();
    if (!found) return found.error();
    if (!*found) return {};
    const RoundRow row = round_of(*select);
    auto round = round_from_json(row.body);
    if (!round)
      return base::Error(base::Code::kInternal, fmt::format("round {} of segment {} cannot be read: {}",
                                                            row.number, segment.id, round.error().message()));
    round->number = row.number;
    round->time = row.time;
    if (!visit(*round)) return {};
  }
}

}  // namespace fairlead::ledger
