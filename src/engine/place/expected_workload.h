#pragma once

#include "engine/place/placement_scorer.h"

#include <cstddef>
#include <span>
#include <vector>

namespace fairlead::engine {

/// The most frequent tasks, most frequent first (of equals the larger shape first), until they make up at
/// least `coverage` of the whole, and no more than `most` of them. Equal shapes are added up before; memory
/// is left out. `coverage` in (0, 1]; counts below 1 are passed over. Cost: O(n log n).
std::vector<ExpectedTask> most_frequent(std::span<const ExpectedTask> tasks, double coverage,
                                        std::size_t most);

}  // namespace fairlead::engine
