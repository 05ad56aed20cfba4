#pragma once

#include "model/scheduler.h"
#include "reference/state.h"

#include <memory>

namespace fairlead::reference {

/// The executable specification of the engine: rebuilds everything in each round, keeps no journal, cache or
/// index, and copies its state for each hypothesis. Plain and slow on purpose. Same contract, same decisions.
class ReferenceScheduler final : public model::Scheduler {
 public:
  model::ApplyReport apply(std::span<const model::Event> events) override;
  model::Round run(const model::RoundRequest& request) override;

 private:
  void note_stale_groups();
  std::vector<model::VerdictChanged> take_verdicts(std::map<std::string, model::Verdict> now);

  World world_;
  bool changed_ = true;                             ///< events came after the last round
  std::optional<base::Time> wake_at_;               ///< of the last round
  std::map<std::string, model::Verdict> verdicts_;  ///< last told, by group; empty ones are left out
  std::uint64_t decisions_ = 0;                     ///< numbers given
};

}  // namespace fairlead::reference
