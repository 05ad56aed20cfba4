#pragma once

#include "model/event.h"
#include "model/json/codec.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <type_traits>

namespace fairlead::model::json {

/// Fills values of the model from a sequence of numbers, every member with something other than its default
/// where `full`, else some of them. The same numbers give the same values.
class ValueMaker {
 public:
  explicit ValueMaker(std::uint64_t seed, bool full) : state_(seed), full_(full) {}

  template <class T>
  void fill(T& value, int depth = 0) {
    if (!full_ && pick(3) == 0) return;
    if constexpr (Described<T>) {
      std::apply([&](const auto&... member) { (fill(member.value, depth + 1), ...); }, Shape<T>::of(value));
    } else if constexpr (std::is_same_v<T, bool>) {
      value = full_ ? !value : pick(2) == 0;
    } else if constexpr (std::is_same_v<T, double>) {
      constexpr double kValues[] = {-0.0,
                                    0.1,
                                    -1.0 / 3.0,
                                    1e308,
                                    5e-324,
                                    123456789.123456789,
                                    std::numeric_limits<double>::infinity(),
                                    std::numeric_limits<double>::quiet_NaN()};
      value = kValues[pick(std::size(kValues))];
    } else if constexpr (std::is_integral_v<T>) {
      constexpr T kMost = std::numeric_limits<T>::max();
      constexpr T kLeast = std::numeric_limits<T>::min();
      const T values[] = {kMost, kLeast, static_cast<T>(pick(1000) + 1001), static_cast<T>(kMost - 1)};
      T next = values[pick(std::size(values))];
      if (next == value) next = static_cast<T>(kMost - 2);
      value = next;
    } else if constexpr (std::is_same_v<T, std::string>) {
      const std::string values[] = {"name-" + std::to_string(pick(1000)), "quote \" slash \\ \n \x01",
                                    "\xc3\xa9\xf0\x9f\x9a\x80", std::string("nul\0inside", 10),
                                    "\xff\xfe not UTF-8 \xc0\x80"};
      value = values[pick(std::size(values))];
    } else if constexpr (std::is_same_v<T, base::Time>) {
      std::int64_t n = value.unix_nanoseconds();
      fill(n, depth);
      value = base::Time::from_unix_nanoseconds(n);
    } else if constexpr (std::is_same_v<T, base::Duration>) {
      std::int64_t n = value.nanoseconds();
      fill(n, depth);
      value = base::Duration::nanoseconds(n);
    } else if constexpr (std::is_same_v<T, model::Bound>) {
      const model::Bound values[] = {model::Bound::unlimited(),
                                     model::Bound::of(std::numeric_limits<std::int64_t>::max()),
                                     model::Bound::of(-1), model::Bound::of(17)};
      const model::Bound before = value;
      value = values[pick(std::size(values))];
      if (value == before) value = model::Bound::of(18);
    } else if constexpr (NamedEnumeration<T>) {
      int count = 0;
      while (!name_of(static_cast<T>(count)).empty()) ++count;
      const auto before = static_cast<int>(value);
      int next = static_cast<int>(pick(static_cast<std::size_t>(count)));
      if (full_ && next == before) next = (next + 1) % count;
      value = static_cast<T>(next);
    } else if constexpr (kIsVector<T>) {
      value.clear();
      const std::size_t count = full_ ? 1 + pick(2) : pick(3);
      for (std::size_t i = 0; i < count; ++i) fill(value.emplace_back(), depth + 1);
    } else if constexpr (kIsOptional<T>) {
      fill(value.emplace(), depth);
    } else if constexpr (kIsPair<T>) {
      fill(value.first, depth);
      fill(value.second, depth);
    } else if constexpr (std::is_same_v<T, model::Labels>) {
      for (int i = 0; i < 2; ++i) {
        std::string key = std::to_string(i);
        std::string content;
        fill(content, depth);
        value.emplace(std::move(key), std::move(content));
      }
    } else {
      static_assert(kUnknown<T>);
    }
  }

  std::size_t pick(std::size_t below) {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return static_cast<std::size_t>((z ^ (z >> 31U)) % below);
  }

 private:
  std::uint64_t state_;
  bool full_;
};

/// Calls `use` with a filled value of each alternative.
template <class Variant, class Use, std::size_t I = 0>
void each_alternative(ValueMaker& maker, const Use& use) {
  if constexpr (I < std::variant_size_v<Variant>) {
    Variant value;
    maker.fill(value.template emplace<I>());
    use(value);
    each_alternative<Variant, Use, I + 1>(maker, use);
  }
}

}  // namespace fairlead::model::json
