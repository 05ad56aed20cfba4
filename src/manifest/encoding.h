#pragma once

#include "base/json_writer.h"
#include "base/time.h"
#include "manifest/objects.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::manifest {

/// Writes one kind of object each, as decode_*.cc read it. What is as if it were not written is left out.
class Encoder {
 public:
  Encoder(base::JsonWriter& out, const ReadOptions& options) : out_(out), options_(options) {}

  void node(const model::Node& node);
  /// One object for each pool.
  void queue(const model::Queue& queue);
  void topology(const model::Topology& topology);
  void priority_class(const model::PriorityClass& priority_class);
  void name_space(const std::string& name, const model::Labels& labels);
  void group(const model::PodGroup& group);
  /// The pod, and the order to bind it that is under way.
  void pod(const model::Pod& pod);
  void volume_claim(const model::VolumeClaim& claim);
  void disruption_budget(const model::DisruptionBudget& budget);
  void device_class(const model::DeviceClass& device_class);
  void resource_slice(const model::ResourceSlice& slice);
  void resource_claim(const model::ResourceClaim& claim);

 private:
  struct Metadata {
    std::string name;
    std::string namespace_name = {};
    std::string uid = {};
    base::Time created = {};
    model::Labels labels = {};
    model::Labels annotations = {};
    std::optional<base::Time> deleted = {};
    std::string owner = {};  ///< "Job training/llama"
  };
  /// Begins an object and writes its metadata; end() ends it.
  void begin(std::string_view api_version, std::string_view kind, const Metadata& metadata);
  void end() { out_.end_object(); }
  void text(std::string_view name, const std::string& value);
  void labels(std::string_view name, const model::Labels& labels);
  void duration(std::string_view name, const std::optional<base::Duration>& value);
  void names(std::string_view name, const std::vector<std::string>& values);
  void topology_constraint(const model::TopologyConstraint& constraint);

  void queue_resources(const model::PoolQuota& pool);
  void selector(std::string_view name, const std::optional<model::LabelSelector>& selector);
  void pod_term(const model::PodAffinityTerm& term);
  void pod_affinity(std::string_view name, const std::vector<model::PodAffinityTerm>& required,
                    const std::vector<model::PodAffinityTerm>& preferred);
  void node_affinity(const model::Constraints& constraints);
  void container(const model::Pod& pod);
  void constraints(const model::Pod& pod);
  void bind_request(const model::Pod& pod);

  base::JsonWriter& out_;
  const ReadOptions& options_;
};

/// A list of names under `key`; nothing where there are none.
void write_names(base::JsonWriter& out, std::string_view key, const std::vector<std::string>& names);
/// One term of a node selector, as an object.
void write_node_term(base::JsonWriter& out, const model::NodeSelectorTerm& term);
/// The terms of a node selector under `nodeSelectorTerms`, even where there are none: that fits no node.
void write_node_terms(base::JsonWriter& out, const std::vector<model::NodeSelectorTerm>& terms);

/// The generic parts of a "namespace/name".
std::pair<std::string, std::string> split_key(std::string_view key);

}  // namespace fairlead::manifest
