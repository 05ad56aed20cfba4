#include "base/quantity.h"
#include "server/view_json.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace fairlead::server {
namespace {

constexpr std::string_view kUnlimited = "unlimited";

bool is_dimension(std::string_view name) {
  return name == "gpu" || name == "cpu" || name == "memory" || (name.starts_with("gpu/") && name.size() > 4);
}

// Devices and cores in thousandths, memory in bytes.
std::optional<model::Bound> read_bound(manifest::Fields& fields, const base::JsonValue& object,
                                       std::string_view key, std::string_view dimension) {
  const base::JsonValue* value = object.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string() && value->text() == kUnlimited) return model::Bound::unlimited();
  const auto amount = fields.quantity(*value, dimension != "memory");
  return amount ? std::optional(model::Bound::of(*amount)) : std::nullopt;
}

model::DimensionQuota new_quota(std::string dimension) {
  model::DimensionQuota entry;
  // A new queue has no devices of its own, but is not kept from using cpu and memory.
  const bool devices = dimension.starts_with("gpu");
  entry.quota.quota = devices ? model::Bound::of(0) : model::Bound::unlimited();
  entry.quota.over_quota_weight = 1;
  entry.dimension = std::move(dimension);
  return entry;
}

model::DimensionQuota& entry_of(model::PoolQuota& pool, const std::string& dimension) {
  const auto found = std::find_if(pool.dimensions.begin(), pool.dimensions.end(),
                                  [&](const auto& entry) { return entry.dimension == dimension; });
  if (found != pool.dimensions.end()) return *found;
  pool.dimensions.push_back(new_quota(dimension));
  return pool.dimensions.back();
}

void read_resources(Body& body, const base::JsonValue& resources, model::PoolQuota& pool) {
  manifest::Fields& fields = body.fields();
  for (const auto& member : resources.members()) {
    if (!is_dimension(member.key)) {
      fields.error(member.value, "is not a resource of queues", "write gpu, cpu, memory or gpu/MODEL");
      continue;
    }
    if (!member.value.is_object()) {
      fields.error(member.value, "is not an object", "write {\"quota\": 4, \"limit\": \"unlimited\"}");
      continue;
    }
    body.only(member.value, {"quota", "limit", "overQuotaWeight"});
    model::DimensionQuota& entry = entry_of(pool, std::string(member.key));
    if (auto quota = read_bound(fields, member.value, "quota", member.key)) entry.quota.quota = *quota;
    if (auto limit = read_bound(fields, member.value, "limit", member.key)) entry.quota.limit = *limit;
    const auto weight = fields.number(member.value, "overQuotaWeight");
    if (!weight) continue;
    if (*weight < 0 || !std::isfinite(*weight)) {
      fields.error(*member.value.find("overQuotaWeight"), "is less than 0", "write 0 or more");
      continue;
    }
    entry.quota.over_quota_weight = *weight;
  }
}

}  // namespace

model::Queue new_queue() {
  model::Queue queue;
  model::PoolQuota& pool = queue.pools.emplace_back();
  for (const char* dimension : {"gpu", "cpu", "memory"}) pool.dimensions.push_back(new_quota(dimension));
  return queue;
}

model::Queue read_queue(Body& body, model::Queue queue) {
  manifest::Fields& fields = body.fields();
  const base::JsonValue& root = *body.root();
  body.only(root, {"name", "displayName", "parent", "priority", "resources", "preemptMinRuntime",
                   "reclaimMinRuntime", "fairBetweenUsers", "status"});
  if (root.find("name") != nullptr) queue.name = fields.string(root, "name");
  if (root.find("displayName") != nullptr) queue.display_name = fields.string(root, "displayName");
  if (root.find("parent") != nullptr) queue.parent = fields.string(root, "parent");
  if (auto runtime = fields.duration(root, "preemptMinRuntime")) queue.preempt_min_runtime = runtime;
  if (auto runtime = fields.duration(root, "reclaimMinRuntime")) queue.reclaim_min_runtime = runtime;
  queue.fair_between_users = fields.boolean(root, "fairBetweenUsers", queue.fair_between_users);
  auto found = std::find_if(queue.pools.begin(), queue.pools.end(),
                            [](const model::PoolQuota& pool) { return pool.pool.empty(); });
  if (found == queue.pools.end()) found = queue.pools.insert(queue.pools.end(), model::PoolQuota{});
  model::PoolQuota& pool = *found;
  if (auto priority = fields.small_integer(root, "priority")) pool.priority = priority;
  if (const base::JsonValue* resources = fields.object(root, "resources")) {
    read_resources(body, *resources, pool);
  }
  return queue;
}

}  // namespace fairlead::server
