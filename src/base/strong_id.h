#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace fairlead::base {

/// A dense index that cannot be mixed up with an index of another kind. Ids are given out from 0 and index
/// columns; they say nothing about age or order, so no decision may compare them (docs/architecture.md,
/// "Determinism").
template <class Tag>
class StrongId {
 public:
  using Value = std::uint32_t;
  static constexpr Value kNone = std::numeric_limits<Value>::max();

  constexpr StrongId() = default;
  constexpr explicit StrongId(Value value) : value_(value) {}
  constexpr explicit StrongId(std::size_t value) : value_(static_cast<Value>(value)) {}

  constexpr Value value() const { return value_; }
  constexpr std::size_t index() const { return value_; }
  constexpr bool valid() const { return value_ != kNone; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
  /// Found by Boost's hash maps.
  friend std::size_t hash_value(StrongId id) { return id.value_; }

 private:
  Value value_ = kNone;
};

}  // namespace fairlead::base

template <class Tag>
struct std::hash<fairlead::base::StrongId<Tag>> {
  std::size_t operator()(fairlead::base::StrongId<Tag> id) const noexcept { return id.value(); }
};
