#pragma once

#include "base/result.h"
#include "base/time.h"
#include "manifest/accelerators.h"
#include "model/event.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::manifest {

/// Something a person should know about an input. Errors leave an object or a field out; warnings do not.
struct Diagnostic {
  enum class Severity : std::uint8_t { kWarning, kError };
  Severity severity = Severity::kError;
  std::string source;        ///< file name, or "standard input"
  std::size_t document = 0;  ///< 1-based within the source
  std::string object;        ///< "Pod training/llama-0"; empty before it is known
  std::string field;         ///< "spec.containers[0].resources.requests.cpu"
  std::string value;         ///< as written, shortened
  std::string message;       ///< what is wrong
  std::string remedy;        ///< what to do about it
};
/// "queues.yaml, document 3, Queue research: spec.resources.gpu.quota: \"lots\" is not a number; write ..."
std::string format(const Diagnostic& diagnostic);

/// How the objects are to be read.
struct ReadOptions {
  std::vector<std::string> scheduler_names = {"fairlead", "kai-scheduler"};
  std::string queue_label = "kai.scheduler/queue";
  std::string node_pool_label = "kai.scheduler/node-pool";
  std::vector<AcceleratorRule> accelerators;  ///< a site's own, tried before the known ones
  /// Called now and then during a long read with the bytes of this text that are done and in all.
  std::function<void(std::string_view source, std::size_t done, std::size_t total)> progress;
};

/// The objects of a cluster as values of the model, each list in the order of the input.
struct ClusterObjects {
  std::vector<model::Node> nodes;
  std::vector<model::Queue> queues;
  std::vector<model::Topology> topologies;
  std::vector<model::PriorityClass> priority_classes;
  std::vector<std::pair<std::string, model::Labels>> namespaces;
  std::vector<model::PodGroup> groups;  ///< PodGroup objects, and those made from the owners of pods
  std::vector<model::Pod> pods;
  std::vector<model::VolumeClaim> volume_claims;
  std::vector<model::DisruptionBudget> disruption_budgets;
  std::vector<model::DeviceClass> device_classes;
  std::vector<model::ResourceSlice> resource_slices;
  std::vector<model::ResourceClaim> resource_claims;  ///< and those that templates of pods here would make
  std::optional<model::Configuration> configuration;  ///< from SchedulingShards
  std::vector<Diagnostic> diagnostics;
  std::vector<std::pair<std::string, std::size_t>> ignored_kinds;  ///< kind and how many, by kind
};

/// Collects objects from any number of texts, then joins them (references, owners, pools).
/// Thread: one. Memory: the model's values and one object's text.
class ObjectReader {
 public:
  explicit ObjectReader(ReadOptions options);
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  /// Reads JSON or YAML: one object, a List, or several documents. What cannot be read becomes a diagnostic.
  void read(std::string_view text, std::string_view source);
  /// Reads a file, or every .json, .yaml and .yml file below a folder, by name. What is not a file on a disk
  /// (a pipe, /dev/stdin) is copied to a temporary one first. `source` is how messages call a file; empty: by
  /// its path. Errors: kNotFound, kPermissionDenied, kInternal.
  base::Result<void> read_path(const std::string& path, std::string_view source = {});
  /// Joins what was read. The reader is empty afterwards.
  ClusterObjects finish();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// The events that bring an empty scheduler to this state, all at `now`.
std::vector<model::Event> to_events(ClusterObjects objects, base::Time now);

/// Reads the "run" part of a cycle document and a KAI scheduler configuration (actions, plugin tiers and
/// their arguments): scheduling.md 2.5. Unknown plugins and arguments are diagnostics.
model::Configuration read_run_configuration(std::string_view run_json, std::vector<Diagnostic>& diagnostics);

}  // namespace fairlead::manifest
