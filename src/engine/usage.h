#pragma once

#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fairlead::engine {

/// A sample of past usage older than this no longer counts; fairness then goes by weight alone.
inline constexpr base::Duration kUsageStaleness = base::Duration::seconds(300);

/// The usage that counts at `now`: `share` as sampled at `sampled_at`, or 0 once that is stale.
double current_usage(double share, base::Time sampled_at, base::Time now);
/// When current_usage changes by time alone: the first instant after `now` at which the sample is stale.
std::optional<base::Time> usage_changes_at(base::Time sampled_at, base::Time now);

/// How much each queue used of the capacity, with the past fading by half-lives:
///
///   U = sum over samples of 0.5^(age / half-life) * allocated, divided by the same sum of the capacity.
///
/// Both sums fade alike, so U changes only when a sample arrives. They are kept relative to a fixed instant
/// (forward decay; Cormode, Shkapenyuk, Srivastava and Xu, "Forward decay", ICDE 2009): a sample costs one
/// power of two and one addition per series, nothing is ever multiplied again, and U at a given history does
/// not depend on when it was asked for. When the weights get large, the instant moves by whole half-lives,
/// which scales all sums exactly.
///
/// A series is a queue and a dimension; the caller numbers queues and dimensions from 0. Thread: one.
class DecayedUsage {
 public:
  /// @param half_life   above 0
  /// @param dimensions  how many, at least 1
  DecayedUsage(base::Duration half_life, std::size_t dimensions);

  /// Adds one sample at `now`, which is not before the last one's (an earlier one counts as at the last one's
  /// instant).
  /// @param allocated  queue by queue, dimension by dimension; queues may be added later, at the end
  /// @param capacity   of the pool, one amount per dimension
  void sample(base::Time now, std::span<const std::int64_t> allocated,
              std::span<const std::int64_t> capacity);

  /// U of a queue in a dimension, in [0, 1]; 0 without samples or capacity.
  double share(std::size_t queue, std::size_t dimension) const;
  /// When the last sample was taken.
  std::optional<base::Time> sampled_at() const { return sampled_at_; }

 private:
  void move_reference(base::Time now);

  base::Duration half_life_;
  std::size_t dimensions_;
  base::Time reference_;  ///< a sample then has the weight 1
  std::optional<base::Time> sampled_at_;
  std::vector<double> allocated_;  ///< by queue, then dimension
  std::vector<double> capacity_;   ///< by dimension
};

}  // namespace fairlead::engine
