#include "manifest/decode_workload.h"

#include "manifest/workload.h"
#include "manifest/workload_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace fairlead::manifest {
namespace {

using Value = Fields::Value;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t kMostReplicas = 10'000;
constexpr std::int64_t kMostDevices = 1024;
constexpr auto kMostGrace = base::Duration::seconds(300);
constexpr auto kMostScaleDelay = base::Duration::seconds(3600);
constexpr auto kNoLimit = base::Duration::seconds(100LL * 365 * 86'400);

bool known(std::string_view name, std::span<const WorkloadField> fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const WorkloadField& one) { return one.name == name; });
}

void check_names(Fields& fields, const Value& at,
                 std::initializer_list<std::span<const WorkloadField>> allowed) {
  for (const auto& member : at.members()) {
    bool found = false;
    for (const auto& list : allowed) found = found || known(member.key, list);
    if (found) continue;
    std::string names;
    for (const auto& list : allowed)
      for (const WorkloadField& field : list) {
        if (!names.empty()) names += ", ";
        names += field.name;
      }
    fields.error(member.value, "has a name that is not known", "write one of: " + names);
  }
}

std::vector<std::string> texts(Fields& fields, const Value& parent, std::string_view key) {
  std::vector<std::string> result;
  const Value* list = fields.array(parent, key);
  if (list == nullptr) return result;
  for (const Value& item : list->items()) {
    if (item.is_string() || item.kind() == Value::Kind::kNumber) {
      result.emplace_back(item.text());
    } else {
      fields.error(item, fmt::format("is {} where a text is expected", kind_name(item)), "put it in quotes");
    }
  }
  return result;
}

Pairs pairs(Fields& fields, const Value& parent, std::string_view key) {
  Pairs result;
  for (const auto& [name, value] : fields.labels(parent, key)) result.emplace_back(name, value);
  return result;
}

void read_duration(Fields& fields, const Value& parent, std::string_view key, base::Duration& into,
                   base::Duration most = kNoLimit) {
  const auto duration = fields.duration(parent, key);
  if (!duration) return;
  if (*duration < base::Duration() || *duration > most) {
    fields.error(*parent.find(key), "is out of range",
                 fmt::format("write a duration from 0s to {}", base::format_duration(most)));
    return;
  }
  into = *duration;
}

void read_duration(Fields& fields, const Value& parent, std::string_view key,
                   std::optional<base::Duration>& into) {
  base::Duration read = base::Duration::nanoseconds(-1);
  read_duration(fields, parent, key, read);
  if (read > base::Duration()) into = read;
}

void read_count(Fields& fields, const Value& parent, std::string_view key, std::int32_t& into) {
  if (const auto count = fields.integer(parent, key, 0, kMostReplicas))
    into = static_cast<std::int32_t>(*count);
}

/// A quantity of whole units (or thousandths); like other fields, what cannot be read fails the object.
std::optional<std::int64_t> amount(Fields& fields, const Value& parent, std::string_view key,
                                   bool thousandths) {
  const Value* value = parent.find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto read = fields.quantity(*value, thousandths);
  if (!read)
    fields.error(*value, "cannot be used", "write a number with an optional unit, such as 500m or 16Gi");
  return read;
}

/// The value at a path such as "spec.service.target", or null.
const Value* value_at(const Value& root, std::string_view path) {
  const Value* at = &root;
  while (at != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    at = at->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

void decode_devices(Fields& fields, const Value& parent, model::DeviceDemand& demand) {
  const Value* value = parent.find("devices");
  if (value == nullptr || value->is_null()) return;
  if (value->kind() == Value::Kind::kNumber) {  // devices: 4
    demand.count = fields.integer(parent, "devices", 0, kMostDevices).value_or(0);
    return;
  }
  value = fields.object(parent, "devices");
  if (value == nullptr) return;
  check_names(fields, *value, {workload_device_fields()});
  demand.count = fields.integer(*value, "count", 0, kMostDevices).value_or(1);
  if (const auto fraction = fields.number(*value, "fraction")) {
    const double thousandths = std::round(*fraction * 1000);
    if (thousandths < 1 || thousandths > 1000) {
      fields.error(*value->find("fraction"), "is not a share of a device", "write a number from 0.001 to 1");
    } else {
      demand.thousandths = static_cast<std::int64_t>(thousandths);
    }
  }
  constexpr std::int64_t kBytesPerMib = 1 << 20;
  if (const auto memory = amount(fields, *value, "memory", false)) {
    demand.memory_mib = (*memory + kBytesPerMib - 1) / kBytesPerMib;
    if (value->find("fraction") != nullptr)
      fields.error(*value->find("memory"), "stands beside a fraction", "write memory or fraction, not both");
  }
  demand.vendor = fields.string(*value, "vendor");
  demand.model = fields.string(*value, "model");
}

model::WorkloadRole decode_role(Fields& fields, const Value& value) {
  model::WorkloadRole role;
  role.name = "worker";
  role.command = texts(fields, value, "command");
  role.arguments = texts(fields, value, "arguments");
  role.environment = pairs(fields, value, "environment");
  read_count(fields, value, "replicas", role.replicas);
  role.minimum_replicas = role.replicas;
  read_count(fields, value, "minimumReplicas", role.minimum_replicas);
  decode_devices(fields, value, role.devices);
  role.cpu_milli = amount(fields, value, "cpu", true).value_or(0);
  role.memory_bytes = amount(fields, value, "memory", false).value_or(0);
  return role;
}

void decode_roles(Fields& fields, const Value& spec, model::Workload& workload) {
  if (fields.array(spec, "roles") == nullptr) {
    workload.roles.push_back(decode_role(fields, spec));
    return;
  }
  for (const WorkloadField& field : workload_role_fields())
    if (const Value* beside = spec.find(field.name))
      fields.error(*beside, "stands beside roles", "write it in each role");
  fields.each_object(spec, "roles", [&](const Value& value) {
    check_names(fields, value, {workload_role_fields()});
    model::WorkloadRole role = decode_role(fields, value);
    role.name = fields.string(value, "name");
    if (role.name.empty()) fields.missing(value, "name", "give each role a name");
    workload.roles.push_back(std::move(role));
  });
}

void decode_service(Fields& fields, const Value& spec, model::Workload& workload) {
  const Value* value = fields.object(spec, "service");
  if (value == nullptr) {
    if (workload.kind == model::WorkloadKind::kInference) {
      workload.service.emplace();
      const auto& role = workload.roles.front();
      workload.service->minimum_replicas = role.minimum_replicas;
      workload.service->initial_replicas = role.minimum_replicas;
      workload.service->maximum_replicas = std::max(role.replicas, 1);
    }
    return;
  }
  check_names(fields, *value, {workload_service_fields()});
  model::ServiceSpec service;
  if (const auto port = fields.integer(*value, "port", 0, 65'535))
    service.port = static_cast<std::int32_t>(*port);
  if (const auto path = fields.text(*value, "healthPath"); !path.empty()) service.health_path = path;
  read_duration(fields, *value, "startDeadline", service.start_deadline);
  read_duration(fields, *value, "requestDeadline", service.request_deadline);
  read_count(fields, *value, "minimumReplicas", service.minimum_replicas);
  service.maximum_replicas = std::max(service.minimum_replicas, 1);
  read_count(fields, *value, "maximumReplicas", service.maximum_replicas);
  service.initial_replicas = service.minimum_replicas;
  read_count(fields, *value, "initialReplicas", service.initial_replicas);
  const std::string_view metric = fields.text(*value, "metric");
  for (const auto choice : {model::ScaleMetric::kConcurrency, model::ScaleMetric::kRequestsPerSecond,
                            model::ScaleMetric::kLatencyP95})
    if (metric == scale_metric_name(choice)) service.metric = choice;
  if (!metric.empty() && metric != scale_metric_name(service.metric))
    fields.error(*value->find("metric"), "is not a metric",
                 "write concurrency, requests-per-second or latency-p95");
  if (const auto target = fields.number(*value, "target")) service.target = *target;
  read_duration(fields, *value, "scaleDownDelay", service.scale_down_delay, kMostScaleDelay);
  read_duration(fields, *value, "scaleToZeroRetention", service.scale_to_zero_retention, kMostScaleDelay);
  workload.service = service;
}

void decode_spec(Fields& fields, const Value& spec, model::Workload& workload) {
  check_names(fields, spec, {workload_spec_fields(), workload_role_fields().subspan(1)});
  if (const std::string_view project = fields.text(spec, "project"); !project.empty())
    workload.project = project;
  if (const std::string_view name = fields.text(spec, "kind"); !name.empty()) {
    const auto kind = workload_kind_named(name);
    if (!kind) fields.error(*spec.find("kind"), "is not a kind", "write workspace, training or inference");
    workload.kind = kind.value_or(workload.kind);
  }
  workload.priority = fields.string(spec, "priority");
  if (const Value* value = spec.find("preemptible"); value != nullptr && !value->is_null())
    workload.preemptible = fields.boolean(spec, "preemptible");
  workload.working_directory = fields.string(spec, "workingDirectory");
  workload.image = fields.string(spec, "image");
  workload.secrets = pairs(fields, spec, "secrets");
  decode_roles(fields, spec, workload);
  if (workload.roles.empty()) return;
  if (const Value* topology = fields.object(spec, "topology")) {
    check_names(fields, *topology, {workload_topology_fields()});
    workload.topology = {fields.string(*topology, "name"), fields.string(*topology, "required"),
                         fields.string(*topology, "preferred")};
  }
  read_count(fields, spec, "retries", workload.retries);
  read_duration(fields, spec, "retryDelay", workload.retry_delay);
  read_duration(fields, spec, "gracePeriod", workload.grace_period, kMostGrace);
  read_duration(fields, spec, "timeLimit", workload.time_limit);
  read_duration(fields, spec, "idleDeviceLimit", workload.idle_device_limit);
  read_duration(fields, spec, "timeToLive", workload.time_to_live);
  workload.after = texts(fields, spec, "after");
  workload.restart_on_preemption = fields.boolean(spec, "restartOnPreemption", true);
  if (const Value* checkpoint = fields.object(spec, "checkpoint")) {
    check_names(fields, *checkpoint, {workload_checkpoint_fields()});
    workload.checkpoint = {fields.string(*checkpoint, "signal"), fields.string(*checkpoint, "file")};
  }
  decode_service(fields, spec, workload);
  if (const Value* ports = fields.array(spec, "ports")) {
    for (const Value& item : ports->items()) {
      const auto port = parse_integer(item.text());
      if (port && *port >= 1 && *port <= 65'535) {
        workload.ports.push_back(static_cast<std::int32_t>(*port));
      } else {
        fields.error(item, "is not a port", "write a number from 1 to 65535");
      }
    }
  }
  workload.suspended = fields.boolean(spec, "suspended");
}

}  // namespace

std::optional<model::Workload> decode_workload(Fields& fields) {
  model::Workload workload;
  const Value& root = fields.root();
  for (const auto& member : root.members()) {
    static constexpr std::array<std::string_view, 5> kKnown = {"apiVersion", "kind", "metadata", "spec",
                                                               "status"};
    if (std::find(kKnown.begin(), kKnown.end(), member.key) == kKnown.end())
      fields.error(member.value, "has a name that is not known", "write metadata and spec");
  }
  if (const Value* metadata = fields.object(root, "metadata")) {
    workload.name = fields.string(*metadata, "name");
    workload.project = fields.string(*metadata, "namespace");
  }
  const Value* spec = fields.object(root, "spec");
  if (spec == nullptr) {
    if (!fields.failed()) fields.missing(root, "spec", "write a spec with a command");
    return std::nullopt;
  }
  if (workload.name.empty()) fields.missing(root, "metadata.name", "give the workload a name");
  decode_spec(fields, *spec, workload);
  if (fields.failed()) return std::nullopt;
  if (const auto problem = problem_of(workload)) {
    const Value* at = value_at(root, problem->field);
    if (at != nullptr) {
      // The value stands in front of the message already.
      const bool quoted = at->is_string() && problem->message.starts_with('"');
      const std::size_t begin = quoted ? problem->message.find("\" ") + 2 : 0;
      fields.error(*at, problem->message.substr(begin), problem->remedy);
    } else {
      fields.error(root, problem->field + " " + problem->message, problem->remedy);
    }
    return std::nullopt;
  }
  return workload;
}

}  // namespace fairlead::manifest
