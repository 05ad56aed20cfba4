#pragma once

#include "base/time.h"

#include <condition_variable>
#include <mutex>

namespace fairlead::kube {

/// Tells threads to end, and lets them wait for something else in the meantime.
class StopSignal {
 public:
  void stop();
  bool stopped() const;
  /// Waits so long, or until told to stop; a time that is not above zero waits not at all.
  void wait(base::Duration time) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopped_ = false;
};

}  // namespace fairlead::kube
