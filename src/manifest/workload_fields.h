#pragma once

#include <span>
#include <string_view>

namespace fairlead::manifest {

/// One field of the Workload object. This table is what names are checked against when one is read, and what
/// the published schema is made of.
struct WorkloadField {
  std::string_view name;
  std::string_view schema;       ///< members of its JSON schema, apart from the description
  std::string_view description;  ///< one sentence
};

std::span<const WorkloadField> workload_spec_fields();
std::span<const WorkloadField> workload_role_fields();  ///< those of a role are also allowed in the spec
std::span<const WorkloadField> workload_device_fields();
std::span<const WorkloadField> workload_topology_fields();
std::span<const WorkloadField> workload_checkpoint_fields();
std::span<const WorkloadField> workload_service_fields();

}  // namespace fairlead::manifest
