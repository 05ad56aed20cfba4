#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ledger/round_reader.h"
#include "model/assumptions.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::ledger {

/// What a recorded scheduler knew and held at an instant, before it decided.
struct StateAt {
  base::Time now;
  std::optional<model::Configuration> configuration;
  std::vector<model::Event> truth;  ///< upserts of everything that the world had told
  std::vector<model::UsageSampled> usage;
  model::Assumptions assumptions;
  /// The round that was decided at that very instant, the first when there were several; its events are in
  /// the state. None: the state is that after the rounds before.
  std::optional<RoundRecord> round;
};

/// Replays the segment of an instant up to it. Errors: kNotFound where the ledger does not reach back so far,
/// kFailedPrecondition where another engine revision decided, kInternal for rows that cannot be read. Cost:
/// the segment's rounds before.
base::Result<StateAt> state_at(const std::string& path, base::Time at,
                               const std::function<std::unique_ptr<model::Scheduler>()>& make_scheduler);

}  // namespace fairlead::ledger
