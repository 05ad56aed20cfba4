#include "model/cluster/queue_table.h"

#include <algorithm>
#include <tuple>

namespace fairlead::model {

QueueTable::QueueTable() : dimension_names_{"gpu", "cpu", "memory"} {}

QueueId QueueTable::intern(std::string_view name) {
  QueueId id = names_.intern(name);
  if (id.index() == records_.size()) {
    records_.emplace_back();
    for (auto& pool : accounts_) pool.push_back(fresh_account(false));
  }
  return id;
}

QueueId QueueTable::find(std::string_view name) const { return names_.find(name).value_or(QueueId()); }

bool QueueTable::is_leaf(QueueId id) const {
  return records_[id.index()].attached && !records_[id.index()].inner;
}

QueueAccount QueueTable::fresh_account(bool user_leaf) const {
  QueueAccount account;
  account.declared = user_leaf;
  account.dimensions.resize(dimension_names_.size());
  for (std::size_t i = 0; i < dimension::kFixed; ++i) {
    account.dimensions[i].declared = true;
    if (user_leaf) account.dimensions[i].quota.over_quota_weight = 1;
  }
  return account;
}

void QueueTable::set_flat(bool flat) {
  flat_ = flat;
  rebuild_tree();
}

bool QueueTable::has_dimension(std::string_view name) const {
  return std::find(dimension_names_.begin(), dimension_names_.end(), name) != dimension_names_.end();
}

std::size_t QueueTable::intern_dimension(std::string_view name) {
  auto found = std::find(dimension_names_.begin(), dimension_names_.end(), name);
  if (found != dimension_names_.end()) return static_cast<std::size_t>(found - dimension_names_.begin());
  dimension_names_.emplace_back(name);
  for (auto& pool : accounts_)
    for (QueueAccount& account : pool) account.dimensions.emplace_back();
  return dimension_names_.size() - 1;
}

std::size_t QueueTable::model_dimension(std::string_view model) const {
  if (model.empty()) return 0;
  for (std::size_t i = dimension::kFixed; i < dimension_names_.size(); ++i)
    if (std::string_view(dimension_names_[i]).substr(4) == model) return i;
  return 0;
}

void QueueTable::set(Queue queue, const std::vector<PoolId>& pools) {
  QueueId id = intern(queue.name);
  for (auto& pool : accounts_) {
    QueueAccount& account = pool[id.index()];
    account.declared = false;
    account.priority = 100;
    for (std::size_t i = 0; i < account.dimensions.size(); ++i) {
      account.dimensions[i].quota = Quota();
      account.dimensions[i].declared = i < dimension::kFixed;
    }
  }
  for (std::size_t i = 0; i < queue.pools.size(); ++i) {
    const PoolQuota& given = queue.pools[i];
    for (const DimensionQuota& each : given.dimensions) {
      const std::size_t index = intern_dimension(each.dimension);
      DimensionAccount& dimension = accounts_[pools[i].index()][id.index()].dimensions[index];
      dimension.quota = each.quota;
      dimension.declared = true;
    }
    QueueAccount& account = accounts_[pools[i].index()][id.index()];
    account.declared = true;
    account.priority = given.priority.value_or(100);
  }
  records_[id.index()].spec = std::move(queue);
  records_[id.index()].known = true;
  rebuild_tree();
}

void QueueTable::remove(std::string_view name) {
  QueueId id = find(name);
  if (!id.valid()) return;
  records_[id.index()].known = false;
  rebuild_tree();
}

QueueId QueueTable::user_leaf(QueueId queue, std::string_view user) {
  const QueueRecord& parent = records_[queue.index()];
  // A queue's name is a DNS label, so no Queue object can have this name.
  const std::string name = parent.spec.name + "/" + std::string(user);
  QueueId id = find(name);
  if (id.valid() && records_[id.index()].known) return id;
  Queue leaf;
  leaf.name = name;
  leaf.uid = name;
  leaf.display_name = std::string(user);
  leaf.parent = parent.spec.name;
  id = intern(name);
  for (auto& pool : accounts_) pool[id.index()] = fresh_account(true);
  records_[id.index()].spec = std::move(leaf);
  records_[id.index()].known = true;
  records_[id.index()].user_leaf = true;
  rebuild_tree();
  return id;
}

void QueueTable::add_pool() {
  auto& accounts = accounts_.emplace_back();
  for (const QueueRecord& record : records_) accounts.push_back(fresh_account(record.user_leaf));
}

void QueueTable::rebuild_tree() {
  ++version_;
  for (QueueRecord& record : records_) {
    record.children.clear();
    record.attached = false;
    record.inner = false;
    record.parent = record.known && !record.spec.parent.empty() ? find(record.spec.parent) : QueueId();
  }
  roots_.clear();
  std::vector<QueueId> reached;
  std::vector<std::vector<QueueId>> children(records_.size());
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const QueueRecord& record = records_[i];
    if (!record.known) continue;
    if (record.spec.parent.empty()) {
      roots_.push_back(QueueId(i));
    } else if (record.parent.valid()) {
      children[record.parent.index()].push_back(QueueId(i));
      if (!record.user_leaf) records_[record.parent.index()].inner = true;
    }
  }
  auto older = [&](QueueId a, QueueId b) {
    const Queue& first = records_[a.index()].spec;
    const Queue& second = records_[b.index()].spec;
    return std::tie(first.created, first.uid, first.name) < std::tie(second.created, second.uid, second.name);
  };
  std::sort(roots_.begin(), roots_.end(), older);
  // From the roots down: a queue in a cycle, or below a missing parent, is never reached.
  reached = roots_;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    QueueRecord& record = records_[reached[i].index()];
    record.attached = true;
    record.children = std::move(children[reached[i].index()]);
    std::sort(record.children.begin(), record.children.end(), older);
    reached.insert(reached.end(), record.children.begin(), record.children.end());
  }
  if (!flat_) return;
  roots_.clear();
  for (QueueId id : reached) {
    QueueRecord& record = records_[id.index()];
    std::erase_if(record.children, [&](QueueId child) { return !records_[child.index()].user_leaf; });
    if (record.user_leaf) continue;
    record.parent = QueueId();
    if (!record.inner) roots_.push_back(id);
  }
  std::sort(roots_.begin(), roots_.end(), older);
}

void QueueTable::charge(PoolId pool, QueueId leaf, const QueueCharge& charge, Tally tally, int sign) {
  auto& accounts = accounts_[pool.index()];
  for (QueueId queue = leaf; queue.valid(); queue = records_[queue.index()].parent) {
    auto& dimensions = accounts[queue.index()].dimensions;
    auto add = [&](std::size_t dimension, std::int64_t amount) {
      switch (tally) {
        case Tally::kAllocated:
          dimensions[dimension].allocated += sign * amount;
          break;
        case Tally::kNonPreemptible:
          dimensions[dimension].non_preemptible += sign * amount;
          break;
        case Tally::kRequested:
          dimensions[dimension].requested += sign * amount;
          break;
      }
    };
    add(dimension::kGpu, charge.gpu);
    add(dimension::kCpu, charge.cpu);
    add(dimension::kMemory, charge.memory);
    for (std::size_t model : {charge.model_dimension, charge.second_model_dimension})
      if (model != 0) add(model, charge.at(model));
  }
}

}  // namespace fairlead::model
