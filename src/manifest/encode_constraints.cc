#include "manifest/encoding.h"

namespace fairlead::manifest {
namespace {

std::string_view name_of(model::Requirement::Operator op) {
  using Operator = model::Requirement::Operator;
  switch (op) {
    case Operator::kIn:
      return "In";
    case Operator::kNotIn:
      return "NotIn";
    case Operator::kExists:
      return "Exists";
    case Operator::kDoesNotExist:
      return "DoesNotExist";
    case Operator::kGreaterThan:
      return "Gt";
    case Operator::kLessThan:
      break;
  }
  return "Lt";
}

std::string_view name_of(model::Taint::Effect effect) {
  switch (effect) {
    case model::Taint::Effect::kNoSchedule:
      return "NoSchedule";
    case model::Taint::Effect::kPreferNoSchedule:
      return "PreferNoSchedule";
    case model::Taint::Effect::kNoExecute:
      break;
  }
  return "NoExecute";
}

constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";

void write_requirements(base::JsonWriter& out, std::string_view key,
                        const std::vector<model::Requirement>& requirements) {
  if (requirements.empty()) return;
  out.key(key);
  out.begin_array();
  for (const model::Requirement& requirement : requirements) {
    out.begin_object();
    out.member("key", requirement.key);
    out.member("operator", name_of(requirement.op));
    write_names(out, "values", requirement.values);
    out.end_object();
  }
  out.end_array();
}

}  // namespace

void write_node_term(base::JsonWriter& out, const model::NodeSelectorTerm& term) {
  out.begin_object();
  write_requirements(out, "matchExpressions", term.labels);
  write_requirements(out, "matchFields", term.fields);
  out.end_object();
}

void write_node_terms(base::JsonWriter& out, const std::vector<model::NodeSelectorTerm>& terms) {
  out.key("nodeSelectorTerms");
  out.begin_array();
  for (const model::NodeSelectorTerm& term : terms) write_node_term(out, term);
  out.end_array();
}

void Encoder::selector(std::string_view name, const std::optional<model::LabelSelector>& selector) {
  if (!selector) return;
  out_.key(name);
  out_.begin_object();
  write_requirements(out_, "matchExpressions", selector->requirements);
  out_.end_object();
}

void Encoder::node_affinity(const model::Constraints& constraints) {
  if (!constraints.has_required_nodes && constraints.preferred_nodes.empty()) return;
  out_.key("nodeAffinity");
  out_.begin_object();
  if (constraints.has_required_nodes) {
    out_.key(kRequired);
    out_.begin_object();
    write_node_terms(out_, constraints.required_nodes);
    out_.end_object();
  }
  if (!constraints.preferred_nodes.empty()) {
    out_.key(kPreferred);
    out_.begin_array();
    for (const model::PreferredTerm& preferred : constraints.preferred_nodes) {
      out_.begin_object();
      out_.member("weight", preferred.weight);
      out_.key("preference");
      write_node_term(out_, preferred.term);
      out_.end_object();
    }
    out_.end_array();
  }
  out_.end_object();
}

void Encoder::pod_term(const model::PodAffinityTerm& term) {
  out_.begin_object();
  selector("labelSelector", term.selector);
  selector("namespaceSelector", term.namespace_selector);
  names("namespaces", term.namespaces);
  out_.member("topologyKey", term.topology_key);
  out_.end_object();
}

void Encoder::pod_affinity(std::string_view name, const std::vector<model::PodAffinityTerm>& required,
                           const std::vector<model::PodAffinityTerm>& preferred) {
  if (required.empty() && preferred.empty()) return;
  out_.key(name);
  out_.begin_object();
  if (!required.empty()) {
    out_.key(kRequired);
    out_.begin_array();
    for (const model::PodAffinityTerm& term : required) pod_term(term);
    out_.end_array();
  }
  if (!preferred.empty()) {
    out_.key(kPreferred);
    out_.begin_array();
    for (const model::PodAffinityTerm& term : preferred) {
      out_.begin_object();
      out_.member("weight", term.weight);
      out_.key("podAffinityTerm");
      pod_term(term);
      out_.end_object();
    }
    out_.end_array();
  }
  out_.end_object();
}

void Encoder::constraints(const model::Pod& pod) {
  const model::Constraints& own = pod.constraints;
  labels("nodeSelector", own.node_selector);
  out_.key("affinity");
  out_.begin_object();
  node_affinity(own);
  pod_affinity("podAffinity", own.required_affinity, own.preferred_affinity);
  pod_affinity("podAntiAffinity", own.required_anti_affinity, own.preferred_anti_affinity);
  out_.end_object();
  if (!own.tolerations.empty()) {
    out_.key("tolerations");
    out_.begin_array();
    for (const model::Toleration& toleration : own.tolerations) {
      out_.begin_object();
      text("key", toleration.key);
      out_.member("operator", toleration.exists ? "Exists" : "Equal");
      text("value", toleration.value);
      if (toleration.effect) out_.member("effect", name_of(*toleration.effect));
      out_.end_object();
    }
    out_.end_array();
  }
  if (!own.spread.empty()) {
    out_.key("topologySpreadConstraints");
    out_.begin_array();
    for (const model::SpreadConstraint& spread : own.spread) {
      out_.begin_object();
      out_.member("maxSkew", spread.max_skew);
      out_.member("minDomains", spread.min_domains);
      out_.member("topologyKey", spread.topology_key);
      out_.member("whenUnsatisfiable", spread.required ? "DoNotSchedule" : "ScheduleAnyway");
      selector("labelSelector", spread.selector);
      out_.member("nodeAffinityPolicy", spread.honor_node_affinity ? "Honor" : "Ignore");
      out_.member("nodeTaintsPolicy", spread.honor_node_taints ? "Honor" : "Ignore");
      out_.end_object();
    }
    out_.end_array();
  }
  if (!own.volume_claims.empty()) {
    out_.key("volumes");
    out_.begin_array();
    for (const std::string& claim : own.volume_claims) {
      out_.begin_object();
      out_.member("name", claim);
      out_.key("persistentVolumeClaim");
      out_.begin_object();
      out_.member("claimName", claim);
      out_.end_object();
      out_.end_object();
    }
    out_.end_array();
  }
}

}  // namespace fairlead::manifest
