#include "kube/metrics.h"

#include <fmt/format.h>

#include <iterator>

namespace fairlead::kube {
namespace {

void begin(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

void Histogram::add(base::Duration time) {
  const double milliseconds = time.in_seconds() * 1000;
  std::size_t bucket = 0;
  double bound = 1;
  while (bucket < kBuckets && milliseconds > bound) {
    ++bucket;
    bound *= 2;
  }
  if (bucket < kBuckets) ++buckets_[bucket];
  ++count_;
  sum_ += milliseconds;
}

void Histogram::write(std::string& out, std::string_view name, std::string_view help) const {
  begin(out, name, help, "histogram");
  std::uint64_t below = 0;
  std::uint64_t bound = 1;
  for (const std::uint64_t count : buckets_) {
    below += count;
    fmt::format_to(std::back_inserter(out), "{}_bucket{{le=\"{}\"}} {}\n", name, bound, below);
    bound *= 2;
  }
  fmt::format_to(std::back_inserter(out), "{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name,
                 count_, sum_);
}

void write_counter(std::string& out, std::string_view name, std::string_view help, std::uint64_t value) {
  begin(out, name, help, "counter");
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

void write_gauge(std::string& out, std::string_view name, std::string_view help, double value) {
  begin(out, name, help, "gauge");
  fmt::format_to(std::back_inserter(out), "{} {}\n", name, value);
}

}  // namespace fairlead::kube
