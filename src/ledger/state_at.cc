#include "ledger/state_at.h"

#include "ledger/world_mirror.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fairlead::ledger {
namespace {

base::Result<Segment> segment_of(RoundReader& reader, base::Time at) {
  const auto segments = reader.segments();
  if (!segments) return segments.error();
  const Segment* found = nullptr;
  for (const Segment& segment : *segments) {
    if (segment.began <= at) found = &segment;
  }
  if (found == nullptr) {
    return base::not_found(
        segments->empty()
            ? std::string("the ledger has no rounds yet")
            : fmt::format("the ledger does not reach back to {}; its oldest segment began at {}",
                          base::format_time(at), base::format_time(segments->front().began)));
  }
  if (!found->of_this_revision()) {
    return base::Error(
        base::Code::kFailedPrecondition,
        fmt::format("at {} engine revision {} decided, and this program is revision {}: use the release that "
                    "wrote it",
                    base::format_time(at), found->engine_revision, kEngineRevision));
  }
  return *found;
}

}  // namespace

base::Result<StateAt> state_at(const std::string& path, base::Time at,
                               const std::function<std::unique_ptr<model::Scheduler>()>& make_scheduler) {
  auto reader = RoundReader::open(path);
  if (!reader) return reader.error();
  const auto segment = segment_of(*reader, at);
  if (!segment) return segment.error();
  const auto snapshot = reader->snapshot(*segment);
  if (!snapshot) return snapshot.error();
  const auto scheduler = make_scheduler();
  WorldMirror mirror;
  mirror.apply(*snapshot, scheduler->apply(*snapshot));
  StateAt state;
  const auto read = reader->each_round(*segment, [&](RoundRecord& round) {
    if (round.time > at) return false;
    mirror.apply(round.events, scheduler->apply(round.events));
    if (round.time == at) {
      state.round = std::move(round);
      return false;
    }
    mirror.note(scheduler->run(round.request).decisions);
    return true;
  });
  if (!read) return read.error();
  state.now = std::max(at, mirror.now());
  state.configuration = mirror.configuration();
  state.truth = mirror.everything(state.now);
  state.usage = mirror.usage();
  state.assumptions = scheduler->assumptions();
  return state;
}

}  // namespace fairlead::ledger
