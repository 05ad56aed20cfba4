#include "server/schemas.h"

#include "base/json_writer.h"
#include "manifest/workload.h"

#include <string_view>

namespace fairlead::server {
namespace {

struct Member {
  std::string_view name;
  /// "string", "integer", "number", "boolean", "time", "duration", or the name of a schema; with "[]" a list
  /// of it, with "{}" a map to it, with "|null" possibly null.
  std::string_view type;
  std::string_view description;
  bool required = true;
};

constexpr bool kOptional = false;

struct Object {
  std::string_view name;
  std::vector<Member> members;
  bool more = false;  ///< whether other members may stand in it
};

const std::vector<Object>& objects() {
  static const std::vector<Object> table = {
      {"Problem",
       {{"type", "string", "A URN for the kind of problem"},
        {"title", "string", "The kind for people"},
        {"status", "integer", "The HTTP status"},
        {"detail", "string", "What is wrong here"},
        {"field", "string", "The member or parameter that is wrong", kOptional},
        {"value", "string", "What was given", kOptional},
        {"remedy", "string", "What to do", kOptional}}},
      {"Replica",
       {{"uid", "string", "Of this attempt"},
        {"role", "string", "Role in the workload"},
        {"index", "integer", "Index in the role"},
        {"attempt", "integer", "How often it was tried before"},
        {"state", "string", "Pending, Binding, Running, Releasing, Succeeded or Failed"},
        {"node", "string", "Where it is or was", kOptional},
        {"devices", "string[]", "Identities of its devices"},
        {"devicesHeld", "number", "Devices that it holds"},
        {"started", "time", "", kOptional},
        {"ended", "time", "", kOptional},
        {"exitCode", "integer", "", kOptional},
        {"exitSignal", "integer", "", kOptional},
        {"message", "string", "Why it does not run", kOptional},
        {"pid", "integer", "Process that leads it", kOptional}}},
      {"WorkloadStatus",
       {{"uid", "string", "Never given to another workload"},
        {"version", "integer", "The ETag"},
        {"state", "string", "pending, starting, running, stopping, back-off, suspended, succeeded or failed"},
        {"reason", "string", "Why, for people; empty when there is nothing to say"},
        {"submittedBy", "string", "User"},
        {"submitted", "time", ""},
        {"firstStarted", "time", "", kOptional},
        {"ended", "time", "", kOptional},
        {"lastCheckpoint", "time", "", kOptional},
        {"failures", "integer", "Restarts after failures"},
        {"preemptions", "integer", "How often devices were taken back"},
        {"priority", "integer", "By name or by kind"},
        {"preemptible", "boolean", "Whether it may use more than the quota, and be stopped for others"},
        {"devicesHeld", "number", "Devices, all replicas together"},
        {"replicasRunning", "integer", ""},
        {"replicasWanted", "integer", ""},
        {"address", "string", "Of a service, on this server", kOptional},
        {"simulated", "boolean", "Whether devices are simulated"},
        {"replicas", "Replica[]", "Present attempts first"}}},
      {"WorkloadView",
       {{"apiVersion", "string", "fairlead.dev/v1alpha1"},
        {"kind", "string", "Workload"},
        {"metadata", "object", "The name"},
        {"spec", "object", "As in Workload"},
        {"status", "WorkloadStatus", "What became of it"}}},
      {"WorkloadList",
       {{"items", "WorkloadView[]", ""},
        {"next", "string", "Token of the next page", kOptional},
        {"version", "integer", "Of the view that this shows"}}},
      {"Scale", {{"replicas", "integer", "Wanted"}}},
      {"Secret", {{"value", "string", "Given to processes, never told again"}}},
      {"Forecast",
       {{"starts", "boolean", "Whether it would start at once"},
        {"node", "string", "Where the first replica would run"},
        {"evicted", "string[]", "Workloads that would be stopped, and why"},
        {"shrunk", "string[]", "Workloads that would go on with fewer replicas, and why"},
        {"started", "string[]", "Other workloads that would start"},
        {"reason", "string", "Why it would wait"},
        {"remedies", "string[]", "Changes that would start it, each tried out"}}},
      {"QueueResource",
       {{"quota", "amount", "Guaranteed, or \"unlimited\"", kOptional},
        {"limit", "amount", "Never more, or \"unlimited\"", kOptional},
        {"overQuotaWeight", "number", "Share of what is left over, relative to siblings", kOptional}}},
      {"QueueAmounts",
       {{"allocated", "number", ""},
        {"requested", "number", "Allocated and waited for"},
        {"nonPreemptible", "number", "Of the allocated"},
        {"fairShare", "number", "What it is entitled to now"}}},
      {"QueueStatus",
       {{"version", "integer", "The ETag"},
        {"leaf", "boolean", "Whether workloads may be submitted to it"},
        {"created", "time", ""}},
       true},
      {"Queue",
       {{"name", "string", "Lower-case letters, digits and dashes", kOptional},
        {"displayName", "string", "For people", kOptional},
        {"parent", "string", "The queue above; empty: none", kOptional},
        {"priority", "integer", "Served first among siblings when higher [100]", kOptional},
        {"resources", "QueueResource{}", "gpu (devices), cpu (cores), memory (bytes), gpu/MODEL", kOptional},
        {"preemptMinRuntime", "duration", "", kOptional},
        {"reclaimMinRuntime", "duration", "", kOptional},
        {"fairBetweenUsers", "boolean", "", kOptional}}},
      {"QueueView",
       {{"name", "string", ""},
        {"displayName", "string", ""},
        {"parent", "string", "Empty: a root"},
        {"priority", "integer", ""},
        {"resources", "QueueResource{}", "gpu (devices), cpu (cores), memory (bytes), gpu/MODEL"},
        {"preemptMinRuntime", "duration", "", kOptional},
        {"reclaimMinRuntime", "duration", "", kOptional},
        {"fairBetweenUsers", "boolean", ""},
        {"status", "QueueStatus", "What it has now: QueueAmounts by resource"}}},
      {"QueueList", {{"items", "QueueView[]", ""}}},
      {"Node",
       {{"name", "string", ""},
        {"ready", "boolean", ""},
        {"cpu", "number", "Cores"},
        {"memory", "integer", "Bytes"},
        {"cpuAllocated", "number", "Cores"},
        {"memoryAllocated", "integer", "Bytes"},
        {"isolation", "string", "How replicas are kept apart"},
        {"notEnforced", "string[]", "Limits that this machine cannot enforce"},
        {"devices", "string[]", "Identities"},
        {"devicesAllocated", "number", ""},
        {"simulated", "boolean", "Whether its devices are simulated"}}},
      {"NodeList", {{"items", "Node[]", ""}}},
      {"Device",
       {{"identity", "string", "The vendor's"},
        {"node", "string", ""},
        {"slot", "integer", "Index on its node"},
        {"vendor", "string", ""},
        {"model", "string", ""},
        {"memoryMiB", "integer", ""},
        {"healthy", "boolean", ""},
        {"simulated", "boolean", ""},
        {"message", "string", "Why it is not healthy", kOptional},
        {"allocated", "number", "Share given to workloads, 0 to 1"},
        {"workloads", "string[]", "Those on it that you may see"},
        {"otherWorkloads", "integer", "How many others are on it"},
        {"utilisation", "number|null", "0 to 1; null: not measured"},
        {"memoryUsedMiB", "integer|null", ""},
        {"powerWatts", "number|null", ""},
        {"temperatureCelsius", "number|null", ""}}},
      {"DeviceList", {{"items", "Device[]", ""}}},
      {"Event",
       {{"position", "integer", "Ascending, without gaps"},
        {"time", "time", ""},
        {"kind", "string", "workload-submitted, replica-started ..."},
        {"subject", "string", "workload research/llama"},
        {"actor", "string", "User; empty: the platform"},
        {"details", "object", ""}}},
      {"EventList", {{"items", "Event[]", ""}, {"next", "string", "Token of the next page", kOptional}}},
      {"EventPage", {{"items", "Event[]", ""}, {"position", "integer", "Where the next page begins: after"}}},
      {"SeriesPoint",
       {{"time", "time", ""},
        {"capacity", "number|null", "Devices that are healthy; of the fleet only"},
        {"allocated", "number", "Devices"},
        {"requested", "number", "Devices, allocated and waited for"},
        {"fairShare", "number|null", "Devices; of queues only"},
        {"used", "number|null", "Devices' worth in use; null: nothing measures it"},
        {"memoryUsedMiB", "integer|null", "On the devices; of workloads only, as what follows"},
        {"replicas", "integer|null", "Running"},
        {"replicasWanted", "integer|null", ""},
        {"requestsInFlight", "integer|null", "Of a service, as what follows"},
        {"requestsHeld", "integer|null", "That wait for a replica"},
        {"requestsPerSecond", "number|null", ""},
        {"latencyP95Milliseconds", "number|null", "To the first byte; null: nothing was answered"}}},
      {"SeriesList", {{"items", "SeriesPoint[]", "Oldest first"}}},
      {"UsageRow",
       {{"name", "string", "Of the department, project, user or workload"},
        {"deviceModel", "string", ""},
        {"allocatedHours", "number", "Device-hours held"},
        {"usedHours", "number|null", "In use; null: not measured"},
        {"idleHours", "number|null", ""},
        {"overQuotaHours", "number", ""},
        {"lostHours", "number", "Thrown away by evictions"}}},
      {"Usage",
       {{"by", "string", ""},
        {"since", "time", ""},
        {"until", "time", ""},
        {"simulated", "boolean", ""},
        {"items", "UsageRow[]", ""}}},
      {"AuditEntry",
       {{"id", "string", ""},
        {"time", "time", ""},
        {"actor", "string", ""},
        {"peer", "string", "Address"},
        {"action", "string", ""},
        {"subject", "string", ""},
        {"allowed", "boolean", ""}}},
      {"AuditList", {{"items", "AuditEntry[]", ""}, {"next", "string", "Token of the next page", kOptional}}},
      {"RoleInQueue",
       {{"role", "string", "viewer, researcher, department-administrator or administrator"},
        {"queue", "string", "Empty: the whole tree"}}},
      {"SignIn",
       {{"user", "string", "", kOptional},
        {"password", "string", "", kOptional},
        {"code", "string", "One-time code, instead of the others", kOptional}}},
      {"Session",
       {{"user", "string", ""},
        {"account", "integer", "Unix uid that work runs as", kOptional},
        {"token", "string", "Told once, when it is made", kOptional},
        {"roles", "RoleInQueue[]", ""}}},
      {"PasswordChange", {{"current", "string", "", kOptional}, {"new", "string", "At least 10 characters"}}},
      {"Token",
       {{"id", "string", ""},
        {"user", "string", ""},
        {"name", "string", "What it is for"},
        {"use", "string", "session, api or once"},
        {"created", "time", ""},
        {"expires", "time", "", kOptional}}},
      {"TokenList", {{"items", "Token[]", ""}}},
      {"NewToken", {{"name", "string", "What it is for"}, {"lifetime", "duration", "[for ever]", kOptional}}},
      {"TokenText", {{"token", "string", "Told this once"}}},
      {"User",
       {{"name", "string", ""},
        {"account", "integer", "Unix uid that work runs as", kOptional},
        {"disabled", "boolean", ""},
        {"hasPassword", "boolean", ""},
        {"created", "time", ""},
        {"roles", "RoleInQueue[]", ""}}},
      {"UserList", {{"items", "User[]", ""}}},
      {"UserChange",
       {{"password", "string", "At least 10 characters", kOptional},
        {"account", "integer|null", "Unix uid; null: none", kOptional},
        {"disabled", "boolean", "", kOptional}}},
      {"Code", {{"code", "string", "Signs in once, within a day"}}},
      {"NewAccessRule",
       {{"user", "string", ""},
        {"role", "string", "viewer, researcher, department-administrator or administrator"},
        {"queue", "string", "Empty: the whole tree", kOptional}}},
      {"AccessRule",
       {{"id", "string", ""},
        {"user", "string", ""},
        {"role", "string", ""},
        {"queue", "string", "Empty: the whole tree"},
        {"created", "time", ""},
        {"createdBy", "string", ""}}},
      {"AccessRuleList", {{"items", "AccessRule[]", ""}}},
      {"OpenApi",
       {{"openapi", "string", "Version of that format"},
        {"info", "object", ""},
        {"paths", "object", "Operations by path and method"},
        {"components", "object", "Schemas of bodies and answers"}},
       true},
      {"Health",
       {{"status", "string", "ok"},
        {"simulated", "boolean", "Whether devices are simulated"},
        {"view", "integer", "Version of what is shown"}}},
      {"Version", {{"version", "string", ""}, {"engineRevision", "integer", "Equal revisions decide alike"}}},
      {"Ledger",
       {{"path", "string", "The database"},
        {"position", "integer", "Of the newest event"},
        {"engineRevision", "integer", ""}}},
  };
  return table;
}

void write_type(base::JsonWriter& json, std::string_view type) {
  if (type.ends_with("[]")) {
    json.member("type", "array");
    json.key("items");
    json.begin_object();
    write_type(json, type.substr(0, type.size() - 2));
    json.end_object();
  } else if (type.ends_with("{}")) {
    json.member("type", "object");
    json.key("additionalProperties");
    json.begin_object();
    write_type(json, type.substr(0, type.size() - 2));
    json.end_object();
  } else if (type.ends_with("|null")) {
    json.key("type");
    json.begin_array();
    json.value(type.substr(0, type.size() - 5));
    json.value("null");
    json.end_array();
  } else if (type == "time") {
    json.member("type", "string");
    json.member("format", "date-time");
  } else if (type == "duration") {
    json.member("type", "string");
    json.member("pattern", "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h)");
  } else if (type == "amount") {
    json.key("type");
    json.begin_array();
    json.value("number");
    json.value("string");
    json.end_array();
  } else if (type.front() >= 'A' && type.front() <= 'Z') {
    json.member("$ref", "#/components/schemas/" + std::string(type));
  } else {
    json.member("type", type);
  }
}

std::string schema_of(const Object& object) {
  std::string text;
  base::JsonWriter json(text);
  json.begin_object();
  json.member("type", "object");
  json.key("required");
  json.begin_array();
  for (const Member& member : object.members) {
    if (member.required) json.value(member.name);
  }
  json.end_array();
  json.key("properties");
  json.begin_object();
  for (const Member& member : object.members) {
    json.key(member.name);
    json.begin_object();
    write_type(json, member.type);
    if (!member.description.empty()) json.member("description", member.description);
    json.end_object();
  }
  json.end_object();
  if (!object.more) json.member("additionalProperties", false);
  json.end_object();
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> schemas() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Object& object : objects()) all.emplace_back(object.name, schema_of(object));
  // There a reference begins at the schema itself, here at the document that it stands in.
  std::string workload = manifest::workload_schema();
  constexpr std::string_view kFrom = "\"#/$defs/";
  constexpr std::string_view kTo = "\"#/components/schemas/Workload/$defs/";
  for (std::size_t at = workload.find(kFrom); at != std::string::npos;
       at = workload.find(kFrom, at + kTo.size())) {
    workload.replace(at, kFrom.size(), kTo);
  }
  all.emplace_back("Workload", std::move(workload));
  return all;
}

}  // namespace fairlead::server
