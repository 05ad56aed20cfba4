#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/configuration.h"
#include "model/queue.h"
#include "sim/history/job_history.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sim {

/// How the tenants of a site share its devices. Each is nothing but queues, pools and a configuration of the
/// engine.
struct SharingPolicy {
  std::string name;              ///< one of sharing_policy_names()
  bool pool_per_tenant = false;  ///< each tenant has nodes of its own
  bool one_queue = false;        ///< tenants are not told apart
  std::vector<model::Action> actions;
  std::optional<base::Duration> usage_half_life;  ///< past use counts in the fair share
  model::QueueDiscipline discipline = model::QueueDiscipline::kSkip;

  /// "reclaim, skip"
  std::string title() const;
};

/// "one-pool", "static", "borrow", "reclaim", "consolidate", "time-fair": the order in which help lists them.
std::span<const std::string_view> sharing_policy_names();
/// Errors: kInvalidArgument, naming the known ones.
base::Result<SharingPolicy> sharing_policy(std::string_view name, model::QueueDiscipline discipline);

/// What the engine is told for a policy.
model::Configuration configuration_of(const SharingPolicy& policy, const std::vector<Tenant>& tenants);
std::vector<model::Queue> queues_of(const SharingPolicy& policy, const std::vector<Tenant>& tenants);
/// The queue, and the pool, of a tenant's jobs.
std::string queue_of(const SharingPolicy& policy, const Tenant& tenant);
std::string pool_of(const SharingPolicy& policy, const Tenant& tenant);

}  // namespace fairlead::sim
