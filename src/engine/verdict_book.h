#pragma once

#include "model/cluster/ids.h"
#include "model/decision.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace fairlead::engine {

/// What the world was last told about each group that waits. A verdict is touched only where it changes; what
/// groups that wait alike were told together is kept once for all of them.
class VerdictBook {
 public:
  /// Null: that it does not wait.
  using Shared = std::shared_ptr<const model::Verdict>;

  const Shared& told(model::GroupId group);
  /// From now on this is what the world is told about a group.
  void tell(model::GroupId group, Shared verdict);

  /// What all that wait alike were told, but those whose verdict was looked at one by one; the second is
  /// false where it differed between them, or is not known.
  const std::pair<Shared, bool>& told_alike(std::uint32_t index);
  void note_alike(std::uint32_t index, Shared verdict, bool same_for_all);
  void forget_alike() { alike_.clear(); }

  /// Groups whose verdict has to be looked at again on its own, whatever happens.
  std::vector<model::GroupId>& looked_at_singly() { return singly_; }
  /// Groups that were told something new since this was last called, each once.
  std::vector<model::GroupId> take_changed() { return std::exchange(changed_, {}); }

  static bool same(const Shared& a, const Shared& b) { return a == b || (a && b && *a == *b); }

 private:
  std::vector<Shared> told_;                    // by group
  std::vector<std::pair<Shared, bool>> alike_;  // by index of alike groups
  std::vector<model::GroupId> singly_;
  std::vector<model::GroupId> changed_;
};

}  // namespace fairlead::engine
