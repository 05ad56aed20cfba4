#pragma once

#include "cli/environment.h"

#include <optional>
#include <string>
#include <vector>

namespace fairlead::cli {

/// The command line of `fairlead plan`.
struct PlanOptions {
  enum class Output { kTable, kWide, kJson, kYaml };
  enum class Colour { kAuto, kAlways, kNever };
  bool cycle = false;
  bool fair_share = false;
  std::vector<std::string> files;         ///< files, folders, "-" for standard input
  std::optional<std::string> kubeconfig;  ///< read a live cluster; empty: the usual file
  std::optional<std::string> context;     ///< read a live cluster; empty: the current context
  Output output = Output::kTable;
  Colour colour = Colour::kAuto;
  std::string explain;                       ///< a group, or empty
  int cycles = 1;                            ///< [1, kMaxCycles]
  std::vector<std::string> scheduler_names;  ///< empty: the default ones
  std::string accelerators;                  ///< file with a site's own accelerators, or empty
  std::string now;                           ///< RFC 3339; empty: the present
  bool strict = false;                       ///< errors in the input fail the command

  bool reads_cluster() const { return kubeconfig || context; }
};
inline constexpr int kMaxCycles = 1000;

/// Runs `fairlead plan`. Returns an ExitCode.
int run_plan(const PlanOptions& options, const Environment& environment);

}  // namespace fairlead::cli
