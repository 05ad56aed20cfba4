#pragma once

#include "base/json_value.h"
#include "manifest/fields.h"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::server {

/// The schemas of an OpenAPI document that was served, and whether answers hold to them: as much of JSON
/// Schema as the document uses.
class ServedSchemas {
 public:
  using JsonValue = base::JsonValue;

  explicit ServedSchemas(const JsonValue& document) : document_(document) {}

  const JsonValue* named(std::string_view name) const {
    return document_.find("components")->find("schemas")->find(name);
  }
  /// What does not hold to the schema, each with its place; empty: all of the value does.
  std::vector<std::string> breaches(const JsonValue& value, const JsonValue& schema,
                                    const std::string& at) const {
    std::vector<std::string> found;
    check(value, schema, at, found);
    return found;
  }

 private:
  using Breaches = std::vector<std::string>;

  void check(const JsonValue& value, const JsonValue& schema, const std::string& at, Breaches& found) const {
    if (const JsonValue* reference = schema.find("$ref")) {
      const std::string_view name =
          reference->text().substr(std::string_view("#/components/schemas/").size());
      const JsonValue* target = named(name);
      if (target == nullptr) return found.push_back(at + ": there is no schema " + std::string(name));
      return check(value, *target, at, found);
    }
    if (const JsonValue* type = schema.find("type")) {
      bool fits = false;
      for (const JsonValue& one : type->items()) fits = fits || is(value, one.text());
      if (type->is_string()) fits = is(value, type->text());
      if (!fits) found.push_back(at + " is " + std::string(manifest::kind_name(value)));
    }
    for (const JsonValue& item : value.items()) {
      if (const JsonValue* items = schema.find("items")) check(item, *items, at + "[]", found);
    }
    if (!value.is_object()) return;
    if (const JsonValue* required = schema.find("required")) {
      for (const JsonValue& name : required->items()) {
        if (value.find(name.text()) == nullptr) found.push_back(at + " lacks " + std::string(name.text()));
      }
    }
    check_members(value, schema, at, found);
  }
  void check_members(const JsonValue& value, const JsonValue& schema, const std::string& at,
                     Breaches& found) const {
    const JsonValue* properties = schema.find("properties");
    const JsonValue* more = schema.find("additionalProperties");
    for (const auto& member : value.members()) {
      const std::string below = at + "." + std::string(member.key);
      const JsonValue* property = properties == nullptr ? nullptr : properties->find(member.key);
      if (property != nullptr) {
        check(member.value, *property, below, found);
      } else if (more != nullptr && more->is_object()) {
        check(member.value, *more, below, found);
      } else if (more != nullptr && !more->boolean()) {
        found.push_back(below + " is not in the schema");
      }
    }
  }
  static bool is(const JsonValue& value, std::string_view type) {
    using Kind = JsonValue::Kind;
    if (type == "null") return value.is_null();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.kind() == Kind::kBoolean;
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "integer")
      return value.kind() == Kind::kNumber && manifest::parse_integer(value.text()).has_value();
    return type == "number" && value.kind() == Kind::kNumber;
  }

  const JsonValue& document_;
};

}  // namespace fairlead::server
