#include "sim/history/sharing_policy.h"

#include "model/resources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fairlead::sim {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"one-pool", "static",      "borrow",
                                                    "reclaim",  "consolidate", "time-fair"};
constexpr std::string_view kOneQueue = "everybody";
constexpr auto kHalfLife = base::Duration::seconds(7LL * 86'400);

model::Queue queue(std::string name, std::string pool, model::Bound devices, double weight) {
  const model::Quota all{
      .quota = model::Bound::unlimited(), .limit = model::Bound::unlimited(), .over_quota_weight = 1};
  model::Queue result;
  result.uid = name;
  result.display_name = name;
  result.name = std::move(name);
  result.pools = {
      {.pool = std::move(pool),
       .priority = std::nullopt,
       .dimensions = {
           {"cpu", all}, {"gpu", {.quota = devices, .over_quota_weight = weight}}, {"memory", all}}}};
  return result;
}

}  // namespace

std::string SharingPolicy::title() const {
  return fmt::format("{}, {}", name, discipline == model::QueueDiscipline::kStrict ? "strict" : "skip");
}

std::span<const std::string_view> sharing_policy_names() { return kNames; }

base::Result<SharingPolicy> sharing_policy(std::string_view name, model::QueueDiscipline discipline) {
  using model::Action;
  SharingPolicy policy;
  policy.name = name;
  policy.discipline = discipline;
  policy.actions = {Action::kAllocate};
  if (name == "one-pool") {
    policy.one_queue = true;
  } else if (name == "static") {
    policy.pool_per_tenant = true;
  } else if (name == "borrow") {
  } else if (name == "reclaim") {
    policy.actions = {Action::kAllocate, Action::kReclaim};
  } else if (name == "consolidate") {
    policy.actions = {Action::kAllocate, Action::kConsolidate, Action::kReclaim};
  } else if (name == "time-fair") {
    policy.actions = {Action::kAllocate, Action::kReclaim};
    policy.usage_half_life = kHalfLife;
  } else {
    return base::invalid_argument(
        fmt::format("there is no policy \"{}\"; write one of {}", name, fmt::join(kNames, ", ")));
  }
  return policy;
}

model::Configuration configuration_of(const SharingPolicy& policy, const std::vector<Tenant>& tenants) {
  model::Configuration configuration;
  configuration.actions = policy.actions;
  configuration.usage_half_life = policy.usage_half_life;
  configuration.pools.push_back({.pool = "", .placement = {}, .discipline = policy.discipline});
  if (policy.pool_per_tenant) {
    for (const Tenant& tenant : tenants)
      configuration.pools.push_back(
          {.pool = pool_of(policy, tenant), .placement = {}, .discipline = policy.discipline});
  }
  return configuration;
}

std::string queue_of(const SharingPolicy& policy, const Tenant& tenant) {
  return policy.one_queue ? std::string(kOneQueue) : tenant.name;
}

std::string pool_of(const SharingPolicy& policy, const Tenant& tenant) {
  return policy.pool_per_tenant ? tenant.name : std::string();
}

std::vector<model::Queue> queues_of(const SharingPolicy& policy, const std::vector<Tenant>& tenants) {
  if (policy.one_queue) return {queue(std::string(kOneQueue), "", model::Bound::unlimited(), 1)};
  std::vector<model::Queue> queues;
  for (const Tenant& tenant : tenants) {
    queues.push_back(queue(tenant.name, pool_of(policy, tenant),
                           model::Bound::of(tenant.quota_devices * model::kThousandthsPerDevice),
                           static_cast<double>(std::max<std::int64_t>(tenant.quota_devices, 1))));
  }
  return queues;
}

}  // namespace fairlead::sim
