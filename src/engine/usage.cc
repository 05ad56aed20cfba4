#include "engine/usage.h"

#include "engine/exact_math.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

/// How many half-lives the reference may lie in the past. Weights then stay below 2^256, so that sums of any
/// length stay far from the largest double; and a sum scaled by 2^-256 that falls out of the normal range no
/// longer matters.
constexpr std::int64_t kReach = 256;

}  // namespace

double current_usage(double share, base::Time sampled_at, base::Time now) {
  return now - sampled_at > kUsageStaleness ? 0 : share;
}

std::optional<base::Time> usage_changes_at(base::Time sampled_at, base::Time now) {
  const base::Time stale = sampled_at + kUsageStaleness + base::Duration::nanoseconds(1);
  if (stale <= now) return std::nullopt;
  return stale;
}

DecayedUsage::DecayedUsage(base::Duration half_life, std::size_t dimensions)
    : half_life_(half_life), dimensions_(dimensions), capacity_(dimensions, 0) {}

void DecayedUsage::move_reference(base::Time now) {
  const std::int64_t passed = (now - reference_).nanoseconds() / half_life_.nanoseconds();
  if (passed < kReach) return;
  const double faded = power_of_half(static_cast<double>(std::min<std::int64_t>(passed, 2000)));
  for (double& sum : allocated_) sum *= faded;
  for (double& sum : capacity_) sum *= faded;
  reference_ = reference_ + base::Duration::nanoseconds(passed * half_life_.nanoseconds());
}

void DecayedUsage::sample(base::Time now, std::span<const std::int64_t> allocated,
                          std::span<const std::int64_t> capacity) {
  if (!sampled_at_) {
    reference_ = now;
  } else {
    now = std::max(now, *sampled_at_);
    move_reference(now);
  }
  sampled_at_ = now;
  const double age = static_cast<double>((now - reference_).nanoseconds());
  const double weight = power_of_two(age / static_cast<double>(half_life_.nanoseconds()));
  if (allocated_.size() < allocated.size()) allocated_.resize(allocated.size(), 0);
  for (std::size_t i = 0; i < allocated.size(); ++i)
    allocated_[i] += weight * static_cast<double>(allocated[i]);
  for (std::size_t i = 0; i < dimensions_; ++i) capacity_[i] += weight * static_cast<double>(capacity[i]);
}

double DecayedUsage::share(std::size_t queue, std::size_t dimension) const {
  const std::size_t series = queue * dimensions_ + dimension;
  if (series >= allocated_.size() || !(capacity_[dimension] > 0)) return 0;
  return std::clamp(allocated_[series] / capacity_[dimension], 0.0, 1.0);
}

}  // namespace fairlead::engine
