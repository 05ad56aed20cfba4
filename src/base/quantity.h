#pragma once

#include "base/result.h"

#include <cstdint>
#include <string_view>

namespace fairlead::base {

/// Reads a Kubernetes quantity ("1500m", "2Gi", "1e3", "0.5") in thousandths, rounded up as Kubernetes does.
/// Errors: kInvalidArgument for a text outside the grammar, kOutOfRange for a value beyond int64.
/// Source: k8s.io/apimachinery resource.Quantity, grammar in its documentation.
Result<std::int64_t> parse_quantity_milli(std::string_view text);
/// The same in whole units, rounded up (bytes for memory, a count for pods and devices).
Result<std::int64_t> parse_quantity(std::string_view text);

}  // namespace fairlead::base
