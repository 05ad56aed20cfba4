#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace fairlead::base {

/// An error of the system about something, from errno: "open PATH: No such file or directory".
Error system_error(const std::string& what);

/// The whole of a file, also of one in /proc whose size is not told. Errors: kNotFound, kPermissionDenied,
/// kUnavailable.
Result<std::string> read_file(const std::string& path);

/// Writes to a file that is there (a control file of the kernel) in one call.
Result<void> write_control(const std::string& path, std::string_view text);

/// Replaces a file so that a reader, whatever process is killed when, finds the old content or the new one,
/// whole. After a failure of the machine that holds only once sync_to_disk() has returned.
Result<void> write_atomically(const std::string& path, std::string_view content, unsigned mode = 0600);
/// Waits until a file and its name are on the disk. Cost: milliseconds.
Result<void> sync_to_disk(const std::string& path);
}  // namespace fairlead::base
