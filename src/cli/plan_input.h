#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/environment.h"
#include "cli/plan.h"
#include "manifest/objects.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::cli {

/// The reader's options for the scheduler names of a command line (none: the default ones) and a file with a
/// site's accelerators (empty: none). Errors: kNotFound for the file, kInvalidArgument for what it says.
base::Result<manifest::ReadOptions> read_options(const std::vector<std::string>& scheduler_names,
                                                 const std::string& accelerators);

/// Reads the document of `plan --cycle`. Errors: kInvalidArgument for what is no such document.
base::Result<PlanInput> read_cycle_input(std::string_view text, manifest::ReadOptions options);

/// Reads files, folders and "-" (standard input). `now` is RFC 3339, or empty for the environment's clock. A
/// long read shows its progress on a terminal. Errors: kNotFound and kPermissionDenied for a path,
/// kInvalidArgument where nothing at all could be read.
base::Result<PlanInput> read_files(std::span<const std::string> paths, manifest::ReadOptions options,
                                   std::string_view now, const Environment& environment);

}  // namespace fairlead::cli
