#include "sim/random.h"

namespace fairlead::sim {
namespace {

/// The product of two 64-bit values as its high and low halves, in standard C++.
struct Product {
  std::uint64_t high;
  std::uint64_t low;
};
Product multiply(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kLowHalf = 0xffff'ffff;
  const std::uint64_t a_low = a & kLowHalf;
  const std::uint64_t a_high = a >> 32;
  const std::uint64_t b_low = b & kLowHalf;
  const std::uint64_t b_high = b >> 32;
  const std::uint64_t low_low = a_low * b_low;
  const std::uint64_t low_high = a_low * b_high;
  const std::uint64_t high_low = a_high * b_low;
  const std::uint64_t middle = (low_low >> 32) + (low_high & kLowHalf) + (high_low & kLowHalf);
  return {a_high * b_high + (low_high >> 32) + (high_low >> 32) + (middle >> 32),
          (middle << 32) | (low_low & kLowHalf)};
}

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
  Product product = multiply(next(), bound);
  if (product.low < bound) {
    const std::uint64_t too_low = (0 - bound) % bound;
    while (product.low < too_low) product = multiply(next(), bound);
  }
  return product.high;
}

}  // namespace fairlead::sim
