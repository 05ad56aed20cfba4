#pragma once

#include "world/world.h"

#include <atomic>
#include <iosfwd>
#include <thread>

namespace fairlead::app {

/// Prints what happens to workloads, a line each, while it lives.
class Activity {
 public:
  /// `out`: null prints nothing.
  Activity(const world::World& world, std::ostream* out);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace fairlead::app
