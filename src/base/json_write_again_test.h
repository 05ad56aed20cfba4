#pragma once

// For tests of what reads into JSON values.
#include "base/json_value.h"
#include "base/json_writer.h"

namespace fairlead::base {

/// What was read, written again.
inline void write_again(const JsonValue& value, JsonWriter& writer) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull:
      return writer.null();
    case JsonValue::Kind::kBoolean:
      return writer.value(value.boolean());
    case JsonValue::Kind::kNumber:
      return writer.raw(value.text());
    case JsonValue::Kind::kString:
      return writer.value(value.text());
    case JsonValue::Kind::kArray:
      writer.begin_array();
      for (const JsonValue& item : value.items()) write_again(item, writer);
      return writer.end_array();
    case JsonValue::Kind::kObject:
      writer.begin_object();
      for (const auto& member : value.members()) {
        writer.key(member.key);
        write_again(member.value, writer);
      }
      return writer.end_object();
  }
}

}  // namespace fairlead::base
