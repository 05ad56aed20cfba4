#pragma once

#include "base/json_value.h"
#include "manifest/objects.h"
#include "model/workload.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::manifest {

/// What a text with workloads says. A workload with an error is left out.
struct WorkloadReading {
  std::vector<model::Workload> workloads;  ///< in the order of the text
  std::vector<Diagnostic> diagnostics;

  bool failed() const;  ///< whether anything was left out
};

/// Reads `Workload` objects of fairlead.dev/v1alpha1 from JSON or YAML (several documents, or a List). The
/// published schema is api/workload.schema.json. A workload without roles is written in short: command,
/// devices, replicas and the like stand in its spec. `apiVersion` and `kind` may be left out.
WorkloadReading read_workloads(std::string_view text, std::string_view source);
/// The same from one JSON text with one object: what the API and the ledger hold. Errors: kInvalidArgument
/// with the first diagnostic.
base::Result<model::Workload> read_workload(std::string_view json);
/// The object as JSON, such that reading it gives the same workload. `indent` as for JsonWriter.
std::string write_workload(const model::Workload& workload, int indent = 0);

/// The JSON schema (draft 2020-12) of the object, made from the table that reading checks names against.
std::string workload_schema();

/// A priority that workloads can name. From 100 on work is not preemptible unless it says so.
struct WorkloadPriority {
  std::string_view name;
  std::int32_t value = 0;
};
/// Run:ai's seven levels and its older four names, ascending.
const std::vector<WorkloadPriority>& workload_priorities();
/// The category that a kind belongs to decides: build (workspace) high, train low, deploy very-high.
std::string_view default_priority(model::WorkloadKind kind);
/// The value of the workload's priority, named or by its kind.
std::int32_t priority_value(const model::Workload& workload);
bool is_preemptible(const model::Workload& workload);

std::string_view workload_kind_name(model::WorkloadKind kind);
std::optional<model::WorkloadKind> workload_kind_named(std::string_view name);
std::string_view scale_metric_name(model::ScaleMetric metric);

/// What is wrong with a workload.
struct WorkloadProblem {
  std::string field;    ///< "spec.priority"
  std::string message;  ///< with the value
  std::string remedy;

  std::string text() const { return field + ": " + message + "; " + remedy; }
};
/// The first rule that a workload breaks, however it was made (by flags of a command, say); none: it is
/// sound.
std::optional<WorkloadProblem> problem_of(const model::Workload& workload);

}  // namespace fairlead::manifest
