#include "cli/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace fairlead::cli {
namespace {

/// "spec.containers[3].image" without the 3, so that the same fault in two places is one line.
std::string without_indexes(std::string_view field) {
  std::string text;
  bool inside = false;
  for (char c : field) {
    if (c == ']') inside = false;
    if (!inside) text += c;
    if (c == '[') inside = true;
  }
  return text;
}

}  // namespace

std::vector<DiagnosticLine> fold_diagnostics(std::span<const manifest::Diagnostic> diagnostics) {
  using Key = std::tuple<manifest::Diagnostic::Severity, std::string, std::string, std::string_view,
                         std::string_view>;
  std::map<Key, std::size_t> index;
  std::vector<DiagnosticLine> lines;
  for (const manifest::Diagnostic& diagnostic : diagnostics) {
    std::string kind = diagnostic.object.substr(0, diagnostic.object.find(' '));
    Key key{diagnostic.severity, std::move(kind), without_indexes(diagnostic.field), diagnostic.message,
            diagnostic.remedy};
    auto [entry, inserted] = index.try_emplace(std::move(key), lines.size());
    if (inserted) {
      lines.push_back({diagnostic.severity, manifest::format(diagnostic), 1});
    } else {
      ++lines[entry->second].count;
    }
  }
  std::stable_partition(lines.begin(), lines.end(), [](const DiagnosticLine& line) {
    return line.severity == manifest::Diagnostic::Severity::kError;
  });
  return lines;
}

std::string line_text(const DiagnosticLine& line) {
  return line.count == 1 ? line.text : fmt::format("{} (and {} more like it)", line.text, line.count - 1);
}

}  // namespace fairlead::cli
