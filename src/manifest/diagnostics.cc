#include "manifest/diagnostics.h"

#include <fmt/format.h>

namespace fairlead::manifest {

void DiagnosticLog::add(Diagnostic diagnostic) {
  if (kept_.size() < kMaxKept) {
    kept_.push_back(std::move(diagnostic));
  } else {
    ++dropped_;
  }
}

std::vector<Diagnostic> DiagnosticLog::take() {
  if (dropped_ > 0) {
    Diagnostic rest;
    rest.severity = Diagnostic::Severity::kError;
    rest.message = fmt::format("{} more problems of the same input are not listed", dropped_);
    rest.remedy = "correct those above first";
    kept_.push_back(std::move(rest));
    dropped_ = 0;
  }
  return std::exchange(kept_, {});
}

std::string shortened(std::string_view value) {
  constexpr std::size_t kLongest = 60;
  std::string text;
  for (std::size_t i = 0; i < value.size() && i < kLongest; ++i) {
    const char c = value[i];
    text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  if (value.size() > kLongest) {
    // A character of several bytes is not cut in half.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0U) == 0x80U) text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0U) text.pop_back();
    text += "...";
  }
  return text;
}

std::string format(const Diagnostic& diagnostic) {
  std::string place = diagnostic.source;
  const auto append = [&](std::string_view separator, std::string_view part) {
    if (part.empty()) return;
    if (!place.empty()) place += separator;
    place += part;
  };
  if (diagnostic.document > 0) append(", ", fmt::format("document {}", diagnostic.document));
  append(", ", diagnostic.object);
  append(": ", diagnostic.field);
  append(": ", diagnostic.value.empty() ? diagnostic.message
                                        : fmt::format("\"{}\" {}", diagnostic.value, diagnostic.message));
  append("; ", diagnostic.remedy);
  return place;
}

}  // namespace fairlead::manifest
