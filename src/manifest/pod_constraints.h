#pragma once

#include "manifest/decoding.h"

namespace fairlead::manifest {

/// Fills in where a pod may run: selectors, affinity, tolerations, spread, host ports, claims. Lists whose
/// order says nothing are sorted, so that pods of equal shape get equal values.
void decode_pod_constraints(Fields& fields, const Fields::Value& spec, model::Pod& pod);

}  // namespace fairlead::manifest
