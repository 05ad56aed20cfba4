#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace fairlead::manifest {

/// What a path stands for: itself, or of a folder every .json, .yaml and .yml file below it, by name.
/// Errors: kNotFound for a folder without any; kPermissionDenied.
base::Result<std::vector<std::string>> input_files(const std::string& path);

/// A file as it lies on the disk; its pages are read when they are looked at and can be taken back at any
/// time. A pipe is copied to a file without a name first, so that it takes no more memory than a file does.
class InputFile {
 public:
  InputFile() = default;
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Once. Errors: kNotFound, kPermissionDenied, kUnavailable.
  base::Result<void> open(const std::string& path);
  /// Valid as long as this lives.
  std::string_view text() const { return {static_cast<const char*>(data_), size_}; }
  /// Gives back the memory of what was read; it would come from the file again.
  void forget_before(std::size_t position);

 private:
  base::Result<void> map(int file, std::size_t size, const std::string& path);

  void* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t forgotten_ = 0;
};

}  // namespace fairlead::manifest
