#include "manifest/decoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;

/// Units of a dimension in the model per unit in a Queue object: devices in thousandths, memory in 10^6
/// bytes.
double factor_of(std::string_view dimension) {
  if (dimension == "memory") return 1e6;
  return dimension == "cpu" ? 1.0 : 1000.0;
}

bool is_dimension(std::string_view name) {
  return name == "gpu" || name == "cpu" || name == "memory" || (name.starts_with("gpu/") && name.size() > 4);
}

model::Bound bound_of(Fields& fields, const Value& resource, std::string_view key, double factor) {
  const auto written = fields.number(resource, key);
  // KAI's controllers read an absent quota or limit as 0.
  if (!written) return model::Bound::of(0);
  if (*written == -1) return model::Bound::unlimited();
  const Value& at = *resource.find(key);
  if (*written < 0) {
    fields.warning(at, "is negative and counts as 0", "write 0 or more, or -1 for no bound");
    return model::Bound::of(0);
  }
  const double amount = std::round(*written * factor);
  constexpr double kLargest = 1e17;  // bytes of a hundred thousand large machines; sums of siblings still fit
  if (amount > kLargest) {
    fields.warning(at, "is so large that it counts as no bound", "write -1 for no bound");
    return model::Bound::unlimited();
  }
  return model::Bound::of(static_cast<std::int64_t>(amount));
}

model::DimensionQuota decode_dimension(Fields& fields, std::string_view name, const Value& resource) {
  model::DimensionQuota result;
  result.dimension = name;
  const double factor = factor_of(name);
  result.quota.quota = bound_of(fields, resource, "quota", factor);
  result.quota.limit = bound_of(fields, resource, "limit", factor);
  if (resource.find("limit") == nullptr) {
    fields.warning(resource, "has no limit, which allows nothing", "write limit: -1 for no limit");
  }
  if (const auto weight = fields.number(resource, "overQuotaWeight")) {
    // Larger weights would only make sums infinite.
    constexpr double kLargestWeight = 1e12;
    result.quota.over_quota_weight = std::min(*weight, kLargestWeight);
    if (*weight < 0) {
      fields.warning(*resource.find("overQuotaWeight"), "is negative and counts as 0", "write 0 or more");
      result.quota.over_quota_weight = 0;
    }
  }
  // "Everything up to the limit" is a fair thing to say; a number above the limit is a mistake.
  const bool above = !result.quota.limit.is_unlimited() && !result.quota.quota.is_unlimited() &&
                     result.quota.quota.amount() > result.quota.limit.amount();
  if (above && resource.find("limit") != nullptr) {
    fields.warning(resource, "has a quota above its limit", "raise the limit or lower the quota");
  }
  return result;
}

void decode_resources(Fields& fields, const Value& spec, model::PoolQuota& pool) {
  const Value* resources = fields.object(spec, "resources");
  if (resources == nullptr) {
    fields.warning(spec, "names no resources, which allows nothing",
                   "write resources with quota, limit and overQuotaWeight for gpu, cpu and memory");
  }
  for (const char* name : {"gpu", "cpu", "memory"}) {
    const Value* resource = resources == nullptr ? nullptr : fields.object(*resources, name);
    if (resource != nullptr) {
      pool.dimensions.push_back(decode_dimension(fields, name, *resource));
      continue;
    }
    // As for KAI, what is not named has quota and limit 0.
    pool.dimensions.push_back({name, {model::Bound::of(0), model::Bound::of(0), 0}});
    if (resources != nullptr) {
      fields.warning(*resources, fmt::format("does not name {}, which allows none of it", name),
                     fmt::format("write {}: {{quota: 0, limit: -1, overQuotaWeight: 1}}", name));
    }
  }
  if (resources == nullptr) return;
  for (const auto& member : resources->members()) {
    if (!is_dimension(member.key)) {
      fields.warning(member.value, "is not a dimension of queues and is passed over",
                     "write gpu, cpu, memory or gpu/MODEL");
    } else if (member.key.starts_with("gpu/") && member.value.is_object()) {
      pool.dimensions.push_back(decode_dimension(fields, member.key, member.value));
    }
  }
}

}  // namespace

std::optional<model::Queue> decode_queue(Fields& fields, const ReadOptions& options) {
  model::Queue queue;
  const Value& root = fields.root();
  Identity identity = decode_identity(fields, false);
  queue.name = std::move(identity.name);
  queue.uid = identity.uid.empty() ? queue.name : std::move(identity.uid);
  queue.created = identity.created;
  model::PoolQuota pool;
  model::Labels annotations;
  if (const Value* metadata = fields.object(root, "metadata")) {
    const model::Labels labels = fields.labels(*metadata, "labels");
    if (const auto label = model::find_label(labels, options.node_pool_label)) pool.pool = *label;
    annotations = fields.labels(*metadata, "annotations");
  }
  const Value* spec = fields.object(root, "spec");
  if (spec == nullptr && !fields.failed()) fields.missing(root, "spec", "write a spec with resources");
  if (spec != nullptr) {
    queue.display_name = fields.string(*spec, "displayName");
    queue.parent = fields.string(*spec, "parentQueue");
    pool.priority = fields.small_integer(*spec, "priority");
    queue.preempt_min_runtime = fields.duration(*spec, "preemptMinRuntime");
    queue.reclaim_min_runtime = fields.duration(*spec, "reclaimMinRuntime");
    const auto between_users = model::find_label(annotations, "fairlead.dev/fair-between-users");
    queue.fair_between_users =
        fields.boolean(*spec, "fairBetweenUsers", between_users && *between_users == "true");
    decode_resources(fields, *spec, pool);
  }
  queue.pools.push_back(std::move(pool));
  if (fields.failed()) return std::nullopt;
  return queue;
}

std::optional<model::Topology> decode_topology(Fields& fields) {
  model::Topology topology;
  const Value& root = fields.root();
  topology.name = decode_identity(fields, false).name;
  const Value* spec = fields.object(root, "spec");
  const Value* levels = spec == nullptr ? nullptr : fields.array(*spec, "levels");
  if (levels == nullptr) {
    if (!fields.failed()) fields.missing(root, "spec.levels", "list the node labels, widest level first");
    return std::nullopt;
  }
  fields.each_object(*spec, "levels", [&](const Value& level) {
    const std::string_view label = fields.text(level, "nodeLabel");
    if (label.empty()) {
      fields.error(level, "has no nodeLabel", "name the node label of this level");
      return;
    }
    if (std::find(topology.levels.begin(), topology.levels.end(), label) != topology.levels.end()) {
      fields.error(level, "names a node label twice", "name each level once");
    }
    topology.levels.emplace_back(label);
  });
  if (topology.levels.empty() || topology.levels.size() > 16) {
    fields.error(*levels, "does not have 1 to 16 levels", "list 1 to 16 node labels, widest level first");
  }
  if (fields.failed()) return std::nullopt;
  return topology;
}

std::optional<model::PriorityClass> decode_priority_class(Fields& fields) {
  model::PriorityClass result;
  const Value& root = fields.root();
  result.name = decode_identity(fields, false).name;
  const auto value = fields.small_integer(root, "value");
  if (value) result.value = *value;
  if (root.find("value") == nullptr) fields.missing(root, "value", "write the priority as a whole number");
  result.global_default = fields.boolean(root, "globalDefault");
  if (fields.failed()) return std::nullopt;
  return result;
}

}  // namespace fairlead::manifest
