#pragma once

#include "engine/fit/static_fit.h"
#include "engine/gang/topology_tree.h"
#include "engine/search/legality.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// A necessary condition, kept as a sum: whether nodes have room for the first k pods of a chunk once some
/// victims are gone. It looks at counted resources and at what never changes, node by node, and never at the
/// same free place twice; filters between pods, gates and order are left to the simulation. So it refuses
/// only what cannot be placed, and for pods of one plain class on an empty constraint set it is also
/// sufficient.
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
  bool homogeneous() const { return classes_.size() == 1; }

 private:
  struct Class {
    model::ClassId id;
    std::vector<std::size_t> members;   // positions in the chunk, ascending
    bool unbounded = false;             // shares: how many fit is not a sum of counted resources
    std::vector<std::int64_t> room_on;  // by node
    std::int64_t room = 0;
  };

  void change(const VictimChunk& victims, Victims where, int sign);
  std::int64_t room_on(const Class& of, model::NodeId node) const;

  const model::Cluster& cluster_;
  std::vector<Class> classes_;
  std::vector<model::ResourceId> resources_;  // that any class asks for
  std::vector<std::int64_t> free_;            // [resource][node], with the victims' part
  std::vector<bool> eligible_;                // [class][node]
  std::size_t node_count_ = 0;
};

}  // namespace fairlead::engine
