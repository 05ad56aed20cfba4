#pragma once

#include "base/result.h"
#include "manifest/accelerators.h"

#include <string_view>
#include <vector>

namespace fairlead::manifest {

/// Reads a site's own accelerators from JSON or YAML:
///
///   accelerators:
///   - resource: example.com/npu-*   # one star stands for any characters
///     vendor: example               # without it the first part of the resource's domain
///     kind: whole                   # whole, partition or counted
///     quota: 0.25                   # what one partition charges, in devices
///     modelLabels: [example.com/npu.model]
///     memoryLabels: [example.com/npu.memory]
///     linkLabels: [example.com/npu.island]
///
/// Errors: kInvalidArgument naming field, value and remedy; a key that is not known is one.
base::Result<std::vector<AcceleratorRule>> read_accelerator_rules(std::string_view text,
                                                                  std::string_view source);

}  // namespace fairlead::manifest
