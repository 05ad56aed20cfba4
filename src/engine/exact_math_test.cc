#include "engine/exact_math.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fairlead::engine {
namespace {

/// The relative error against the C library's function of 64 bits of mantissa, itself good to 2^-62.
double relative_error(double got, long double expected) {
  return static_cast<double>(std::fabs((static_cast<long double>(got) - expected) / expected));
}

TEST(ExactMath, WholePowersAreExact) {
  for (int n = -1022; n <= 1023; ++n) EXPECT_EQ(power_of_two(n), std::ldexp(1.0, n)) << n;
  EXPECT_EQ(power_of_half(0), 1.0);
  EXPECT_EQ(power_of_half(1), 0.5);
  EXPECT_EQ(exponential(0), 1.0);
}

TEST(ExactMath, StaysWithinTheStatedError) {
  double worst_two = 0;
  double worst_e = 0;
  for (double x = -700; x < 700; x += 0.013717) {
    worst_two = std::max(worst_two, relative_error(power_of_two(x), std::exp2(static_cast<long double>(x))));
    worst_e = std::max(worst_e, relative_error(exponential(x), std::exp(static_cast<long double>(x))));
  }
  for (double x = -2; x < 2; x += 0.0000171) {
    worst_two = std::max(worst_two, relative_error(power_of_two(x), std::exp2(static_cast<long double>(x))));
    worst_e = std::max(worst_e, relative_error(exponential(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LT(worst_two, kPowerError);
  EXPECT_LT(worst_e, kPowerError);
}

TEST(ExactMath, EndsWhereDoublesEnd) {
  EXPECT_EQ(power_of_two(1025), std::numeric_limits<double>::infinity());
  EXPECT_EQ(power_of_two(1e300), std::numeric_limits<double>::infinity());
  EXPECT_EQ(power_of_half(1e300), 0);
  EXPECT_EQ(power_of_half(1074), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(power_of_half(1076), 0);
  EXPECT_EQ(exponential(-1e300), 0);
  EXPECT_EQ(exponential(1e300), std::numeric_limits<double>::infinity());
}

TEST(ExactMath, GivesTheSameBitsOnEveryMachine) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(power_of_half(0.1)), 4606579233611295506ULL);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(power_of_half(3.7)), 4590209002184344360ULL);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(exponential(-1.3)), 4598581116244124289ULL);
}

}  // namespace
}  // namespace fairlead::engine
