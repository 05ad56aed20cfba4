#pragma once

#include "engine/fit/static_fit.h"
#include "engine/gang/topology_tree.h"
#include "engine/search/legality.h"
#include "model/cluster/cluster.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// A necessary condition, kept as a sum: whether nodes have room for the first k pods of a chunk once some
/// victims are gone. It looks at counted resources and at what never changes, node by node, and never at the
/// same free place twice; filters between pods, gates and order are left to the simulation. So it refuses
/// only what cannot be placed, and for pods of one plain class on an empty constraint set it is also
/// sufficient, where it is exact(). A shared device is free when the last of its users has gone.
class RoomLedger {
 public:
  /// What is free now is what victims come on top of. O(nodes · amounts) for each class in the chunk.
  RoomLedger(const model::Cluster& cluster, StaticFit& static_fit, const NodeSet& nodes,
             const std::vector<model::PodId>& chunk);

  /// Where the pods of a chunk are looked up: victims that are still placed, or that a hypothesis has
  /// evicted.
  enum class Victims { kPlaced, kEvicted };
  /// Victims leave, or come back. O(pods · classes · amounts).
  void add(const VictimChunk& victims, Victims where) { change(victims, where, +1); }
  void remove(const VictimChunk& victims, Victims where) { change(victims, where, -1); }

  bool enough_for(std::size_t k) const;
  /// Pods of the chunk's only class that there is room for. Only where homogeneous().
  std::int64_t room() const { return classes_.front().room; }
  std::int64_t room_on(model::NodeId node) const { return classes_.front().room_on[node.index()]; }
  bool homogeneous() const { return classes_.size() == 1; }
  /// Whether the sums are what will be free, and not at most that: not where a victim had a shared device
  /// that no pod had started on yet.
  bool exact() const { return exact_; }
  /// What is free of a column on a node with the victims gone; INT64_MAX for one that no pod of the chunk
  /// takes from.
  std::int64_t free(model::ResourceId resource, model::NodeId node) const;

  /// What one chunk, all of whose pods are on one node, would leave there.
  struct Part {
    model::NodeId node;                                       ///< invalid: the pods are on several nodes
    boost::container::small_vector<std::int64_t, 4> amounts;  ///< in the order of the ledger's columns
    model::DeviceGroups shared;
  };
  Part part_of(const VictimChunk& placed) const;
  /// A scan passes over chunks that may leave: what they would add on their nodes is kept beside the sums.
  void forget_scanned() { ++scan_; }
  void scan(const Part& part, int sign);
  /// enough_for(k) if all scanned chunks on the node left too. Only where homogeneous(). O(amounts).
  bool enough_with_scanned(std::size_t k, model::NodeId node) const;

 private:
  struct Class {
    model::ClassId id;
    std::vector<std::size_t> members;   // positions in the chunk, ascending
    bool unbounded = false;             // shares: how many fit is not a sum of counted resources
    std::vector<std::int64_t> room_on;  // by node
    std::int64_t room = 0;
    std::vector<std::pair<std::size_t, std::int64_t>> needs;  // column, amount
  };
  struct SharedDevice {
    model::DeviceGroupId group;
    std::uint32_t users = 0;  // without the victims
    bool started = false;
  };
  using SharedDevices = boost::container::small_vector<SharedDevice, 2>;
  struct Scanned {
    std::uint64_t scan = 0;  // the one that it belongs to
    boost::container::small_vector<std::int64_t, 4> amounts;
    boost::container::small_vector<std::pair<model::DeviceGroupId, std::uint32_t>, 2> users;
  };

  void change(const VictimChunk& victims, Victims where, int sign);
  std::int64_t count_room(const Class& of, model::NodeId node) const;
  std::size_t column_of(model::ResourceId resource) const {
    return resource.index() < columns_.size() ? columns_[resource.index()] : kNoColumn;
  }

  static constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

  const model::Cluster& cluster_;
  std::vector<Class> classes_;
  std::vector<model::ResourceId> resources_;  // that any class asks for: the columns
  std::vector<std::size_t> columns_;          // by resource
  std::vector<std::int64_t> free_;            // [column][node], with the victims' part
  std::vector<bool> eligible_;                // [class][node]
  std::vector<SharedDevices> shared_;         // by node
  std::size_t node_count_ = 0;
  bool exact_ = true;
  std::uint64_t scan_ = 1;
  std::vector<Scanned> scanned_;  // by node
};

}  // namespace fairlead::engine
