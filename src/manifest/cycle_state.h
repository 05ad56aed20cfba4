#pragma once

#include "base/json_value.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "manifest/objects.h"
#include "model/assumptions.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <optional>
#include <string_view>
#include <vector>

namespace fairlead::manifest {

/// What a scheduler knew besides the objects: the "state" of a cycle document. Its members are the names of
/// the model (docs/ledger.md).
struct CycleState {
  std::optional<model::Configuration> configuration;  ///< exact; goes before that of "run"
  model::RoundRequest limits;
  std::vector<model::UsageSampled> usage;
  model::Assumptions assumptions;  ///< nominations, orders without outcome, back-offs
  /// What objects cannot say: upserts of values that replace those of the objects, and removals of values
  /// that reading the objects makes up.
  std::vector<model::Event> exact;
};

/// Errors: kInvalidArgument, naming the place, for what is not such a state.
base::Result<CycleState> read_state(const base::JsonValue& json);
void write_state(base::JsonWriter& out, const CycleState& state);

/// Puts the exact values in the place of those that were read.
void apply_exact(const std::vector<model::Event>& exact, ClusterObjects& objects);
/// The events with which apply_exact makes `read` equal `wanted` in every bit.
std::vector<model::Event> exact_difference(const ClusterObjects& read, const ClusterObjects& wanted);
/// The values of upserts, in lists.
ClusterObjects objects_of(const std::vector<model::Event>& upserts);

}  // namespace fairlead::manifest
