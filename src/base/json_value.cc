#include "base/json_value.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace fairlead::base {

constexpr std::size_t kFirstBlock = 64 * 1024;  // holds nearly every Kubernetes object

JsonBuilder::JsonBuilder()
    : first_block_(std::make_unique_for_overwrite<std::byte[]>(kFirstBlock)),
      memory_(first_block_.get(), kFirstBlock) {}

void JsonBuilder::reset() {
  memory_.release();
  open_.clear();
  pending_.clear();
  key_ = {};
  root_ = JsonValue();
  last_ = JsonValue();
}

void JsonBuilder::begin_object() { open_.push_back({JsonValue::Kind::kObject, pending_.size(), key_}); }
void JsonBuilder::begin_array() { open_.push_back({JsonValue::Kind::kArray, pending_.size(), key_}); }

void JsonBuilder::end() {
  const Open open = open_.back();
  open_.pop_back();
  const std::size_t count = pending_.size() - open.begin;
  const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(open.begin);
  JsonValue value;
  value.kind_ = open.kind;
  value.size_ = static_cast<std::uint32_t>(count);
  if (open.kind == JsonValue::Kind::kObject) {
    auto* members = static_cast<JsonValue::Member*>(
        memory_.allocate(count * sizeof(JsonValue::Member), alignof(JsonValue::Member)));
    std::uninitialized_copy(begin, pending_.end(), members);
    value.members_ = members;
  } else {
    auto* items = static_cast<JsonValue*>(memory_.allocate(count * sizeof(JsonValue), alignof(JsonValue)));
    std::transform(begin, pending_.end(), items,
                   [](const JsonValue::Member& member) { return member.value; });
    value.items_ = items;
  }
  pending_.erase(begin, pending_.end());
  key_ = open.key;
  add(value);
}

void JsonBuilder::null() { add(JsonValue()); }

void JsonBuilder::boolean(bool value) {
  JsonValue result;
  result.kind_ = JsonValue::Kind::kBoolean;
  result.boolean_ = value;
  add(result);
}

void JsonBuilder::number(std::string_view digits) {
  JsonValue result;
  result.kind_ = JsonValue::Kind::kNumber;
  result.size_ = static_cast<std::uint32_t>(digits.size());
  result.text_ = digits.data();
  add(result);
}

void JsonBuilder::string(std::string_view text) {
  JsonValue result;
  result.kind_ = JsonValue::Kind::kString;
  result.size_ = static_cast<std::uint32_t>(text.size());
  result.text_ = text.data();
  add(result);
}

std::string_view JsonBuilder::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

bool JsonBuilder::has_member(std::string_view name) const {
  if (open_.empty()) return false;
  const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(open_.back().begin);
  return std::any_of(begin, pending_.end(),
                     [&](const JsonValue::Member& member) { return member.key == name; });
}

void JsonBuilder::add(const JsonValue& value) {
  last_ = value;
  if (open_.empty()) {
    root_ = value;
  } else {
    pending_.push_back({key_, value});
  }
}

}  // namespace fairlead::base
