#pragma once

#include "base/json_value.h"
#include "base/json_writer.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::base {

/// Members of the JSON documents that programs of this project write for each other. What is missing
/// or of another kind reads as absent: an older or newer program is to be understood as far as possible.
inline std::string text_field(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  return value == nullptr || !value->is_string() ? std::string() : std::string(value->text());
}

inline std::optional<std::int64_t> integer_field(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  if (value == nullptr || value->kind() != JsonValue::Kind::kNumber) return std::nullopt;
  const std::string_view digits = value->text();
  std::int64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

inline bool boolean_field(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  return value != nullptr && value->boolean();
}

inline std::vector<std::string> texts_field(const JsonValue& object, std::string_view name) {
  std::vector<std::string> texts;
  const JsonValue* value = object.find(name);
  if (value == nullptr) return texts;
  for (const JsonValue& item : value->items()) texts.emplace_back(item.text());
  return texts;
}

inline std::vector<std::pair<std::string, std::string>> pairs_field(const JsonValue& object,
                                                                    std::string_view name) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const JsonValue* value = object.find(name);
  if (value == nullptr) return pairs;
  for (const JsonValue::Member& member : value->members()) {
    pairs.emplace_back(std::string(member.key), std::string(member.value.text()));
  }
  return pairs;
}

inline void write_texts(JsonWriter& writer, std::string_view name, const std::vector<std::string>& texts) {
  writer.key(name);
  writer.begin_array();
  for (const std::string& text : texts) writer.value(text);
  writer.end_array();
}

inline void write_pairs(JsonWriter& writer, std::string_view name,
                        const std::vector<std::pair<std::string, std::string>>& pairs) {
  writer.key(name);
  writer.begin_object();
  for (const auto& [key, value] : pairs) writer.member(key, value);
  writer.end_object();
}

}  // namespace fairlead::base
