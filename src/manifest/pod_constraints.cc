#include "manifest/pod_constraints.h"

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view kPreferred = "preferredDuringSchedulingIgnoredDuringExecution";

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::int32_t weight_of(Fields& fields, const Value& term) {
  const auto weight = fields.integer(term, "weight", 1, 100);
  if (term.find("weight") == nullptr) fields.missing(term, "weight", "write a weight from 1 to 100");
  return static_cast<std::int32_t>(weight.value_or(1));
}

void decode_node_affinity(Fields& fields, const Value& affinity, model::Constraints& constraints) {
  const Value* node_affinity = fields.object(affinity, "nodeAffinity");
  if (node_affinity == nullptr) return;
  if (const Value* required = fields.object(*node_affinity, kRequired)) {
    constraints.has_required_nodes = true;
    constraints.required_nodes = decode_node_terms(fields, *required, "nodeSelectorTerms");
    std::sort(constraints.required_nodes.begin(), constraints.required_nodes.end());
  }
  fields.each_object(*node_affinity, kPreferred, [&](const Value& value) {
    model::PreferredTerm preferred;
    preferred.weight = weight_of(fields, value);
    if (const Value* term = fields.object(value, "preference"))
      preferred.term = decode_node_term(fields, *term);
    constraints.preferred_nodes.push_back(std::move(preferred));
  });
  std::sort(constraints.preferred_nodes.begin(), constraints.preferred_nodes.end());
}

/// Adds "the same value as mine" for labels named under `key`.
void add_label_keys(Fields& fields, const Value& parent, std::string_view key, const model::Pod& pod,
                    model::Requirement::Operator op, std::optional<model::LabelSelector>& selector) {
  const Value* keys = fields.array(parent, key);
  if (keys == nullptr || !selector) return;
  for (const Value& name : keys->items()) {
    if (const auto value = model::find_label(pod.labels, name.text())) {
      selector->requirements.push_back({std::string(name.text()), op, {std::string(*value)}});
    }
  }
  std::sort(selector->requirements.begin(), selector->requirements.end());
}

model::PodAffinityTerm decode_pod_term(Fields& fields, const Value& value, const model::Pod& pod) {
  using Operator = model::Requirement::Operator;
  model::PodAffinityTerm term;
  term.selector = decode_label_selector(fields, value, "labelSelector");
  add_label_keys(fields, value, "matchLabelKeys", pod, Operator::kIn, term.selector);
  add_label_keys(fields, value, "mismatchLabelKeys", pod, Operator::kNotIn, term.selector);
  term.namespace_selector = decode_label_selector(fields, value, "namespaceSelector");
  if (const Value* namespaces = fields.array(value, "namespaces")) {
    for (const Value& name : namespaces->items()) {
      if (name.is_string()) {
        term.namespaces.emplace_back(name.text());
      } else {
        fields.error(name, "is not the name of a namespace", "put it in quotes");
      }
    }
  }
  if (term.namespaces.empty() && !term.namespace_selector) term.namespaces.push_back(pod.namespace_name);
  sort_unique(term.namespaces);
  term.topology_key = fields.string(value, "topologyKey");
  if (term.topology_key.empty())
    fields.missing(value, "topologyKey", "name the node label that makes the domains");
  return term;
}

void decode_pod_affinity(Fields& fields, const Value& affinity, std::string_view key, const model::Pod& pod,
                         std::vector<model::PodAffinityTerm>& required,
                         std::vector<model::PodAffinityTerm>& preferred) {
  const Value* value = fields.object(affinity, key);
  if (value == nullptr) return;
  fields.each_object(*value, kRequired,
                     [&](const Value& term) { required.push_back(decode_pod_term(fields, term, pod)); });
  fields.each_object(*value, kPreferred, [&](const Value& weighted) {
    const std::int32_t weight = weight_of(fields, weighted);
    const Value* inner = fields.object(weighted, "podAffinityTerm");
    if (inner == nullptr) {
      fields.missing(weighted, "podAffinityTerm", "write a term with topologyKey and labelSelector");
      return;
    }
    model::PodAffinityTerm term = decode_pod_term(fields, *inner, pod);
    term.weight = weight;
    preferred.push_back(std::move(term));
  });
  std::sort(required.begin(), required.end());
  std::sort(preferred.begin(), preferred.end());
}

void decode_tolerations(Fields& fields, const Value& spec, model::Constraints& constraints) {
  using Effect = model::Taint::Effect;
  fields.each_object(spec, "tolerations", [&](const Value& value) {
    model::Toleration toleration;
    toleration.key = fields.string(value, "key");
    toleration.value = fields.string(value, "value");
    const std::string_view op = fields.text(value, "operator");
    if (op == "Exists") {
      toleration.exists = true;
    } else if (!op.empty() && op != "Equal") {
      fields.error(*value.find("operator"), "is not an operator of tolerations", "write Exists or Equal");
    }
    const std::string_view effect = fields.text(value, "effect");
    if (effect == "NoSchedule") {
      toleration.effect = Effect::kNoSchedule;
    } else if (effect == "PreferNoSchedule") {
      toleration.effect = Effect::kPreferNoSchedule;
    } else if (effect == "NoExecute") {
      toleration.effect = Effect::kNoExecute;
    } else if (!effect.empty()) {
      fields.error(*value.find("effect"), "is not a taint effect",
                   "write NoSchedule, PreferNoSchedule or NoExecute");
    }
    constraints.tolerations.push_back(std::move(toleration));
  });
  sort_unique(constraints.tolerations);
}

void decode_spread(Fields& fields, const Value& spec, const model::Pod& pod,
                   model::Constraints& constraints) {
  fields.each_object(spec, "topologySpreadConstraints", [&](const Value& value) {
    model::SpreadConstraint spread;
    spread.max_skew = fields.small_integer(value, "maxSkew", 1).value_or(1);
    spread.min_domains = fields.small_integer(value, "minDomains", 1).value_or(1);
    spread.topology_key = fields.string(value, "topologyKey");
    if (spread.topology_key.empty())
      fields.missing(value, "topologyKey", "name the node label that makes the domains");
    spread.required = fields.text(value, "whenUnsatisfiable") != "ScheduleAnyway";
    spread.selector = decode_label_selector(fields, value, "labelSelector");
    add_label_keys(fields, value, "matchLabelKeys", pod, model::Requirement::Operator::kIn, spread.selector);
    spread.honor_node_affinity = fields.text(value, "nodeAffinityPolicy") != "Ignore";
    spread.honor_node_taints = fields.text(value, "nodeTaintsPolicy") == "Honor";
    constraints.spread.push_back(std::move(spread));
  });
  std::sort(constraints.spread.begin(), constraints.spread.end());
}

void decode_host_ports(Fields& fields, const Value& spec, model::Constraints& constraints) {
  const bool host_network = fields.boolean(spec, "hostNetwork");
  const auto take = [&](const Value& container) {
    fields.each_object(container, "ports", [&](const Value& value) {
      auto port = fields.integer(value, "hostPort", 0, 65535);
      if (host_network && !port) port = fields.integer(value, "containerPort", 1, 65535);
      if (!port || *port == 0) return;
      model::HostPort host_port;
      host_port.port = static_cast<std::int32_t>(*port);
      host_port.ip = fields.string(value, "hostIP");
      if (host_port.ip == "0.0.0.0") host_port.ip.clear();
      host_port.protocol = fields.string(value, "protocol");
      if (host_port.protocol.empty()) host_port.protocol = "TCP";
      constraints.host_ports.push_back(std::move(host_port));
    });
  };
  fields.each_object(spec, "containers", take);
  // A sidecar keeps running, and so keeps its ports.
  fields.each_object(spec, "initContainers", [&](const Value& container) {
    if (fields.text(container, "restartPolicy") == "Always") take(container);
  });
  sort_unique(constraints.host_ports);
}

void decode_volume_claims(Fields& fields, const Value& spec, const model::Pod& pod,
                          model::Constraints& constraints) {
  fields.each_object(spec, "volumes", [&](const Value& volume) {
    if (const Value* claim = fields.object(volume, "persistentVolumeClaim")) {
      const std::string_view name = fields.text(*claim, "claimName");
      if (!name.empty()) constraints.volume_claims.emplace_back(name);
    }
    if (fields.object(volume, "ephemeral") != nullptr) {
      constraints.volume_claims.push_back(pod.name + "-" + fields.string(volume, "name"));
    }
  });
  sort_unique(constraints.volume_claims);
}

}  // namespace

void decode_pod_constraints(Fields& fields, const Value& spec, model::Pod& pod) {
  model::Constraints& constraints = pod.constraints;
  constraints.node_selector = fields.labels(spec, "nodeSelector");
  if (const Value* affinity = fields.object(spec, "affinity")) {
    decode_node_affinity(fields, *affinity, constraints);
    decode_pod_affinity(fields, *affinity, "podAffinity", pod, constraints.required_affinity,
                        constraints.preferred_affinity);
    decode_pod_affinity(fields, *affinity, "podAntiAffinity", pod, constraints.required_anti_affinity,
                        constraints.preferred_anti_affinity);
  }
  decode_tolerations(fields, spec, constraints);
  decode_spread(fields, spec, pod, constraints);
  decode_host_ports(fields, spec, constraints);
  decode_volume_claims(fields, spec, pod, constraints);
}

}  // namespace fairlead::manifest
