#include "server/rate_limit.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace fairlead::server {
namespace {

constexpr std::size_t kMostKeys = 10'000;

}  // namespace

double RateLimit::left_at(const Bucket& bucket, base::Time now) const {
  // A clock that was set back gives nothing, and takes nothing away.
  const double elapsed = std::max(0.0, (now - bucket.at).in_seconds());
  return std::min(burst_, bucket.left + elapsed * per_second_);
}

std::optional<base::Duration> RateLimit::refuse(std::string_view key, base::Time now) {
  std::lock_guard lock(mutex_);
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMostKeys) {
      std::erase_if(buckets_, [&](const auto& entry) { return left_at(entry.second, now) >= burst_; });
      if (buckets_.size() >= kMostKeys) buckets_.clear();
    }
    found = buckets_.emplace(std::string(key), Bucket{burst_, now}).first;
  }
  Bucket& bucket = found->second;
  bucket.left = left_at(bucket, now);
  bucket.at = now;
  if (bucket.left >= 1) {
    bucket.left -= 1;
    return std::nullopt;
  }
  return base::Duration::milliseconds(static_cast<std::int64_t>((1 - bucket.left) / per_second_ * 1000) + 1);
}

void RateLimit::forgive(std::string_view key) {
  std::lock_guard lock(mutex_);
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) buckets_.erase(found);
}

}  // namespace fairlead::server
