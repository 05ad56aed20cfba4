#pragma once

#include "manifest/fields.h"
#include "model/configuration.h"

#include <string_view>

namespace fairlead::manifest {

/// What KAI's configuration has no words for:
///   queue discipline  of a pool: "skip" or "strict"
///   victim order      of all pools: "newest-first" or "least-lost-work"
///   restart cost      of all pools, a duration: what an eviction costs besides the work that is lost
/// A value that is none of these is reported and left out.

/// From the "run" of a cycle document: queue_discipline (of the default pool), victim_order, restart_cost.
void decode_run_settings(Fields& fields, const Fields::Value& run, model::Configuration& configuration);

inline constexpr std::string_view kVictimOrderAnnotation = "fairlead.dev/victim-order";
inline constexpr std::string_view kRestartCostAnnotation = "fairlead.dev/restart-cost";
/// From the annotations of a pool's SchedulingShard: fairlead.dev/queue-discipline, and from the default
/// pool's the two above.
void decode_shard_settings(Fields& fields, const Fields::Value& annotations, std::string_view pool,
                           model::Configuration& configuration);

}  // namespace fairlead::manifest
