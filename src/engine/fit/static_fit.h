#pragma once

#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <cstdint>
#include <vector>

namespace fairlead::engine {

/// For each class of pods, what a node says to it before its load is looked at: conditions, selectors,
/// taints, volumes, kind and size of devices; and the preferences that depend on the two alone. Kept per
/// class and node, and worked out again only for nodes that changed.
class StaticFit {
 public:
  struct Entry {
    std::uint8_t refusal = 0;      ///< 0: none; else 1 + NodeReason
    std::int32_t preference = 0;   ///< preferred node affinity
    std::int32_t untolerated = 0;  ///< PreferNoSchedule taints without toleration
  };

  /// Entries of a class by node id. Valid until the next event. O(nodes changed since the class was last
  /// asked for).
  const std::vector<Entry>& of(const model::Cluster& cluster, model::ClassId pod_class);

  static Entry examine(const model::Cluster& cluster, const model::PodClass& pod_class, model::NodeId node);

 private:
  struct Column {
    std::uint64_t generation = 0;  ///< of the class
    std::uint64_t volumes = 0;
    std::uint64_t configuration = 0;
    std::uint64_t structure = 0;  ///< version of the node table up to which entries are right
    std::vector<Entry> entries;
  };
  std::vector<Column> columns_;
};

}  // namespace fairlead::engine
