#pragma once

#include "engine/fit/node_fit.h"
#include "engine/fit/share_fit.h"
#include "engine/gang/topology_tree.h"
#include "engine/place/placement_scorer.h"
#include "engine/place/pod_scores.h"
#include "model/cluster/cluster.h"
#include "model/decision.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::engine {

/// Puts pods on nodes: one by one on the best node that takes them, and gangs all or nothing. Works on the
/// live state; the caller opens a hypothesis where it may want to undo.
class Placer {
 public:
  /// `scorers`: placement strategies besides the engine's own, by name.
  Placer(model::Cluster& cluster, std::vector<NamedScorerFactory> scorers);
  Placer(const Placer&) = delete;
  Placer& operator=(const Placer&) = delete;
  ~Placer() = default;

  /// Places a chunk of a group: gates, then the tree of sub-groups, each level within its topology. Pods that
  /// could start at once only wait with the others where those that could are fewer than the minimum. False
  /// leaves the state as it was. `reserve_only`: as reservations, whatever is free (hypotheses of a search do
  /// so).
  bool place_chunk(model::GroupId group, const std::vector<model::PodId>& chunk, bool reserve_only);

  /// Places waiting pods of one group exactly where capacity was set aside for them, at once where that is
  /// free by now. False, and nothing changes, where one of them cannot stay, or where they would not make up
  /// the minimum: what the others need then has to be found together with theirs.
  bool renew_places(model::GroupId group, const std::vector<std::pair<model::PodId, model::Place>>& reserved);

  /// For tests: false works everything out again for each chunk.
  void keep_caches(bool keep) { keeps_caches_ = keep; }
  bool keeps_caches() const { return keeps_caches_; }

  /// Why the last place_chunk was refused.
  const model::Reason& refusal() const { return refusal_; }
  /// Pods in the order in which they were placed since the list was last cleared.
  std::vector<model::PodId>& placed() { return placed_; }
  /// Classes of pods that found no node are not tried again until this is called: while capacity only
  /// shrinks, they would not find one.
  void forget_failures() { failed_.clear(); }
  /// How many failures are known, and to go back to so many: for a try under conditions that do not last.
  std::size_t failure_count() const { return failed_.size(); }
  void forget_failures_after(std::size_t count) { failed_.resize(count); }
  /// Whether place_chunk would refuse without trying.
  bool is_known_failure(model::GroupId group, const std::vector<model::PodId>& chunk) const;
  /// Nodes of a pool, by name.
  const NodeSet& pool_nodes(model::PoolId pool);
  StaticFit& static_fit() { return static_fit_; }
  /// Counts, for each reason, the nodes of the group's pool that refuse a pod.
  model::Reason explain_nodes(model::GroupId group, model::PodId pod);

 private:
  struct Score;

  /// A part of which some pods wait for capacity, while those that could start miss its minimum, waits as a
  /// whole.
  void hold_back(model::GroupId group, std::size_t part);
  /// Whether every part that has some of these pods has its minimum.
  bool is_whole(model::GroupId group, std::size_t part, const std::vector<model::PodId>& pods) const;
  void only_reserve(model::GroupId group, std::size_t part);
  bool place_part(model::GroupId group, std::size_t part, const std::vector<model::PodId>& chunk,
                  const NodeSet& outer, bool reserve_only);
  bool place_within(model::GroupId group, std::size_t part, const std::vector<model::PodId>& chunk,
                    const NodeSet& set, bool reserve_only);
  bool place_pod(model::GroupId group, model::PodId pod, const NodeSet& set, bool reserve_only);
  /// Chooses devices for the pod's claims too. False: there are none after all.
  bool put_with_claims(model::PodId pod, model::Place place, bool now);
  void put(model::PodId pod, model::Place place, bool now);
  void note_shortage(model::Reason& reason, model::PodId pod, model::NodeId node);
  void pods_of(model::GroupId group, std::size_t part, const std::vector<model::PodId>& chunk,
               std::vector<model::PodId>& pods) const;

  struct PoolNodes {
    std::uint64_t structure = 0;
    NodeSet set;
  };

  model::Cluster& cluster_;
  StaticFit static_fit_;
  ShareFit share_fit_;
  PodScores scores_;
  DomainTrees trees_;
  std::vector<PoolNodes> pool_nodes_;
  bool keeps_caches_ = true;
  std::vector<model::PodId> placed_;
  model::Reason refusal_;
  std::vector<std::pair<model::ClassId, model::PoolId>> failed_;
  bool failed_for_any_pod_ = false;  ///< the last pod without a node would have had none for its class alone
};

}  // namespace fairlead::engine
