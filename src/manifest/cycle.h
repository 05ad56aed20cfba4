#pragma once

#include "base/result.h"
#include "base/time.h"
#include "manifest/cycle_state.h"
#include "manifest/objects.h"
#include "model/configuration.h"

#include <string>
#include <string_view>

namespace fairlead::manifest {

/// What one scheduling cycle is asked with:
/// {"now": RFC 3339, "run": {...}, "objects": [Kubernetes objects], "state": {...}}, run and state optional.
struct CycleDocument {
  base::Time now;
  model::Configuration
      configuration;       ///< of "run"; without it that of the objects' SchedulingShards, or the default
  ClusterObjects objects;  ///< with the diagnostics of the whole document
  CycleState state;        ///< its exact values are in the objects already
};

/// Reads a cycle document. Objects that cannot be used are diagnostics. Members it does not know are passed
/// over. Errors: kInvalidArgument when the text is not such a document, or says no instant.
base::Result<CycleDocument> read_cycle(std::string_view json, ReadOptions options = {});

/// Writes a document that read_cycle reads back as the same values, each bit of them: what the objects cannot
/// say stands in the state. Cost: writes and reads the objects.
std::string write_cycle(const CycleDocument& document, int indent = 0);

}  // namespace fairlead::manifest
