#pragma once

#include "base/json_value.h"

#include <string>
#include <string_view>

namespace fairlead::manifest {

/// What a plain YAML scalar means.
struct YamlScalar {
  base::JsonValue::Kind kind = base::JsonValue::Kind::kString;
  bool boolean = false;
  std::string digits;  ///< of a number, in JSON's grammar
};

/// Resolves a plain (unquoted) scalar the way kubectl does. Source: YAML 1.1 types as go-yaml v2 implements
/// them: y, yes and on are booleans; 0x1f, 0b11, 0o17, 017 and 1_000 are whole numbers; dates stay texts.
YamlScalar resolve_yaml_scalar(std::string_view text);

}  // namespace fairlead::manifest
