#pragma once

#include "base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::base {

/// A span of time in nanoseconds; may be negative.
class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration nanoseconds(std::int64_t n) { return Duration(n); }
  static constexpr Duration milliseconds(std::int64_t n) { return Duration(n * 1'000'000); }
  static constexpr Duration seconds(std::int64_t n) { return Duration(n * 1'000'000'000); }
  constexpr std::int64_t nanoseconds() const { return nanoseconds_; }
  constexpr double in_seconds() const { return static_cast<double>(nanoseconds_) / 1e9; }
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) {
    return Duration(a.nanoseconds_ + b.nanoseconds_);
  }
  friend constexpr Duration operator-(Duration a, Duration b) {
    return Duration(a.nanoseconds_ - b.nanoseconds_);
  }

 private:
  constexpr explicit Duration(std::int64_t n) : nanoseconds_(n) {}
  std::int64_t nanoseconds_ = 0;
};

/// An instant: nanoseconds since 1970-01-01T00:00:00Z. Only events carry instants into the engine.
class Time {
 public:
  constexpr Time() = default;
  static constexpr Time from_unix_nanoseconds(std::int64_t n) { return Time(n); }
  static constexpr Time from_unix_seconds(std::int64_t n) { return Time(n * 1'000'000'000); }
  constexpr std::int64_t unix_nanoseconds() const { return nanoseconds_; }
  friend constexpr auto operator<=>(Time, Time) = default;
  friend constexpr Time operator+(Time t, Duration d) { return Time(t.nanoseconds_ + d.nanoseconds()); }
  friend constexpr Time operator-(Time t, Duration d) { return Time(t.nanoseconds_ - d.nanoseconds()); }
  friend constexpr Duration operator-(Time a, Time b) {
    return Duration::nanoseconds(a.nanoseconds_ - b.nanoseconds_);
  }

 private:
  constexpr explicit Time(std::int64_t n) : nanoseconds_(n) {}
  std::int64_t nanoseconds_ = 0;
};

/// Reads an RFC 3339 instant of 1900 to 2149, with fraction and offset ("2026-01-01T00:00:00.5+02:00").
Result<Time> parse_time(std::string_view text);
/// Writes an instant as RFC 3339 in UTC, with as many fraction digits as it needs.
std::string format_time(Time time);
/// Reads a Go duration ("1h30m", "250ms", "-5s", "0"), which is what Kubernetes' metav1.Duration holds, and
/// the longer units of KAI's usage windows ("1w", "2d"); up to 100 years, so that instant + duration fits.
Result<Duration> parse_duration(std::string_view text);
/// Writes a duration the way Go does ("1h30m0s").
std::string format_duration(Duration duration);

}  // namespace fairlead::base
