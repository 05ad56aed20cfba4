#pragma once

#include "base/time.h"
#include "engine/search/legality.h"

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// What one simulation came to.
enum class SimulationOutcome : std::uint8_t {
  kSolved,
  kNoPlace,  ///< the pods found no place
  kIllegal,
  kStopped,  ///< not tried: the limit was reached
};

/// The simulations of a search that may stop at a limit, in order. A search is a function of the state, so
/// one that is run again on the same state asks the same questions: the log answers those that were asked
/// before, and the search goes on behind them.
class SearchLog {
 public:
  struct Simulation {
    SimulationOutcome outcome = SimulationOutcome::kStopped;
    // When solved:
    std::vector<VictimChunk> used;      ///< whom it evicted
    std::vector<VictimChunk> solution;  ///< those of them that leave their place
  };

  SearchLog() = default;
  explicit SearchLog(base::Time began) : began_(began) {}

  /// The instant at which lost work is measured, however long the search takes.
  base::Time began() const { return began_; }
  void add(Simulation simulation) { simulations_.push_back(std::move(simulation)); }
  std::size_t size() const { return simulations_.size(); }
  const Simulation& at(std::size_t index) const { return simulations_[index]; }

 private:
  base::Time began_;
  std::vector<Simulation> simulations_;
};

}  // namespace fairlead::engine
