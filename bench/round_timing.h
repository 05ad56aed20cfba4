#pragma once

#include "engine/engine.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>
#include <vector>

namespace fairlead::bench {

/// The instant at which every case plays.
inline const base::Time kNow = base::Time::from_unix_seconds(1'800'000'000);

struct Counts {
  std::size_t binds = 0;
  std::size_t evictions = 0;
  std::size_t nominations = 0;
};

inline Counts count(const model::Round& round) {
  Counts counts;
  for (const model::Decision& decision : round.decisions) {
    counts.binds += std::holds_alternative<model::Bind>(decision.body) ? 1 : 0;
    counts.evictions += std::holds_alternative<model::Evict>(decision.body) ? 1 : 0;
    counts.nominations += std::holds_alternative<model::Nominate>(decision.body) ? 1 : 0;
  }
  return counts;
}

/// Times one round after the events, on a new engine each time. A round that `check` does not accept fails
/// the case.
template <class Check>
void time_round(benchmark::State& state, const std::vector<model::Event>& events, Check check) {
  for (auto _ : state) {
    state.PauseTiming();
    std::unique_ptr<model::Scheduler> engine = engine::make_engine();
    engine->apply(events);
    state.ResumeTiming();
    const model::Round round = engine->run({});
    state.PauseTiming();
    const Counts counts = count(round);
    if (!check(counts)) {
      state.SkipWithError(fmt::format("{} binds, {} evictions, {} nominations", counts.binds,
                                      counts.evictions, counts.nominations)
                              .c_str());
      return;
    }
    engine.reset();
    state.ResumeTiming();
  }
}

}  // namespace fairlead::bench
