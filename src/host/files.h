#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace fairlead::host {

/// An error of the system about something, from errno: "open PATH: No such file or directory".
base::Error system_error(const std::string& what);

/// The whole of a file, also of one in /proc whose size is not told. Errors: kNotFound, kPermissionDenied,
/// kUnavailable.
base::Result<std::string> read_file(const std::string& path);

/// Writes to a file that is there (a control file of the kernel) in one call.
base::Result<void> write_control(const std::string& path, std::string_view text);

/// Replaces a file so that a reader, or a crash at any moment, finds the old content or the new one, whole
/// and on the disk.
base::Result<void> write_atomically(const std::string& path, std::string_view content, unsigned mode = 0600);

}  // namespace fairlead::host
