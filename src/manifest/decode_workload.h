#pragma once

#include "manifest/fields.h"
#include "model/workload.h"

#include <optional>

namespace fairlead::manifest {

/// Reads one Workload object; nothing where the log has an error about it.
std::optional<model::Workload> decode_workload(Fields& fields);

}  // namespace fairlead::manifest
