#include "model/cel/value.h"

namespace fairlead::model::cel {

Value Value::error(std::string why) {
  Value value;
  value.kind = Kind::kError;
  value.text = std::move(why);
  return value;
}
Value Value::of(bool boolean) {
  Value value;
  value.kind = Kind::kBoolean;
  value.boolean = boolean;
  return value;
}
Value Value::of(std::int64_t integer) {
  Value value;
  value.kind = Kind::kInteger;
  value.integer = integer;
  return value;
}
Value Value::of(double number) {
  Value value;
  value.kind = Kind::kDouble;
  value.number = number;
  return value;
}
Value Value::of(std::string text) {
  Value value;
  value.kind = Kind::kText;
  value.text = std::move(text);
  return value;
}
Value Value::of(Version version) {
  Value value;
  value.kind = Kind::kVersion;
  value.version = std::make_shared<const Version>(std::move(version));
  return value;
}
Value Value::quantity(std::int64_t thousandths) {
  Value value;
  value.kind = Kind::kQuantity;
  value.integer = thousandths;
  return value;
}
Value Value::list(std::vector<Value> values) {
  Value value;
  value.kind = Kind::kList;
  value.items = std::make_shared<const std::vector<Value>>(std::move(values));
  return value;
}
Value Value::map(std::vector<std::pair<std::string, Value>> values, bool open) {
  Value value;
  value.kind = Kind::kMap;
  value.members = std::make_shared<const std::vector<std::pair<std::string, Value>>>(std::move(values));
  value.open = open;
  return value;
}
Value Value::optional(std::vector<Value> none_or_one) {
  Value value = list(std::move(none_or_one));
  value.kind = Kind::kOptional;
  return value;
}

const Value* Value::find(std::string_view key) const {
  if (kind != Kind::kMap) return nullptr;
  for (const auto& [name, value] : *members)
    if (name == key) return &value;
  return nullptr;
}

bool equal(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  if (a.kind == Kind::kInteger && b.kind == Kind::kDouble) return static_cast<double>(a.integer) == b.number;
  if (a.kind == Kind::kDouble && b.kind == Kind::kInteger) return a.number == static_cast<double>(b.integer);
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kError:
      return false;
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return a.boolean == b.boolean;
    case Kind::kInteger:
    case Kind::kQuantity:
      return a.integer == b.integer;
    case Kind::kDouble:
      return a.number == b.number;
    case Kind::kText:
      return a.text == b.text;
    case Kind::kVersion:
      return *a.version == *b.version;
    case Kind::kList:
    case Kind::kOptional: {
      if (a.items->size() != b.items->size()) return false;
      for (std::size_t i = 0; i < a.items->size(); ++i)
        if (!equal((*a.items)[i], (*b.items)[i])) return false;
      return true;
    }
    case Kind::kMap: {
      if (a.members->size() != b.members->size()) return false;
      for (const auto& [key, value] : *a.members) {
        const Value* other = b.find(key);
        if (other == nullptr || !equal(value, *other)) return false;
      }
      return true;
    }
  }
  return false;
}

std::string_view kind_name(Value::Kind kind) {
  using Kind = Value::Kind;
  switch (kind) {
    case Kind::kError:
      return "an error";
    case Kind::kNull:
      return "null";
    case Kind::kBoolean:
      return "a boolean";
    case Kind::kInteger:
      return "an integer";
    case Kind::kDouble:
      return "a double";
    case Kind::kText:
      return "a text";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kOptional:
      return "an optional value";
    case Kind::kQuantity:
      return "a quantity";
    case Kind::kVersion:
      return "a version";
  }
  return "a value";
}

}  // namespace fairlead::model::cel
