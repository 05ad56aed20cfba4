#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/environment.h"
#include "cli/plan.h"
#include "manifest/objects.h"

#include <functional>
#include <optional>
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

/// A live cluster to read from, by a kubeconfig and a context of it; either may be empty for the usual one.
struct ClusterSource {
  std::string kubeconfig;
  std::string context;
};

/// Reads a cluster, if one is named, then files, folders and "-" (standard input). `now` is RFC 3339, or
/// empty for the environment's clock. A long read shows its progress on a terminal; what of the cluster may
/// not be seen is said there. Errors: kNotFound and kPermissionDenied for a path or the cluster, kUnavailable
/// for the cluster, kInvalidArgument where nothing at all could be read.
base::Result<PlanInput> read_objects(const std::optional<ClusterSource>& cluster,
                                     std::span<const std::string> paths, manifest::ReadOptions options,
                                     std::string_view now, const Environment& environment);

}  // namespace fairlead::cli
