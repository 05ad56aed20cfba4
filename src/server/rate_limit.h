#pragma once

#include "base/time.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace fairlead::server {

/// Lets each key do something `burst` times at once and then `per_second` times a second. Remembers at most
/// 10,000 keys; keys that have their whole burst again are forgotten first. Thread: any.
class RateLimit {
 public:
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  /// Counts one; returns how long to wait instead when that is too many.
  std::optional<base::Duration> refuse(std::string_view key, base::Time now);
  /// Forgets what was counted.
  void forgive(std::string_view key);

 private:
  struct Bucket {
    double left = 0;
    base::Time at;
  };
  double left_at(const Bucket& bucket, base::Time now) const;

  const double per_second_;
  const double burst_;
  std::mutex mutex_;  // guards buckets_
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace fairlead::server
