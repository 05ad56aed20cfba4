#include "kube/stop_signal.h"

#include <chrono>

namespace fairlead::kube {

void StopSignal::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

bool StopSignal::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void StopSignal::wait(base::Duration time) const {
  std::unique_lock lock(mutex_);
  if (time > base::Duration())
    changed_.wait_for(lock, std::chrono::nanoseconds(time.nanoseconds()), [this] { return stopped_; });
}

}  // namespace fairlead::kube
