#pragma once

#include "base/json_value.h"

#include <string>

namespace fairlead::cli {

/// A JSON document in YAML's block style, with keys in the same order. Texts that a YAML reader, of 1.1
/// or 1.2, could take for something else are quoted. Ends with a new line.
std::string yaml_text(const base::JsonValue& document);

}  // namespace fairlead::cli
