#pragma once

#include "engine/fit/pod_constraints.h"
#include "engine/fit/static_fit.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// Where a pod with shares of devices finds room, kept per class of pods until a node changes. Looking at
/// every shared device of every node is what placing a share would cost otherwise. A node's version is never
/// used twice, so what was kept during a hypothesis is right or never read again.
class ShareFit {
 public:
  struct Entry {
    std::uint64_t version = 0;  ///< of the node; 0: none
    bool now = false;           ///< resources and devices suffice at once
    bool later = false;         ///< ... when everything that leaves has left
    bool joins = false;         ///< a device that is shared already has room for it
  };

  /// Turns to a pod. False when there is more to it than its class: it asks for no share, has constraints
  /// between pods, or is a victim, which may take back devices of its own.
  bool turn_to(model::Cluster& cluster, model::PodId pod, const PodConstraints& constraints);
  /// `entry` is the static fit, which does not refuse. O(1), or O(shared devices) when the node has changed.
  const Entry& of(model::NodeId node, const StaticFit::Entry& entry, PodConstraints& constraints);

 private:
  struct Column {
    std::uint64_t generation = 0;  ///< of the class
    std::uint64_t configuration = 0;
    std::vector<Entry> entries;  ///< by node
  };
  std::vector<Column> columns_;  ///< by class

  // The pod that it was turned to.
  model::Cluster* cluster_ = nullptr;
  model::PodId pod_;
  Column* column_ = nullptr;
};

}  // namespace fairlead::engine
