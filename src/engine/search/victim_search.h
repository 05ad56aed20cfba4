#pragma once

#include "engine/gang/placer.h"
#include "engine/order/service_order.h"
#include "engine/search/legality.h"
#include "engine/search/victim_order.h"
#include "model/cluster/cluster.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace fairlead::engine {

/// Finds victims so that a waiting group's next chunk can be placed. Works on the live state: when it finds a
/// solution the state is the one in which it holds (victims evicted or moved, the group's pods reserved);
/// else as before.
///
/// The chunk is solved pod by pod: for the first k pods, the victims found for k-1 stand, and further chunks
/// are added in victim order until those on one node suffice; each try evicts, places everybody in the order
/// of service, judges the outcome and is undone unless it is good. In the end every chunk that can be spared
/// is. Source: KAI-Scheduler's solvers, without their over-eviction.
class VictimSearch {
 public:
  VictimSearch(model::Cluster& cluster, Placer& placer, const PoolTotals& totals, model::PoolId pool,
               model::GroupId beneficiary, model::Action action);

  /// `waiting`: the groups that wait in the pool; they take part in the order of each simulation and are
  /// passed over. The victims that leave their place, in the order in which they were taken; nothing: no
  /// solution.
  std::optional<std::vector<VictimChunk>> run(const std::vector<model::GroupId>& waiting);

  const Legality& legality() const { return legality_; }
  /// When time alone could bring a further candidate.
  std::optional<base::Time> wake_at() const { return wake_at_; }
  /// Simulations tried so far, for limits.
  std::uint64_t simulations() const { return simulations_; }

 private:
  enum class Outcome { kSolved, kNoPlace, kIllegal };

  bool solve(std::size_t k);
  bool attempt_by_node(std::size_t k, const std::vector<VictimChunk>& accumulated);
  /// Evicts what is in `extra` on top of the recorded victims (which are evicted already), places, judges.
  /// Solved: the state holds the solution and `affected` those that leave; else all is undone.
  Outcome attempt(std::size_t k, const std::vector<const VictimChunk*>& extra);
  bool simulate(std::size_t k, const std::vector<const VictimChunk*>& victims);
  std::vector<VictimChunk> affected(const std::vector<const VictimChunk*>& victims) const;
  void spare(std::size_t mark, std::size_t placed_before);
  static std::vector<const VictimChunk*> pointers(const std::vector<VictimChunk>& chunks);
  std::vector<model::GroupId> candidates();
  bool enough_devices() const;
  bool room_left(std::size_t k);

  model::Cluster& cluster_;
  Placer& placer_;
  const PoolTotals& totals_;
  model::PoolId pool_;
  model::GroupId beneficiary_;
  model::Action action_;
  Legality legality_;
  const std::vector<model::GroupId>* waiting_ = nullptr;
  std::vector<model::PodId> chunk_;
  std::vector<VictimChunk> recorded_;
  std::vector<VictimChunk> used_;      ///< evicted by the last try that succeeded
  std::vector<VictimChunk> solution_;  ///< those of them that leave their place
  std::optional<VictimOrder> order_;
  std::uint64_t simulations_ = 0;
  std::optional<base::Time> wake_at_;
};

}  // namespace fairlead::engine
