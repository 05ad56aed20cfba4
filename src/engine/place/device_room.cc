#include "engine/place/device_room.h"

#include <cstddef>

namespace fairlead::engine {

std::int64_t total_free_thousandths(std::span<const std::int32_t> free_thousandths) {
  std::int64_t total = 0;
  for (const std::int32_t free : free_thousandths) total += free;
  return total;
}

std::int32_t tightest_device(const TaskShape& shape, std::span<const std::int32_t> free_thousandths) {
  std::int32_t best = NodeScore::kNoPreference;
  if (!shape.shares_a_device()) return best;
  std::int32_t least = model::kThousandthsPerDevice + 1;
  for (std::size_t i = 0; i < free_thousandths.size(); ++i) {
    const std::int32_t free = free_thousandths[i];
    if (free < shape.device_thousandths || free >= least) continue;
    least = free;
    best = static_cast<std::int32_t>(i);
  }
  return best;
}

}  // namespace fairlead::engine
