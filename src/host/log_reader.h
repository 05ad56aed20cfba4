#pragma once

#include "base/descriptor.h"
#include "base/result.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace fairlead::host {

/// Reads the output of one try, oldest first, over the files that RotatingLog makes, while it goes on writing
/// or after it has ended. Thread: one at a time, any.
class LogReader {
 public:
  /// `folder`: logs/ of the try. `tail_lines`: so many last lines only. Errors: kNotFound: nothing was
  /// written yet, or it is gone.
  static base::Result<LogReader> open(const std::string& folder,
                                      std::optional<std::int64_t> tail_lines = std::nullopt);

  /// What comes next, at most so many bytes; empty when there is no more for now. What was rotated away
  /// before it was read is skipped.
  std::string read(std::size_t most);
  /// Readable when more may be there; take() makes it wait for the next time. -1 where the kernel does not
  /// tell (too many watches): ask now and then.
  int descriptor() const { return watch_.get(); }
  void take() const;

 private:
  explicit LogReader(std::string folder) : path_(std::move(folder) + "/output.log") {}
  std::string name_of(int number) const;
  bool open_number(int number);
  bool open_next();
  base::Result<void> seek_tail(std::int64_t lines);

  std::string path_;
  base::Descriptor watch_;
  base::Descriptor file_;
};

}  // namespace fairlead::host
