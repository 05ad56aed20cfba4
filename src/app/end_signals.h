#pragma once

#include <csignal>

namespace fairlead::app {

/// Signals that end what runs until it is told to. Blocked before any thread starts, so that only wait()
/// takes them.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, number);
    // A shell starts what it puts into the background with some of them ignored.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
    sigprocmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }
  /// Waits for one of them.
  int wait() const {
    int number = 0;
    while (sigwait(&set_, &number) != 0) {
    }
    return number;
  }

 private:
  sigset_t set_{};
};

}  // namespace fairlead::app
