#pragma once

#include "base/json_writer.h"
#include "model/claim.h"

#include <string>

namespace fairlead::manifest {

/// "80Gi" or "1500m" of an amount in thousandths, as Kubernetes writes quantities.
std::string quantity_text(std::int64_t thousandths);

/// The value of a ResourceClaim's status.allocation, as a binder writes it (resource.k8s.io/v1).
void write_allocation(base::JsonWriter& out, const model::Allocation& allocation);

}  // namespace fairlead::manifest
