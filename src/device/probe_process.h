#pragma once

#include "base/descriptor.h"
#include "base/result.h"
#include "base/time.h"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::device {

/// A child process that answers in lines, and that may hang or crash at any moment. Nothing here waits longer
/// than it is told to.
class ProbeProcess {
 public:
  /// `arguments`: from the program's path on.
  static base::Result<ProbeProcess> start(const std::vector<std::string>& arguments);
  ProbeProcess(ProbeProcess&& other) noexcept;
  ProbeProcess& operator=(ProbeProcess&& other) = delete;
  /// Kills it. One that cannot be killed at once (it hangs in the kernel) is left to itself.
  ~ProbeProcess();

  base::Result<void> send(std::string_view line) const;
  /// The next line, without its end. Errors: kUnavailable: "does not answer" at the deadline (of
  /// base::monotonic_time), or how it ended.
  base::Result<std::string> next_line(base::Duration deadline);
  pid_t pid() const { return pid_; }

 private:
  ProbeProcess(pid_t pid, base::Descriptor socket) : pid_(pid), socket_(std::move(socket)) {}
  std::string ending();

  pid_t pid_;
  base::Descriptor socket_;
  std::string received_;
};

}  // namespace fairlead::device
