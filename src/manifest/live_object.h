#pragma once

#include "base/json_value.h"
#include "manifest/accelerators.h"
#include "manifest/decoding.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::manifest {

/// The kinds of object that a live cluster is followed by.
enum class LiveKind : std::uint8_t {
  kNamespace,
  kPriorityClass,
  kNode,
  kStorageClass,
  kVolume,
  kVolumeClaim,
  kDisruptionBudget,
  kTopology,
  kQueue,
  kPodGroup,
  kBindRequest,
  kShard,
  kOwner,  ///< any object that owns pods, by its metadata only
  kPod,
};
inline constexpr std::size_t kLiveKinds = 14;

/// Where the API serves a kind of object.
struct ApiResource {
  std::string group;    ///< "scheduling.run.ai"; empty for the core group
  std::string version;  ///< "v2"
  std::string plural;   ///< "queues"
  std::string kind;     ///< "Queue"
  bool namespaced = false;

  /// "/api/v1/pods", "/apis/scheduling.run.ai/v2/queues": all of them, in all namespaces.
  std::string path() const;
  /// "/api/v1/namespaces/NAMESPACE/pods/NAME"; the namespace counts for namespaced ones only.
  std::string path(std::string_view namespace_name, std::string_view name) const;
  friend bool operator==(const ApiResource&, const ApiResource&) = default;
};
/// The resource of a kind; not for kOwner, which stands for many.
const ApiResource& resource_of(LiveKind kind);
/// Whether a cluster may do without it: a custom resource that was not installed is as if there were none.
bool is_optional(LiveKind kind);

/// A pod and what is needed to group, bind and report it.
struct LivePod {
  model::Pod pod;
  PodLinks links;
  std::string refusal;            ///< what it asks for and is not there yet; it is not scheduled
  std::string scheduled_reason;   ///< of its condition PodScheduled
  std::string scheduled_message;  ///< of the same
};

struct LiveNamespace {
  std::string name;
  model::Labels labels;
};

/// A PodGroup and what its status says now.
struct LivePodGroup {
  model::PodGroup group;
  std::string status;  ///< see group_status_key
};

/// One object as the API server sent it, decoded.
struct LiveObject {
  using Value = std::variant<std::monostate, LiveNamespace, model::PriorityClass, model::Node, StorageClass,
                             PersistentVolume, Claim, model::DisruptionBudget, model::Topology, model::Queue,
                             LivePodGroup, BindRequest, model::Configuration, Owner, LivePod>;
  LiveKind kind = LiveKind::kPod;
  std::string key;  ///< "namespace/name", or the name of what has no namespace
  std::string uid;
  std::string resource_version;
  Value value;  ///< monostate: it cannot be used; the diagnostics say why
  std::vector<Diagnostic> diagnostics;
};

/// Compares two resource versions of one kind: below 0 when `a` is older, 0 when they are equal or cannot be
/// compared, above 0 when it is newer.
int compare_versions(std::string_view a, std::string_view b);

/// Decodes objects one by one. Thread: one; each thread has its own.
class LiveDecoder {
 public:
  explicit LiveDecoder(ReadOptions options);

  /// `resource` is where the object comes from, which tells its kind; items of lists do not say it.
  LiveObject decode(LiveKind kind, const ApiResource& resource, const base::JsonValue& object) const;

 private:
  LiveObject::Value decode_value(LiveKind kind, const ApiResource& resource, Fields& fields) const;
  ReadOptions options_;
  Accelerators accelerators_;
};

}  // namespace fairlead::manifest
