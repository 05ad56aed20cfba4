// What drivers offer: slices, pools, devices, and which requests they match.

#include "model/cluster/claim_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace fairlead::model {
namespace {

bool mentions_accelerators(std::string_view text) { return text.find("gpu") != std::string_view::npos; }

void append(std::string& key, std::string_view part) {
  key += fmt::format("{}:", part.size());
  key += part;
}

}  // namespace

std::string ClaimTable::qualified(std::string_view driver, std::string_view name) {
  return name.find('/') == std::string_view::npos ? fmt::format("{}/{}", driver, name) : std::string(name);
}

const DeviceClass* ClaimTable::device_class(std::string_view name) const {
  auto found = classes_.find(name);
  return found == classes_.end() ? nullptr : &found->second;
}

void ClaimTable::set_policy(const ClaimPolicy& policy) {
  if (policy_.incomplete_pools == policy.incomplete_pools) {
    policy_ = policy;
    return;
  }
  for (std::size_t i = 0; i < pools_.size(); ++i) withdraw_pool(i);
  policy_ = policy;
  for (std::size_t i = 0; i < pools_.size(); ++i) offer_pool(i);
  note_shape();
}

void ClaimTable::set_class(DeviceClass device_class) {
  const std::string name = device_class.name;
  classes_[name] = std::move(device_class);
  refilter(name);
}

bool ClaimTable::remove_class(std::string_view name) {
  auto found = classes_.find(name);
  if (found == classes_.end()) return false;
  const std::string removed = found->first;
  classes_.erase(found);
  refilter(removed);
  return true;
}

/// A class changed: what its filters found does not hold any more.
void ClaimTable::refilter(std::string_view device_class) {
  for (std::size_t i = 0; i < filters_.size(); ++i) {
    Filter& filter = filters_[i];
    if (filter.references == 0 || filter.device_class != device_class) continue;
    close_column(filter);
    compile(filter);
    open_column(FilterId(i));
  }
  for (ClaimRecord& record : claims_)
    if (record.alive) count_quota(record);
  note_shape();
  ++version_;
}

std::size_t ClaimTable::intern_pool(std::string_view driver, std::string_view pool) {
  const auto [found, fresh] = pool_ids_.try_emplace({std::string(driver), std::string(pool)}, pools_.size());
  if (fresh) {
    ClaimPool& made = pools_.emplace_back();
    made.driver = driver;
    made.name = pool;
  }
  return found->second;
}

OfferedDeviceId ClaimTable::intern_device(std::size_t pool, std::string_view name) {
  const auto [found, fresh] =
      device_ids_.try_emplace({pool, std::string(name)}, OfferedDeviceId(devices_.size()));
  if (fresh) {
    ClaimDevice& made = devices_.emplace_back();
    made.pool = pool;
    made.name = name;
  }
  return found->second;
}

void ClaimTable::set_slice(ResourceSlice slice) {
  const std::size_t pool = intern_pool(slice.driver, slice.pool);
  remove_slice(slice.name);
  withdraw_pool(pool);
  std::vector<std::string>& names = pools_[pool].slices;
  names.insert(std::lower_bound(names.begin(), names.end(), slice.name), slice.name);
  std::string name = slice.name;
  slices_.emplace(std::move(name), std::move(slice));
  offer_pool(pool);
  ++version_;
}

bool ClaimTable::remove_slice(std::string_view name) {
  auto found = slices_.find(name);
  if (found == slices_.end()) return false;
  const std::size_t pool = intern_pool(found->second.driver, found->second.pool);
  withdraw_pool(pool);
  std::erase(pools_[pool].slices, found->first);
  slices_.erase(found);
  offer_pool(pool);
  ++version_;
  return true;
}

void ClaimTable::withdraw_pool(std::size_t index) {
  ClaimPool& pool = pools_[index];
  for (const auto& [node, count] : pool.accelerators) nodes_.add_claim_devices(node, -count);
  pool.accelerators.clear();
  for (OfferedDeviceId id : pool.devices) {
    ClaimDevice& device = devices_[id.index()];
    count_in_columns(device, -1);
    if (device.node.valid())
      std::erase_if(local_[device.node.index()], [&](OfferedDeviceId one) { return one == id; });
    device.spec = nullptr;
    device.reach = nullptr;
    device.node = NodeId();
    device.columns = 0;
    device.counted = false;
    device.counters.clear();
    device.counters_known = true;
    device.capacities.clear();
  }
  if (!pool.devices.empty())
    std::erase_if(wide_, [&](OfferedDeviceId one) { return devices_[one.index()].pool == index; });
  pool.devices.clear();
  pool.counter_sets.clear();
  pool.fault.clear();
  pool.complete = false;
}

void ClaimTable::offer_pool(std::size_t index) {
  ClaimPool& pool = pools_[index];
  std::vector<const ResourceSlice*> newest;
  for (const std::string& name : pool.slices) {
    const ResourceSlice& slice = slices_.find(name)->second;
    if (!newest.empty() && slice.generation < newest.front()->generation) continue;
    if (!newest.empty() && slice.generation > newest.front()->generation) newest.clear();
    newest.push_back(&slice);
  }
  if (newest.empty()) return;
  pool.generation = newest.front()->generation;
  pool.complete = static_cast<std::int64_t>(newest.size()) == newest.front()->slice_count;
  for (const ResourceSlice* slice : newest)
    for (const CounterSet& set : slice->shared_counters) {
      PoolCounterSet& made = pool.counter_sets.emplace_back();
      made.name = set.name;
      for (const Counter& counter : set.counters) made.counters.push_back({counter.name, counter.amount, {}});
    }
  for (const ResourceSlice* slice : newest)
    for (const OfferedDevice& offered : slice->devices) {
      const OfferedDeviceId id = intern_device(index, offered.name);
      ClaimDevice& device = devices_[id.index()];
      if (device.spec != nullptr) {
        pool.fault = fmt::format("device {} is there twice", offered.name);
        continue;
      }
      device.spec = &offered;
      device.reach = slice->reach_by_device ? &offered.reach : &slice->reach;
      device.rank = static_cast<std::uint32_t>(pool.devices.size());
      for (const DeviceCapacity& capacity : offered.capacities)
        device.capacities.push_back(capacity_names_.intern(qualified(pool.driver, capacity.name)));
      for (const CounterSet& uses : offered.consumes) {
        const auto set = std::find_if(pool.counter_sets.begin(), pool.counter_sets.end(),
                                      [&](const PoolCounterSet& one) { return one.name == uses.name; });
        for (const Counter& use : uses.counters) {
          if (set == pool.counter_sets.end()) {
            device.counters_known = false;
            continue;
          }
          const auto counter = std::find_if(set->counters.begin(), set->counters.end(),
                                            [&](const PoolCounter& one) { return one.name == use.name; });
          if (counter == set->counters.end()) {
            device.counters_known = false;
            continue;
          }
          device.counters.push_back({static_cast<std::uint32_t>(set - pool.counter_sets.begin()),
                                     static_cast<std::uint32_t>(counter - set->counters.begin()),
                                     use.amount});
        }
      }
      pool.devices.push_back(id);
    }
  for (OfferedDeviceId id : pool.devices) {
    ClaimDevice& device = devices_[id.index()];
    for (Filter& filter : filters_)
      if (filter.matches.size() > id.index()) filter.matches[id.index()] = DeviceMatch::kUnknown;
    count_counters(device, device.holders.now > 0 ? 1 : 0, device.holders.later > 0 ? 1 : 0);
    if (device.reach->node.empty()) {
      if (device.reach->empty()) continue;
      wide_.push_back(id);
      wide_sorted_ = false;
    } else {
      device.node = nodes_.intern(device.reach->node);
      if (local_.size() <= device.node.index()) {
        local_.resize(device.node.index() + 1);
        local_sorted_.resize(local_.size(), true);
      }
      local_[device.node.index()].push_back(id);
      local_sorted_[device.node.index()] = false;
    }
    if (!usable(device)) continue;
    device.counted = device.node.valid() && !device.spec->shared;
    for (std::size_t slot = 0; slot < columns_.size(); ++slot)
      if (columns_[slot].filter.valid() && match(columns_[slot].filter, id) == DeviceMatch::kMatches)
        device.columns |= std::uint64_t{1} << slot;
    count_in_columns(device, +1);
  }
  if (!mentions_accelerators(pool.driver)) return;
  // Partitions of one accelerator are counted as that one.
  std::map<NodeId, std::int64_t> counts;
  std::map<NodeId, std::vector<std::uint32_t>> sets;
  for (OfferedDeviceId id : pool.devices) {
    const ClaimDevice& device = devices_[id.index()];
    if (!device.node.valid()) continue;
    if (device.counters.empty()) {
      ++counts[device.node];
      continue;
    }
    std::vector<std::uint32_t>& seen = sets[device.node];
    for (const CounterUse& use : device.counters) {
      if (std::find(seen.begin(), seen.end(), use.set) != seen.end()) continue;
      seen.push_back(use.set);
      ++counts[device.node];
    }
  }
  for (const auto& [node, count] : counts) {
    pool.accelerators.emplace_back(node, count);
    nodes_.add_claim_devices(node, count);
  }
}

const std::vector<OfferedDeviceId>& ClaimTable::local_devices(NodeId node) {
  static const std::vector<OfferedDeviceId> kNone;
  if (node.index() >= local_.size()) return kNone;
  std::vector<OfferedDeviceId>& list = local_[node.index()];
  if (!local_sorted_[node.index()]) {
    std::sort(list.begin(), list.end(), [&](OfferedDeviceId a, OfferedDeviceId b) {
      const ClaimDevice& x = devices_[a.index()];
      const ClaimDevice& y = devices_[b.index()];
      return std::tie(pools_[x.pool].driver, pools_[x.pool].name, x.rank) <
             std::tie(pools_[y.pool].driver, pools_[y.pool].name, y.rank);
    });
    local_sorted_[node.index()] = true;
  }
  return list;
}

const std::vector<OfferedDeviceId>& ClaimTable::wide_devices() {
  if (!wide_sorted_) {
    std::sort(wide_.begin(), wide_.end(), [&](OfferedDeviceId a, OfferedDeviceId b) {
      const ClaimDevice& x = devices_[a.index()];
      const ClaimDevice& y = devices_[b.index()];
      return std::tie(pools_[x.pool].driver, pools_[x.pool].name, x.rank) <
             std::tie(pools_[y.pool].driver, pools_[y.pool].name, y.rank);
    });
    wide_sorted_ = true;
  }
  return wide_;
}

bool ClaimTable::reaches(OfferedDeviceId id, NodeId node) const {
  const ClaimDevice& device = devices_[id.index()];
  if (device.reach == nullptr) return false;
  if (device.node.valid()) return device.node == node;
  if (device.reach->all_nodes) return true;
  const Node& spec = nodes_.at(node).spec;
  const auto& terms = device.reach->terms;
  return std::any_of(terms.begin(), terms.end(),
                     [&](const NodeSelectorTerm& term) { return matches(term, spec.labels, spec.name); });
}

bool ClaimTable::usable(const ClaimDevice& device) const {
  const ClaimPool& pool = pools_[device.pool];
  if (device.spec == nullptr || !pool.fault.empty() || !device.counters_known) return false;
  return pool.complete || (policy_.incomplete_pools && device.counters.empty());
}

FilterId ClaimTable::acquire_filter(const DeviceChoice& choice) {
  std::string key;
  append(key, choice.device_class);
  for (const std::string& selector : choice.selectors) append(key, selector);
  key += '|';
  for (const DeviceToleration& toleration : choice.tolerations) {
    append(key, toleration.key);
    append(key, toleration.value);
    key += fmt::format("{}{};", toleration.exists ? 1 : 0,
                       toleration.effect ? static_cast<int>(*toleration.effect) : -1);
  }
  if (auto found = filter_ids_.find(key); found != filter_ids_.end()) {
    ++filters_[found->second.index()].references;
    return found->second;
  }
  FilterId id;
  if (free_filters_.empty()) {
    id = FilterId(filters_.size());
    filters_.emplace_back();
  } else {
    id = free_filters_.back();
    free_filters_.pop_back();
  }
  Filter& filter = filters_[id.index()];
  filter = Filter();
  filter.key = key;
  filter.device_class = choice.device_class;
  filter.selectors = choice.selectors;
  filter.tolerations = choice.tolerations;
  filter.references = 1;
  filter_ids_.emplace(std::move(key), id);
  compile(filter);
  open_column(id);
  return id;
}

void ClaimTable::release_filter(FilterId id) {
  Filter& filter = filters_[id.index()];
  if (--filter.references > 0) return;
  close_column(filter);
  filter_ids_.erase(filter.key);
  filter = Filter();
  free_filters_.push_back(id);
}

void ClaimTable::compile(Filter& filter) {
  filter.expressions.clear();
  filter.fault.clear();
  filter.failure.clear();
  filter.matches.clear();
  const DeviceClass* device_class = this->device_class(filter.device_class);
  if (device_class == nullptr) {
    filter.fault = fmt::format("device class {} does not exist", filter.device_class);
    return;
  }
  const auto add = [&](const std::vector<std::string>& selectors, std::string_view whose) {
    for (std::size_t i = 0; i < selectors.size(); ++i) {
      auto compiled = cel::Expression::compile(selectors[i]);
      if (compiled) {
        filter.expressions.push_back(std::make_shared<const cel::Expression>(std::move(*compiled)));
      } else if (filter.fault.empty()) {
        filter.fault = fmt::format("selector {} of {}: {}", i + 1, whose, compiled.error().message());
      }
    }
  };
  add(device_class->selectors, fmt::format("device class {}", filter.device_class));
  add(filter.selectors, "the request");
}

void ClaimTable::open_column(FilterId id) {
  Filter& filter = filters_[id.index()];
  if (!filter.fault.empty()) return;
  std::size_t slot = 0;
  while (slot < columns_.size() && columns_[slot].filter.valid()) ++slot;
  if (slot == kMostColumns) return;
  if (slot == columns_.size()) {
    Column& made = columns_.emplace_back();
    made.resource = resources_.intern(fmt::format("resource claims {}", slot));
    nodes_.add_columns();
    nodes_.keep_column(made.resource);
  }
  Column& column = columns_[slot];
  column.filter = id;
  column.uncountable = column.many_nodes = 0;
  filter.column = static_cast<std::uint32_t>(slot);
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    ClaimDevice& device = devices_[i];
    if (!usable(device) || match(id, OfferedDeviceId(i)) != DeviceMatch::kMatches) continue;
    device.columns |= std::uint64_t{1} << slot;
    count_in_column(device, filter.column, +1);
  }
}

void ClaimTable::close_column(Filter& filter) {
  if (filter.column == kNoColumn) return;
  const std::uint64_t bit = std::uint64_t{1} << filter.column;
  for (ClaimDevice& device : devices_) {
    if ((device.columns & bit) == 0) continue;
    count_in_column(device, filter.column, -1);
    device.columns &= ~bit;
  }
  columns_[filter.column].filter = FilterId();
  columns_[filter.column].overlap = {};
  for (Column& other : columns_) other.overlap[filter.column] = 0;
  filter.column = kNoColumn;
}

bool ClaimTable::is_column(ResourceId resource) const {
  return resource == device_column_ ||
         std::any_of(columns_.begin(), columns_.end(),
                     [&](const Column& column) { return column.resource == resource; });
}

DeviceMatch ClaimTable::match(FilterId id, OfferedDeviceId device) {
  Filter& filter = filters_[id.index()];
  if (filter.matches.size() <= device.index()) filter.matches.resize(devices_.size(), DeviceMatch::kUnknown);
  DeviceMatch& known = filter.matches[device.index()];
  if (known == DeviceMatch::kUnknown) known = examine(filter, devices_[device.index()]);
  return known;
}

DeviceMatch ClaimTable::examine(Filter& filter, const ClaimDevice& device) const {
  if (device.spec == nullptr || !filter.fault.empty()) return DeviceMatch::kNotSelected;
  if (!filter.expressions.empty()) {
    const cel::DeviceView view(pools_[device.pool].driver, *device.spec);
    for (const auto& expression : filter.expressions) {
      const base::Result<bool> selected = expression->selects(view);
      if (!selected) {
        filter.failure = fmt::format("on device {}/{}/{}: {}", pools_[device.pool].driver,
                                     pools_[device.pool].name, device.name, selected.error().message());
        return DeviceMatch::kFailed;
      }
      if (!*selected) return DeviceMatch::kNotSelected;
    }
  }
  for (const DeviceTaint& taint : device.spec->taints) {
    if (taint.effect == DeviceTaint::Effect::kNone) continue;
    if (std::none_of(filter.tolerations.begin(), filter.tolerations.end(),
                     [&](const DeviceToleration& one) { return tolerates(one, taint); }))
      return DeviceMatch::kTainted;
  }
  return DeviceMatch::kMatches;
}

ResourceId ClaimTable::device_column() {
  if (!device_column_.valid()) {
    device_column_ = resources_.intern("resource claims");
    nodes_.add_columns();
    nodes_.keep_column(device_column_);
  }
  return device_column_;
}

void ClaimTable::count_on_node(const ClaimDevice& device, ResourceId resource, int sign) {
  const std::int64_t later = device.holders.later == 0 ? sign : 0;
  const std::int64_t now = device.holders.now == 0 ? later : 0;
  nodes_.change_column(resource, device.node, sign, now, later);
}

void ClaimTable::count_in_columns(ClaimDevice& device, int sign) {
  if (device.counted) count_on_node(device, device_column(), sign);
  for (std::uint64_t rest = device.columns; rest != 0; rest &= rest - 1)
    count_in_column(device, static_cast<std::uint32_t>(__builtin_ctzll(rest)), sign);
}

void ClaimTable::count_in_column(const ClaimDevice& device, std::uint32_t slot, int sign) {
  Column& column = columns_[slot];
  const auto change = [&](std::int64_t& count) {
    const bool was = count != 0;
    count += sign;
    if (was != (count != 0)) note_shape();
  };
  const bool one_node = device.node.valid() && !device.spec->shared;
  if (!one_node) change(column.many_nodes);
  if (!one_node || !device.counters.empty()) change(column.uncountable);
  for (std::uint64_t rest = device.columns; rest != 0; rest &= rest - 1) {
    const auto other = static_cast<std::size_t>(__builtin_ctzll(rest));
    if (other == slot) continue;
    change(column.overlap[other]);
    columns_[other].overlap[slot] = column.overlap[other];
  }
  if (one_node) count_on_node(device, column.resource, sign);
}

}  // namespace fairlead::model
