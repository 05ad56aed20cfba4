#include "base/json_reader.h"
#include "base/json_writer.h"
#include "manifest/decode_workload.h"
#include "manifest/diagnostics.h"
#include "manifest/workload.h"
#include "manifest/yaml_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::manifest {
namespace {

using base::JsonValue;

/// Takes objects from either kind of text.
class Taker final : public YamlObjects {
 public:
  explicit Taker(std::string_view source) { place_.source = source; }

  void next_document() {
    ++place_.document;
    place_.item.reset();
  }
  void object(const JsonValue& value, std::optional<std::size_t> item, std::string_view,
              std::string_view) override {
    place_.item = item;
    take(value);
  }
  void progress(std::size_t) override {}

  void take(const JsonValue& value) {
    const JsonValue* items = value.find("items");
    if (!place_.item && items != nullptr && items->is_array()) {
      std::size_t index = 0;
      for (const JsonValue& one : items->items()) {
        place_.item = index++;
        take(one);
      }
      return;
    }
    const JsonValue* metadata = value.find("metadata");
    const JsonValue* name = metadata == nullptr ? nullptr : metadata->find("name");
    Fields fields(value, place_, fmt::format("Workload {}", shortened(name == nullptr ? "" : name->text())),
                  log_);
    if (!value.is_object()) {
      fields.error(value, "is not an object", "write an object with metadata and spec");
      return;
    }
    const JsonValue* kind = value.find("kind");
    if (kind != nullptr && kind->text() != "Workload") {
      fields.error(*kind, "is not a kind that is read here", "write kind: Workload");
      return;
    }
    const JsonValue* version = value.find("apiVersion");
    if (version != nullptr && version->text() != "fairlead.dev/v1alpha1") {
      fields.error(*version, "is not a version that is known", "write apiVersion: fairlead.dev/v1alpha1");
      return;
    }
    if (auto workload = decode_workload(fields)) reading_.workloads.push_back(std::move(*workload));
  }

  void unreadable(const std::string& message) {
    Diagnostic diagnostic;
    diagnostic.source = place_.source;
    diagnostic.document = place_.document;
    diagnostic.message = message;
    diagnostic.remedy = "correct the text";
    log_.add(std::move(diagnostic));
  }

  WorkloadReading finish() {
    reading_.diagnostics = log_.take();
    return std::move(reading_);
  }

 private:
  Place place_;
  DiagnosticLog log_;
  WorkloadReading reading_;
};

void write_texts(base::JsonWriter& writer, std::string_view key, const std::vector<std::string>& list) {
  if (list.empty()) return;
  writer.key(key);
  writer.begin_array();
  for (const std::string& text : list) writer.value(text);
  writer.end_array();
}

void write_pairs(base::JsonWriter& writer, std::string_view key,
                 const std::vector<std::pair<std::string, std::string>>& pairs) {
  if (pairs.empty()) return;
  writer.key(key);
  writer.begin_object();
  for (const auto& [name, value] : pairs) writer.member(name, value);
  writer.end_object();
}

void write_text(base::JsonWriter& writer, std::string_view key, const std::string& text) {
  if (!text.empty()) writer.member(key, text);
}

void write_duration(base::JsonWriter& writer, std::string_view key, base::Duration duration) {
  writer.member(key, base::format_duration(duration));
}

void write_devices(base::JsonWriter& writer, const model::DeviceDemand& devices) {
  if (devices == model::DeviceDemand{}) return;
  writer.key("devices");
  writer.begin_object();
  writer.member("count", devices.count);
  if (devices.memory_mib > 0) {
    writer.member("memory", fmt::format("{}Mi", devices.memory_mib));
  } else if (devices.thousandths != 1000) {
    writer.member("fraction", static_cast<double>(devices.thousandths) / 1000.0);
  }
  write_text(writer, "vendor", devices.vendor);
  write_text(writer, "model", devices.model);
  writer.end_object();
}

void write_role(base::JsonWriter& writer, const model::WorkloadRole& role) {
  write_texts(writer, "command", role.command);
  write_texts(writer, "arguments", role.arguments);
  write_pairs(writer, "environment", role.environment);
  writer.member("replicas", role.replicas);
  writer.member("minimumReplicas", role.minimum_replicas);
  write_devices(writer, role.devices);
  if (role.cpu_milli > 0) writer.member("cpu", fmt::format("{}m", role.cpu_milli));
  if (role.memory_bytes > 0) writer.member("memory", std::to_string(role.memory_bytes));
}

void write_service(base::JsonWriter& writer, const model::ServiceSpec& service) {
  writer.key("service");
  writer.begin_object();
  writer.member("port", service.port);
  writer.member("healthPath", service.health_path);
  write_duration(writer, "startDeadline", service.start_deadline);
  write_duration(writer, "requestDeadline", service.request_deadline);
  writer.member("minimumReplicas", service.minimum_replicas);
  writer.member("maximumReplicas", service.maximum_replicas);
  writer.member("initialReplicas", service.initial_replicas);
  writer.member("metric", scale_metric_name(service.metric));
  writer.member("target", service.target);
  write_duration(writer, "scaleDownDelay", service.scale_down_delay);
  write_duration(writer, "scaleToZeroRetention", service.scale_to_zero_retention);
  writer.end_object();
}

void write_spec(base::JsonWriter& writer, const model::Workload& workload) {
  writer.member("project", workload.project);
  writer.member("kind", workload_kind_name(workload.kind));
  write_text(writer, "priority", workload.priority);
  if (workload.preemptible) writer.member("preemptible", *workload.preemptible);
  write_text(writer, "workingDirectory", workload.working_directory);
  write_text(writer, "image", workload.image);
  write_pairs(writer, "secrets", workload.secrets);
  if (workload.roles.size() == 1 && workload.roles.front().name == "worker") {
    write_role(writer, workload.roles.front());
  } else {
    writer.key("roles");
    writer.begin_array();
    for (const model::WorkloadRole& role : workload.roles) {
      writer.begin_object();
      writer.member("name", role.name);
      write_role(writer, role);
      writer.end_object();
    }
    writer.end_array();
  }
  if (!workload.topology.name.empty()) {
    writer.key("topology");
    writer.begin_object();
    writer.member("name", workload.topology.name);
    write_text(writer, "required", workload.topology.required);
    write_text(writer, "preferred", workload.topology.preferred);
    writer.end_object();
  }
  writer.member("retries", workload.retries);
  write_duration(writer, "retryDelay", workload.retry_delay);
  write_duration(writer, "gracePeriod", workload.grace_period);
  if (workload.time_limit) write_duration(writer, "timeLimit", *workload.time_limit);
  if (workload.idle_device_limit) write_duration(writer, "idleDeviceLimit", *workload.idle_device_limit);
  if (workload.time_to_live) write_duration(writer, "timeToLive", *workload.time_to_live);
  write_texts(writer, "after", workload.after);
  if (!workload.restart_on_preemption) writer.member("restartOnPreemption", false);
  if (!(workload.checkpoint == model::CheckpointSpec{})) {
    writer.key("checkpoint");
    writer.begin_object();
    write_text(writer, "signal", workload.checkpoint.signal);
    write_text(writer, "file", workload.checkpoint.file);
    writer.end_object();
  }
  if (workload.service) write_service(writer, *workload.service);
  if (!workload.ports.empty()) {
    writer.key("ports");
    writer.begin_array();
    for (const std::int32_t port : workload.ports) writer.value(port);
    writer.end_array();
  }
  if (workload.suspended) writer.member("suspended", true);
}

}  // namespace

bool WorkloadReading::failed() const {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& one) { return one.severity == Diagnostic::Severity::kError; });
}

WorkloadReading read_workloads(std::string_view text, std::string_view source) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Taker taker(source);
  base::JsonScanner scanner(text);
  scanner.skip_space();
  if (scanner.peek() == '{') {
    base::JsonReader reader;
    taker.next_document();
    const auto value = reader.read(text.substr(scanner.position()));
    if (value) {
      taker.take(**value);
      return taker.finish();
    }
    // A brace may also begin YAML, which then has the better message.
    if (text.find("\n---") == std::string_view::npos && text.find('"') != std::string_view::npos) {
      taker.unreadable(value.error().message());
      return taker.finish();
    }
  }
  YamlReader reader;
  while (!text.empty()) {
    const std::string_view document = next_yaml_document(text);
    if (is_empty_yaml(document)) continue;
    taker.next_document();
    if (const auto read = reader.read(document, taker); !read) taker.unreadable(read.error().message());
  }
  return taker.finish();
}

base::Result<model::Workload> read_workload(std::string_view json) {
  WorkloadReading reading = read_workloads(json, "");
  for (const Diagnostic& diagnostic : reading.diagnostics)
    if (diagnostic.severity == Diagnostic::Severity::kError)
      return base::invalid_argument(format(diagnostic));
  if (reading.workloads.size() != 1)
    return base::invalid_argument("the text holds no workload; write one object with metadata and spec");
  return std::move(reading.workloads.front());
}

std::string write_workload(const model::Workload& workload, int indent) {
  std::string text;
  base::JsonWriter writer(text, indent);
  writer.begin_object();
  writer.member("apiVersion", "fairlead.dev/v1alpha1");
  writer.member("kind", "Workload");
  writer.key("metadata");
  writer.begin_object();
  writer.member("name", workload.name);
  writer.end_object();
  writer.key("spec");
  writer.begin_object();
  write_spec(writer, workload);
  writer.end_object();
  writer.end_object();
  return text;
}

}  // namespace fairlead::manifest
