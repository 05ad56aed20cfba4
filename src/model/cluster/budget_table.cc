#include "model/cluster/budget_table.h"

#include <algorithm>

namespace fairlead::model {

BudgetId BudgetTable::intern(std::string_view key) {
  if (BudgetId known = find(key); known.valid()) return known;
  const BudgetId id(records_.size());
  records_.emplace_back();
  ids_.emplace(key, id);
  of_namespace_[std::string(key.substr(0, key.find('/')))].push_back(id);
  return id;
}

BudgetId BudgetTable::find(std::string_view key) const {
  auto found = ids_.find(key);
  return found == ids_.end() ? BudgetId() : found->second;
}

BudgetIds BudgetTable::covering(const Pod& pod) const {
  BudgetIds ids;
  auto found = of_namespace_.find(pod.namespace_name);
  if (found == of_namespace_.end()) return ids;
  for (BudgetId id : found->second) {
    const BudgetRecord& budget = records_[id.index()];
    if (budget.alive && budget.spec.selector && matches(*budget.spec.selector, pod.labels)) ids.push_back(id);
  }
  return ids;
}

void BudgetTable::count(const BudgetIds& ids, bool expected, bool running, int change) {
  for (BudgetId id : ids) {
    if (expected) records_[id.index()].expected += change;
    if (running) records_[id.index()].running += change;
  }
}

void BudgetTable::start_round() {
  for (BudgetRecord& record : records_) record.running_at_start = record.running;
}

std::int64_t BudgetTable::allowed(BudgetId id) const {
  const BudgetRecord& record = records_[id.index()];
  const DisruptionBudget& spec = record.spec;
  if (spec.disruptions_allowed) return *spec.disruptions_allowed;
  auto amount = [&](std::int64_t value, bool percent) {
    return percent ? (value * record.expected + 99) / 100 : value;
  };
  const std::int64_t healthy = record.running_at_start;
  if (spec.min_available)
    return std::max<std::int64_t>(0, healthy - amount(*spec.min_available, spec.min_available_is_percent));
  if (!spec.max_unavailable) return healthy;
  const std::int64_t unavailable = amount(*spec.max_unavailable, spec.max_unavailable_is_percent);
  return std::max<std::int64_t>(0, healthy - (record.expected - unavailable));
}

void BudgetTable::spend(BudgetId id) {
  auto& allowed = records_[id.index()].spec.disruptions_allowed;
  if (allowed) allowed = *allowed - 1;
}

}  // namespace fairlead::model
