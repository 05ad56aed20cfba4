#include "manifest/api_writes.h"

#include "base/json_fields.h"
#include "base/json_writer.h"

#include <fmt/format.h>

namespace fairlead::manifest {
namespace {

/// Instants of a Lease have six digits behind the point, whatever they are.
std::string micro_time(base::Time time) {
  const std::string seconds =
      base::format_time(base::Time::from_unix_seconds(time.unix_nanoseconds() / 1'000'000'000));
  return fmt::format("{}.{:06}Z", seconds.substr(0, seconds.size() - 1),
                     time.unix_nanoseconds() % 1'000'000'000 / 1000);
}

std::string second_time(base::Time time) {
  return base::format_time(base::Time::from_unix_seconds(time.unix_nanoseconds() / 1'000'000'000));
}

/// The API refuses longer messages of events, and nobody reads longer ones of conditions.
std::string bounded(std::string_view message) {
  constexpr std::size_t kLongest = 1000;
  if (message.size() <= kLongest) return std::string(message);
  std::size_t end = kLongest - 3;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0U) == 0x80U) --end;
  return std::string(message.substr(0, end)) + "...";
}

void begin(base::JsonWriter& out, std::string_view api_version, std::string_view kind) {
  out.begin_object();
  out.member("apiVersion", api_version);
  out.member("kind", kind);
}

/// What names an object in a body; a part that is empty is left out.
struct Named {
  std::string_view name = {};
  std::string_view namespace_name = {};
  std::string_view uid = {};
  std::string_view resource_version = {};
};

/// Begins `metadata`; whoever calls it ends the object.
void begin_metadata(base::JsonWriter& out, const Named& named) {
  out.key("metadata");
  out.begin_object();
  if (!named.name.empty()) out.member("name", named.name);
  if (!named.namespace_name.empty()) out.member("namespace", named.namespace_name);
  if (!named.uid.empty()) out.member("uid", named.uid);
  if (!named.resource_version.empty()) out.member("resourceVersion", named.resource_version);
}

void write_metadata(base::JsonWriter& out, const Named& named) {
  begin_metadata(out, named);
  out.end_object();
}

}  // namespace

std::string binding_json(const PodIdentity& pod, std::string_view node,
                         const std::vector<std::pair<std::string, std::string>>& annotations) {
  std::string text;
  base::JsonWriter out(text);
  begin(out, "v1", "Binding");
  begin_metadata(out, {pod.name, pod.namespace_name, pod.uid, pod.resource_version});
  if (!annotations.empty()) base::write_pairs(out, "annotations", annotations);
  out.end_object();
  out.key("target");
  out.begin_object();
  out.member("apiVersion", "v1");
  out.member("kind", "Node");
  out.member("name", node);
  out.end_object();
  out.end_object();
  return text;
}

std::string eviction_json(const PodIdentity& pod) {
  std::string text;
  base::JsonWriter out(text);
  begin(out, "policy/v1", "Eviction");
  write_metadata(out, {.name = pod.name, .namespace_name = pod.namespace_name});
  out.key("deleteOptions");
  out.begin_object();
  out.key("preconditions");
  out.begin_object();
  out.member("uid", pod.uid);
  out.end_object();
  out.end_object();
  out.end_object();
  return text;
}

std::string pod_status_patch(const PodIdentity& pod, std::string_view type, bool status,
                             std::string_view reason, std::string_view message, base::Time now,
                             const std::optional<std::string>& nominated_node) {
  std::string text;
  base::JsonWriter out(text);
  out.begin_object();
  write_metadata(out, {.uid = pod.uid});
  out.key("status");
  out.begin_object();
  if (nominated_node) out.member("nominatedNodeName", *nominated_node);
  out.key("conditions");
  out.begin_array();
  out.begin_object();
  out.member("type", type);
  out.member("status", status ? "True" : "False");
  out.member("reason", reason);
  out.member("message", bounded(message));
  out.member("lastTransitionTime", second_time(now));
  out.end_object();
  out.end_array();
  out.end_object();
  out.end_object();
  return text;
}

std::string nomination_patch(const PodIdentity& pod, std::string_view node) {
  std::string text;
  base::JsonWriter out(text);
  out.begin_object();
  write_metadata(out, {.uid = pod.uid});
  out.key("status");
  out.begin_object();
  out.member("nominatedNodeName", node);
  out.end_object();
  out.end_object();
  return text;
}

std::string event_json(const ApiEvent& event, std::string_view component, std::string_view event_name,
                       base::Time now) {
  std::string text;
  base::JsonWriter out(text);
  begin(out, "v1", "Event");
  write_metadata(out, {.name = event_name, .namespace_name = event.namespace_name});
  out.key("involvedObject");
  out.begin_object();
  out.member("apiVersion", event.api_version);
  out.member("kind", event.kind);
  out.member("namespace", event.namespace_name);
  out.member("name", event.name);
  out.member("uid", event.uid);
  out.end_object();
  out.member("reason", event.reason);
  out.member("message", bounded(event.message));
  out.member("type", event.warning ? "Warning" : "Normal");
  out.member("count", 1);
  out.member("firstTimestamp", second_time(now));
  out.member("lastTimestamp", second_time(now));
  out.key("source");
  out.begin_object();
  out.member("component", component);
  out.end_object();
  out.member("reportingComponent", component);
  out.member("reportingInstance", component);
  out.end_object();
  return text;
}

std::string_view group_reason(model::ReasonCode code) {
  using model::ReasonCode;
  switch (code) {
    case ReasonCode::kOverLimit:
      return "OverLimit";
    case ReasonCode::kNonPreemptibleOverQuota:
      return "NonPreemptibleOverQuota";
    case ReasonCode::kQueueDoesNotExist:
      return "QueueDoesNotExist";
    case ReasonCode::kPreemptionDelay:
      return "PreemptionDelayNotElapsed";
    case ReasonCode::kNotEnoughPods:
      return "NotEnoughPods";
    case ReasonCode::kMissingReference:
      return "MissingReference";
    case ReasonCode::kQueueIsNotALeaf:
      return "QueueIsNotALeaf";
    case ReasonCode::kOverFairShare:
      return "OverFairShare";
    case ReasonCode::kGangDoesNotFit:
      return "GangDoesNotFit";
    case ReasonCode::kTopology:
      return "TopologyDoesNotFit";
    case ReasonCode::kUnknownTopology:
      return "TopologyDoesNotExist";
    case ReasonCode::kClaim:
      return "Claim";
    case ReasonCode::kWaitingForRelease:
      return "WaitingForRelease";
    case ReasonCode::kBindFailing:
      return "BindFailing";
    case ReasonCode::kQueueDiscipline:
      return "QueueDiscipline";
    case ReasonCode::kSearchLimit:
      return "SearchLimit";
    case ReasonCode::kNodesDoNotFit:
      break;
  }
  return "Unschedulable";
}

std::string group_status_key(const GroupStatus& status) {
  return status.reason.empty() ? std::string()
                               : fmt::format("{}: {}", status.reason, bounded(status.message));
}

std::string group_status_patch(const GroupStatus& status, base::Time now, std::uint64_t transition) {
  const bool waits = !status.reason.empty();
  const std::string pool = status.pool.empty() ? "default" : status.pool;
  std::string text;
  base::JsonWriter out(text);
  out.begin_object();
  out.key("status");
  out.begin_object();
  out.key("schedulingConditions");
  out.begin_array();
  if (waits) {
    out.begin_object();
    out.member("type", "UnschedulableOnNodePool");
    out.member("nodePool", pool);
    out.member("reason", status.reason);
    out.member("message", bounded(status.message));
    out.key("reasons");
    out.begin_array();
    out.begin_object();
    out.member("reason", status.reason);
    out.member("message", bounded(status.message));
    out.end_object();
    out.end_array();
    out.member("transitionID", std::to_string(transition));
    out.member("lastTransitionTime", second_time(now));
    out.member("status", "True");
    out.end_object();
  }
  out.end_array();
  out.end_object();
  out.end_object();
  return text;
}

std::string lease_json(const Lease& lease) {
  std::string text;
  base::JsonWriter out(text);
  begin(out, "coordination.k8s.io/v1", "Lease");
  write_metadata(out, {.name = lease.name,
                       .namespace_name = lease.namespace_name,
                       .resource_version = lease.resource_version});
  out.key("spec");
  out.begin_object();
  out.member("holderIdentity", lease.holder);
  out.member("leaseDurationSeconds", lease.duration_seconds);
  out.member("leaseTransitions", lease.transitions);
  if (lease.acquired) out.member("acquireTime", micro_time(*lease.acquired));
  if (lease.renewed) out.member("renewTime", micro_time(*lease.renewed));
  out.end_object();
  out.end_object();
  return text;
}

Lease decode_lease(const base::JsonValue& object) {
  Lease lease;
  if (const base::JsonValue* metadata = object.find("metadata")) {
    lease.name = base::text_field(*metadata, "name");
    lease.namespace_name = base::text_field(*metadata, "namespace");
    lease.resource_version = base::text_field(*metadata, "resourceVersion");
  }
  if (const base::JsonValue* spec = object.find("spec")) {
    lease.holder = base::text_field(*spec, "holderIdentity");
    lease.duration_seconds = base::integer_field(*spec, "leaseDurationSeconds").value_or(0);
    lease.transitions = base::integer_field(*spec, "leaseTransitions").value_or(0);
    const auto time = [&](std::string_view name) -> std::optional<base::Time> {
      const auto parsed = base::parse_time(base::text_field(*spec, name));
      if (!parsed) return std::nullopt;
      return *parsed;
    };
    lease.acquired = time("acquireTime");
    lease.renewed = time("renewTime");
  }
  return lease;
}

}  // namespace fairlead::manifest
