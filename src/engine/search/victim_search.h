#pragma once

#include "engine/gang/placer.h"
#include "engine/order/service_order.h"
#include "engine/search/legality.h"
#include "engine/search/loss_bound.h"
#include "engine/search/reclaim_progress.h"
#include "engine/search/room_ledger.h"
#include "engine/search/search_log.h"
#include "engine/search/victim_order.h"
#include "model/cluster/cluster.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

namespace fairlead::engine {

/// Finds victims so that a waiting group's next chunk can be placed. Works on the live state: when it finds a
/// solution the state is the one in which it holds (victims evicted or moved, the group's pods reserved);
/// else as before.
///
/// The chunk is solved pod by pod: for the first k pods, the victims found for k-1 stand, and further chunks
/// are added in victim order until those on one node suffice; each try evicts, places everybody in the order
/// of service, judges the outcome and is undone unless it is good. A group that loses its core loses what it
/// has above its minimum too. In the end every chunk that can be spared is. Source: KAI-Scheduler's solvers,
/// without their over-eviction.
///
/// Three things keep this from being quadratic, and none changes what is found: a ledger of room refuses
/// tries that cannot succeed; in the plain case (equal pods with whole devices, victims that do not fit where
/// they were any more) a try for k below the whole chunk is decided without placing anybody; and chunks are
/// worked out once, so that the scan of victims goes on where the last pod's ended, or only merges the queues
/// anew.
class VictimSearch {
 public:
  VictimSearch(model::Cluster& cluster, Placer& placer, const PoolTotals& totals, model::PoolId pool,
               model::GroupId beneficiary, model::Action action);

  /// `waiting`: the groups that wait in the pool; they take part in the order of each simulation and are
  /// passed over. The victims that leave their place, in the order in which they were taken; nothing: no
  /// solution.
  std::optional<std::vector<VictimChunk>> run(const WaitingView& waiting);
  /// After a run without a solution: it would be the same for every group that waits alike.
  bool fails_for_all_alike() const { return fails_for_all_alike_; }

  /// Before run(): simulates at most so often, and goes on where the log ends, which it extends and which
  /// must outlive it. The state must be the one on which the log was begun.
  void limit(std::uint64_t max_simulations, SearchLog& log);
  /// It stopped at the limit: nothing was found yet.
  bool stopped() const { return stopped_; }

  const Legality& legality() const { return legality_; }
  /// When time alone could bring a further candidate.
  std::optional<base::Time> wake_at() const { return wake_at_; }
  /// Simulations tried so far, without those that the log answered.
  std::uint64_t simulations() const { return simulations_; }

 private:
  using Outcome = SimulationOutcome;
  using Chunks = std::vector<const VictimChunk*>;

  std::vector<model::GroupId> candidates();
  bool nobody_may_lose() const;
  bool enough_devices() const;
  /// Whether there is room even if every candidate leaves. Cheap: no state is changed.
  bool possible();
  /// For a single plain pod: whether victims that the law and the order of service let go could make room
  /// anywhere.
  bool can_lose_enough();
  bool is_closed(model::NodeId node) const { return bound_ && !bound_->is_open(node); }
  /// Whether sums leave room for the first k pods: without it, a try need not be made.
  bool may_fit(std::size_t k) const;
  model::QueueCharge request_of(std::size_t k) const;

  bool solve(std::size_t k);
  bool solve_with_next_chunks(std::size_t k);
  void add_tries(model::NodeId node, std::vector<std::vector<std::size_t>>& tries);
  Outcome attempt_on_nodes(std::size_t k, std::size_t newest);
  Outcome attempt(std::size_t k, const Chunks& extra);
  bool leaves_whole(model::GroupId group) const;
  /// What a simulation with the victims comes to. The live state is that of a solution afterwards, unless the
  /// log knew it; as a search only stops where it would simulate, the log never knows the last one.
  Outcome judge(std::size_t k, const Chunks& victims);
  bool simulate(std::size_t k, const Chunks& victims);
  std::vector<VictimChunk> affected(const Chunks& victims) const;
  void undo_to(std::size_t position);
  /// Makes the solution for k the ground on which k+1 is solved.
  void record_solution();
  bool record_simulated(std::vector<bool>& extra);
  bool goes_altogether(model::GroupId group) const;
  void spare();

  // The plain case.
  void examine_plainness();
  bool solved_without_placing(std::size_t k, const Chunks& extra);
  /// Consolidation: there is not room for the pods and all victims, so the try cannot be legal.
  bool no_room_for_all(std::size_t k, const Chunks& extra);
  bool is_as_large(model::ClassId victim);
  /// Whether the pods come before all victims in the order of service on the live state, where these are
  /// evicted.
  bool served_first(std::size_t k, const std::vector<model::GroupId>& victims);
  bool served_before(model::GroupId a, model::GroupId b) const;
  void take_account_of(const VictimChunk& victim);
  void note_first(std::vector<model::GroupId>& firsts, model::GroupId victim) const;
  bool may_return(model::NodeId node, const std::vector<model::PodId>& victims, std::int64_t spare) const;

  // The sequence of victims. Where all are of one queue and the order is fixed, it goes on for the next pod.
  bool extend_scan_to(std::size_t index);
  const VictimChunk& scanned(std::size_t index) const { return order_->chunk(scan_[index]); }
  void restart_scan();
  bool is_capped() const;
  void note_scanned(model::NodeId node, std::size_t index);
  bool may_have_room(std::size_t k, std::size_t newest);

  model::Cluster& cluster_;
  Placer& placer_;
  const PoolTotals& totals_;
  model::PoolId pool_;
  model::GroupId beneficiary_;
  model::Action action_;
  Legality legality_;
  const WaitingView* waiting_ = nullptr;
  std::vector<model::PodId> chunk_;
  std::vector<VictimChunk> recorded_;  ///< victims found so far, evicted in the live state up to ground_
  std::vector<VictimChunk> used_;      ///< evicted by the last try that succeeded
  std::vector<VictimChunk> solution_;  ///< those of them that leave their place
  bool nobody_placed_ = false;         ///< the last success was decided without placing

  std::vector<model::GroupId> candidates_;
  boost::unordered_flat_set<model::GroupId> below_minimum_;  ///< of them, before the search
  std::optional<VictimOrder> order_;
  std::vector<std::size_t> scan_;  ///< numbers of chunks in the order in which they are looked at
  bool one_queue_ = false;
  /// A chunk that is all that its group has and is on one node; else without a node.
  std::vector<RoomLedger::Part> alone_;  ///< by number, where the order is fixed
  std::vector<std::size_t> last_extra_;  ///< positions of what the last success evicted besides the recorded
  std::int64_t room_recorded_ = 0;       ///< with the recorded victims gone; homogeneous chunks only
  std::size_t cursor_ = 0;
  bool scan_again_ = true;                            ///< the next scan starts at the beginning
  std::vector<std::vector<std::size_t>> scanned_on_;  ///< by node: positions in the scan
  std::vector<model::NodeId> scanned_nodes_;          ///< that have any
  std::vector<bool> intricate_;  ///< by node: a scanned chunk there is on several nodes, or goes with others
  boost::unordered_flat_map<model::GroupId, std::vector<std::size_t>> scanned_above_minimum_;
  boost::unordered_flat_set<model::GroupId> scanned_groups_;

  std::optional<RoomLedger> ledger_;
  std::optional<LossBound> bound_;  ///< where only some nodes can come into question
  std::size_t start_ = 0;           ///< journal position before the search
  std::size_t ground_ = 0;          ///< journal position with the recorded victims evicted
  std::size_t placed_before_ = 0;

  bool plain_pods_ = false;  ///< of the beneficiary: equal, with whole devices, without constraints
  bool plain_ = false;       ///< and sums are kept for what was recorded
  boost::unordered_flat_map<model::ClassId, bool> as_large_;
  std::optional<ReclaimProgress> progress_;
  boost::unordered_flat_map<model::NodeId, std::vector<model::PodId>> recorded_on_;
  bool stay_away_ = true;  ///< none of these can return where the pods take all the room there is
  std::vector<model::GroupId> first_victims_;  ///< of each queue, the first in the order of service

  std::uint64_t simulations_ = 0;
  SearchLog* log_ = nullptr;  ///< null: no limit
  std::size_t answered_ = 0;  ///< simulations that the log has answered
  std::uint64_t max_simulations_ = 0;
  bool stopped_ = false;
  bool fails_for_all_alike_ = false;
  std::optional<base::Time> wake_at_;
};

}  // namespace fairlead::engine
