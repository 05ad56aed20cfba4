#pragma once

#include "engine/place/placement_scorer.h"

#include <cstdint>
#include <span>

namespace fairlead::engine {

/// The index of the device with the least room that still holds the share, the first of equals;
/// NodeScore::kNoPreference without one and for shapes that are not a share. O(devices).
std::int32_t tightest_device(const TaskShape& shape, std::span<const std::int32_t> free_thousandths);
/// The sum of what is free on the node's devices. O(devices).
std::int64_t total_free_thousandths(std::span<const std::int32_t> free_thousandths);

}  // namespace fairlead::engine
