#pragma once

#include "model/cluster/cluster.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace fairlead::engine {

/// Groups of one leaf queue that wait alike: whatever is tried for one of them at an instant comes out the
/// same for each of the others, and the order of service compares their queue alike by each of them. They
/// hold nothing, ask for the same number of pods of one class at first, may try one pool only, and nothing
/// about a single pod of theirs (constraints between pods, failed bindings, missing references, a nomination)
/// makes it differ from others of its class.
struct AlikeGroups {
  model::QueueId queue;
  model::PoolId pool;
  model::ClassId pod_class;
  std::int32_t pods = 1;  ///< that each asks for at first
  std::int32_t priority = 0;
  bool preemptible = true;
  std::vector<model::GroupId> members;  ///< in the order of service
};

/// The groups that wait, kept from round to round: of each pool, those that can be tried, gathered where they
/// wait alike. Only groups that were touched are looked at again. All changes of a round that concern it come
/// to it by start_round() and follow().
class WaitingGroups {
 public:
  enum class Standing : std::uint8_t {
    kNone,    ///< nothing of it waits, or it has no queue
    kUnable,  ///< something waits that cannot be tried: too few pods, or they wait for their places to be
              ///< free
    kSingle,  ///< to be tried on its own
    kAlike,
  };

  /// Before a round: looks at every group that was touched since the last one, lets each try the first pool
  /// of its list, and gathers anew. O(touched · (pods looked at + log groups)); after a change of the
  /// configuration O(groups).
  void start_round(model::Cluster& cluster);
  /// Within a round, after decisions: groups that wait no longer leave, and those that wait again are single
  /// until the next round, so that nobody joins others half way. O(touched since).
  void follow(model::Cluster& cluster);

  Standing standing(model::GroupId group) const {
    return group.index() < slots_.size() ? slots_[group.index()].standing : Standing::kNone;
  }
  /// Of a group that stands alike: the index of its AlikeGroups.
  std::uint32_t alike_index(model::GroupId group) const { return slots_[group.index()].alike; }
  const AlikeGroups& alike(std::uint32_t index) const { return alike_[index]; }
  /// One above the largest index in use. An index whose groups are all gone is given out again.
  std::size_t alike_end() const { return alike_.size(); }

  /// Indexes of those that have members, in no particular order.
  const std::vector<std::uint32_t>& alike_in(model::PoolId pool) const { return of(pool).alike; }
  /// Single groups with no choice of pools, in no particular order.
  const std::vector<model::GroupId>& singles_in(model::PoolId pool) const { return of(pool).singles; }
  /// Groups that wait and have several pools to try, able or not, in no particular order.
  const std::vector<model::GroupId>& with_several_pools() const { return several_; }
  const std::vector<model::GroupId>& unable() const { return unable_; }

  /// Groups that were looked at since start_round() was called, that call included; some twice.
  const std::vector<model::GroupId>& looked_at() const { return looked_at_; }

 private:
  using Key = std::tuple<model::QueueId, model::PoolId, model::ClassId, std::uint64_t, std::int32_t,
                         std::int32_t, bool>;
  struct Slot {
    Standing standing = Standing::kNone;
    bool several_pools = false;
    std::uint32_t alike = 0;
    std::uint32_t position = 0;          // among the singles or the unable
    std::uint32_t several_position = 0;  // among those with several pools
    model::PoolId pool;
  };
  struct OfPool {
    std::vector<std::uint32_t> alike;
    std::vector<model::GroupId> singles;
  };

  const OfPool& of(model::PoolId pool) const;
  Standing examine(const model::Cluster& cluster, model::GroupId id, Key& key);
  std::uint32_t alike_for(const Key& key);
  void insert(const model::Cluster& cluster, model::GroupId id, Standing standing, const Key& key);
  void remove(model::GroupId id);
  void take_out(std::vector<model::GroupId>& list, std::uint32_t position, std::uint32_t Slot::* index);

  std::vector<Slot> slots_;  // by group
  std::vector<OfPool> pools_;
  std::vector<AlikeGroups> alike_;
  std::vector<Key> keys_;                  // by index of alike groups
  std::vector<std::uint32_t> free_alike_;  // indexes without members
  std::map<Key, std::uint32_t> alike_by_key_;
  std::vector<model::GroupId> several_;
  std::vector<model::GroupId> unable_;
  std::vector<model::GroupId> looked_at_;
  std::vector<model::GroupId> again_;  // looked at within the round: to be gathered anew before the next
  std::uint64_t configuration_ = 0;
  bool begun_ = false;
  std::vector<model::PodId> chunk_;
};

/// What one action of a round may try in a pool: a choice among the waiting groups.
struct WaitingView {
  const WaitingGroups* waiting = nullptr;
  std::vector<std::uint32_t> alike;     ///< indexes
  std::vector<model::GroupId> singles;  ///< each of them once, and none that is among the alike
};

}  // namespace fairlead::engine
