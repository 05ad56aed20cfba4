#include "manifest/live_object.h"

#include "manifest/diagnostics.h"
#include "manifest/shard.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = base::JsonValue;

std::string_view text_at(const Value* object, std::string_view key) {
  const Value* value = object == nullptr ? nullptr : object->find(key);
  return value == nullptr ? std::string_view() : value->text();
}

/// What a pod asks for that needs more than a binding.
std::string refusal_of(const Value& root, const model::Pod& pod) {
  if (pod.devices.shares_devices()) {
    return "asks for a share of a device, which Fairlead cannot give in a cluster yet; ask for whole "
           "devices, "
           "or leave this pod to kai-scheduler";
  }
  const Value* spec = root.find("spec");
  const Value* claims = spec == nullptr ? nullptr : spec->find("resourceClaims");
  if (claims != nullptr && !claims->items().empty()) {
    return "uses resource claims (spec.resourceClaims), which Fairlead cannot allocate yet; ask for the "
           "device plugin's resource instead";
  }
  return {};
}

void decode_condition(const Value& root, LivePod& pod) {
  const Value* status = root.find("status");
  const Value* conditions = status == nullptr ? nullptr : status->find("conditions");
  if (conditions == nullptr) return;
  for (const Value& condition : conditions->items()) {
    if (text_at(&condition, "type") != "PodScheduled" || text_at(&condition, "status") == "True") continue;
    pod.scheduled_reason = text_at(&condition, "reason");
    pod.scheduled_message = text_at(&condition, "message");
  }
}

/// As group_status_key writes it.
std::string decode_group_status(const Value& root) {
  const Value* status = root.find("status");
  const Value* conditions = status == nullptr ? nullptr : status->find("schedulingConditions");
  if (conditions == nullptr || conditions->items().empty()) return {};
  const Value& last = conditions->items().back();
  if (text_at(&last, "status") != "True") return {};
  return fmt::format("{}: {}", text_at(&last, "reason"), text_at(&last, "message"));
}

template <class T>
LiveObject::Value or_nothing(std::optional<T> decoded) {
  if (!decoded) return std::monostate();
  return std::move(*decoded);
}

}  // namespace

std::string ApiResource::path() const {
  return group.empty() ? fmt::format("/api/{}/{}", version, plural)
                       : fmt::format("/apis/{}/{}/{}", group, version, plural);
}

std::string ApiResource::path(std::string_view namespace_name, std::string_view name) const {
  const std::string root =
      group.empty() ? fmt::format("/api/{}", version) : fmt::format("/apis/{}/{}", group, version);
  if (!namespaced) return fmt::format("{}/{}/{}", root, plural, name);
  return fmt::format("{}/namespaces/{}/{}/{}", root, namespace_name, plural, name);
}

const ApiResource& resource_of(LiveKind kind) {
  static const std::array<ApiResource, kLiveKinds> table = {{
      {"", "v1", "namespaces", "Namespace", false},
      {"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false},
      {"", "v1", "nodes", "Node", false},
      {"storage.k8s.io", "v1", "storageclasses", "StorageClass", false},
      {"", "v1", "persistentvolumes", "PersistentVolume", false},
      {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true},
      {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true},
      {"kai.scheduler", "v1alpha1", "topologies", "Topology", false},
      {"scheduling.run.ai", "v2", "queues", "Queue", false},
      {"scheduling.run.ai", "v2alpha2", "podgroups", "PodGroup", true},
      {"scheduling.run.ai", "v1alpha2", "bindrequests", "BindRequest", true},
      {"kai.scheduler", "v1", "schedulingshards", "SchedulingShard", false},
      {"", "", "", "", true},
      {"", "v1", "pods", "Pod", true},
  }};
  return table[static_cast<std::size_t>(kind)];
}

bool is_optional(LiveKind kind) {
  switch (kind) {
    case LiveKind::kTopology:
    case LiveKind::kQueue:
    case LiveKind::kPodGroup:
    case LiveKind::kBindRequest:
    case LiveKind::kShard:
    case LiveKind::kOwner:
      return true;
    default:
      return false;
  }
}

int compare_versions(std::string_view a, std::string_view b) {
  const auto left = parse_integer(a);
  const auto right = parse_integer(b);
  if (!left || !right || *left == *right) return 0;
  return *left < *right ? -1 : 1;
}

LiveDecoder::LiveDecoder(ReadOptions options)
    : options_(std::move(options)), accelerators_(options_.accelerators) {}

LiveObject::Value LiveDecoder::decode_value(LiveKind kind, const ApiResource& resource,
                                            Fields& fields) const {
  switch (kind) {
    case LiveKind::kNamespace: {
      LiveNamespace result;
      result.name = decode_identity(fields, false).name;
      if (const Value* metadata = fields.object(fields.root(), "metadata"))
        result.labels = fields.labels(*metadata, "labels");
      return result;
    }
    case LiveKind::kPriorityClass:
      return or_nothing(decode_priority_class(fields));
    case LiveKind::kNode:
      return or_nothing(decode_node(fields, options_, accelerators_));
    case LiveKind::kStorageClass:
      return or_nothing(decode_storage_class(fields));
    case LiveKind::kVolume:
      return or_nothing(decode_persistent_volume(fields));
    case LiveKind::kVolumeClaim:
      return or_nothing(decode_claim(fields));
    case LiveKind::kDisruptionBudget:
      return or_nothing(decode_disruption_budget(fields));
    case LiveKind::kTopology:
      return or_nothing(decode_topology(fields));
    case LiveKind::kQueue:
      return or_nothing(decode_queue(fields, options_));
    case LiveKind::kPodGroup: {
      auto group = decode_pod_group(fields, options_);
      if (!group) return std::monostate();
      return LivePodGroup{std::move(*group), decode_group_status(fields.root())};
    }
    case LiveKind::kBindRequest:
      return or_nothing(decode_bind_request(fields));
    case LiveKind::kShard: {
      std::optional<model::Configuration> configuration;
      decode_shard(fields, configuration);
      return or_nothing(std::move(configuration));
    }
    case LiveKind::kOwner: {
      auto owner = decode_owner_object(fields, options_);
      if (!owner) return std::monostate();
      owner->self.kind = resource.kind;
      owner->self.group = resource.group;
      return std::move(*owner);
    }
    case LiveKind::kPod: {
      auto decoded = decode_pod(fields, options_, accelerators_);
      if (!decoded) return std::monostate();
      LivePod pod{std::move(decoded->first), std::move(decoded->second), {}, {}, {}};
      if (pod.pod.served && pod.pod.phase == model::Pod::Phase::kPending) {
        pod.refusal = refusal_of(fields.root(), pod.pod);
        decode_condition(fields.root(), pod);
      }
      return pod;
    }
  }
  return std::monostate();
}

LiveObject LiveDecoder::decode(LiveKind kind, const ApiResource& resource, const Value& object) const {
  LiveObject result;
  result.kind = kind;
  const Value* metadata = object.find("metadata");
  const std::string_view name = text_at(metadata, "name");
  const std::string_view namespace_name = text_at(metadata, "namespace");
  result.key = resource.namespaced ? fmt::format("{}/{}", namespace_name, name) : std::string(name);
  result.uid = text_at(metadata, "uid");
  result.resource_version = text_at(metadata, "resourceVersion");
  DiagnosticLog log;
  const Place place{"the API server"};
  Fields fields(object, place, fmt::format("{} {}", resource.kind, shortened(result.key)), log);
  result.value = decode_value(kind, resource, fields);
  if (fields.failed()) result.value = std::monostate();
  result.diagnostics = log.take();
  return result;
}

}  // namespace fairlead::manifest
