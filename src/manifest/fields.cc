#include "manifest/fields.h"

#include "base/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace fairlead::manifest {
namespace {

using Value = base::JsonValue;

bool find_path(const Value& from, const Value& wanted, std::string& path) {
  if (&from == &wanted) return true;
  const std::size_t length = path.size();
  for (const auto& member : from.members()) {
    if (!path.empty()) path += '.';
    path += member.key;
    if (find_path(member.value, wanted, path)) return true;
    path.resize(length);
  }
  std::size_t index = 0;
  for (const auto& item : from.items()) {
    path += fmt::format("[{}]", index++);
    if (find_path(item, wanted, path)) return true;
    path.resize(length);
  }
  return false;
}

std::string written(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBoolean:
      return value.boolean() ? "true" : "false";
    case Value::Kind::kNumber:
    case Value::Kind::kString:
      return shortened(value.text());
    default:
      return {};
  }
}

}  // namespace

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBoolean:
      return "a boolean";
    case Value::Kind::kNumber:
      return "a number";
    case Value::Kind::kString:
      return "a text";
    case Value::Kind::kArray:
      return "a list";
    case Value::Kind::kObject:
      return "a map";
  }
  return "";
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

std::string Fields::path_of(const Value& value) const {
  std::string path;
  if (place_.item) path = fmt::format("items[{}]", *place_.item);
  const std::size_t outer = path.size();
  if (!find_path(root_, value, path)) path.resize(outer);
  return path;
}

void Fields::report(Diagnostic::Severity severity, std::string field, const Value& at, std::string message,
                    std::string remedy) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.source = place_.source;
  diagnostic.document = place_.document;
  diagnostic.object = object_;
  diagnostic.field = std::move(field);
  diagnostic.value = written(at);
  diagnostic.message = std::move(message);
  diagnostic.remedy = std::move(remedy);
  log_.add(std::move(diagnostic));
}

void Fields::error(const Value& at, std::string message, std::string remedy) {
  failed_ = true;
  report(Diagnostic::Severity::kError, path_of(at), at, std::move(message), std::move(remedy));
}

void Fields::missing(const Value& parent, std::string_view key, std::string remedy) {
  failed_ = true;
  std::string field = path_of(parent);
  if (!field.empty()) field += '.';
  field += key;
  report(Diagnostic::Severity::kError, std::move(field), Value(), "is missing", std::move(remedy));
}

void Fields::left_out(const Value& at, std::string message, std::string remedy) {
  report(Diagnostic::Severity::kError, path_of(at), at, std::move(message), std::move(remedy));
}

void Fields::warning(const Value& at, std::string message, std::string remedy) {
  report(Diagnostic::Severity::kWarning, path_of(at), at, std::move(message), std::move(remedy));
}

const Value* Fields::present(const Value& parent, std::string_view key) {
  const Value* value = parent.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::not_a_map(const Value& value) {
  error(value, fmt::format("is {} where a map is expected", kind_name(value)), "write key: value pairs");
}

const Value* Fields::object(const Value& parent, std::string_view key) {
  const Value* value = present(parent, key);
  if (value == nullptr || value->is_object()) return value;
  not_a_map(*value);
  return nullptr;
}

const Value* Fields::array(const Value& parent, std::string_view key) {
  const Value* value = present(parent, key);
  if (value == nullptr || value->is_array()) return value;
  error(*value, fmt::format("is {} where a list is expected", kind_name(*value)), "write a list");
  return nullptr;
}

std::string_view Fields::text(const Value& parent, std::string_view key) {
  const Value* value = present(parent, key);
  if (value == nullptr) return {};
  if (value->is_string()) return value->text();
  error(*value, fmt::format("is {} where a text is expected", kind_name(*value)), "put it in quotes");
  return {};
}

bool Fields::boolean(const Value& parent, std::string_view key, bool fallback) {
  const Value* value = present(parent, key);
  if (value == nullptr) return fallback;
  if (value->kind() == Value::Kind::kBoolean) return value->boolean();
  error(*value, fmt::format("is {} where true or false is expected", kind_name(*value)),
        "write true or false, without quotes");
  return fallback;
}

std::optional<std::int64_t> Fields::integer(const Value& parent, std::string_view key, std::int64_t low,
                                            std::int64_t high) {
  const Value* value = present(parent, key);
  if (value == nullptr) return std::nullopt;
  const auto parsed = value->kind() == Value::Kind::kNumber ? parse_integer(value->text()) : std::nullopt;
  if (!parsed) {
    error(*value, "is not a whole number", "write a whole number, without quotes");
    return std::nullopt;
  }
  if (*parsed < low || *parsed > high) {
    error(*value, "is out of range", fmt::format("write a whole number from {} to {}", low, high));
    return std::nullopt;
  }
  return parsed;
}

std::optional<std::int32_t> Fields::small_integer(const Value& parent, std::string_view key,
                                                  std::int32_t low) {
  const auto value = integer(parent, key, low, std::numeric_limits<std::int32_t>::max());
  if (!value) return std::nullopt;
  return static_cast<std::int32_t>(*value);
}

std::optional<double> Fields::number(const Value& parent, std::string_view key) {
  const Value* value = present(parent, key);
  if (value == nullptr) return std::nullopt;
  const auto parsed = value->kind() == Value::Kind::kNumber ? parse_number(value->text()) : std::nullopt;
  if (!parsed) error(*value, "is not a number", "write a number, without quotes");
  return parsed;
}

std::optional<base::Time> Fields::time(const Value& parent, std::string_view key) {
  const Value* value = present(parent, key);
  const std::string_view written_text = text(parent, key);
  // Go's zero instant stands for none.
  if (written_text.empty() || written_text == "0001-01-01T00:00:00Z") return std::nullopt;
  auto parsed = base::parse_time(written_text);
  if (parsed) return *parsed;
  error(*value, "is not an instant", "write it as RFC 3339, such as 2026-01-31T09:00:00Z");
  return std::nullopt;
}

std::optional<base::Duration> Fields::duration(const Value& parent, std::string_view key) {
  const Value* value = present(parent, key);
  const std::string_view written_text = text(parent, key);
  if (written_text.empty()) return std::nullopt;
  auto parsed = base::parse_duration(written_text);
  if (parsed) return *parsed;
  error(*value, "is not a duration", "write a number with a unit, such as 90s or 1h30m");
  return std::nullopt;
}

model::Labels Fields::labels(const Value& parent, std::string_view key) {
  model::Labels result;
  const Value* map = object(parent, key);
  if (map == nullptr) return result;
  model::Labels::sequence_type entries;
  entries.reserve(map->members().size());
  for (const auto& member : map->members()) {
    if (member.value.is_null()) {
      entries.emplace_back(std::string(member.key), std::string());
    } else if (member.value.is_string()) {
      entries.emplace_back(std::string(member.key), std::string(member.value.text()));
    } else {
      error(member.value, fmt::format("is {} where a text is expected", kind_name(member.value)),
            "put it in quotes");
    }
  }
  // Of two members with one name the last one counts.
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto last = std::unique(entries.rbegin(), entries.rend(),
                                [](const auto& a, const auto& b) { return a.first == b.first; });
  entries.erase(entries.begin(), last.base());
  result.adopt_sequence(boost::container::ordered_unique_range, std::move(entries));
  return result;
}

std::optional<std::int64_t> Fields::quantity(const Value& value, bool thousandths, std::int64_t most) {
  if (value.kind() != Value::Kind::kString && value.kind() != Value::Kind::kNumber) {
    left_out(value, fmt::format("is {} where a quantity is expected", kind_name(value)),
             "write a number with an optional unit, such as 500m, 2 or 16Gi");
    return std::nullopt;
  }
  const auto parsed =
      thousandths ? base::parse_quantity_milli(value.text()) : base::parse_quantity(value.text());
  if (!parsed) {
    left_out(value, parsed.error().code() == base::Code::kOutOfRange ? "is too large" : "is not a quantity",
             "write a number with an optional unit, such as 500m, 2 or 16Gi");
    return std::nullopt;
  }
  if (*parsed > most) {
    left_out(value, "is too large", "write what a machine can have");
    return std::nullopt;
  }
  if (*parsed < 0) {
    left_out(value, "is negative", "write 0 or more");
    return std::nullopt;
  }
  return *parsed;
}

}  // namespace fairlead::manifest
