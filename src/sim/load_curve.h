#pragma once

#include <cstdint>
#include <vector>

namespace fairlead::sim {

/// One step of a replay's curve; both in parts of the cluster's devices.
struct LoadPoint {
  double arrived = 0;    ///< demand that has arrived, a multiple of 0.01
  double allocated = 0;  ///< mean of what was allocated over the arrivals whose load rounds to it

  friend bool operator==(const LoadPoint&, const LoadPoint&) = default;
};

/// How the allocated share follows the demand: one point per 0.01 of arrived load, from 0.01 up to the load
/// asked for. Where no arrival's load rounds to a point, it repeats the point before (a small cluster).
class LoadCurve {
 public:
  /// `capacity` in thousandths of a device, above 0.
  LoadCurve(std::int64_t capacity, double load);

  /// After one arrival: what has arrived and what is allocated, in thousandths.
  void add(std::int64_t arrived, std::int64_t allocated);
  std::vector<LoadPoint> points() const;

 private:
  struct Bin {
    std::int64_t sum = 0;
    std::int64_t arrivals = 0;
  };
  std::int64_t capacity_;
  std::vector<Bin> bins_;  ///< by hundredths of arrived load
};

/// The mean of curves that have the same points; empty without curves.
std::vector<LoadPoint> mean_of(const std::vector<std::vector<LoadPoint>>& curves);

}  // namespace fairlead::sim
