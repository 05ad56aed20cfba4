#pragma once

#include "engine/place/placement_scorer.h"

namespace fairlead::engine {

/// Keeps nodes evenly loaded: tasks with devices go where the largest part of the devices is free, cpu-only
/// tasks where the largest part of the cpu is; a share goes on the emptiest device. Scores lie in [0, 1].
/// Cost: O(devices).
class SpreadScorer final : public PlacementScorer {
 public:
  std::string_view name() const override { return "spread"; }
  NodeScore score(const TaskShape& shape, const NodeState& node, std::string_view pod) const override;
};

}  // namespace fairlead::engine
