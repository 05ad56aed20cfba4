#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::net {

/// The fields of a message in their order; names in lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first value under the name; empty when there is none.
std::string_view find_header(const Headers& headers, std::string_view lower_case_name);

/// Whether one of the comma-separated elements is `token`, whatever its case.
bool list_contains(std::string_view list, std::string_view token);

/// Whether the name, or the value, can stand in a message without becoming something else (line breaks, NUL).
bool is_header_name(std::string_view name);
bool is_header_value(std::string_view value);

/// Fields that concern one connection only and are not passed on by a proxy; those that `connection` (the
/// value of the field of that name) lists are so besides.
bool is_hop_by_hop(std::string_view lower_case_name, std::string_view connection);

/// "Not Found" for 404.
std::string_view reason_phrase(int status);

/// The status that says the error over HTTP.
int status_of(base::Code code);

std::string lower_case(std::string_view text);

}  // namespace fairlead::net
