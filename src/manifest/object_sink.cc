#include "manifest/object_sink.h"

#include "manifest/shard.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

std::string name_for_messages(const Value& object, std::string_view kind) {
  const auto text = [](const Value* value) { return value == nullptr ? std::string_view() : value->text(); };
  const Value* metadata = object.find("metadata");
  if (metadata == nullptr) return std::string(kind);
  const std::string_view name = text(metadata->find("name"));
  const std::string_view namespace_name = text(metadata->find("namespace"));
  std::string result(kind);
  if (!name.empty()) {
    result += ' ';
    if (!namespace_name.empty()) result += shortened(namespace_name) + "/";
    result += shortened(name);
  }
  return result;
}

}  // namespace

ObjectSink::ObjectSink(ReadOptions options)
    : options_(std::move(options)), accelerators_(options_.accelerators) {}

void ObjectSink::unreadable(const Place& place, std::string message, std::string remedy) {
  Diagnostic diagnostic;
  diagnostic.source = place.source;
  diagnostic.document = place.document;
  if (place.item) diagnostic.field = fmt::format("items[{}]", *place.item);
  diagnostic.message = std::move(message);
  diagnostic.remedy = std::move(remedy);
  collected_.log.add(std::move(diagnostic));
  ++collected_.left_out["unreadable"];
}

void ObjectSink::take(const Value& object, const Place& place, std::string_view list_kind,
                      std::string_view list_version) {
  if (object.is_null()) return;
  if (!object.is_object()) {
    unreadable(place, fmt::format("is {}, not an object", kind_name(object)),
               "write apiVersion, kind and metadata");
    return;
  }
  const auto text_or = [&](std::string_view key, std::string_view fallback) {
    const Value* value = object.find(key);
    return value != nullptr && value->is_string() ? value->text() : fallback;
  };
  // "PodList" tells the kind of its items; a plain "List" does not.
  if (list_kind.ends_with("List")) list_kind.remove_suffix(4);
  const std::string_view kind = text_or("kind", list_kind);
  const std::string_view version = text_or("apiVersion", list_version);
  if (kind.empty()) {
    unreadable(place, "names no kind", "write the object's apiVersion and kind");
    return;
  }
  const Value* items = object.find("items");
  if (kind.ends_with("List") && items != nullptr) {
    Place inner = place;
    std::size_t index = 0;
    for (const Value& item : items->items()) {
      inner.item = index++;
      take(item, inner, kind, version);
    }
    return;
  }
  Fields fields(object, place, name_for_messages(object, kind), collected_.log);
  if (!decode(fields, kind, api_group(version))) take_other(object, place, kind);
  if (fields.failed()) ++collected_.left_out[std::string(kind)];
}

bool ObjectSink::first_of_name(Fields& fields, std::string_view kind, const std::string& name) {
  if (names_.insert(fmt::format("{} {}", kind, name)).second) return true;
  fields.error(fields.root(), "is in the input twice; the first one counts", "remove one of the two");
  return false;
}

void ObjectSink::take_pod(Fields& fields) {
  auto decoded = decode_pod(fields, options_, accelerators_);
  if (!decoded) return;
  model::Pod& pod = decoded->first;
  if (!first_of_name(fields, "Pod", pod.display_name())) return;
  if (!first_of_name(fields, "Pod uid", pod.uid)) return;
  collected_.objects.pods.push_back(std::move(pod));
  collected_.links.push_back(std::move(decoded->second));
}

void ObjectSink::take_queue(Fields& fields) {
  auto queue = decode_queue(fields, options_);
  if (!queue) return;
  auto& queues = collected_.objects.queues;
  const auto known = std::find_if(queues.begin(), queues.end(),
                                  [&](const model::Queue& other) { return other.name == queue->name; });
  if (known == queues.end()) {
    queues.push_back(std::move(*queue));
    return;
  }
  // Queues of one name with different pools are one queue with what it has in each.
  const bool same_pool =
      std::any_of(known->pools.begin(), known->pools.end(),
                  [&](const model::PoolQuota& pool) { return pool.pool == queue->pools.front().pool; });
  if (same_pool) {
    fields.error(fields.root(), "is in the input twice; the first one counts", "remove one of the two");
    return;
  }
  if (known->parent != queue->parent) {
    fields.warning(fields.root(), "has another parent here than in its other pool; the first one counts",
                   "name the same parent for each pool");
  }
  known->pools.push_back(std::move(queue->pools.front()));
}

void ObjectSink::take_other(const Value& object, const Place& place, std::string_view kind) {
  // It may own pods; what it is itself is not looked at, and so nothing is said about it.
  DiagnosticLog unsaid;
  Fields fields(object, place, std::string(), unsaid);
  if (auto owner = decode_owner_object(fields, options_)) {
    // The items of an API server's list do not name their kind.
    if (owner->self.kind.empty()) owner->self.kind = kind;
    collected_.owners.push_back(std::move(*owner));
  } else {
    ++collected_.ignored[std::string(kind)];
  }
}

bool ObjectSink::decode(Fields& fields, std::string_view kind, std::string_view group) {
  ClusterObjects& objects = collected_.objects;
  const auto is = [&](std::string_view wanted_group, std::string_view wanted_kind) {
    return group == wanted_group && kind == wanted_kind;
  };
  const auto keep = [&](auto decoded, auto& list, auto name) {
    if (decoded && first_of_name(fields, kind, name(*decoded))) list.push_back(std::move(*decoded));
  };
  const auto name = [](const auto& value) { return value.name; };
  const auto key = [](const auto& value) { return value.key; };
  if (is("", "Pod")) {
    take_pod(fields);
  } else if (is("", "Node")) {
    keep(decode_node(fields, options_, accelerators_), objects.nodes, name);
  } else if (is("scheduling.run.ai", "Queue")) {
    take_queue(fields);
  } else if (is("scheduling.run.ai", "PodGroup")) {
    keep(decode_pod_group(fields, options_), objects.groups, key);
  } else if (is("scheduling.run.ai", "BindRequest")) {
    if (auto request = decode_bind_request(fields)) collected_.bind_requests.push_back(std::move(*request));
  } else if (is("kai.scheduler", "Topology")) {
    keep(decode_topology(fields), objects.topologies, name);
  } else if (is("kai.scheduler", "SchedulingShard")) {
    decode_shard(fields, objects.configuration);
  } else if (is("scheduling.k8s.io", "PriorityClass")) {
    keep(decode_priority_class(fields), objects.priority_classes, name);
  } else if (is("", "Namespace")) {
    const Identity identity = decode_identity(fields, false);
    if (fields.failed() || !first_of_name(fields, kind, identity.name)) return true;
    objects.namespaces.emplace_back(identity.name, fields.labels(*fields.root().find("metadata"), "labels"));
  } else if (is("policy", "PodDisruptionBudget")) {
    keep(decode_disruption_budget(fields), objects.disruption_budgets, key);
  } else if (is("", "PersistentVolumeClaim")) {
    keep(decode_claim(fields), collected_.claims, key);
  } else if (is("", "PersistentVolume")) {
    keep(decode_persistent_volume(fields), collected_.volumes, name);
  } else if (is("storage.k8s.io", "StorageClass")) {
    keep(decode_storage_class(fields), collected_.storage_classes, name);
  } else if (is("resource.k8s.io", "DeviceClass")) {
    keep(decode_device_class(fields), objects.device_classes, name);
  } else if (is("resource.k8s.io", "ResourceSlice")) {
    keep(decode_resource_slice(fields), objects.resource_slices, name);
  } else if (is("resource.k8s.io", "ResourceClaim")) {
    keep(decode_resource_claim(fields, options_), objects.resource_claims, key);
  } else if (is("resource.k8s.io", "ResourceClaimTemplate")) {
    keep(decode_claim_template(fields, options_), collected_.claim_templates, key);
  } else if (is("", "ConfigMap")) {
    const Identity identity = decode_identity(fields, true);
    if (fields.failed()) return true;
    collected_.config_maps.insert(identity.key());
    collected_.config_map_namespaces.insert(identity.namespace_name);
  } else {
    return false;
  }
  return true;
}

Collected ObjectSink::finish() {
  names_.clear();
  return std::exchange(collected_, Collected());
}

}  // namespace fairlead::manifest
