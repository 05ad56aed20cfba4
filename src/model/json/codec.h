#pragma once

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "base/time.h"
#include "model/json/members.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Values of the model as JSON and back, exactly: what is read equals what was written, each bit of a double
/// and each byte of a text included. A structure is an object with the names of the model; members that have
/// their default are left out, so that rows stay small. An instant or duration is nanoseconds; a bound is a
/// number or "unlimited"; an enumerator is its name; a text that is not UTF-8, which JSON cannot hold, is
/// {"bytes": hexadecimal}. Costly to compile: headers name events.h
/// instead.
namespace fairlead::model::json {

template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsPair = false;
template <class A, class B>
inline constexpr bool kIsPair<std::pair<A, B>> = true;
template <class>
inline constexpr bool kUnknown = false;

bool is_utf8(std::string_view text);
std::string to_hexadecimal(std::string_view bytes);
std::optional<std::string> from_hexadecimal(std::string_view digits);

/// Equal in each bit: 0.0 is not -0.0, and a NaN is itself.
template <class T>
bool same(const T& a, const T& b) {
  if constexpr (Described<const T>) {
    return std::apply(
        [&](const auto&... left) {
          return std::apply([&](const auto&... right) { return (same(left.value, right.value) && ...); },
                            Shape<T>::of(b));
        },
        Shape<T>::of(a));
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  } else if constexpr (kIsVector<T>) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!same(a[i], b[i])) return false;
    }
    return true;
  } else if constexpr (kIsOptional<T>) {
    return a.has_value() == b.has_value() && (!a || same(*a, *b));
  } else if constexpr (kIsPair<T>) {
    return same(a.first, b.first) && same(a.second, b.second);
  } else {
    return a == b;
  }
}

template <class T>
void write(base::JsonWriter& out, const T& value);

template <class T>
void write_members(base::JsonWriter& out, const T& value) {
  const T defaults{};
  const auto write_one = [&out](const auto& member, const auto& usual) {
    if (same(member.value, usual.value)) return;
    out.key(member.name);
    write(out, member.value);
  };
  std::apply(
      [&](const auto&... member) {
        std::apply([&](const auto&... usual) { (write_one(member, usual), ...); }, Shape<T>::of(defaults));
      },
      Shape<T>::of(value));
}

template <class T>
void write(base::JsonWriter& out, const T& value) {
  if constexpr (Described<const T>) {
    out.begin_object();
    write_members(out, value);
    out.end_object();
  } else if constexpr (std::is_same_v<T, double>) {
    if (std::isfinite(value)) {
      out.value(value);
    } else {
      out.value(std::to_string(std::bit_cast<std::uint64_t>(value)));
    }
  } else if constexpr (std::is_arithmetic_v<T>) {
    out.value(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (is_utf8(value)) {
      out.value(value);
    } else {
      out.begin_object();
      out.member("bytes", to_hexadecimal(value));
      out.end_object();
    }
  } else if constexpr (std::is_same_v<T, base::Time>) {
    out.value(value.unix_nanoseconds());
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    out.value(value.nanoseconds());
  } else if constexpr (std::is_same_v<T, model::Bound>) {
    if (value.is_unlimited()) {
      out.value("unlimited");
    } else {
      out.value(value.amount());
    }
  } else if constexpr (NamedEnumeration<T>) {
    out.value(name_of(value));
  } else if constexpr (kIsVector<T>) {
    out.begin_array();
    for (const auto& item : value) write(out, item);
    out.end_array();
  } else if constexpr (kIsOptional<T>) {
    write(out, *value);  // none is the default of every optional member, and so left out
  } else if constexpr (kIsPair<T>) {
    out.begin_array();
    write(out, value.first);
    write(out, value.second);
    out.end_array();
  } else if constexpr (std::is_same_v<T, model::Labels>) {
    out.begin_array();
    for (const auto& [key, content] : value) {
      write(out, key);
      write(out, content);
    }
    out.end_array();
  } else {
    static_assert(kUnknown<T>, "a type of the model that has no form in JSON yet");
  }
}

/// What is wrong with a text: where, and why.
class Fault {
 public:
  bool raise(std::string_view why) {
    why_ = why;
    return false;
  }
  bool inside(std::string_view name) {
    where_ = where_.empty() ? std::string(name) : std::string(name) + "." + where_;
    return false;
  }
  bool at(std::size_t index) { return inside("[" + std::to_string(index) + "]"); }
  base::Error error() const { return base::invalid_argument(where_.empty() ? why_ : where_ + ": " + why_); }

 private:
  std::string where_;
  std::string why_;
};

template <class T>
bool read(const base::JsonValue& json, T& value, Fault& fault);

template <class T>
bool read_number(const base::JsonValue& json, T& value, Fault& fault) {
  if (json.kind() != base::JsonValue::Kind::kNumber) return fault.raise("is not a number");
  const std::string_view digits = json.text();
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc() || end != digits.data() + digits.size())
    return fault.raise("is not a number of its type");
  return true;
}

inline bool read_double(const base::JsonValue& json, double& value, Fault& fault) {
  if (!json.is_string()) return read_number(json, value, fault);
  std::uint64_t bits = 0;
  const std::string_view digits = json.text();
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (problem != std::errc() || end != digits.data() + digits.size())
    return fault.raise("is not the bits of a number");
  value = std::bit_cast<double>(bits);
  return true;
}

inline bool read_text(const base::JsonValue& json, std::string& value, Fault& fault) {
  if (json.is_string()) {
    value = json.text();
    return true;
  }
  const base::JsonValue* bytes = json.is_object() ? json.find("bytes") : nullptr;
  if (bytes == nullptr || !bytes->is_string() || json.members().size() != 1)
    return fault.raise("is not a text");
  auto decoded = from_hexadecimal(bytes->text());
  if (!decoded) return fault.raise("is not written in hexadecimal");
  value = std::move(*decoded);
  return true;
}

template <NamedEnumeration T>
bool read_enumerator(const base::JsonValue& json, T& value, Fault& fault) {
  if (!json.is_string() || json.text().empty()) return fault.raise("is not a name");
  for (int i = 0; i < 256; ++i) {
    const T candidate = static_cast<T>(i);
    const std::string_view name = name_of(candidate);
    if (name.empty()) break;
    if (name != json.text()) continue;
    value = candidate;
    return true;
  }
  return fault.raise("is not a known name");
}

/// Reads one member into the field of that name.
template <class T>
bool read_member(const base::JsonValue::Member& member, T& value, Fault& fault) {
  bool known = false;
  bool good = true;
  const auto try_one = [&](auto candidate) {
    if (known || candidate.name != member.key) return;
    known = true;
    good = read(member.value, candidate.value, fault);
  };
  std::apply([&](const auto&... candidate) { (try_one(candidate), ...); }, Shape<T>::of(value));
  if (!known) fault.raise("is not a member that is known");
  return (known && good) || fault.inside(member.key);
}

template <class T>
bool read(const base::JsonValue& json, T& value, Fault& fault) {
  if constexpr (Described<T>) {
    if (!json.is_object()) return fault.raise("is not an object");
    for (const auto& member : json.members()) {
      if (!read_member(member, value, fault)) return false;
    }
    return true;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (json.kind() != base::JsonValue::Kind::kBoolean) return fault.raise("is neither true nor false");
    value = json.boolean();
    return true;
  } else if constexpr (std::is_same_v<T, double>) {
    return read_double(json, value, fault);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return read_number(json, value, fault);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return read_text(json, value, fault);
  } else if constexpr (std::is_same_v<T, base::Time>) {
    std::int64_t nanoseconds = 0;
    if (!read_number(json, nanoseconds, fault)) return false;
    value = base::Time::from_unix_nanoseconds(nanoseconds);
    return true;
  } else if constexpr (std::is_same_v<T, base::Duration>) {
    std::int64_t nanoseconds = 0;
    if (!read_number(json, nanoseconds, fault)) return false;
    value = base::Duration::nanoseconds(nanoseconds);
    return true;
  } else if constexpr (std::is_same_v<T, model::Bound>) {
    if (json.is_string() && json.text() == "unlimited") {
      value = model::Bound::unlimited();
      return true;
    }
    std::int64_t amount = 0;
    if (!read_number(json, amount, fault)) return false;
    value = model::Bound::of(amount);
    return true;
  } else if constexpr (NamedEnumeration<T>) {
    return read_enumerator(json, value, fault);
  } else if constexpr (kIsVector<T>) {
    if (!json.is_array()) return fault.raise("is not a list");
    value.clear();
    value.reserve(json.items().size());
    for (const auto& item : json.items()) {
      if (!read(item, value.emplace_back(), fault)) return fault.at(value.size() - 1);
    }
    return true;
  } else if constexpr (kIsOptional<T>) {
    return read(json, value.emplace(), fault);
  } else if constexpr (kIsPair<T>) {
    if (json.items().size() != 2) return fault.raise("is not a list of two");
    return read(json.items()[0], value.first, fault) && read(json.items()[1], value.second, fault);
  } else if constexpr (std::is_same_v<T, model::Labels>) {
    const auto items = json.items();
    if (!json.is_array() || items.size() % 2 != 0) return fault.raise("is not a list of keys and values");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      std::string key;
      std::string content;
      if (!read(items[i], key, fault) || !read(items[i + 1], content, fault)) return fault.at(i);
      value.insert_or_assign(std::move(key), std::move(content));
    }
    return true;
  } else {
    static_assert(kUnknown<T>, "a type of the model that has no form in JSON yet");
  }
}

/// Writes the alternative that a variant holds as a member with its name.
template <class Variant>
void write_alternative(base::JsonWriter& out, const Variant& value) {
  out.key(Alternatives<Variant>::kNames[value.index()]);
  std::visit([&out](const auto& alternative) { write(out, alternative); }, value);
}

/// Reads the alternative with the member's name.
template <class Variant, std::size_t I = 0>
bool read_alternative(const base::JsonValue::Member& member, Variant& value, Fault& fault) {
  if constexpr (I == std::variant_size_v<Variant>) {
    fault.raise("is not a kind that is known");
    return fault.inside(member.key);
  } else {
    if (Alternatives<Variant>::kNames[I] != member.key)
      return read_alternative<Variant, I + 1>(member, value, fault);
    return read(member.value, value.template emplace<I>(), fault) || fault.inside(member.key);
  }
}

/// Reads {first: number or instant, ALTERNATIVE: {...}}; without `first` it stays as it is.
template <class First, class Variant>
bool read_tagged(const base::JsonValue& json, std::string_view first_name, First& first, Variant& body,
                 Fault& fault) {
  if (!json.is_object()) return fault.raise("is not an object");
  bool found = false;
  for (const auto& member : json.members()) {
    if (member.key == first_name) {
      if (!read(member.value, first, fault)) return fault.inside(first_name);
    } else if (found) {
      return fault.raise("is of two kinds");
    } else {
      if (!read_alternative(member, body, fault)) return false;
      found = true;
    }
  }
  return found || fault.raise("is of no kind");
}

}  // namespace fairlead::model::json
