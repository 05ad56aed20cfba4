#pragma once

#include "base/time.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::kube {

/// How often something took how long, in buckets of 1 ms times powers of two.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 16;
  void add(base::Duration time);
  /// In Prometheus' text format, in milliseconds.
  void write(std::string& out, std::string_view name, std::string_view help) const;
  std::uint64_t count() const { return count_; }

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;  ///< milliseconds
};

void write_counter(std::string& out, std::string_view name, std::string_view help, std::uint64_t value);
void write_gauge(std::string& out, std::string_view name, std::string_view help, double value);

}  // namespace fairlead::kube
