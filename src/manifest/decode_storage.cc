#include "manifest/decoding.h"

#include <charconv>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

/// minAvailable and maxUnavailable: a count, or a text such as "50%".
std::optional<std::int32_t> count_or_percent(Fields& fields, const Value& spec, std::string_view key,
                                             bool& percent) {
  const Value* value = spec.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->kind() == Value::Kind::kNumber) return fields.small_integer(spec, key, 0);
  std::string_view text = value->text();
  percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const auto count = parse_integer(text);
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (!value->is_string() || !count || *count < 0 || *count > (percent ? 100 : kMost)) {
    fields.error(*value, "is not a number of pods", "write a whole number, or a percentage such as \"50%\"");
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*count);
}

}  // namespace

std::optional<PersistentVolume> decode_persistent_volume(Fields& fields) {
  PersistentVolume volume;
  volume.name = decode_identity(fields, false).name;
  if (const Value* spec = fields.object(fields.root(), "spec")) {
    if (const Value* affinity = fields.object(*spec, "nodeAffinity")) {
      if (const Value* required = fields.object(*affinity, "required")) {
        volume.node_terms = decode_node_terms(fields, *required, "nodeSelectorTerms");
      }
    }
  }
  if (fields.failed()) return std::nullopt;
  return volume;
}

std::optional<StorageClass> decode_storage_class(Fields& fields) {
  StorageClass storage_class;
  storage_class.name = decode_identity(fields, false).name;
  storage_class.wait_for_first_consumer =
      fields.text(fields.root(), "volumeBindingMode") == "WaitForFirstConsumer";
  fields.each_object(fields.root(), "allowedTopologies", [&](const Value& topology) {
    model::NodeSelectorTerm term;
    fields.each_object(topology, "matchLabelExpressions", [&](const Value& expression) {
      model::Requirement requirement;
      requirement.key = fields.string(expression, "key");
      requirement.op = model::Requirement::Operator::kIn;
      if (const Value* values = fields.array(expression, "values")) {
        for (const Value& value : values->items()) requirement.values.emplace_back(value.text());
      }
      std::sort(requirement.values.begin(), requirement.values.end());
      term.labels.push_back(std::move(requirement));
    });
    storage_class.node_terms.push_back(std::move(term));
  });
  if (fields.failed()) return std::nullopt;
  return storage_class;
}

std::optional<Claim> decode_claim(Fields& fields) {
  Claim claim;
  const Value& root = fields.root();
  claim.key = decode_identity(fields, true).key();
  if (const Value* spec = fields.object(root, "spec")) {
    claim.volume = fields.string(*spec, "volumeName");
    claim.storage_class = fields.string(*spec, "storageClassName");
  }
  if (const Value* status = fields.object(root, "status"))
    claim.bound = fields.text(*status, "phase") == "Bound";
  if (fields.failed()) return std::nullopt;
  return claim;
}

std::optional<model::DisruptionBudget> decode_disruption_budget(Fields& fields) {
  model::DisruptionBudget budget;
  const Value& root = fields.root();
  budget.key = decode_identity(fields, true).key();
  if (const Value* spec = fields.object(root, "spec")) {
    budget.selector = decode_label_selector(fields, *spec, "selector");
    budget.min_available = count_or_percent(fields, *spec, "minAvailable", budget.min_available_is_percent);
    budget.max_unavailable =
        count_or_percent(fields, *spec, "maxUnavailable", budget.max_unavailable_is_percent);
  }
  if (const Value* status = fields.object(root, "status")) {
    budget.disruptions_allowed = fields.small_integer(*status, "disruptionsAllowed", 0);
  }
  if (fields.failed()) return std::nullopt;
  return budget;
}

std::optional<BindRequest> decode_bind_request(Fields& fields) {
  BindRequest request;
  const Value& root = fields.root();
  const Identity identity = decode_identity(fields, true);
  const Value* spec = fields.object(root, "spec");
  if (spec == nullptr) {
    if (!fields.failed()) fields.missing(root, "spec", "write podName and selectedNode");
    return std::nullopt;
  }
  const std::string_view pod = fields.text(*spec, "podName");
  request.pod = identity.namespace_name + "/" + (pod.empty() ? identity.name : std::string(pod));
  request.node = fields.string(*spec, "selectedNode");
  if (const Value* groups = fields.array(*spec, "selectedGPUGroups")) {
    for (const Value& group : groups->items()) request.device_groups.emplace_back(group.text());
  }
  const Value* status = fields.object(root, "status");
  const std::string_view phase = status == nullptr ? std::string_view() : fields.text(*status, "phase");
  if (fields.failed() || request.node.empty() || phase == "Succeeded" || phase == "Failed")
    return std::nullopt;
  return request;
}

}  // namespace fairlead::manifest
