#include "cli/diagnostics.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

using manifest::Diagnostic;

Diagnostic fault(Diagnostic::Severity severity, std::string object, std::string field, std::string message) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.source = "x.yaml";
  diagnostic.document = 1;
  diagnostic.object = std::move(object);
  diagnostic.field = std::move(field);
  diagnostic.message = std::move(message);
  return diagnostic;
}

TEST(Diagnostics, AlikeOnesAreOneLineErrorsFirst) {
  using Severity = Diagnostic::Severity;
  const Diagnostic diagnostics[] = {
      fault(Severity::kWarning, "Pod a/b", "spec.priorityClassName", "does not exist"),
      fault(Severity::kError, "Pod a/b", "spec.containers[0].cpu", "is wrong"),
      fault(Severity::kError, "Pod a/c", "spec.containers[12].cpu", "is wrong"),
      fault(Severity::kError, "Node n", "spec.containers[0].cpu", "is wrong"),
  };
  const auto lines = fold_diagnostics(diagnostics);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].count, 2u);
  EXPECT_EQ(line_text(lines[0]), manifest::format(diagnostics[1]) + " (and 1 more like it)");
  EXPECT_EQ(line_text(lines[1]), manifest::format(diagnostics[3]));
  EXPECT_EQ(lines[2].severity, Severity::kWarning);
}

}  // namespace
}  // namespace fairlead::cli
