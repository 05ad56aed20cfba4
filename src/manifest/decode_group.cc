#include "manifest/decoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

void decode_sub_groups(Fields& fields, const Value& spec, model::PodGroup& group) {
  fields.each_object(spec, "subGroups", [&](const Value& value) {
    model::SubGroup sub_group;
    sub_group.name = fields.string(value, "name");
    if (sub_group.name.empty()) fields.missing(value, "name", "give the sub-group a name");
    sub_group.parent = fields.string(value, "parent");
    sub_group.min_member = fields.small_integer(value, "minMember", 0).value_or(0);
    sub_group.min_sub_group = fields.small_integer(value, "minSubGroup", 0);
    sub_group.topology = decode_topology_constraint(fields, value);
    // A constraint of a sub-group may leave the topology to the group's.
    if (sub_group.topology.topology.empty() &&
        (!sub_group.topology.required_level.empty() || !sub_group.topology.preferred_level.empty())) {
      sub_group.topology.topology = group.topology.topology;
    }
    group.sub_groups.push_back(std::move(sub_group));
  });
}

/// Names are unique, parents exist, and no sub-group is inside itself. Names compare without case.
void check_sub_groups(Fields& fields, const Value& spec, const model::PodGroup& group) {
  std::map<std::string, std::string> parents;
  const Value* at = spec.find("subGroups");
  for (const model::SubGroup& sub_group : group.sub_groups) {
    if (!parents.emplace(lower(sub_group.name), lower(sub_group.parent)).second) {
      fields.error(*at, fmt::format("has two sub-groups named \"{}\"", shortened(sub_group.name)),
                   "give each a name of its own");
    }
  }
  for (const auto& [name, parent] : parents) {
    if (!parent.empty() && !parents.contains(parent)) {
      fields.error(*at, fmt::format("names the parent \"{}\", which is not a sub-group", shortened(parent)),
                   "name a sub-group of this group, or none");
      return;
    }
  }
  for (const auto& [name, first_parent] : parents) {
    std::string ancestor = first_parent;
    for (std::size_t steps = 0; !ancestor.empty(); ++steps) {
      if (steps > parents.size()) {
        fields.error(*at, fmt::format("has the sub-group \"{}\" inside itself", shortened(name)),
                     "remove the cycle of parents");
        return;
      }
      ancestor = parents[ancestor];
    }
  }
}

std::optional<base::Time> time_annotation(Fields& fields, const model::Labels& annotations,
                                          std::string_view key) {
  const auto text = model::find_label(annotations, key);
  if (!text || text->empty()) return std::nullopt;
  const auto parsed = base::parse_time(*text);
  if (parsed) return *parsed;
  fields.left_out(fields.root(), fmt::format("annotation {} \"{}\" is not an instant", key, shortened(*text)),
                  "write it as RFC 3339, such as 2026-01-31T09:00:00Z");
  return std::nullopt;
}

void decode_preemptibility(Fields& fields, const Value& spec, model::PodGroup& group) {
  const std::string_view text = fields.text(spec, "preemptibility");
  if (text == "preemptible") {
    group.preemptible = true;
  } else if (text == "non-preemptible") {
    group.preemptible = false;
  } else if (!text.empty()) {
    fields.warning(*spec.find("preemptibility"), "is not known; the priority decides instead",
                   "write preemptible or non-preemptible");
  }
}

void decode_spec(Fields& fields, const Value& spec, model::PodGroup& group) {
  group.queue = fields.string(spec, "queue");
  group.priority_class = fields.string(spec, "priorityClassName");
  decode_preemptibility(fields, spec, group);
  group.min_sub_group = fields.small_integer(spec, "minSubGroup", 0);
  // The older schema requires minMember; the newer lets minSubGroup stand for it.
  group.min_member = fields.small_integer(spec, "minMember", 0).value_or(group.min_sub_group ? 0 : 1);
  group.topology = decode_topology_constraint(fields, spec);
  group.preemption_delay = fields.duration(spec, "preemptionDelay");
  group.staleness_grace = fields.duration(spec, "stalenessGracePeriod");
  decode_sub_groups(fields, spec, group);
  check_sub_groups(fields, spec, group);
}

}  // namespace

std::optional<model::PodGroup> decode_pod_group(Fields& fields, const ReadOptions& options) {
  model::PodGroup group;
  const Value& root = fields.root();
  Identity identity = decode_identity(fields, true);
  group.key = identity.key();
  group.uid = identity.uid.empty() ? group.key : std::move(identity.uid);
  group.created = identity.created;
  if (const Value* metadata = fields.object(root, "metadata")) {
    const model::Labels labels = fields.labels(*metadata, "labels");
    const model::Labels annotations = fields.labels(*metadata, "annotations");
    group.last_start = time_annotation(fields, annotations, "kai.scheduler/last-start-timestamp");
    group.stale_since = time_annotation(fields, annotations, "kai.scheduler/stale-podgroup-timestamp");
    const GroupHints hints = decode_group_hints(labels, annotations, options, fields);
    group.pools = hints.pools;
    group.user = hints.user;
    group.user_verified = hints.user_verified;
    group.preemption_delay = hints.preemption_delay;
    group.staleness_grace = hints.staleness_grace;
  }
  const OwnerReference owner = decode_owner(fields);
  if (!owner.empty()) group.owner = fmt::format("{} {}/{}", owner.kind, identity.namespace_name, owner.name);
  const auto annotated_delay = group.preemption_delay;
  const auto annotated_grace = group.staleness_grace;
  const Value* spec = fields.object(root, "spec");
  if (spec == nullptr) {
    if (!fields.failed()) fields.missing(root, "spec", "write a spec with queue and minMember");
  } else {
    decode_spec(fields, *spec, group);
    if (!group.preemption_delay) group.preemption_delay = annotated_delay;
    if (!group.staleness_grace) group.staleness_grace = annotated_grace;
  }
  if (fields.failed()) return std::nullopt;
  return group;
}

}  // namespace fairlead::manifest
