#include "manifest/yaml_scalar.h"

#include "base/json_reader.h"
#include "manifest/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace fairlead::manifest {
namespace {

using Kind = base::JsonValue::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<bool> boolean_of(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                             "True", "TRUE", "on",  "On",  "ON"};
  static constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                              "False", "FALSE", "off", "Off", "OFF"};
  if (text.size() > 5) return std::nullopt;
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

/// Whole numbers that JSON writes differently: another base, a leading plus or zero.
std::optional<std::string> integer_of(std::string_view text) {
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text.front() == '0') {
    const char mark = text[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    text.remove_prefix(is_digit(mark) ? 1 : 2);
    if (!is_digit(mark) && base == 8 && mark != 'o' && mark != 'O') return std::nullopt;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  std::string digits = std::to_string(value);
  return negative && value != 0 ? "-" + digits : digits;
}

std::optional<std::string> fraction_of(std::string_view text) {
  if (text.front() == '+') text.remove_prefix(1);
  const std::size_t first = text.find_first_not_of('-');
  if (first > 1 || (!is_digit(text[first]) && text[first] != '.')) return std::nullopt;
  const auto value = parse_number(text);
  if (!value) return std::nullopt;
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *value);
  return std::string(buffer.data(), end.ptr);
}

}  // namespace

YamlScalar resolve_yaml_scalar(std::string_view text) {
  YamlScalar result;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    result.kind = Kind::kNull;
    return result;
  }
  const char first = text.front();
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') {
    if (const auto boolean = boolean_of(text)) {
      result.kind = Kind::kBoolean;
      result.boolean = *boolean;
    }
    return result;
  }
  constexpr std::size_t kLongestNumber = 100;
  if (text.size() > kLongestNumber) return result;
  if (base::is_json_number(text)) {
    result.kind = Kind::kNumber;
    result.digits = text;
    return result;
  }
  std::string plain(text);
  std::erase(plain, '_');
  if (plain.find_first_of("0123456789") == std::string::npos) return result;
  std::optional<std::string> digits = integer_of(plain);
  if (!digits) digits = fraction_of(plain);
  if (digits) {
    result.kind = Kind::kNumber;
    result.digits = std::move(*digits);
  }
  return result;
}

}  // namespace fairlead::manifest
