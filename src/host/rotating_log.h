#pragma once

#include "base/descriptor.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace fairlead::host {

/// The output of one try: FOLDER/output.log, and what went before it in output.log.1 (newer) to output.log.3.
/// The four together hold at most `bytes`; the oldest goes first. Readers: log_pieces.h.
class RotatingLog {
 public:
  static constexpr int kOlderFiles = 3;

  static base::Result<RotatingLog> open(const std::string& folder, std::int64_t bytes);
  /// Never fails the workload: what cannot be written (full disk) is dropped, and a line says how much once
  /// writing works again.
  void append(std::string_view text);

 private:
  RotatingLog(std::string path, std::int64_t file_bytes) : path_(std::move(path)), file_bytes_(file_bytes) {}
  base::Result<void> open_current();
  void rotate();
  void put(std::string_view text);

  std::string path_;
  std::int64_t file_bytes_;
  base::Descriptor file_;
  std::int64_t size_ = 0;
  std::int64_t dropped_ = 0;
};

}  // namespace fairlead::host
