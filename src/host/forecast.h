#pragma once

#include "model/event.h"
#include "model/scheduler.h"
#include "world/world.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fairlead::host {

using SchedulerMaker = std::function<std::unique_ptr<model::Scheduler>()>;

/// What happens to a group in a state that the events lead an empty scheduler to: whether it starts, where,
/// at whose cost, or why not. Pure; cost: one scheduler brought up, and a round.
world::Forecast forecast_group(std::span<const model::Event> state, const std::string& group,
                               const SchedulerMaker& make_scheduler);

/// The same, with the changes that would start it, each verified by a plan of its own.
world::Forecast explain_group(std::span<const model::Event> state, const std::string& group,
                              const SchedulerMaker& make_scheduler);

/// What a change of the state leads to beyond what would happen anyway: who is evicted and who starts.
world::Forecast forecast_change(std::span<const model::Event> before, std::span<const model::Event> after,
                                const SchedulerMaker& make_scheduler);

/// Why a group waits, as one sentence for people; empty when nothing waits.
std::string sentence(const model::Verdict& verdict);

}  // namespace fairlead::host
