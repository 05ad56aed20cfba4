#pragma once

#include "engine/place/placement_scorer.h"

namespace fairlead::engine {

/// Fills nodes up: tasks with devices go where the fewest device-thousandths are free, cpu-only tasks where
/// the least cpu is; a share goes on the fullest device that has room. Cost: O(devices).
class BinPackScorer final : public PlacementScorer {
 public:
  std::string_view name() const override { return "bin-pack"; }
  NodeScore score(const TaskShape& shape, const NodeState& node, std::string_view pod) const override;
};

/// The index of the device with the least room that still holds the share, the first of equals;
/// NodeScore::kNoPreference without one and for shapes that are not a share.
std::int32_t tightest_device(const TaskShape& shape, std::span<const std::int32_t> free_thousandths);
/// The sum of what is free on the node's devices.
std::int64_t total_free_thousandths(std::span<const std::int32_t> free_thousandths);

}  // namespace fairlead::engine
