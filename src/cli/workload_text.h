#pragma once

#include "base/json_value.h"
#include "cli/environment.h"
#include "cli/style.h"

#include <string>

namespace fairlead::cli {

/// Workloads of the API for people. All take a WorkloadView.

std::string workload_name(const base::JsonValue& workload);  ///< "project/name"
/// "2", "0.5", "2 x 20000Mi", for all replicas: "4 x 2"; "-" for none.
std::string workload_devices(const base::JsonValue& workload);
std::string coloured_state(const base::JsonValue& workload, const Style& style);
/// Everything about one workload, in lines.
std::string workload_description(const base::JsonValue& workload, const Environment& environment);

}  // namespace fairlead::cli
