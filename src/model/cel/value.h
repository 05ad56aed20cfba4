#pragma once

#include "model/cel/version.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::model::cel {

/// A value while an expression is evaluated.
struct Value {
  enum class Kind : std::uint8_t {
    kError,  ///< text says what went wrong
    kNull,
    kBoolean,
    kInteger,
    kDouble,
    kText,
    kList,
    kMap,
    kOptional,  ///< items: the value, or nothing
    kQuantity,  ///< integer: in thousandths
    kVersion,
  };
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;
  std::shared_ptr<const std::vector<Value>> items;
  std::shared_ptr<const std::vector<std::pair<std::string, Value>>> members;  ///< of a map, by texts
  /// Of a map: a key that is not there gives an empty map, as for the domains of a device's attributes.
  bool open = false;
  std::shared_ptr<const Version> version;

  static Value error(std::string why);
  static Value of(bool value);
  static Value of(std::int64_t value);
  static Value of(double value);
  static Value of(std::string value);
  static Value of(Version value);
  static Value quantity(std::int64_t thousandths);
  static Value list(std::vector<Value> values);
  static Value map(std::vector<std::pair<std::string, Value>> values, bool open = false);
  static Value optional(std::vector<Value> none_or_one);

  bool is_error() const { return kind == Kind::kError; }
  const Value* find(std::string_view key) const;
};

/// As CEL compares: numbers by their value, whatever their type; values of different types are not equal.
bool equal(const Value& a, const Value& b);
/// "text", "an integer", ..., for messages.
std::string_view kind_name(Value::Kind kind);

}  // namespace fairlead::model::cel
