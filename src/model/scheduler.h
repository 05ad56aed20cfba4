#pragma once

#include "base/time.h"
#include "model/assumptions.h"
#include "model/decision.h"
#include "model/event.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fairlead::model {

struct RejectedEvent {
  std::size_t index = 0;  ///< in the batch
  std::string reason;
};
struct ApplyReport {
  std::vector<RejectedEvent> rejected;
};

/// One round's limits, as counts of work, so that a replay repeats them. While only the clock moves, and no
/// instant passes at which that changes a decision, the next round goes on where one stopped; when anything
/// else changed, a decision of its own included, it starts from the beginning.
struct RoundRequest {
  std::uint64_t max_simulations = 0;  ///< placements tried while searching for victims; 0: no limit
  std::uint64_t max_groups = 0;       ///< groups attempted; 0: no limit
};

struct Round {
  std::vector<Decision> decisions;
  bool more = false;                  ///< a limit was reached: another round has work to do
  std::optional<base::Time> wake_at;  ///< the earliest instant at which time alone could change a decision
};

/// The contract between a world and what decides for it. Implemented by the engine and, in tests, by the
/// reference. Single-threaded; no I/O, clock, randomness or global state: the same events give the same
/// decisions.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  /// Takes one batch of events, in order. An event that cannot be right (time going backwards, an outcome of
  /// an unknown decision, a pod without a UID) changes nothing and is reported.
  virtual ApplyReport apply(std::span<const Event> events) = 0;
  /// One round at the time of the last event. Its decisions are in the state, as assumed, when it returns.
  virtual Round run(const RoundRequest& request) = 0;

  /// What it holds beyond the world's truth, as it is before the next round.
  virtual Assumptions assumptions() { return {}; }
  /// For a fresh scheduler that was told the world's truth: takes over what another one held. What cannot be
  /// is left out and reported, with its index among the pods.
  virtual ApplyReport assume(const Assumptions& assumptions) {
    static_cast<void>(assumptions);
    return {};
  }
};

}  // namespace fairlead::model
