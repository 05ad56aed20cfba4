#pragma once

#include "manifest/fields.h"
#include "model/configuration.h"

#include <optional>

namespace fairlead::manifest {

/// Translates a SchedulingShard into the configuration, which is made when it is not there yet. The shard of
/// the default pool sets what holds for all pools; another one sets how its own pool places pods. What has no
/// counterpart is a warning.
void decode_shard(Fields& fields, std::optional<model::Configuration>& configuration);

}  // namespace fairlead::manifest
