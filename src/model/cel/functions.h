#pragma once

#include "model/cel/expression.h"
#include "model/cel/value.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace fairlead::model::cel {

/// Applies one of == != < <= > >= in + - * / %. Errors as values.
Value apply_operator(std::string_view sign, const Value& a, const Value& b);
/// Calls a function or (with a dot in front) a method. `cost` goes up by the work that depends on sizes.
Value call_function(const Node& node, const std::vector<Value>& arguments, std::uint64_t& cost);

}  // namespace fairlead::model::cel
