#include "base/clock.h"

#include <chrono>

namespace fairlead::base {

Time system_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return Time::from_unix_nanoseconds(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

Duration monotonic_time() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return Duration::nanoseconds(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace fairlead::base
