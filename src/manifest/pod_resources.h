#pragma once

#include "manifest/decoding.h"

namespace fairlead::manifest {

/// Fills in what a pod asks for: resources, devices, and the annotations that ask for shares of devices.
/// What a pod asks for in all is, per resource, the larger of what its containers need together and what any
/// step of its initialisation needs, plus the overhead. Source: Kubernetes, "Init containers", "Sidecar
/// containers".
void decode_pod_resources(Fields& fields, const Fields::Value& spec, const model::Labels& annotations,
                          const Accelerators& accelerators, model::Pod& pod);

}  // namespace fairlead::manifest
