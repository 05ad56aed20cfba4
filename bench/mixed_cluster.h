#pragma once

#include "cluster_events.h"

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace fairlead::bench {

inline constexpr int kShapes = 200;
inline const std::vector<std::string> kPools = {"", "pool-b", "pool-c"};

/// One pod of one of 200 shapes, by number: all differ in cpu; a tenth ask for half a device, of the others a
/// fifth for two and a tenth for four; a fifth have a constraint on nodes (an affinity, a preference, a
/// toleration) or on other pods (an anti-affinity).
ClusterEvents::Group shape(int number);
/// The same with one device where it has whole ones.
ClusterEvents::Group one_device_shape(int number);
/// A gang that may run on every node and says so: a node affinity and a toleration.
ClusterEvents::Group constrained_gang(const std::string& name, const std::string& queue, std::int32_t pods);

/// Nodes "NAME-00000" of a pool; each tenth has a taint that some shapes tolerate.
void mixed_nodes(ClusterEvents& events, const std::string& name, int count, const std::string& pool);

/// Running pods of random shapes, all by one pseudo-random sequence.
class MixedLoad {
 public:
  /// The pods belong to "QUEUE-0" to "QUEUE-7" by turns.
  MixedLoad(ClusterEvents& events, std::string queue) : events_(events), queue_(std::move(queue)) {}
  /// Fills `devices` devices of the index-th node "NAME-..."; halves come in twos. Ages are random. Every pod
  /// may be where it is.
  void fill(const std::string& name, int index, std::int64_t devices);
  /// Likewise, and pods without devices until there are `pods`.
  void fill_with_pods(const std::string& name, int index, std::int64_t devices, std::size_t pods);
  /// One pod with one device, or half of one.
  void one(const std::string& name, int index);
  /// How many pods run by now.
  std::size_t pods() const { return pods_; }

 private:
  int draw(int node);
  void run(ClusterEvents::Group group, const std::string& node);

  ClusterEvents& events_;
  std::string queue_;
  std::mt19937 random_{1};
  std::set<int> apart_here_;  ///< shapes on the node that keep others like them off it
  std::size_t pods_ = 0;
};

}  // namespace fairlead::bench
