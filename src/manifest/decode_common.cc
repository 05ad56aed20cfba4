#include "manifest/decoding.h"

#include <algorithm>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

std::optional<base::Duration> duration_annotation(const model::Labels& annotations, std::string_view key,
                                                  Fields& fields) {
  const auto text = model::find_label(annotations, key);
  if (!text) return std::nullopt;
  const auto parsed = base::parse_duration(*text);
  if (parsed) return *parsed;
  fields.left_out(fields.root(), std::string(key) + " \"" + shortened(*text) + "\" is not a duration",
                  "write a number with a unit, such as 90s");
  return std::nullopt;
}

void take_label(std::string& out, const model::Labels& labels, std::string_view key) {
  if (const auto value = model::find_label(labels, key)) out = *value;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

std::string api_group(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string() : std::string(api_version.substr(0, slash));
}

Identity decode_identity(Fields& fields, bool namespaced) {
  Identity identity;
  const Value* metadata = fields.object(fields.root(), "metadata");
  if (metadata != nullptr) {
    identity.name = fields.string(*metadata, "name");
    identity.namespace_name = fields.string(*metadata, "namespace");
    identity.uid = fields.string(*metadata, "uid");
    if (const auto created = fields.time(*metadata, "creationTimestamp")) identity.created = *created;
  }
  if (namespaced && identity.namespace_name.empty()) identity.namespace_name = "default";
  if (!namespaced) identity.namespace_name.clear();
  if (identity.name.empty() && !fields.failed()) {
    fields.missing(fields.root(), "metadata.name", "give the object a name");
  }
  return identity;
}

OwnerReference decode_owner(Fields& fields) {
  OwnerReference owner;
  const Value* metadata = fields.object(fields.root(), "metadata");
  const Value* references = metadata == nullptr ? nullptr : fields.array(*metadata, "ownerReferences");
  if (references == nullptr || references->items().empty()) return owner;
  // The controller is the one that makes pods; without one the first counts.
  const Value* chosen = &references->items().front();
  for (const Value& reference : references->items()) {
    const Value* controller = reference.find("controller");
    if (controller == nullptr || !controller->boolean()) continue;
    chosen = &reference;
    break;
  }
  if (!chosen->is_object()) {
    fields.error(*chosen, "is not an owner reference", "write apiVersion, kind, name and uid");
    return owner;
  }
  owner.kind = fields.string(*chosen, "kind");
  owner.group = api_group(fields.text(*chosen, "apiVersion"));
  owner.name = fields.string(*chosen, "name");
  owner.uid = fields.string(*chosen, "uid");
  return owner;
}

model::TopologyConstraint decode_topology_constraint(Fields& fields, const Value& parent) {
  model::TopologyConstraint constraint;
  const Value* value = fields.object(parent, "topologyConstraint");
  if (value == nullptr) return constraint;
  constraint.topology = fields.string(*value, "topology");
  constraint.required_level = fields.string(*value, "requiredTopologyLevel");
  constraint.preferred_level = fields.string(*value, "preferredTopologyLevel");
  return constraint;
}

GroupHints decode_group_hints(const model::Labels& labels, const model::Labels& annotations,
                              const ReadOptions& options, Fields& fields) {
  GroupHints hints;
  take_label(hints.queue, labels, options.queue_label);
  take_label(hints.project, labels, "project");
  take_label(hints.priority_class, labels, "priorityClassName");
  take_label(hints.preemptibility, labels, "kai.scheduler/preemptibility");
  take_label(hints.user, annotations, "fairlead.dev/created-by");
  hints.user_verified = !hints.user.empty();
  if (hints.user.empty()) take_label(hints.user, labels, "user");
  if (const auto pools = model::find_label(annotations, "fairlead.dev/node-pools"))
    hints.pools = split(*pools, ',');
  if (hints.pools.empty()) {
    const auto pool = model::find_label(labels, options.node_pool_label);
    if (pool && !pool->empty()) hints.pools.emplace_back(*pool);
  }
  take_label(hints.topology.topology, annotations, "kai.scheduler/topology");
  take_label(hints.topology.required_level, annotations, "kai.scheduler/topology-required-placement");
  take_label(hints.topology.preferred_level, annotations, "kai.scheduler/topology-preferred-placement");
  hints.preemption_delay = duration_annotation(annotations, "kai.scheduler/preemption-delay", fields);
  hints.staleness_grace = duration_annotation(annotations, "kai.scheduler/staleness-grace-period", fields);
  return hints;
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

Amounts decode_amounts(Fields& fields, const Value& parent, std::string_view key, bool& ok) {
  Amounts amounts;
  const Value* map = fields.object(parent, key);
  if (map == nullptr) return amounts;
  amounts.reserve(map->members().size());
  for (const auto& member : map->members()) {
    // Devices and other countable things have a slash in their names; bytes have none.
    const bool counted = member.key.find('/') != std::string_view::npos;
    constexpr std::int64_t kMostCounted = 1'000'000'000;
    const auto amount =
        fields.quantity(member.value, member.key == "cpu", counted ? kMostCounted : Fields::kMostOfAnything);
    if (!amount) {
      ok = false;
      continue;
    }
    const auto same = std::find_if(amounts.begin(), amounts.end(),
                                   [&](const auto& entry) { return entry.first == member.key; });
    if (same == amounts.end()) {
      amounts.emplace_back(member.key, *amount);
    } else {
      same->second = *amount;
    }
  }
  return amounts;
}

std::optional<Owner> decode_owner_object(Fields& fields, const ReadOptions& options) {
  Owner owner;
  const Value& root = fields.root();
  Identity identity = decode_identity(fields, true);
  owner.self.kind = fields.string(root, "kind");
  owner.self.group = api_group(fields.text(root, "apiVersion"));
  owner.self.name = std::move(identity.name);
  owner.self.uid = std::move(identity.uid);
  owner.namespace_name = std::move(identity.namespace_name);
  owner.created = identity.created;
  if (const Value* metadata = fields.object(root, "metadata")) {
    owner.hints = decode_group_hints(fields.labels(*metadata, "labels"),
                                     fields.labels(*metadata, "annotations"), options, fields);
  }
  owner.owner = decode_owner(fields);
  if (fields.failed()) return std::nullopt;
  return owner;
}

}  // namespace fairlead::manifest
