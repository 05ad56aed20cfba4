#include "engine/place/spread.h"

#include "engine/place/bin_pack.h"

#include <cstddef>

namespace fairlead::engine {
namespace {

std::int32_t emptiest_device(const TaskShape& shape, std::span<const std::int32_t> free_thousandths) {
  std::int32_t best = NodeScore::kNoPreference;
  std::int32_t most = shape.device_thousandths - 1;
  for (std::size_t slot = 0; slot < free_thousandths.size(); ++slot) {
    if (free_thousandths[slot] <= most) continue;
    most = free_thousandths[slot];
    best = static_cast<std::int32_t>(slot);
  }
  return best;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return whole <= 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

NodeScore SpreadScorer::score(const TaskShape& shape, const NodeState& node, std::string_view /*pod*/) const {
  if (shape.device_count == 0) return {.value = ratio(node.free_cpu_milli, node.cpu_milli)};
  const auto capacity =
      static_cast<std::int64_t>(node.free_thousandths.size()) * model::kThousandthsPerDevice;
  NodeScore result{.value = ratio(total_free_thousandths(node.free_thousandths), capacity)};
  if (shape.shares_a_device()) result.device = emptiest_device(shape, node.free_thousandths);
  return result;
}

}  // namespace fairlead::engine
