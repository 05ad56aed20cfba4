#pragma once

#include "manifest/accelerators.h"
#include "manifest/fields.h"
#include "manifest/objects.h"
#include "model/event.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::manifest {

/// From Kubernetes' metadata.
struct Identity {
  std::string namespace_name;  ///< "default" for a namespaced object that names none
  std::string name;
  std::string uid;
  base::Time created;

  std::string key() const { return namespace_name + "/" + name; }
};

struct OwnerReference {
  std::string kind;
  std::string group;  ///< API group without the version; empty for the core one
  std::string name;
  std::string uid;

  bool empty() const { return name.empty(); }
  friend bool operator==(const OwnerReference&, const OwnerReference&) = default;
};

/// Settings that a pod, or an owner of pods, carries for the group that is made for them.
struct GroupHints {
  std::string queue;
  std::string project;  ///< label `project`, the fallback for the queue
  std::string priority_class;
  std::string preemptibility;
  std::string user;
  bool user_verified = false;
  std::vector<std::string> pools;
  model::TopologyConstraint topology;
  std::optional<base::Duration> preemption_delay;
  std::optional<base::Duration> staleness_grace;

  friend bool operator==(const GroupHints&, const GroupHints&) = default;
};

/// An entry of a pod's spec.resourceClaims, with what its status says about it.
struct PodClaimLink {
  std::string name;
  std::string claim;          ///< the claim's name; empty where a template has not been followed yet
  std::string from_template;  ///< the template's name
  bool needs_none = false;    ///< the controller found that no claim is needed

  friend bool operator==(const PodClaimLink&, const PodClaimLink&) = default;
};

/// What is needed of a pod besides the model's value until everything is joined.
struct PodLinks {
  std::string annotated_group;  ///< annotation pod-group-name
  OwnerReference owner;
  GroupHints hints;
  std::string priority_class;  ///< spec.priorityClassName
  std::optional<std::int32_t> priority;
  bool of_deployment = false;            ///< its ReplicaSet is a Deployment's, as the pod's labels tell
  std::vector<std::string> config_maps;  ///< names it cannot start without
  std::vector<PodClaimLink> claims;

  friend bool operator==(const PodLinks&, const PodLinks&) = default;
};

/// An object that may own pods: of a kind that is not read for itself.
struct Owner {
  OwnerReference self;
  std::string namespace_name;
  base::Time created;
  GroupHints hints;
  OwnerReference owner;

  friend bool operator==(const Owner&, const Owner&) = default;
};

struct PersistentVolume {
  std::string name;
  std::vector<model::NodeSelectorTerm> node_terms;
};
struct StorageClass {
  std::string name;
  bool wait_for_first_consumer = false;
  std::vector<model::NodeSelectorTerm> node_terms;
};
struct Claim {
  std::string key;
  std::string volume;  ///< spec.volumeName
  std::string storage_class;
  bool bound = false;
};
/// A binding that was ordered and may not be carried out yet.
struct BindRequest {
  std::string pod;  ///< "namespace/name"
  std::string node;
  std::vector<std::string> device_groups;
};

std::string api_group(std::string_view api_version);

/// Reads metadata; reports a missing name.
Identity decode_identity(Fields& fields, bool namespaced);
OwnerReference decode_owner(Fields& fields);
GroupHints decode_group_hints(const model::Labels& labels, const model::Labels& annotations,
                              const ReadOptions& options, Fields& fields);
model::TopologyConstraint decode_topology_constraint(Fields& fields, const Fields::Value& parent);

std::optional<model::LabelSelector> decode_label_selector(Fields& fields, const Fields::Value& parent,
                                                          std::string_view key);
/// A list of node selector terms under `key`.
std::vector<model::NodeSelectorTerm> decode_node_terms(Fields& fields, const Fields::Value& parent,
                                                       std::string_view key);
model::NodeSelectorTerm decode_node_term(Fields& fields, const Fields::Value& term);

/// Each reads one object. Nothing comes back when the object cannot be used; the reasons are in the fields'
/// log.
std::optional<model::Node> decode_node(Fields& fields, const ReadOptions& options,
                                       const Accelerators& accelerators);
std::optional<model::Queue> decode_queue(Fields& fields, const ReadOptions& options);
std::optional<model::Topology> decode_topology(Fields& fields);
std::optional<model::PriorityClass> decode_priority_class(Fields& fields);
std::optional<model::PodGroup> decode_pod_group(Fields& fields, const ReadOptions& options);
std::optional<std::pair<model::Pod, PodLinks>> decode_pod(Fields& fields, const ReadOptions& options,
                                                          const Accelerators& accelerators);
std::optional<PersistentVolume> decode_persistent_volume(Fields& fields);
std::optional<StorageClass> decode_storage_class(Fields& fields);
std::optional<Claim> decode_claim(Fields& fields);
std::optional<model::DisruptionBudget> decode_disruption_budget(Fields& fields);
std::optional<BindRequest> decode_bind_request(Fields& fields);
std::optional<model::DeviceClass> decode_device_class(Fields& fields);
std::optional<model::ResourceSlice> decode_resource_slice(Fields& fields);
std::optional<model::ResourceClaim> decode_resource_claim(Fields& fields, const ReadOptions& options);
/// The claim that it makes, under the template's own name.
std::optional<model::ResourceClaim> decode_claim_template(Fields& fields, const ReadOptions& options);
std::vector<PodClaimLink> decode_pod_claims(Fields& fields, const Fields::Value& spec);
std::optional<Owner> decode_owner_object(Fields& fields, const ReadOptions& options);

/// Quantities by resource name. cpu in thousandths, all else in whole units.
using Amounts = std::vector<std::pair<std::string, std::int64_t>>;
/// Reads a map of quantities; one that cannot be read is reported and left out. `ok` becomes false then.
Amounts decode_amounts(Fields& fields, const Fields::Value& parent, std::string_view key, bool& ok);
/// The sum, and the largest representable number where it would be more.
std::int64_t saturating_add(std::int64_t a, std::int64_t b);

}  // namespace fairlead::manifest
