#pragma once

#include "plan.h"

#include <string>

namespace fairlead::property {

/// Ends the program with the plan's text when its life takes longer than a minute: what never ends cannot
/// shrink, and would only be a build that hangs. One at a time.
class Watchdog {
 public:
  explicit Watchdog(const Plan& plan);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
};

}  // namespace fairlead::property
