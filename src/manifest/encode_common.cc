#include "base/json_fields.h"
#include "manifest/encoding.h"

namespace fairlead::manifest {

std::pair<std::string, std::string> split_key(std::string_view key) {
  const auto slash = key.find('/');
  if (slash == std::string_view::npos) return {std::string(), std::string(key)};
  return {std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

void Encoder::text(std::string_view name, const std::string& value) {
  if (!value.empty()) out_.member(name, value);
}

void Encoder::labels(std::string_view name, const model::Labels& labels) {
  if (labels.empty()) return;
  out_.key(name);
  out_.begin_object();
  for (const auto& [key, value] : labels) out_.member(key, value);
  out_.end_object();
}

void Encoder::duration(std::string_view name, const std::optional<base::Duration>& value) {
  if (value) out_.member(name, base::format_duration(*value));
}

void write_names(base::JsonWriter& out, std::string_view key, const std::vector<std::string>& names) {
  if (!names.empty()) base::write_texts(out, key, names);
}

void Encoder::names(std::string_view name, const std::vector<std::string>& values) {
  write_names(out_, name, values);
}

void Encoder::begin(std::string_view api_version, std::string_view kind, const Metadata& metadata) {
  out_.begin_object();
  out_.member("apiVersion", api_version);
  out_.member("kind", kind);
  out_.key("metadata");
  out_.begin_object();
  out_.member("name", metadata.name);
  text("namespace", metadata.namespace_name);
  text("uid", metadata.uid);
  if (metadata.created != base::Time()) out_.member("creationTimestamp", base::format_time(metadata.created));
  if (metadata.deleted) out_.member("deletionTimestamp", base::format_time(*metadata.deleted));
  labels("labels", metadata.labels);
  labels("annotations", metadata.annotations);
  const auto space = metadata.owner.find(' ');
  if (space != std::string::npos) {
    out_.key("ownerReferences");
    out_.begin_array();
    out_.begin_object();
    out_.member("kind", metadata.owner.substr(0, space));
    out_.member("name", split_key(std::string_view(metadata.owner).substr(space + 1)).second);
    out_.end_object();
    out_.end_array();
  }
  out_.end_object();
}

void Encoder::name_space(const std::string& name, const model::Labels& own) {
  Metadata metadata{.name = name};
  metadata.labels = own;
  begin("v1", "Namespace", metadata);
  end();
}

void Encoder::topology_constraint(const model::TopologyConstraint& constraint) {
  if (constraint == model::TopologyConstraint()) return;
  out_.key("topologyConstraint");
  out_.begin_object();
  text("topology", constraint.topology);
  text("requiredTopologyLevel", constraint.required_level);
  text("preferredTopologyLevel", constraint.preferred_level);
  out_.end_object();
}

void Encoder::topology(const model::Topology& topology) {
  begin("kai.scheduler/v1alpha1", "Topology", {.name = topology.name});
  out_.key("spec");
  out_.begin_object();
  out_.key("levels");
  out_.begin_array();
  for (const std::string& level : topology.levels) {
    out_.begin_object();
    out_.member("nodeLabel", level);
    out_.end_object();
  }
  out_.end_array();
  out_.end_object();
  end();
}

void Encoder::priority_class(const model::PriorityClass& priority_class) {
  begin("scheduling.k8s.io/v1", "PriorityClass", {.name = priority_class.name});
  out_.member("value", priority_class.value);
  if (priority_class.global_default) out_.member("globalDefault", true);
  end();
}

}  // namespace fairlead::manifest
