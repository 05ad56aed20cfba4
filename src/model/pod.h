#pragma once

#include "base/time.h"
#include "model/labels.h"
#include "model/node.h"
#include "model/resources.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::model {

struct Toleration {
  std::string key;  ///< empty with exists: every taint
  bool exists = false;
  std::string value;
  std::optional<Taint::Effect> effect;  ///< none: every effect

  friend auto operator<=>(const Toleration&, const Toleration&) = default;
};
bool tolerates(const Toleration& toleration, const Taint& taint);

/// A node affinity preference.
struct PreferredTerm {
  std::int32_t weight = 0;  ///< [1, 100]
  NodeSelectorTerm term;

  friend auto operator<=>(const PreferredTerm&, const PreferredTerm&) = default;
};

/// Pods near (or away from) which a pod wants to be, within one domain of a node label.
struct PodAffinityTerm {
  std::optional<LabelSelector> selector;
  std::vector<std::string>
      namespaces;  ///< sorted; the pod's own is already written in where the object named none
  std::optional<LabelSelector> namespace_selector;
  std::string topology_key;
  std::int32_t weight = 0;  ///< [1, 100] for preferences, 0 for requirements

  friend auto operator<=>(const PodAffinityTerm&, const PodAffinityTerm&) = default;
};

/// Source: Kubernetes TopologySpreadConstraint.
struct SpreadConstraint {
  std::int32_t max_skew = 1;
  std::int32_t min_domains = 1;
  std::string topology_key;
  bool required = true;  ///< whenUnsatisfiable: DoNotSchedule
  std::optional<LabelSelector> selector;
  bool honor_node_affinity = true;  ///< nodeAffinityPolicy: Honor
  bool honor_node_taints = false;   ///< nodeTaintsPolicy: Honor

  friend auto operator<=>(const SpreadConstraint&, const SpreadConstraint&) = default;
};

struct HostPort {
  std::string ip;  ///< empty is every address, as 0.0.0.0
  std::string protocol;
  std::int32_t port = 0;

  friend auto operator<=>(const HostPort&, const HostPort&) = default;
};

/// Where a pod may run, apart from resources. Equal values share one scheduling class.
struct Constraints {
  Labels node_selector;
  std::vector<NodeSelectorTerm> required_nodes;  ///< alternatives; empty: no requirement
  bool has_required_nodes = false;               ///< an affinity without terms matches no node
  std::vector<PreferredTerm> preferred_nodes;
  std::vector<Toleration> tolerations;
  std::vector<PodAffinityTerm> required_affinity;
  std::vector<PodAffinityTerm> required_anti_affinity;
  std::vector<PodAffinityTerm> preferred_affinity;
  std::vector<PodAffinityTerm> preferred_anti_affinity;
  std::vector<SpreadConstraint> spread;
  std::vector<HostPort> host_ports;
  std::vector<std::string> volume_claims;  ///< names in the pod's namespace, sorted

  friend std::strong_ordering operator<=>(const Constraints&, const Constraints&) = default;
};

/// A pod as the world reports it.
struct Pod {
  /// What the world has recorded. The engine adds its own assumed states in between (docs/architecture.md).
  enum class Phase : std::uint8_t {
    kPending,
    kBinding,  ///< an order to bind to `node` is recorded and not yet carried out
    kBound,    ///< on `node`, not yet running
    kRunning,
    kSucceeded,
    kFailed,
  };
  std::string uid;  ///< the pod's identity; "namespace/name" where an input has no UID
  std::string namespace_name;
  std::string name;
  base::Time created;
  Labels labels;
  Phase phase = Phase::kPending;
  std::string node;            ///< set from kBinding on
  std::string nominated_node;  ///< capacity that an earlier round set aside; a pending pod only
  bool releasing = false;      ///< being deleted
  std::optional<base::Time> release_deadline;  ///< deletion time plus grace period, when known
  bool gated = false;
  bool served = true;        ///< false: another scheduler's pod, which only uses capacity
  bool reservation = false;  ///< holds a device for the shares on it; it is not charged a second time
  std::string group;         ///< "namespace/name" of its pod group; empty for pods that are not served
  std::string sub_group;
  std::int64_t task_priority = 0;  ///< within the group, higher first
  bool leader = false;             ///< a kubeflow master or ray head: first within the group
  Resources requests;
  DeviceRequest devices;
  std::vector<std::string> device_groups;  ///< shared devices it was given
  std::vector<std::string> claims;         ///< keys of its resource claims, in the order of its spec
  Constraints constraints;
  /// Partitions asked for by annotation, as old MIG pods do: such a pod is never placed
  /// (docs/kai-differences.md), and counts while it runs.
  bool legacy_partition_request = false;
  /// Things it refers to and which are known to be missing ("config map a/b"); it waits for them.
  std::vector<std::string> missing_references;
  std::optional<base::Time> last_checkpoint;
  std::optional<base::Time> started;

  std::string display_name() const { return namespace_name + "/" + name; }
};

}  // namespace fairlead::model
