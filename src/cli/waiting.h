#pragma once

#include "cli/plan.h"
#include "cli/reason_text.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fairlead::cli {

/// What the waiting pods of each group ask for, so that their reasons can be put into words.
class WaitingContexts {
 public:
  WaitingContexts(const manifest::ClusterObjects& cluster, const PlanResult& result);

  /// `group`: index in ClusterObjects::groups.
  const ReasonContext& of(std::size_t group) const { return contexts_[group]; }
  /// "4 pods of 8 nvidia.com/gpu, 64 CPUs"; where pods differ, of the one that asks for most devices: "4
  /// pods, up to 8 nvidia.com/gpu, 64 CPUs".
  const std::string& needs(std::size_t group) const { return needs_[group]; }

 private:
  std::vector<ReasonContext> contexts_;
  std::vector<std::string> needs_;
};

/// Groups of one queue that wait for the same reason with the same request: one line for all of them.
struct WaitingLine {
  std::vector<std::size_t>
      entries;           ///< indexes in PlanResult::waiting, the group that is served first in front
  std::size_t pods = 0;  ///< of all of them
  std::string queue;
  std::string needs;
  std::string why;
};

/// Folds the waiting groups. Lines are ordered by their first group: queue, priority (high first), creation,
/// key. Cost: O(n log n) in the waiting groups.
std::vector<WaitingLine> fold_waiting(const manifest::ClusterObjects& cluster,
                                      std::span<const WaitingGroup> groups, const WaitingContexts& contexts);

/// The priority of each group, by index: that of its class, else what the group falls back on.
std::vector<std::int64_t> group_priorities(const manifest::ClusterObjects& cluster);

/// The order in which a queue serves groups, as far as the objects tell: higher priority, earlier creation,
/// UID.
bool served_before(const manifest::ClusterObjects& cluster, const std::vector<std::int64_t>& priorities,
                   std::size_t a, std::size_t b);

}  // namespace fairlead::cli
