#include "engine/exact_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fairlead::engine {
namespace {

constexpr double kLn2 = 0x1.62e42fefa39efp-1;
// ln 2 in two parts; the first has so many trailing zeros that its product with an exponent is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLog2E = 0x1.71547652b82fep+0;

/// 2^n for n in [-1022, 1023].
double scale(int n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); }

/// exp(y) for |y| <= 0.35 by its series. The first term left out is below 2^-60 of the result; Horner's rule
/// adds at most two units in the last place.
double small_exponential(double y) {
  double sum = 1.0;
  for (int i = 14; i >= 1; --i) sum = 1.0 + y * sum / i;
  return sum;
}

/// mantissa * 2^n, rounded once. A result below the normal range is reached in two steps, of which the first
/// is exact.
double scaled(double mantissa, int n) {
  if (n > 1023) return mantissa * scale(1023) * scale(n - 1023);
  if (n < -1022) return mantissa * scale(-968) * scale(n + 968);
  return mantissa * scale(n);
}

}  // namespace

double power_of_two(double x) {
  if (x > 1024) return std::numeric_limits<double>::infinity();
  if (x < -1080) return 0;
  const double n = std::floor(x + 0.5);
  return scaled(small_exponential((x - n) * kLn2), static_cast<int>(n));
}

double exponential(double x) {
  if (x > 710) return std::numeric_limits<double>::infinity();
  if (x < -750) return 0;
  const double n = std::floor(x * kLog2E + 0.5);
  const double y = (x - n * kLn2High) - n * kLn2Low;
  return scaled(small_exponential(y), static_cast<int>(n));
}

}  // namespace fairlead::engine
