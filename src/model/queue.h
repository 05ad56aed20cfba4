#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::model {

/// An amount that may be without bound. Unlimited is a state of its own, never a number.
class Bound {
 public:
  constexpr Bound() = default;
  static constexpr Bound unlimited() { return Bound(true, 0); }
  static constexpr Bound of(std::int64_t amount) { return Bound(false, amount); }
  constexpr bool is_unlimited() const { return unlimited_; }
  /// Only for a bound that is not unlimited.
  constexpr std::int64_t amount() const { return amount_; }
  constexpr bool allows(std::int64_t amount) const { return unlimited_ || amount <= amount_; }
  friend constexpr auto operator<=>(const Bound&, const Bound&) = default;

 private:
  constexpr Bound(bool unlimited, std::int64_t amount) : unlimited_(unlimited), amount_(amount) {}
  bool unlimited_ = false;
  std::int64_t amount_ = 0;
};

/// What a queue may have of one dimension.
struct Quota {
  Bound quota = Bound::of(0);        ///< guaranteed
  Bound limit = Bound::unlimited();  ///< never more
  double over_quota_weight = 0;      ///< share of what is left over, relative to siblings; at least 0
};

/// One dimension by name. "gpu" in thousandths of a device, "cpu" in millicores, "memory" in bytes;
/// "gpu/MODEL" counts devices of one model besides the general dimension.
struct DimensionQuota {
  std::string dimension;
  Quota quota;
};

/// A queue's resources in one pool.
struct PoolQuota {
  std::string pool;                        ///< empty is the default pool
  std::optional<std::int32_t> priority;    ///< none: 100
  std::vector<DimensionQuota> dimensions;  ///< a dimension that is absent: quota 0, no limit, weight 0
};

/// A project or department: what shares devices fairly with its siblings.
struct Queue {
  std::string name;
  std::string uid;
  base::Time created;
  std::string display_name;
  std::string parent;  ///< empty: a root
  std::vector<PoolQuota> pools;
  std::optional<base::Duration> preempt_min_runtime;
  std::optional<base::Duration> reclaim_min_runtime;
  bool fair_between_users = false;
};

struct PriorityClass {
  std::string name;
  std::int32_t value = 0;
  bool global_default = false;
};

}  // namespace fairlead::model
