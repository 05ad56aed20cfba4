#include "manifest/decoding.h"
#include "manifest/pod_constraints.h"
#include "manifest/pod_resources.h"

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;
using Phase = model::Pod::Phase;

constexpr std::string_view kGroupLabel = "runai-gpu-group";

/// Labels `runai-gpu-group` (one device) and `runai-gpu-group/ID` (several).
std::vector<std::string> device_groups(const model::Labels& labels) {
  std::vector<std::string> groups;
  for (const auto& [key, value] : labels) {
    if (!key.starts_with(kGroupLabel)) continue;
    if (key.size() == kGroupLabel.size() || key[kGroupLabel.size()] == '/') groups.push_back(value);
  }
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

bool is_leader(const model::Labels& labels) {
  const auto has = [&](std::string_view key, std::string_view value) {
    const auto label = model::find_label(labels, key);
    return label && *label == value;
  };
  return has("training.kubeflow.org/job-role", "master") ||
         has("training.kubeflow.org/replica-type", "master") || has("ray.io/node-type", "head");
}

Phase phase_of(std::string_view name, bool on_node) {
  if (name == "Succeeded") return Phase::kSucceeded;
  if (name == "Failed") return Phase::kFailed;
  if (!on_node) return Phase::kPending;
  // A node that no longer answers leaves its pods in an unknown phase; they may still use it.
  return name == "Running" || name == "Unknown" ? Phase::kRunning : Phase::kBound;
}

void decode_status(Fields& fields, const Value& root, model::Pod& pod) {
  const Value* status = fields.object(root, "status");
  const std::string_view phase = status == nullptr ? std::string_view() : fields.text(*status, "phase");
  pod.phase = phase_of(phase, !pod.node.empty());
  if (status == nullptr) return;
  if (pod.phase == Phase::kPending) pod.nominated_node = fields.string(*status, "nominatedNodeName");
  pod.started = fields.time(*status, "startTime");
}

void decode_labels(Fields& fields, model::Pod& pod) {
  pod.device_groups = device_groups(pod.labels);
  pod.leader = is_leader(pod.labels);
  if (const auto name = model::find_label(pod.labels, "kai.scheduler/subgroup-name")) pod.sub_group = *name;
  if (const auto priority = model::find_label(pod.labels, "kai.scheduler/task-priority")) {
    if (const auto value = parse_integer(*priority)) {
      pod.task_priority = *value;
    } else {
      fields.left_out(
          fields.root(),
          "label kai.scheduler/task-priority \"" + shortened(*priority) + "\" is not a whole number",
          "write a whole number, in quotes");
    }
  }
}

void decode_annotations(Fields& fields, const model::Labels& annotations, model::Pod& pod) {
  pod.reservation = model::find_label(annotations, "run.ai/reserve_for_gpu_index").has_value() ||
                    pod.namespace_name == "kai-resource-reservation" ||
                    pod.namespace_name == "runai-reservation";
  if (const auto text = model::find_label(annotations, "fairlead.dev/last-checkpoint")) {
    const auto time = base::parse_time(*text);
    if (time) {
      pod.last_checkpoint = *time;
    } else {
      fields.left_out(
          fields.root(),
          "annotation fairlead.dev/last-checkpoint \"" + shortened(*text) + "\" is not an instant",
          "write it as RFC 3339, such as 2026-01-31T09:00:00Z");
    }
  }
}

/// Config maps that the pod cannot start without.
std::vector<std::string> config_maps(Fields& fields, const Value& spec) {
  std::vector<std::string> names;
  const auto take = [&](const Value& holder, std::string_view key) {
    const Value* reference = fields.object(holder, key);
    if (reference == nullptr || fields.boolean(*reference, "optional")) return;
    const std::string_view name = fields.text(*reference, "name");
    // These two are in every namespace that a cluster serves, whether or not somebody wrote them down.
    if (name == "kube-root-ca.crt" || name == "openshift-service-ca.crt") return;
    if (!name.empty()) names.emplace_back(name);
  };
  fields.each_object(spec, "volumes", [&](const Value& volume) {
    take(volume, "configMap");
    if (const Value* projected = fields.object(volume, "projected")) {
      fields.each_object(*projected, "sources", [&](const Value& source) { take(source, "configMap"); });
    }
  });
  for (const char* list : {"containers", "initContainers"}) {
    fields.each_object(spec, list, [&](const Value& container) {
      fields.each_object(container, "envFrom", [&](const Value& source) { take(source, "configMapRef"); });
      fields.each_object(container, "env", [&](const Value& variable) {
        if (const Value* source = fields.object(variable, "valueFrom")) take(*source, "configMapKeyRef");
      });
    });
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

std::optional<std::pair<model::Pod, PodLinks>> decode_pod(Fields& fields, const ReadOptions& options,
                                                          const Accelerators& accelerators) {
  std::pair<model::Pod, PodLinks> result;
  auto& [pod, links] = result;
  const Value& root = fields.root();
  Identity identity = decode_identity(fields, true);
  pod.uid = identity.uid.empty() ? identity.key() : std::move(identity.uid);
  pod.namespace_name = std::move(identity.namespace_name);
  pod.name = std::move(identity.name);
  pod.created = identity.created;
  model::Labels annotations;
  if (const Value* metadata = fields.object(root, "metadata")) {
    pod.labels = fields.labels(*metadata, "labels");
    annotations = fields.labels(*metadata, "annotations");
    // Kubernetes writes the instant at which the grace period is over.
    pod.release_deadline = fields.time(*metadata, "deletionTimestamp");
    pod.releasing = pod.release_deadline.has_value();
  }
  const Value* spec = fields.object(root, "spec");
  if (spec == nullptr) {
    if (!fields.failed()) fields.missing(root, "spec", "write a spec with containers");
    return std::nullopt;
  }
  const std::string_view scheduler = fields.text(*spec, "schedulerName");
  pod.served = std::find(options.scheduler_names.begin(), options.scheduler_names.end(), scheduler) !=
               options.scheduler_names.end();
  pod.node = fields.string(*spec, "nodeName");
  decode_status(fields, root, pod);
  const Value* gates = fields.array(*spec, "schedulingGates");
  pod.gated = pod.phase == Phase::kPending && gates != nullptr && !gates->items().empty();
  decode_labels(fields, pod);
  decode_annotations(fields, annotations, pod);
  decode_pod_resources(fields, *spec, annotations, accelerators, pod);
  decode_pod_constraints(fields, *spec, pod);

  links.claims = decode_pod_claims(fields, *spec);
  if (pod.served) {
    if (const auto group = model::find_label(annotations, "pod-group-name")) links.annotated_group = *group;
    links.owner = decode_owner(fields);
    links.hints = decode_group_hints(pod.labels, annotations, options, fields);
    links.priority_class = fields.string(*spec, "priorityClassName");
    links.priority = fields.small_integer(*spec, "priority");
    links.of_deployment = model::find_label(pod.labels, "pod-template-hash").has_value();
    if (pod.phase == Phase::kPending) links.config_maps = config_maps(fields, *spec);
  }
  if (fields.failed()) return std::nullopt;
  return result;
}

}  // namespace fairlead::manifest
