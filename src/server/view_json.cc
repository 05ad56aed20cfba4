#include "server/view_json.h"

#include "base/time.h"
#include "manifest/workload.h"

#include <algorithm>
#include <optional>

namespace fairlead::server {
namespace {

using base::JsonWriter;

double devices_of(std::int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

void write_time(JsonWriter& json, std::string_view key, const std::optional<base::Time>& time) {
  if (time) json.member(key, base::format_time(*time));
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key);
  json.begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

void write_optional(JsonWriter& json, std::string_view key, const std::optional<double>& value) {
  json.key(key);
  if (value) {
    json.value(*value);
  } else {
    json.null();
  }
}

void write_replica(JsonWriter& json, const world::ReplicaView& replica) {
  json.begin_object();
  json.member("uid", replica.uid);
  json.member("role", replica.role);
  json.member("index", replica.index);
  json.member("attempt", replica.attempt);
  json.member("state", replica.state);
  if (!replica.node.empty()) json.member("node", replica.node);
  write_texts(json, "devices", replica.devices);
  json.member("devicesHeld", devices_of(replica.device_thousandths));
  write_time(json, "started", replica.started);
  write_time(json, "ended", replica.ended);
  if (replica.exit_code) json.member("exitCode", *replica.exit_code);
  if (replica.exit_signal) json.member("exitSignal", *replica.exit_signal);
  if (!replica.message.empty()) json.member("message", replica.message);
  if (replica.pid != 0) json.member("pid", replica.pid);
  json.end_object();
}

void write_status(JsonWriter& json, const world::WorkloadView& workload, const world::View& view) {
  std::int64_t held = 0;
  std::int64_t running = 0;
  std::int64_t wanted = 0;
  for (const world::ReplicaView& replica : workload.replicas) {
    held += replica.device_thousandths;
    running += replica.state == "Running" ? 1 : 0;
  }
  for (const model::WorkloadRole& role : workload.spec.roles) wanted += role.replicas;
  json.begin_object();
  json.member("uid", workload.uid);
  json.member("version", workload.version);
  json.member("state", state_name(workload.state));
  json.member("reason", workload.reason);
  json.member("submittedBy", workload.submitted_by);
  json.member("submitted", base::format_time(workload.submitted));
  write_time(json, "firstStarted", workload.first_started);
  write_time(json, "ended", workload.ended);
  write_time(json, "lastCheckpoint", workload.last_checkpoint);
  json.member("failures", workload.failures);
  json.member("preemptions", workload.preemptions);
  json.member("priority", manifest::priority_value(workload.spec));
  json.member("preemptible", manifest::is_preemptible(workload.spec));
  json.member("devicesHeld", devices_of(held));
  json.member("replicasRunning", running);
  json.member("replicasWanted", wanted);
  if (!workload.address.empty()) json.member("address", workload.address);
  json.member("simulated", is_simulated(view));
  json.key("replicas");
  json.begin_array();
  for (const world::ReplicaView& replica : workload.replicas) write_replica(json, replica);
  json.end_array();
  json.end_object();
}

// What a dimension counts in: thousandths of devices and cores outside are decimal numbers.
bool counts_thousandths(std::string_view dimension) { return dimension != "memory"; }

void write_amount(JsonWriter& json, std::string_view dimension, std::int64_t amount) {
  if (counts_thousandths(dimension)) {
    json.value(devices_of(amount));
  } else {
    json.value(amount);
  }
}

void write_bound(JsonWriter& json, std::string_view key, std::string_view dimension,
                 const model::Bound& bound) {
  json.key(key);
  if (bound.is_unlimited()) {
    json.value("unlimited");
  } else {
    write_amount(json, dimension, bound.amount());
  }
}

const model::PoolQuota* default_pool(const model::Queue& queue) {
  const auto found = std::find_if(queue.pools.begin(), queue.pools.end(),
                                  [](const model::PoolQuota& pool) { return pool.pool.empty(); });
  return found == queue.pools.end() ? nullptr : &*found;
}

}  // namespace

std::string_view state_name(world::WorkloadState state) {
  switch (state) {
    case world::WorkloadState::kPending:
      return "pending";
    case world::WorkloadState::kStarting:
      return "starting";
    case world::WorkloadState::kRunning:
      return "running";
    case world::WorkloadState::kStopping:
      return "stopping";
    case world::WorkloadState::kBackOff:
      return "back-off";
    case world::WorkloadState::kSuspended:
      return "suspended";
    case world::WorkloadState::kSucceeded:
      return "succeeded";
    case world::WorkloadState::kFailed:
      break;
  }
  return "failed";
}

bool is_simulated(const world::View& view) {
  return std::any_of(view.devices.begin(), view.devices.end(),
                     [](const world::DeviceView& device) { return device.simulated; });
}

std::string workload_json(const world::WorkloadView& workload, const world::View& view) {
  std::string text = manifest::write_workload(workload.spec);
  text.pop_back();
  text += ",\"status\":";
  JsonWriter json(text);
  write_status(json, workload, view);
  text += '}';
  return text;
}

std::string queue_json(const world::QueueView& view) {
  const model::Queue& queue = view.queue;
  const model::PoolQuota* pool = default_pool(queue);
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.member("name", queue.name);
  json.member("displayName", queue.display_name);
  json.member("parent", queue.parent);
  json.member("priority", pool != nullptr ? pool->priority.value_or(100) : 100);
  json.key("resources");
  json.begin_object();
  if (pool != nullptr) {
    for (const model::DimensionQuota& entry : pool->dimensions) {
      json.key(entry.dimension);
      json.begin_object();
      write_bound(json, "quota", entry.dimension, entry.quota.quota);
      write_bound(json, "limit", entry.dimension, entry.quota.limit);
      json.member("overQuotaWeight", entry.quota.over_quota_weight);
      json.end_object();
    }
  }
  json.end_object();
  if (queue.preempt_min_runtime) {
    json.member("preemptMinRuntime", base::format_duration(*queue.preempt_min_runtime));
  }
  if (queue.reclaim_min_runtime) {
    json.member("reclaimMinRuntime", base::format_duration(*queue.reclaim_min_runtime));
  }
  json.member("fairBetweenUsers", queue.fair_between_users);
  json.key("status");
  json.begin_object();
  json.member("version", view.version);
  json.member("leaf", view.leaf);
  json.member("created", base::format_time(queue.created));
  for (const world::QueueView::Amounts& amounts : view.amounts) {
    json.key(amounts.dimension);
    json.begin_object();
    json.key("allocated");
    write_amount(json, amounts.dimension, amounts.allocated);
    json.key("requested");
    write_amount(json, amounts.dimension, amounts.requested);
    json.key("nonPreemptible");
    write_amount(json, amounts.dimension, amounts.non_preemptible);
    json.member("fairShare",
                counts_thousandths(amounts.dimension) ? amounts.fair_share / 1000 : amounts.fair_share);
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return text;
}

void write_node(JsonWriter& json, const world::NodeView& node, const world::View& view) {
  std::int64_t allocated = 0;
  json.begin_object();
  json.member("name", node.name);
  json.member("ready", node.ready);
  json.member("cpu", devices_of(node.cpu_milli));
  json.member("memory", node.memory_bytes);
  json.member("cpuAllocated", devices_of(node.cpu_allocated_milli));
  json.member("memoryAllocated", node.memory_allocated_bytes);
  json.member("isolation", node.isolation);
  write_texts(json, "notEnforced", node.not_enforced);
  bool simulated = false;
  json.key("devices");
  json.begin_array();
  for (const std::uint32_t index : node.devices) {
    if (index >= view.devices.size()) continue;
    const world::DeviceView& device = view.devices[index];
    json.value(device.identity);
    allocated += device.allocated_thousandths;
    simulated = simulated || device.simulated;
  }
  json.end_array();
  json.member("devicesAllocated", devices_of(allocated));
  json.member("simulated", simulated);
  json.end_object();
}

void write_device(JsonWriter& json, const world::DeviceView& device, const QueueSet& visible) {
  json.begin_object();
  json.member("identity", device.identity);
  json.member("node", device.node);
  json.member("slot", device.slot);
  json.member("vendor", device.vendor);
  json.member("model", device.model);
  json.member("memoryMiB", device.memory_mib);
  json.member("healthy", device.healthy);
  json.member("simulated", device.simulated);
  if (!device.message.empty()) json.member("message", device.message);
  json.member("allocated", devices_of(device.allocated_thousandths));
  std::int64_t hidden = 0;
  json.key("workloads");
  json.begin_array();
  for (const std::string& key : device.workloads) {
    if (visible.contains(std::string_view(key).substr(0, key.find('/')))) {
      json.value(key);
    } else {
      ++hidden;
    }
  }
  json.end_array();
  json.member("otherWorkloads", hidden);
  write_optional(json, "utilisation", device.utilisation);
  json.key("memoryUsedMiB");
  if (device.memory_used_mib) {
    json.value(*device.memory_used_mib);
  } else {
    json.null();
  }
  write_optional(json, "powerWatts", device.power_watts);
  write_optional(json, "temperatureCelsius", device.temperature_celsius);
  json.end_object();
}

std::string forecast_json(const world::Forecast& forecast) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.member("starts", forecast.starts);
  json.member("node", forecast.node);
  write_texts(json, "evicted", forecast.evicted);
  write_texts(json, "shrunk", forecast.shrunk);
  write_texts(json, "started", forecast.started);
  json.member("reason", forecast.reason);
  write_texts(json, "remedies", forecast.remedies);
  json.end_object();
  return text;
}

void write_user(JsonWriter& json, const User& user, const Directory& directory) {
  json.begin_object();
  json.member("name", user.name);
  if (user.account) json.member("account", *user.account);
  json.member("disabled", user.disabled);
  json.member("hasPassword", !user.password_hash.empty());
  json.member("created", base::format_time(user.created));
  json.key("roles");
  json.begin_array();
  for (const Grant& grant : directory.grants(user.name)) {
    json.begin_object();
    json.member("role", role_name(grant.role));
    json.member("queue", grant.queue);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void write_token(JsonWriter& json, const Token& token) {
  json.begin_object();
  json.member("id", token.id);
  json.member("user", token.user);
  json.member("name", token.name);
  json.member("use", token_use_name(token.use));
  json.member("created", base::format_time(token.created));
  write_time(json, "expires", token.expires);
  json.end_object();
}

void write_rule(JsonWriter& json, const AccessRule& rule) {
  json.begin_object();
  json.member("id", rule.id);
  json.member("user", rule.user);
  json.member("role", role_name(rule.grant.role));
  json.member("queue", rule.grant.queue);
  json.member("created", base::format_time(rule.created));
  json.member("createdBy", rule.created_by);
  json.end_object();
}

void write_audit(JsonWriter& json, const AuditEntry& entry) {
  json.begin_object();
  json.member("id", entry.id);
  json.member("time", base::format_time(entry.time));
  json.member("actor", entry.actor);
  json.member("peer", entry.peer);
  json.member("action", entry.action);
  json.member("subject", entry.subject);
  json.member("allowed", entry.allowed);
  json.end_object();
}

std::string history_json(const ledger::HistoryEntry& entry) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.member("position", entry.position);
  json.member("time", base::format_time(entry.time));
  json.member("kind", entry.kind);
  json.member("subject", entry.subject);
  json.member("actor", entry.actor);
  json.key("details");
  json.raw(entry.json.empty() ? "{}" : entry.json);
  json.end_object();
  return text;
}

void write_usage(JsonWriter& json, const ledger::LedgerReader::UsageRow& row) {
  json.begin_object();
  json.member("name", row.name);
  json.member("deviceModel", row.device_model);
  json.member("allocatedHours", row.allocated_hours);
  write_optional(json, "usedHours", row.used_hours);
  write_optional(json, "idleHours", row.idle_hours);
  json.member("overQuotaHours", row.over_quota_hours);
  json.member("lostHours", row.lost_hours);
  json.end_object();
}

}  // namespace fairlead::server
