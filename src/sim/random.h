#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace fairlead::sim {

/// The next value of the SplitMix64 sequence, whose state is advanced. Source: Steele, Lea, Flood, "Fast
/// splittable pseudorandom number generators" (OOPSLA 2014), with the constants of its reference code.
inline std::uint64_t split_mix_64(std::uint64_t& state) {
  state += 0x9e37'79b9'7f4a'7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
  return z ^ (z >> 31);
}

/// Random numbers from a seed, the same on every machine and with every standard library: the SplitMix64
/// sequence that starts with the seed as its state.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// Uniform over all 64-bit values.
  std::uint64_t next() { return split_mix_64(state_); }
  /// Uniform in [0, bound), without bias: the high half of a 128-bit product, drawn again in the rare case
  /// that would favour some values. `bound` is at least 1. Source: Lemire, "Fast random integer generation in
  /// an interval" (2019).
  std::uint64_t below(std::uint64_t bound);
  /// Every order equally likely: Fisher and Yates, from the last element down.
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t left = values.size(); left > 1; --left) {
      std::swap(values[left - 1], values[static_cast<std::size_t>(below(left))]);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace fairlead::sim
