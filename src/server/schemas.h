#pragma once

#include <string>
#include <utility>
#include <vector>

namespace fairlead::server {

/// The objects of the API as JSON schemas (draft 2020-12, as OpenAPI 3.1 uses them), by name. References
/// begin with "#/components/schemas/".
std::vector<std::pair<std::string, std::string>> schemas();

}  // namespace fairlead::server
