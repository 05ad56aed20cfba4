#pragma once

#include "reference/search.h"

#include <set>

namespace fairlead::reference {

/// A decision as it was taken; a later step of the same round can make it void.
struct Taken {
  enum class Kind { kEvict, kPlace };
  Kind kind = Kind::kPlace;
  std::string pod;
  model::EvictionRule rule = model::EvictionRule::kReclaim;
  const Group* beneficiary = nullptr;
};

struct ByKey {
  bool operator()(const Group* a, const Group* b) const { return a->object->key < b->object->key; }
};
/// The pods of each group that wait for capacity which is set aside for them.
using Nominations = std::map<const Group*, Chunk, ByKey>;

/// One round: the actions in order, over all pools.
struct RoundRun {
  const Facts& facts;
  State state;
  std::map<std::string, PoolShares> shares;  ///< by pool, worked out at the start and held
  std::vector<Taken> taken;
  std::map<std::string, model::Verdict> verdicts;  ///< why groups wait, by key
  WakeUp wake_up;

  RoundRun(const Facts& facts, State state);
  void run();
  /// The decisions that are still true at the end, in the order in which they were taken. A nomination that
  /// was given out before and is kept is none; one that was lost is withdrawn.
  std::vector<decltype(model::Decision::body)> decisions(const State& before) const;

 private:
  /// In pools with strict discipline, by pool and queue: the group that waits for room, below which none is
  /// served.
  std::map<std::pair<std::string, std::string>, const Group*> closed;

  bool is_barred(const std::string& pool, const Group& group) const;
  PoolRound pool_round(const std::string& pool);
  std::vector<const Group*> candidates(const std::string& pool, std::size_t attempt,
                                       model::Action action) const;
  Nominations take_nominations(const std::string& pool);
  void keep_nominations(const State& held, const PoolShares& pool_shares, Nominations& nominations);
  void allocate(const std::string& pool, std::size_t attempt);
  void find_victims(const std::string& pool, std::size_t attempt, model::Action action);
  void evict_stale();
  void explain_the_rest();
  void accept(State next, const std::vector<VictimChunk>& victims, const Group* beneficiary,
              model::EvictionRule rule);
};

/// The pool that a group tries at its n-th attempt; one that runs somewhere stays there. None: no more pools.
std::optional<std::string> pool_of(const Facts& facts, const State& state, const Group& group,
                                   std::size_t attempt);

/// Section 3, "Stale-gang eviction": runs with fewer pods than a minimum, those that are leaving counted, and
/// none has succeeded.
bool is_stale(const Group& group, const State& state);

}  // namespace fairlead::reference
