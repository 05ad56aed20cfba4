#pragma once

namespace fairlead::engine {

/// The powers that decisions need, from + - * and exact scaling only, in one order, so that they are the same
/// bits on every machine; the C library's differ between machines. Relative error below kPowerError wherever
/// the result is a normal number; below the normal range the result is rounded once more, and below that it
/// is 0.
inline constexpr double kPowerError = 0x1p-51;

/// 2 to the power of x, for any finite x; infinity above 1024.
double power_of_two(double x);

/// One half to the power of x: what is left after x half-lives. Source: definition of half-life.
inline double power_of_half(double x) { return power_of_two(-x); }

/// e to the power of x, for any finite x; infinity above 709.79.
double exponential(double x);

}  // namespace fairlead::engine
