#include "sim/load_curve.h"

#include <algorithm>
#include <cstddef>

namespace fairlead::sim {

LoadCurve::LoadCurve(std::int64_t capacity, double load)
    : capacity_(capacity), bins_(static_cast<std::size_t>(load * 100 + 0.5) + 1) {}

void LoadCurve::add(std::int64_t arrived, std::int64_t allocated) {
  const auto hundredths = static_cast<std::size_t>((arrived * 200 + capacity_) / (2 * capacity_));
  Bin& bin = bins_[std::min(hundredths, bins_.size() - 1)];
  bin.sum += allocated;
  ++bin.arrivals;
}

std::vector<LoadPoint> LoadCurve::points() const {
  std::vector<LoadPoint> points;
  double allocated = 0;
  for (std::size_t hundredths = 0; hundredths < bins_.size(); ++hundredths) {
    const Bin& bin = bins_[hundredths];
    if (bin.arrivals > 0) {
      allocated =
          static_cast<double>(bin.sum) / static_cast<double>(bin.arrivals) / static_cast<double>(capacity_);
    }
    if (hundredths > 0) points.push_back({static_cast<double>(hundredths) / 100, allocated});
  }
  return points;
}

std::vector<LoadPoint> mean_of(const std::vector<std::vector<LoadPoint>>& curves) {
  std::vector<LoadPoint> mean;
  if (curves.empty()) return mean;
  mean = curves.front();
  for (std::size_t i = 0; i < mean.size(); ++i) {
    for (std::size_t curve = 1; curve < curves.size(); ++curve)
      mean[i].allocated += curves[curve][i].allocated;
    mean[i].allocated /= static_cast<double>(curves.size());
  }
  return mean;
}

}  // namespace fairlead::sim
