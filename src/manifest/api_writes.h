#pragma once

#include "base/json_value.h"
#include "base/time.h"
#include "manifest/live_object.h"
#include "model/decision.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::manifest {

/// Which pod is meant, and in which state it was seen: a write that finds another one fails.
struct PodIdentity {
  std::string namespace_name;
  std::string name;
  std::string uid;
  std::string resource_version;
};

/// The order to put a pod on a node, for its subresource `binding`.
std::string binding_json(const PodIdentity& pod, std::string_view node,
                         const std::vector<std::pair<std::string, std::string>>& annotations);
/// The order to evict a pod, for its subresource `eviction`.
std::string eviction_json(const PodIdentity& pod);
/// A strategic merge patch of a pod's status: its condition `type`, and the node that is set aside for it
/// when there is one (an empty name takes it back; none leaves it).
std::string pod_status_patch(const PodIdentity& pod, std::string_view type, bool status,
                             std::string_view reason, std::string_view message, base::Time now,
                             const std::optional<std::string>& nominated_node);
/// The same with the nominated node alone.
std::string nomination_patch(const PodIdentity& pod, std::string_view node);

/// Something that happened to an object, as `kubectl describe` lists it.
struct ApiEvent {
  std::string kind;         ///< "Pod"
  std::string api_version;  ///< "v1"
  std::string namespace_name;
  std::string name;
  std::string uid;
  bool warning = false;
  std::string reason;   ///< "Scheduled"
  std::string message;  ///< shortened to what the API takes
};
std::string event_json(const ApiEvent& event, std::string_view component, std::string_view event_name,
                       base::Time now);

/// What a PodGroup's status says of why it waits, in the words of KAI: "REASON: MESSAGE", empty when it does
/// not wait.
struct GroupStatus {
  std::string reason;   ///< OverLimit, NonPreemptibleOverQuota, QueueDoesNotExist, Unschedulable ...
  std::string message;  ///< for people
  std::string pool;
};
std::string group_status_key(const GroupStatus& status);
/// A merge patch of a PodGroup's status.
std::string group_status_patch(const GroupStatus& status, base::Time now, std::uint64_t transition);
/// KAI's word for a reason, or the engine's own where it has none.
std::string_view group_reason(model::ReasonCode code);

/// A Lease: who leads, and until when.
struct Lease {
  std::string name;
  std::string namespace_name;
  std::string resource_version;  ///< empty: it does not exist yet
  std::string holder;            ///< empty: released
  std::int64_t duration_seconds = 4;
  std::int64_t transitions = 0;
  std::optional<base::Time> acquired;
  std::optional<base::Time> renewed;
};
std::string lease_json(const Lease& lease);
Lease decode_lease(const base::JsonValue& object);

}  // namespace fairlead::manifest
