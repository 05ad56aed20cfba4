#pragma once

#include "model/event.h"
#include "plan.h"
#include "truth.h"

#include <string>
#include <vector>

namespace fairlead::property {

/// The instant at which every test begins.
inline constexpr base::Time kBeginning = base::Time::from_unix_seconds(1'800'000'000);

/// The cluster of a plan, with its running pods where they fit.
Truth build(const Plan& plan);

/// Adds group number `number` with its pending pods, created now. Returns its key.
std::string add_group(Truth& truth, const Plan& plan, const GroupPlan& group, int number);
/// Adds a pending pod like `pod`, under a uid of its own, as a controller does for one that is gone. Returns
/// the uid.
std::string add_replacement(Truth& truth, const model::Pod& pod);
/// One more pod for the group, in its first sub-group. Returns the uid, empty where the group has no pod to
/// copy.
std::string add_pod(Truth& truth, const std::string& group);
/// Queue number `number` as the plan describes it.
model::Queue build_queue(const Plan& plan, const QueuePlan& queue, int number);
model::Configuration build_configuration(const ConfigurationPlan& configuration);

/// Everything the world knows, as events at `truth.now`.
std::vector<model::Event> report_everything(const Truth& truth);

}  // namespace fairlead::property
