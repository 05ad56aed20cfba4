#include "manifest/encoding.h"

namespace fairlead::manifest {

void Encoder::volume_claim(const model::VolumeClaim& claim) {
  using State = model::VolumeClaim::State;
  const auto [namespace_name, name] = split_key(claim.key);
  const std::string beside = namespace_name + "." + name;  // what the volume and the class are called
  begin("v1", "PersistentVolumeClaim", {.name = name, .namespace_name = namespace_name});
  out_.key("spec");
  out_.begin_object();
  if (claim.state == State::kBound) out_.member("volumeName", beside);
  if (claim.state != State::kBound) out_.member("storageClassName", beside);
  out_.end_object();
  if (claim.state == State::kBound) {
    out_.key("status");
    out_.begin_object();
    out_.member("phase", "Bound");
    out_.end_object();
  }
  end();
  if (claim.state == State::kBound) {
    begin("v1", "PersistentVolume", {.name = beside});
    out_.key("spec");
    out_.begin_object();
    if (!claim.node_terms.empty()) {
      out_.key("nodeAffinity");
      out_.begin_object();
      out_.key("required");
      out_.begin_object();
      write_node_terms(out_, claim.node_terms);
      out_.end_object();
      out_.end_object();
    }
    out_.end_object();
    end();
    return;
  }
  begin("storage.k8s.io/v1", "StorageClass", {.name = beside});
  out_.member("volumeBindingMode",
              claim.state == State::kWaitForFirstConsumer ? "WaitForFirstConsumer" : "Immediate");
  if (!claim.node_terms.empty()) {
    out_.key("allowedTopologies");
    out_.begin_array();
    for (const model::NodeSelectorTerm& term : claim.node_terms) {
      out_.begin_object();
      out_.key("matchLabelExpressions");
      out_.begin_array();
      for (const model::Requirement& requirement : term.labels) {
        out_.begin_object();
        out_.member("key", requirement.key);
        names("values", requirement.values);
        out_.end_object();
      }
      out_.end_array();
      out_.end_object();
    }
    out_.end_array();
  }
  end();
}

void Encoder::disruption_budget(const model::DisruptionBudget& budget) {
  const auto [namespace_name, name] = split_key(budget.key);
  begin("policy/v1", "PodDisruptionBudget", {.name = name, .namespace_name = namespace_name});
  const auto count = [this](std::string_view key, const std::optional<std::int32_t>& value, bool percent) {
    if (!value) return;
    if (percent) {
      out_.member(key, std::to_string(*value) + "%");
    } else {
      out_.member(key, *value);
    }
  };
  out_.key("spec");
  out_.begin_object();
  selector("selector", budget.selector);
  count("minAvailable", budget.min_available, budget.min_available_is_percent);
  count("maxUnavailable", budget.max_unavailable, budget.max_unavailable_is_percent);
  out_.end_object();
  if (budget.disruptions_allowed) {
    out_.key("status");
    out_.begin_object();
    out_.member("disruptionsAllowed", *budget.disruptions_allowed);
    out_.end_object();
  }
  end();
}

}  // namespace fairlead::manifest
