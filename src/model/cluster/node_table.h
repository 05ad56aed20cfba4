#pragma once

#include "base/interner.h"
#include "model/cluster/assignment.h"
#include "model/cluster/ids.h"
#include "model/cluster/pod_class.h"
#include "model/cluster/queue_table.h"
#include "model/node.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

/// How a pod uses a place.
enum class Hold : std::uint8_t {
  kActive,    ///< used now and later, decided but not yet bound
  kStarted,   ///< used now and later, bound or running
  kLeaving,   ///< used now, free later
  kGivenUp,   ///< likewise, only decided in this round
  kReserved,  ///< free now or being freed, used later
};

constexpr bool is_leaving(Hold hold) { return hold == Hold::kLeaving || hold == Hold::kGivenUp; }

/// A device that is shared, on one node. Amounts are MiB of its memory; counts are pods.
struct SharedDevice {
  DeviceGroupId group;
  std::int64_t active_mib = 0;
  std::int64_t leaving_mib = 0;
  std::int64_t reserved_mib = 0;
  std::uint32_t active = 0;
  std::uint32_t leaving = 0;
  std::uint32_t reserved = 0;
  std::uint32_t started = 0;  ///< of the active: bound or running, so that the world holds the device already
  std::uint32_t given_up = 0;  ///< of the leaving: those of which the world does not know

  /// A second pod, which will hold the device for its users, has still to come and needs a slot of its own.
  bool needs_slot() const { return started == 0 && leaving == given_up && active + reserved > 0; }
  /// It takes a whole device now.
  bool occupies_now() const { return active + leaving > 0; }
  /// It will take a whole device when everything that leaves has left.
  bool occupies_later() const { return active + reserved > 0; }
  std::int64_t used_now() const { return active_mib + leaving_mib; }
  std::int64_t used_later() const { return active_mib + reserved_mib; }
};

struct NodeRecord {
  Node spec;
  bool alive = false;  ///< false: named by a pod or removed; nothing is placed on it or charged to it
  PoolId pool;
  NameId device_model;  ///< of the first device set
  /// By device set: the columns of their resources. Empty without devices.
  boost::container::small_vector<ResourceId, 1> device_columns;
  std::uint64_t static_version = 0;  ///< of what does not change with the pods on it
  std::vector<SharedDevice> shared;  ///< in no particular order
  /// A pod that holds something here, or has it reserved.
  struct Entry {
    PodId pod;
    bool reserved = false;
  };
  std::vector<Entry> pods;  ///< in no particular order
  QueueCharge foreign;      ///< what other schedulers' active pods take from it
  boost::container::small_vector<std::int64_t, 1> foreign_devices;  ///< the devices of it, by device set

  std::int64_t claim_devices = 0;  ///< accelerators that drivers offer to claims here

  /// The devices that a column counts; nothing where there are none.
  const DeviceSet* device_set(ResourceId column) const {
    for (std::size_t i = 0; i < device_columns.size(); ++i)
      if (device_columns[i] == column) return &spec.devices[i];
    return nullptr;
  }
  /// The column that shares are taken from, besides column::kDevices; invalid without devices.
  ResourceId first_devices() const { return device_columns.empty() ? ResourceId() : device_columns.front(); }
};

/// Nodes by name, what they offer in columns, and what is left of it.
///
/// For each counted resource there are two columns: `now` is what is free at this instant, `later` what is
/// free when everything that leaves has left and every reservation is used. A pod may be bound where both
/// suffice, and be nominated where `later` does.
class NodeTable {
 public:
  explicit NodeTable(base::Interner<ResourceId>& resources) : resources_(resources) {}

  /// The id of a name, known or new. A new one is not alive.
  NodeId intern(std::string_view name);
  NodeId find(std::string_view name) const;
  std::size_t size() const { return records_.size(); }
  const NodeRecord& at(NodeId id) const { return records_[id.index()]; }
  NodeRecord& record(NodeId id) { return records_[id.index()]; }

  /// Replaces what a node offers; its pods must have been uncharged. O(resources).
  void set(NodeId id, Node spec, PoolId pool, NameId device_model);
  void remove(NodeId id);
  /// One device of a set falls ill or gets well. O(1).
  void set_health(NodeId id, std::size_t set, std::size_t device, bool healthy);

  /// Columns have one entry per node, also for those that are not alive.
  const std::vector<std::int64_t>& now(ResourceId resource) const { return now_[resource.index()]; }
  const std::vector<std::int64_t>& later(ResourceId resource) const { return later_[resource.index()]; }
  const std::vector<std::int64_t>& capacity(ResourceId resource) const { return capacity_[resource.index()]; }
  std::size_t resource_count() const { return now_.size(); }
  /// Makes columns for resources that were interned since.
  void add_columns();
  /// A column whose amounts do not come from the nodes' own objects, but from change_column.
  void keep_column(ResourceId resource);
  /// What there is, is free now, and is free later of it changes by so much. O(1).
  void change_column(ResourceId resource, NodeId id, std::int64_t capacity, std::int64_t now,
                     std::int64_t later);
  /// Accelerators are offered to claims on a node, or no more.
  void add_claim_devices(NodeId id, std::int64_t count);
  /// Something about what is free on it changed that is in no column.
  void touch(NodeId id) { versions_[id.index()] = next_version(); }

  /// Charges (sign +1) or gives back (-1) a pod's use of a place. Exact inverses of one another. O(amounts).
  void charge(const PodClass& pod_class, const Place& place, Hold hold, int sign);

  /// MiB that a share of `pod_class` takes on one device of a node; 0 where the node's devices have no known
  /// memory and the share is given in MiB.
  std::int64_t share_mib(const PodClass& pod_class, NodeId node) const {
    const DeviceRequest& request = pod_class.key.devices;
    if (request.kind == DeviceRequest::Kind::kMemory) return request.memory_mib;
    return request.thousandths * device_memory_mib(node) / kThousandthsPerDevice;
  }
  /// Memory of one device for the purpose of shares.
  std::int64_t device_memory_mib(NodeId node) const { return device_memory_[node.index()]; }

  /// Position of each node by name, for ties. Rebuilt when the set of nodes changed.
  const std::vector<std::uint32_t>& name_rank();
  /// All alive nodes by name.
  const std::vector<NodeId>& by_name();

  /// Of everything on a node; from one counter that never goes back, above 0 for a node that was ever alive.
  std::uint64_t version_of(NodeId id) const { return versions_[id.index()]; }
  std::uint64_t next_version() { return ++version_; }
  std::uint64_t version() const { return version_; }
  /// Goes up when the set of nodes or what they offer changed.
  std::uint64_t structure_version() const { return structure_version_; }

 private:
  /// Also what does not change with the pods on it.
  void touch_static(NodeId id);
  void rebuild_order();

  base::Interner<ResourceId>& resources_;
  base::Interner<NodeId> names_;
  std::vector<NodeRecord> records_;
  std::vector<std::uint64_t>
      versions_;  ///< by node; apart from the records, since caches look at all of them
  std::vector<std::vector<std::int64_t>> capacity_, now_, later_;
  std::vector<bool> kept_columns_;
  std::vector<std::int64_t> device_memory_;  ///< by node
  std::vector<std::uint32_t> name_rank_;
  std::vector<NodeId> by_name_;
  bool order_stale_ = true;
  std::uint64_t version_ = 0;
  std::uint64_t structure_version_ = 0;
};

}  // namespace fairlead::model
