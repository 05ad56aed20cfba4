#pragma once

#include "base/json_writer.h"
#include "manifest/objects.h"

namespace fairlead::manifest {

/// Writes what a cluster has as Kubernetes and KAI objects, into the list that is open: what ObjectReader
/// reads back as the same values. Some of the model no object can say (a device's identity and health, where
/// a priority comes from that no class has): it is left out. Diagnostics and the configuration are not
/// objects.
void write_objects(base::JsonWriter& out, const ClusterObjects& objects);

}  // namespace fairlead::manifest
