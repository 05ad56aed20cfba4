#pragma once

#include "base/strong_id.h"
#include "model/availability.h"
#include "model/pod.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::model {

using BudgetId = base::StrongId<struct BudgetTag>;
using BudgetIds = boost::container::small_vector<BudgetId, 1>;

struct BudgetRecord {
  DisruptionBudget spec;
  bool alive = false;
  std::int64_t expected = 0;          ///< covered pods that have not finished
  std::int64_t running = 0;           ///< covered pods that run and do not leave
  std::int64_t running_at_start = 0;  ///< of the round
};

/// Disruption budgets with counts of the pods that they cover, kept as pods change.
class BudgetTable {
 public:
  /// The id of a budget, known or new.
  BudgetId intern(std::string_view key);
  BudgetId find(std::string_view key) const;
  std::size_t size() const { return records_.size(); }
  const BudgetRecord& at(BudgetId id) const { return records_[id.index()]; }
  BudgetRecord& record(BudgetId id) { return records_[id.index()]; }

  /// The budgets of its namespace whose selector matches the pod. O(budgets of the namespace).
  BudgetIds covering(const Pod& pod) const;
  /// A pod that `covering` names begins (+1) or stops (-1) to count.
  void count(const BudgetIds& ids, bool expected, bool running, int change);

  /// From here on disrupted() counts what stops to run. O(budgets).
  void start_round();
  /// Covered pods that were evicted in this round.
  std::int64_t disrupted(BudgetId id) const {
    return records_[id.index()].running_at_start - records_[id.index()].running;
  }
  /// How many pods may be evicted in this round: what the budget's controller computed, or else as many as
  /// run above its minimum. Percentages are rounded up, as Kubernetes does.
  std::int64_t allowed(BudgetId id) const;
  /// An eviction was decided: until the controller counts anew there is one less.
  void spend(BudgetId id);

 private:
  std::vector<BudgetRecord> records_;
  std::map<std::string, BudgetId, std::less<>> ids_;
  std::map<std::string, std::vector<BudgetId>, std::less<>> of_namespace_;
};

}  // namespace fairlead::model
