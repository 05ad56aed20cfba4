#pragma once

#include "manifest/objects.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace fairlead::cli {

/// Diagnostics that differ only in the object that they are about.
struct DiagnosticLine {
  manifest::Diagnostic::Severity severity = manifest::Diagnostic::Severity::kError;
  std::string text;  ///< of the first one, in full
  std::size_t count = 1;
};

/// Folds diagnostics, errors first, otherwise in the order of the input. Two are alike when severity, kind of
/// object, field (without indexes), message and remedy are.
std::vector<DiagnosticLine> fold_diagnostics(std::span<const manifest::Diagnostic> diagnostics);

/// "queues.yaml, document 3, ...: ... (and 11 more like it)".
std::string line_text(const DiagnosticLine& line);

}  // namespace fairlead::cli
