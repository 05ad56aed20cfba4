#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace fairlead::base {

/// One value of a JSON document, or of a YAML one that says the same. It is a view: text and children belong
/// to what built it and are valid until that builds the next document.
class JsonValue {
 public:
  enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
  struct Member;

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_object() const { return kind_ == Kind::kObject; }
  bool is_array() const { return kind_ == Kind::kArray; }
  /// Of a boolean; false for everything else.
  bool boolean() const { return kind_ == Kind::kBoolean && boolean_; }
  /// Of a string its characters, of a number its digits as written; empty for everything else.
  std::string_view text() const {
    return kind_ == Kind::kString || kind_ == Kind::kNumber ? std::string_view(text_, size_)
                                                            : std::string_view();
  }
  /// Of an array; empty for everything else.
  std::span<const JsonValue> items() const;
  /// Of an object, in the order of the document; empty for everything else.
  std::span<const Member> members() const;
  /// The last member of that name, as most readers take it, or null. Cost: linear in the members.
  const JsonValue* find(std::string_view key) const;

 private:
  friend class JsonBuilder;
  Kind kind_ = Kind::kNull;
  bool boolean_ = false;
  std::uint32_t size_ = 0;
  union {
    const char* text_ = nullptr;
    const JsonValue* items_;
    const Member* members_;
  };
};

struct JsonValue::Member {
  std::string_view key;
  JsonValue value;
};

inline std::span<const JsonValue> JsonValue::items() const {
  return kind_ == Kind::kArray ? std::span<const JsonValue>(items_, size_) : std::span<const JsonValue>();
}
inline std::span<const JsonValue::Member> JsonValue::members() const {
  return kind_ == Kind::kObject ? std::span<const Member>(members_, size_) : std::span<const Member>();
}
inline const JsonValue* JsonValue::find(std::string_view key) const {
  const auto all = members();
  for (auto member = all.rbegin(); member != all.rend(); ++member) {
    if (member->key == key) return &member->value;
  }
  return nullptr;
}

/// Builds one document at a time from what a parser meets, in memory that the next document reuses.
/// The caller nests properly: a key before each member, an end for each begin. Texts are not copied unless
/// asked for.
class JsonBuilder {
 public:
  JsonBuilder();
  JsonBuilder(const JsonBuilder&) = delete;
  JsonBuilder& operator=(const JsonBuilder&) = delete;
  ~JsonBuilder() = default;

  /// Forgets the document before.
  void reset();
  void begin_object();
  void begin_array();
  void end();
  void key(std::string_view name) { key_ = name; }
  void null();
  void boolean(bool value);
  void number(std::string_view digits);
  void string(std::string_view text);
  /// Whether the object that is open has a member of that name so far.
  bool has_member(std::string_view name) const;
  /// Puts an earlier value here again (a YAML alias).
  void repeat(const JsonValue& value) { add(value); }
  /// A copy of the text that lives as long as the document.
  std::string_view keep(std::string_view text);
  /// The document, once everything that was begun has ended.
  const JsonValue& root() const { return root_; }
  std::size_t depth() const { return open_.size(); }
  /// The value that was added last, at any depth.
  const JsonValue& last() const { return last_; }

 private:
  struct Open {
    JsonValue::Kind kind;
    std::size_t begin;
    std::string_view key;
  };
  void add(const JsonValue& value);

  std::unique_ptr<std::byte[]> first_block_;
  std::pmr::monotonic_buffer_resource memory_;
  std::vector<Open> open_;
  std::vector<JsonValue::Member> pending_;
  std::string_view key_;
  JsonValue root_;
  JsonValue last_;
};

}  // namespace fairlead::base
