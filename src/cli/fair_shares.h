#pragma once

#include "cli/cluster_summary.h"
#include "manifest/objects.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::cli {

/// The fair share of every queue in every pool as a round would start with, worked out by the engine's own
/// division.
class FairShares {
 public:
  /// Cost: that of bringing the state up from the objects.
  explicit FairShares(const manifest::ClusterObjects& cluster);

  /// In the units of a Charge; nothing for a queue that is not part of the tree.
  std::optional<Charge> of(const std::string& queue, const std::string& pool) const;

 private:
  std::map<std::pair<std::string, std::string>, Charge> shares_;  ///< by queue and pool
};

/// Fills in the fair shares of a summary of this cluster.
void add_fair_shares(const manifest::ClusterObjects& cluster, ClusterSummary& summary);

}  // namespace fairlead::cli
