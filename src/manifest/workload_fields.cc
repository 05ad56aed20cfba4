#include "manifest/workload_fields.h"

#include "base/json_writer.h"
#include "manifest/workload.h"

#include <array>
#include <string>

namespace fairlead::manifest {
namespace {

constexpr std::string_view kText = R"("type":"string")";
constexpr std::string_view kTexts = R"("type":"array","items":{"type":"string"})";
constexpr std::string_view kTextMap = R"("type":"object","additionalProperties":{"type":"string"})";
constexpr std::string_view kBoolean = R"("type":"boolean")";
constexpr std::string_view kCount = R"("type":"integer","minimum":0,"maximum":10000)";
constexpr std::string_view kQuantity = R"("type":["string","number"])";
constexpr std::string_view kDuration = R"("type":"string")";

constexpr std::array kSpec = {
    WorkloadField{"project", kText,
                  "Project (a leaf queue) that it is charged to; metadata.namespace serves"},
    WorkloadField{
        "kind", R"("enum":["workspace","training","inference"])",
        "What it is for; decides priority and preemptibility where they are not written [training]"},
    WorkloadField{"priority", kText, "very-low, low, medium-low, medium, medium-high, high or very-high"},
    WorkloadField{"preemptible", kBoolean, "Whether it may be stopped for others [by priority: below 100]"},
    WorkloadField{"workingDirectory", kText, "Where it starts [a folder of its own in the state folder]"},
    WorkloadField{"image", kText, "Container image; needs a container runtime on the machine"},
    WorkloadField{"secrets", kTextMap, "Variable and name of the stored secret that it gets the value of"},
    WorkloadField{"topology", R"("$ref":"#/$defs/topology")",
                  "How near to each other its replicas are to be"},
    WorkloadField{"retries", kCount, "Restarts after failures, all replicas together [6]"},
    WorkloadField{"retryDelay", kDuration, "Wait before the first restart, doubled each time to 6m [10s]"},
    WorkloadField{"gracePeriod", kDuration, "Between the request to stop and the kill, at most 5m [30s]"},
    WorkloadField{"timeLimit", kDuration, "Running time in all after which it is stopped"},
    WorkloadField{"idleDeviceLimit", kDuration, "It is stopped when its devices were idle for so long"},
    WorkloadField{"timeToLive", kDuration, "How long it is kept after its end"},
    WorkloadField{"after", kTexts, "Workloads of the project that must have succeeded before it starts"},
    WorkloadField{"restartOnPreemption", kBoolean, "Whether it queues again when it was preempted [true]"},
    WorkloadField{"checkpoint", R"("$ref":"#/$defs/checkpoint")", "How it saves its work"},
    WorkloadField{"service", R"("$ref":"#/$defs/service")",
                  "How an inference workload is reached and scaled"},
    WorkloadField{"ports", R"("type":"array","items":{"type":"integer","minimum":1,"maximum":65535})",
                  "Ports of a workspace that are reached through the proxy"},
    WorkloadField{"suspended", kBoolean, "Whether it waits for being resumed [false]"},
    WorkloadField{"roles", R"("type":"array","items":{"$ref":"#/$defs/role"},"minItems":1)",
                  "Groups of replicas that run different commands; instead of the fields of one role here"},
};
constexpr std::array kRole = {
    WorkloadField{"name", kText, "Name of the role, unique within the workload [worker]"},
    WorkloadField{"command", kTexts, "Program and its first arguments; no shell unless it names one"},
    WorkloadField{"arguments", kTexts, "Appended to the command"},
    WorkloadField{"environment", kTextMap, "Variables"},
    WorkloadField{"replicas", kCount, "How many are wanted [1]"},
    WorkloadField{"minimumReplicas", kCount, "It starts, and goes on, only with so many [replicas]"},
    WorkloadField{"devices", R"("$ref":"#/$defs/devices")", "Accelerators of each replica"},
    WorkloadField{"cpu", kQuantity, "Cores of each replica, such as 4 or 500m"},
    WorkloadField{"memory", kQuantity, "Memory of each replica, such as 16Gi"},
};
constexpr std::array kDevices = {
    WorkloadField{"count", R"("type":"integer","minimum":0,"maximum":1024)", "Devices of each replica [1]"},
    WorkloadField{"fraction", R"("type":"number","exclusiveMinimum":0,"maximum":1)",
                  "Share of each device instead of whole ones"},
    WorkloadField{"memory", kQuantity, "Memory on each device instead of a share, such as 20Gi"},
    WorkloadField{"vendor", kText, "nvidia, amd, intel ...; any when absent"},
    WorkloadField{"model", kText, "Model as `fairlead device list` prints it; any when absent"},
};
constexpr std::array kTopology = {
    WorkloadField{"name", kText, "Name of the topology"},
    WorkloadField{"required", kText, "Node label: all replicas in one domain of it"},
    WorkloadField{"preferred", kText, "Node label that is tried first"},
};
constexpr std::array kCheckpoint = {
    WorkloadField{"signal", kText,
                  "Signal that asks for a checkpoint before a stop, such as SIGUSR1 [SIGTERM]"},
    WorkloadField{"file", kText, "File whose change tells the last checkpoint, in the working directory"},
};
constexpr std::array kService = {
    WorkloadField{"port", R"("type":"integer","minimum":0,"maximum":65535)",
                  "Where a replica listens; 0: on $PORT, which the platform chooses [0]"},
    WorkloadField{"healthPath", kText, "Path that answers 2xx or 3xx when a replica can serve [/]"},
    WorkloadField{"startDeadline", kDuration, "A replica is healthy by then, or it failed [10m]"},
    WorkloadField{"requestDeadline", kDuration, "A request waits so long for a replica, then gets 503 [60s]"},
    WorkloadField{"minimumReplicas", kCount, "Never fewer; 0 lets it sleep [1]"},
    WorkloadField{"maximumReplicas", kCount, "Never more [the minimum, at least 1]"},
    WorkloadField{"initialReplicas", kCount, "At the start [the minimum]"},
    WorkloadField{"metric", R"("enum":["concurrency","requests-per-second","latency-p95"])",
                  "What is held at the target [concurrency]"},
    WorkloadField{"target", R"("type":"number","exclusiveMinimum":0)",
                  "Per replica: requests in flight, requests a second, or milliseconds [1]"},
    WorkloadField{"scaleDownDelay", kDuration,
                  "Fewer are needed for so long before one goes, at most 1h [0s]"},
    WorkloadField{"scaleToZeroRetention", kDuration,
                  "Idle for so long before the last one goes, at most 1h [0s]"},
};

void write_properties(base::JsonWriter& writer, std::span<const WorkloadField> fields) {
  for (const WorkloadField& field : fields) {
    writer.key(field.name);
    std::string text = "{";
    text += field.schema;
    text += R"(,"description":)";
    base::JsonWriter description(text);
    description.value(field.description);
    text += '}';
    writer.raw(text);
  }
}

void write_definition(base::JsonWriter& writer, std::string_view name,
                      std::span<const WorkloadField> fields) {
  writer.key(name);
  writer.begin_object();
  writer.member("type", "object");
  writer.member("additionalProperties", false);
  writer.key("properties");
  writer.begin_object();
  write_properties(writer, fields);
  writer.end_object();
  writer.end_object();
}

}  // namespace

std::span<const WorkloadField> workload_spec_fields() { return kSpec; }
std::span<const WorkloadField> workload_role_fields() { return kRole; }
std::span<const WorkloadField> workload_device_fields() { return kDevices; }
std::span<const WorkloadField> workload_topology_fields() { return kTopology; }
std::span<const WorkloadField> workload_checkpoint_fields() { return kCheckpoint; }
std::span<const WorkloadField> workload_service_fields() { return kService; }

std::string workload_schema() {
  std::string text;
  base::JsonWriter writer(text, 2);
  writer.begin_object();
  writer.member("$schema", "https://json-schema.org/draft/2020-12/schema");
  writer.member("title", "Workload");
  writer.member("type", "object");
  writer.member("additionalProperties", false);
  writer.key("required");
  writer.raw(R"(["metadata","spec"])");
  writer.key("properties");
  writer.begin_object();
  writer.key("apiVersion");
  writer.raw(R"({"const":"fairlead.dev/v1alpha1"})");
  writer.key("kind");
  writer.raw(R"({"const":"Workload"})");
  writer.key("metadata");
  writer.raw(
      R"({"type":"object","required":["name"],"properties":{"name":{"type":"string","pattern":"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},"namespace":{"type":"string"}}})");
  writer.key("spec");
  writer.begin_object();
  writer.member("type", "object");
  writer.member("additionalProperties", false);
  writer.key("properties");
  writer.begin_object();
  write_properties(writer, kSpec);
  write_properties(writer, std::span(kRole).subspan(1));  // a role's name is not a field of the spec
  writer.end_object();
  writer.end_object();
  writer.end_object();
  writer.key("$defs");
  writer.begin_object();
  write_definition(writer, "role", kRole);
  write_definition(writer, "devices", kDevices);
  write_definition(writer, "topology", kTopology);
  write_definition(writer, "checkpoint", kCheckpoint);
  write_definition(writer, "service", kService);
  writer.end_object();
  writer.end_object();
  text += '\n';
  return text;
}

}  // namespace fairlead::manifest
