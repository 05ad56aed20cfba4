#pragma once

#include "engine/gang/placer.h"
#include "engine/order/service_order.h"
#include "engine/order/shares.h"
#include "engine/order/waiting_groups.h"
#include "engine/round_cursor.h"
#include "engine/search/victim_search.h"
#include "engine/verdict_book.h"
#include "model/cluster/cluster.h"
#include "model/scheduler.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fairlead::engine {

/// What rounds keep from one to the next because it only changes with certain events.
class RoundCaches {
 public:
  /// Works out a pool's totals and fair shares. O(nodes) after a change of nodes or of what others use of
  /// them, and O(queues · log siblings).
  void divide(model::Cluster& cluster, model::PoolId pool);
  const PoolTotals& totals(model::PoolId pool) const { return totals_[pool.index()].totals; }
  /// Groups with waiting pods whose queue does not exist, or is not a leaf.
  std::vector<std::pair<model::GroupId, model::Reason>> groups_without_queue(model::Cluster& cluster) const;
  WaitingGroups& waiting() { return waiting_; }

 private:
  struct Totals {
    std::uint64_t structure = 0;
    std::uint64_t foreign = 0;
    PoolTotals totals;
  };
  std::vector<Totals> totals_;  // by pool
  ShareDivision division_;
  WaitingGroups waiting_;
};

/// One round: the configured actions in order over all pools, on the live state. Fair shares are worked out
/// at the start and held. Decisions are collected as they are taken; a later step of the same round can make
/// one void. With a limit it goes on where the cursor says that the last round stopped, and moves it.
class RoundRun {
 public:
  using Body = std::variant<model::Bind, model::Evict, model::Nominate, model::WithdrawNomination,
                            model::VerdictChanged>;

  /// The cursor must have been cleared if anything changed.
  RoundRun(model::Cluster& cluster, Placer& placer, RoundCaches& caches, RoundCursor& cursor,
           const model::RoundRequest& request);

  void run();
  /// Binds, evictions and nominations that are true at the end, in the order in which they were taken; then
  /// withdrawn nominations.
  std::vector<Body> take_decisions();
  /// The verdicts that differ from what was told before, by group; brings the book up to date. O(groups that
  /// are tried or were looked at one by one + those whose verdict changes + kinds of alike groups · nodes).
  std::vector<Body> take_verdicts(VerdictBook& book);
  bool more() const { return more_; }
  std::optional<base::Time> wake_at() const { return wake_at_; }

 private:
  /// A decision as it was taken.
  struct Taken {
    bool evict = false;
    model::PodId pod;
    model::EvictionRule rule = model::EvictionRule::kReclaim;
    model::GroupId beneficiary;
  };

  /// What is set aside for the waiting pods of a group.
  using Nomination = std::vector<std::pair<model::PodId, model::Place>>;

  /// What a round found about groups that wait alike: of each list, what is said of those from a group on, in
  /// the order of service, until the next entry says something else.
  struct Finding {
    model::GroupId from;
    model::Reason reason;
  };
  struct AlikeFindings {
    std::vector<Finding> place;   ///< what keeps them from a place
    std::vector<Finding> making;  ///< why they may not make one
  };

  void find_nominations();
  std::vector<model::GroupId> take_nominations(model::PoolId pool);
  void set_aside();
  void open_up();
  void keep_nominations(bool is_set_aside);
  void renew(model::GroupId group);
  bool place_around_nominations(model::GroupId group, const std::vector<model::PodId>& chunk);
  void choose_pools(std::size_t attempt);
  WaitingView candidates(model::PoolId pool, std::size_t attempt, model::Action action);
  void keep_first(std::vector<model::GroupId>& groups, std::size_t depth) const;
  WaitingView may_search(const WaitingView& candidates, model::PoolId pool, model::Action action) const;
  void allocate(model::PoolId pool, std::size_t attempt);
  bool is_barred(model::PoolId pool, model::GroupId group) const;
  void find_victims(model::PoolId pool, std::size_t attempt, model::Action action);
  void evict_stale();
  void explain_the_rest();
  void accept(const std::vector<VictimChunk>& victims, model::GroupId beneficiary, model::EvictionRule rule);
  void remember(model::PodId pod, const model::Assignment& assignment);
  void wake(base::Time at);
  bool limit_reached();
  bool is_limited() const { return request_.max_simulations > 0 || request_.max_groups > 0; }
  void refuse_place(ServiceOrder& order, const ServiceOrder::Next& next, const model::Reason& reason);
  void close_queue(ServiceOrder& order, model::PoolId pool, model::GroupId head);
  void refuse(const RoundCursor::Turn& turn, RoundCursor::Refusal refusal);
  AlikeFindings& findings(std::uint32_t alike);
  static void note(std::vector<Finding>& list, model::GroupId from, const model::Reason& reason);

  bool holds_for_all(const std::vector<Finding>& list, model::GroupId first) const;
  VerdictBook::Shared verdict_of_alike(std::uint32_t index, model::GroupId group);
  VerdictBook::Shared verdict_of(model::GroupId id);
  VerdictBook::Shared kept_verdict(const VerdictBook::Shared& told, VerdictBook::Shared now,
                                   model::GroupId id) const;
  void count_nodes(model::Reason& reason, model::GroupId id, const std::vector<model::PodId>& chunk);
  std::vector<model::PoolId> pools_by_name() const;

  model::Cluster& cluster_;
  Placer& placer_;
  RoundCaches& caches_;
  RoundCursor& cursor_;
  model::RoundRequest request_;
  std::vector<Taken> taken_;
  std::map<model::PodId, model::Assignment> before_;  ///< of pods that anything was decided about
  std::vector<model::GroupId> nominated_groups_;      ///< when the round began
  /// Of the pool that is allocated, those that still stand, of groups whose turn has not come; by key.
  /// Between tries the live state is the one without them.
  std::map<std::string, std::pair<model::GroupId, Nomination>> nominations_;
  /// In pools with strict discipline, by leaf queue: the group that waits for room, below which none is
  /// served.
  std::map<std::pair<model::PoolId, model::QueueId>, model::GroupId> closed_;
  WaitingGroups& waiting_;
  /// Groups that wait alike are tried for one another; else each is tried on its own.
  bool gathers_ = true;
  std::vector<AlikeFindings> findings_;                     ///< by index of alike groups
  std::map<model::GroupId, model::Reason> verdicts_;        ///< what keeps a group from a place
  std::map<model::GroupId, model::Reason> second_reasons_;  ///< why it may not make one
  std::map<std::pair<model::ClassId, model::PoolId>, model::Reason> nodes_of_class_;
  std::uint64_t simulations_ = 0;
  std::uint64_t groups_tried_ = 0;
  bool more_ = false;
  std::optional<base::Time> wake_at_;
};

}  // namespace fairlead::engine
