#include "engine/place/bin_pack.h"

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
  for (std::size_t slot = 0; slot < free_thousandths.size(); ++slot) {
    const std::int32_t free = free_thousandths[slot];
    if (free < shape.device_thousandths || free >= least) continue;
    least = free;
    best = static_cast<std::int32_t>(slot);
  }
  return best;
}

NodeScore BinPackScorer::score(const TaskShape& shape, const NodeState& node,
                               std::string_view /*pod*/) const {
  if (shape.device_count == 0) return {.value = -static_cast<double>(node.free_cpu_milli)};
  return {.value = -static_cast<double>(total_free_thousandths(node.free_thousandths)),
          .device = tightest_device(shape, node.free_thousandths)};
}

}  // namespace fairlead::engine
