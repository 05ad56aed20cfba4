#pragma once

#include "manifest/objects.h"

#include <cstddef>
#include <string>
#include <vector>

namespace fairlead::manifest {

/// Collects what is to be said about an input. A hopeless file cannot fill the memory: past `kMaxKept`
/// diagnostics the rest are only counted, and the last one kept says how many.
class DiagnosticLog {
 public:
  static constexpr std::size_t kMaxKept = 1000;

  void add(Diagnostic diagnostic);
  /// Everything collected, with the count of what was not kept; the log is empty afterwards.
  std::vector<Diagnostic> take();

 private:
  std::vector<Diagnostic> kept_;
  std::size_t dropped_ = 0;
};

/// A value as a person may read it back: at most 60 characters, control characters replaced.
std::string shortened(std::string_view value);

}  // namespace fairlead::manifest
