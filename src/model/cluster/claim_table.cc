// Claims: who uses them, what they hold, and what that leaves free.

#include "model/cluster/claim_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::model {
namespace {

constexpr std::int64_t kMostCountedDevices = 32;  // of one claim; Kubernetes' limit of results

/// 64 bits of a text, by FNV-1a.
std::uint64_t fingerprint(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325U ^ seed;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

ClaimId ClaimTable::intern(std::string_view key) {
  const ClaimId id = keys_.intern(key);
  if (id.index() == claims_.size()) claims_.emplace_back();
  return id;
}

void ClaimTable::add_user(ClaimId id, PodId pod) {
  std::vector<PodId>& users = claims_[id.index()].users;
  const auto place = std::lower_bound(users.begin(), users.end(), pod);
  if (place == users.end() || *place != pod) users.insert(place, pod);
}

void ClaimTable::remove_user(ClaimId id, PodId pod) { std::erase(claims_[id.index()].users, pod); }

void ClaimTable::occupy_holding(const ClaimRecord& record, const ClaimRecord::Holding& holding, int sign) {
  occupy(*holding.grant, record.occupies_now(holding) ? sign : 0, record.occupies_later(holding) ? sign : 0);
}

void ClaimTable::count_strangers(ClaimId id, const std::function<std::string_view(PodId)>& uid_of) {
  ClaimRecord& record = claims_[id.index()];
  const bool strangers = std::any_of(record.spec.reserved_for.begin(), record.spec.reserved_for.end(),
                                     [&](const std::string& uid) {
                                       return std::none_of(record.users.begin(), record.users.end(),
                                                           [&](PodId user) { return uid_of(user) == uid; });
                                     });
  if (strangers == record.used_by_strangers) return;
  for (const auto& holding : record.holdings) occupy_holding(record, holding, -1);
  record.used_by_strangers = strangers;
  for (const auto& holding : record.holdings) occupy_holding(record, holding, +1);
}

void ClaimTable::count_quota(ClaimRecord& record) const {
  record.quota_thousandths =
      claim_thousandths(record.spec, [this](std::string_view name) { return device_class(name); });
}

void ClaimTable::set_claim(ClaimId id, ResourceClaim claim) {
  std::vector<std::vector<FilterId>> filters;
  for (const ClaimRequest& request : claim.requests) {
    std::vector<FilterId>& of_request = filters.emplace_back();
    for (const DeviceChoice& choice : request.choices) of_request.push_back(acquire_filter(choice));
  }
  GrantPointer told = claim.allocation ? grant_of(id, *claim.allocation) : nullptr;
  ClaimRecord& record = claims_[id.index()];
  for (const auto& holding : record.holdings) occupy_holding(record, holding, -1);
  for (const auto& of_request : record.filters)
    for (FilterId filter : of_request) release_filter(filter);
  record.spec = std::move(claim);
  record.alive = true;
  record.filters = std::move(filters);
  for (auto& holding : record.holdings) {
    holding.told = told && holding.grant->same_devices(*told);
    if (!holding.told) continue;
    holding.grant = told;
    told = nullptr;
  }
  if (told) record.holdings.push_back({std::move(told), 0, 0, 0, true});
  const auto gone = [](const ClaimRecord::Holding& holding) {
    return holding.active + holding.leaving + holding.reserved == 0 && !holding.told;
  };
  record.holdings.erase(std::remove_if(record.holdings.begin(), record.holdings.end(), gone),
                        record.holdings.end());
  for (const auto& holding : record.holdings) occupy_holding(record, holding, +1);
  count_quota(record);
  ++version_;
}

void ClaimTable::remove_claim(ClaimId id) {
  ClaimRecord& record = claims_[id.index()];
  ResourceClaim nothing;
  nothing.key = record.spec.key;
  set_claim(id, std::move(nothing));
  record.alive = false;
}

ClaimNeeds ClaimTable::needs(const ClaimIds& ids) const {
  using Kind = ClaimNeeds::Kind;
  ClaimNeeds needs;
  if (ids.empty()) return needs;
  needs.kind = Kind::kCounted;
  std::array<std::int64_t, kMostColumns> counts{};
  for (ClaimId id : ids) {
    const ClaimRecord& record = claims_[id.index()];
    needs.quota_thousandths += record.quota_thousandths;
    const bool told = std::any_of(record.holdings.begin(), record.holdings.end(),
                                  [](const ClaimRecord::Holding& holding) { return holding.told; });
    const bool alone = record.alive && record.users.size() <= 1 && !told;
    if (!alone || !record.spec.constraints.empty()) needs.kind = Kind::kSearched;
    if (!alone) continue;
    std::int64_t devices = 0;
    for (std::size_t i = 0; i < record.spec.requests.size(); ++i) {
      const ClaimRequest& request = record.spec.requests[i];
      if (request.prioritized || request.choices.size() != 1) {
        needs.kind = Kind::kSearched;
        continue;
      }
      const DeviceChoice& choice = request.choices.front();
      const std::uint32_t slot = filters_[record.filters[i].front().index()].column;
      if (!choice.capacities.empty()) needs.kind = Kind::kSearched;
      if (choice.all || choice.admin_access || slot == kNoColumn || columns_[slot].many_nodes > 0) {
        needs.kind = Kind::kSearched;
        continue;
      }
      if (columns_[slot].uncountable > 0) needs.kind = Kind::kSearched;
      counts[slot] += choice.count;
      devices += choice.count;
    }
    if (devices > kMostCountedDevices) needs.kind = Kind::kSearched;
    needs.devices += devices;
  }
  for (std::uint32_t slot = 0; slot < columns_.size(); ++slot) {
    if (counts[slot] == 0) continue;
    for (const auto& [other, count] : needs.columns)
      if (columns_[slot].overlap[other] > 0) needs.kind = Kind::kSearched;
    needs.columns.emplace_back(slot, counts[slot]);
  }
  if (needs.kind != Kind::kCounted) needs.devices = 0;
  return needs;
}

PodGrantsPointer ClaimTable::told_grants(const ClaimIds& ids, const PodGrantsPointer& assumed) const {
  if (ids.empty()) return nullptr;
  boost::intrusive_ptr<PodGrants> result(new PodGrants);
  for (ClaimId id : ids) {
    GrantPointer grant;
    for (const auto& holding : claims_[id.index()].holdings)
      if (holding.told) grant = holding.grant;
    if (!grant && assumed)
      for (const GrantPointer& one : assumed->grants)
        if (one->claim == id) grant = one;
    if (grant) result->grants.push_back(std::move(grant));
  }
  if (result->grants.empty()) return nullptr;
  return result;
}

GrantPointer ClaimTable::grant_of(ClaimId claim, const Allocation& allocation, bool recorded) {
  boost::intrusive_ptr<Grant> grant(new Grant);
  grant->claim = claim;
  grant->nodes = allocation.nodes;
  if (recorded) grant->recorded = allocation.devices;
  const std::vector<ClaimRequest>& requests = claims_[claim.index()].spec.requests;
  for (const AllocatedDevice& allocated : allocation.devices) {
    GrantedDevice device;
    device.device = intern_device(intern_pool(allocated.driver, allocated.pool), allocated.device);
    for (std::size_t i = 0; i < requests.size(); ++i)
      for (std::size_t j = 0; j < requests[i].choices.size(); ++j) {
        const std::string& name = requests[i].name;
        const bool same = requests[i].prioritized
                              ? allocated.request == name + "/" + requests[i].choices[j].name
                              : allocated.request == name;
        if (!same) continue;
        device.request = static_cast<std::uint32_t>(i);
        device.choice = static_cast<std::uint32_t>(j);
      }
    device.admin_access = allocated.admin_access;
    device.part = !allocated.share.empty() || !allocated.consumed.empty();
    for (const Counter& consumed : allocated.consumed)
      device.consumed.emplace_back(capacity_names_.intern(qualified(allocated.driver, consumed.name)),
                                   consumed.amount);
    std::sort(device.consumed.begin(), device.consumed.end());
    grant->devices.push_back(std::move(device));
  }
  return grant;
}

bool ClaimTable::is_told(const Grant& grant) const {
  const auto& holdings = claims_[grant.claim.index()].holdings;
  return std::any_of(holdings.begin(), holdings.end(), [&](const ClaimRecord::Holding& holding) {
    return holding.told && holding.grant->same_devices(grant);
  });
}

std::string ClaimTable::share_of(const Grant& grant, std::size_t index) const {
  const ClaimDevice& device = devices_[grant.devices[index].device.index()];
  const ClaimRecord& record = claims_[grant.claim.index()];
  const std::string whole =
      fmt::format("{} {} {}/{}/{} {}", record.spec.key, record.spec.uid, pools_[device.pool].driver,
                  pools_[device.pool].name, device.name, index);
  const std::uint64_t high = fingerprint(whole, 0);
  const std::uint64_t low = fingerprint(whole, 0x9e3779b97f4a7c15U);
  // A UUID of the version that is for one's own way of making them.
  return fmt::format("{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFU, 0x8000U | ((low >> 48U) & 0x3FFFU), low & 0xFFFFFFFFFFFFU);
}

Allocation ClaimTable::describe(const Grant& grant) const {
  Allocation allocation;
  allocation.nodes = grant.nodes;
  if (!grant.recorded.empty()) {
    allocation.devices = grant.recorded;
    return allocation;
  }
  const ResourceClaim& claim = claims_[grant.claim.index()].spec;
  for (std::size_t i = 0; i < grant.devices.size(); ++i) {
    const GrantedDevice& granted = grant.devices[i];
    const ClaimDevice& device = devices_[granted.device.index()];
    AllocatedDevice made;
    if (granted.request < claim.requests.size() &&
        granted.choice < claim.requests[granted.request].choices.size()) {
      const ClaimRequest& request = claim.requests[granted.request];
      const DeviceChoice& choice = request.choices[granted.choice];
      made.request = request.prioritized ? request.name + "/" + choice.name : request.name;
      made.tolerations = choice.tolerations;
    }
    made.driver = pools_[device.pool].driver;
    made.pool = pools_[device.pool].name;
    made.device = device.name;
    made.admin_access = granted.admin_access;
    if (granted.part) {
      made.share = share_of(grant, i);
      for (const auto& [capacity, amount] : granted.consumed) {
        std::string name = capacity_names_.text(capacity);
        // As the driver spells it.
        for (std::size_t c = 0; device.spec != nullptr && c < device.capacities.size(); ++c)
          if (device.capacities[c] == capacity) name = device.spec->capacities[c].name;
        made.consumed.push_back({std::move(name), amount});
      }
      std::sort(made.consumed.begin(), made.consumed.end());
    }
    if (device.spec != nullptr) {
      made.binding_conditions = device.spec->binding_conditions;
      made.binding_failure_conditions = device.spec->binding_failure_conditions;
    }
    allocation.devices.push_back(std::move(made));
  }
  add_configurations(grant, allocation);
  return allocation;
}

/// Settings of the classes, each once with the requests that it is for, then those of the claim that are for
/// what was chosen.
void ClaimTable::add_configurations(const Grant& grant, Allocation& allocation) const {
  const ResourceClaim& claim = claims_[grant.claim.index()].spec;
  std::vector<std::string> names;  // of the requests as they were chosen
  std::vector<const DeviceChoice*> choices;
  for (std::size_t i = 0; i < claim.requests.size(); ++i) {
    const ClaimRequest& request = claim.requests[i];
    const auto granted = std::find_if(grant.devices.begin(), grant.devices.end(),
                                      [&](const GrantedDevice& one) { return one.request == i; });
    if (granted == grant.devices.end() || granted->choice >= request.choices.size()) continue;
    choices.push_back(&request.choices[granted->choice]);
    names.push_back(request.prioritized ? request.name + "/" + choices.back()->name : request.name);
  }
  std::vector<std::string_view> seen;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const DeviceClass* device_class = this->device_class(choices[i]->device_class);
    if (device_class == nullptr || std::find(seen.begin(), seen.end(), device_class->name) != seen.end())
      continue;
    seen.push_back(device_class->name);
    std::vector<std::string> users;
    for (std::size_t j = 0; j < choices.size(); ++j)
      if (choices[j]->device_class == device_class->name) users.push_back(names[j]);
    if (users.size() == claim.requests.size()) users.clear();
    for (const DeviceConfiguration& one : device_class->configurations)
      allocation.configurations.push_back({true, {users, one.driver, one.parameters}});
  }
  for (const DeviceConfiguration& one : claim.configurations) {
    const bool applies = one.requests.empty() ||
                         std::any_of(one.requests.begin(), one.requests.end(), [&](const std::string& name) {
                           return std::any_of(names.begin(), names.end(), [&](const std::string& chosen) {
                             return chosen == name || chosen.starts_with(name + "/");
                           });
                         });
    if (applies) allocation.configurations.push_back({false, one});
  }
}

void ClaimTable::charge(const PodGrants& grants, Hold hold, int sign) {
  for (const GrantPointer& grant : grants.grants) {
    ClaimRecord& record = claims_[grant->claim.index()];
    auto& holdings = record.holdings;
    auto holding = std::find_if(holdings.begin(), holdings.end(), [&](const ClaimRecord::Holding& one) {
      return one.grant == grant || one.grant->same_devices(*grant);
    });
    if (holding == holdings.end()) {
      holdings.push_back({grant});
      holding = holdings.end() - 1;
    }
    const std::int64_t now = record.occupies_now(*holding) ? 1 : 0;
    const std::int64_t later = record.occupies_later(*holding) ? 1 : 0;
    const auto count = static_cast<std::uint32_t>(sign);  // wraps to a subtraction for -1
    switch (hold) {
      case Hold::kActive:
      case Hold::kStarted:
        holding->active += count;
        break;
      case Hold::kLeaving:
      case Hold::kGivenUp:
        holding->leaving += count;
        break;
      case Hold::kReserved:
        holding->reserved += count;
        break;
    }
    occupy(*holding->grant, (record.occupies_now(*holding) ? 1 : 0) - now,
           (record.occupies_later(*holding) ? 1 : 0) - later);
    if (holding->active + holding->leaving + holding->reserved == 0 && !holding->told) {
      *holding = std::move(holdings.back());
      holdings.pop_back();
    }
  }
}

void ClaimTable::occupy(const Grant& grant, std::int64_t now, std::int64_t later) {
  if (now == 0 && later == 0) return;
  ++version_;
  for (const GrantedDevice& granted : grant.devices) {
    if (granted.admin_access) continue;
    ClaimDevice& device = devices_[granted.device.index()];
    const Usage before = device.holders;
    device.holders.now += now;
    device.holders.later += later;
    for (const auto& [capacity, amount] : granted.consumed) {
      auto used = std::find_if(device.used.begin(), device.used.end(),
                               [id = capacity](const auto& one) { return one.first == id; });
      if (used == device.used.end()) used = device.used.insert(used, {capacity, {}});
      used->second.now += now * amount;
      used->second.later += later * amount;
      if (used->second.now == 0 && used->second.later == 0) device.used.erase(used);
    }
    const Usage& after = device.holders;
    const auto steps = [](bool was, bool is) {
      return static_cast<std::int64_t>(is) - static_cast<std::int64_t>(was);
    };
    count_counters(device, steps(before.now > 0, after.now > 0), steps(before.later > 0, after.later > 0));
    if (!device.node.valid()) continue;
    if (!device.counted) {
      nodes_.touch(device.node);
      continue;
    }
    const bool later_free_before = before.later == 0;
    const bool later_free = after.later == 0;
    const std::int64_t later_change = steps(later_free_before, later_free);
    const std::int64_t now_change = steps(later_free_before && before.now == 0, later_free && after.now == 0);
    nodes_.change_column(device_column_, device.node, 0, now_change, later_change);
    for (std::uint64_t rest = device.columns; rest != 0; rest &= rest - 1)
      nodes_.change_column(columns_[static_cast<std::size_t>(__builtin_ctzll(rest))].resource, device.node, 0,
                           now_change, later_change);
  }
}

void ClaimTable::count_counters(ClaimDevice& device, std::int64_t now, std::int64_t later) {
  if (now == 0 && later == 0) return;
  ClaimPool& pool = pools_[device.pool];
  for (const CounterUse& use : device.counters) {
    Usage& used = pool.counter_sets[use.set].counters[use.counter].used;
    used.now += now * use.amount;
    used.later += later * use.amount;
  }
}

void ClaimTable::each_column(const PodGrants& grants,
                             const std::function<void(ResourceId, NodeId)>& visit) const {
  for (const GrantPointer& grant : grants.grants)
    for (const GrantedDevice& granted : grant->devices) {
      const ClaimDevice& device = devices_[granted.device.index()];
      if (granted.admin_access || !device.counted) continue;
      visit(device_column_, device.node);
      for (std::uint64_t rest = device.columns; rest != 0; rest &= rest - 1)
        visit(columns_[static_cast<std::size_t>(__builtin_ctzll(rest))].resource, device.node);
    }
}

std::string ClaimTable::check(
    const std::function<void(const std::function<void(const PodGrants&, Hold)>&)>& each) const {
  struct Counts {
    GrantPointer grant;
    std::uint32_t active = 0, leaving = 0, reserved = 0;
  };
  std::vector<std::vector<Counts>> by_claim(claims_.size());
  each([&](const PodGrants& grants, Hold hold) {
    for (const GrantPointer& grant : grants.grants) {
      std::vector<Counts>& list = by_claim[grant->claim.index()];
      auto found = std::find_if(list.begin(), list.end(),
                                [&](const Counts& one) { return one.grant->same_devices(*grant); });
      if (found == list.end()) found = list.insert(found, Counts{grant});
      if (hold == Hold::kLeaving) {
        ++found->leaving;
      } else if (hold == Hold::kReserved) {
        ++found->reserved;
      } else {
        ++found->active;
      }
    }
  });
  std::string differences;
  std::vector<Usage> holders(devices_.size());
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    const ClaimRecord& record = claims_[i];
    std::size_t found = 0;
    for (const ClaimRecord::Holding& holding : record.holdings) {
      const auto counts = std::find_if(by_claim[i].begin(), by_claim[i].end(), [&](const Counts& one) {
        return one.grant->same_devices(*holding.grant);
      });
      const bool used = counts != by_claim[i].end();
      if (used) ++found;
      if (holding.active != (used ? counts->active : 0) || holding.leaving != (used ? counts->leaving : 0) ||
          holding.reserved != (used ? counts->reserved : 0))
        differences += fmt::format("claim {}: users by state differ\n", record.spec.key);
      for (const GrantedDevice& granted : holding.grant->devices) {
        if (granted.admin_access) continue;
        holders[granted.device.index()].now += record.occupies_now(holding) ? 1 : 0;
        holders[granted.device.index()].later += record.occupies_later(holding) ? 1 : 0;
      }
    }
    if (found != by_claim[i].size())
      differences += fmt::format("claim {}: a holding lacks\n", record.spec.key);
  }
  for (std::size_t i = 0; i < devices_.size(); ++i)
    if (holders[i].now != devices_[i].holders.now || holders[i].later != devices_[i].holders.later)
      differences +=
          fmt::format("device {}: held {} now instead of {}, {} later instead of {}\n", devices_[i].name,
                      devices_[i].holders.now, holders[i].now, devices_[i].holders.later, holders[i].later);
  std::map<std::pair<std::uint32_t, NodeId>, std::array<std::int64_t, 3>> sums;
  for (const ClaimDevice& device : devices_) {
    if (!device.counted) continue;
    for (std::uint64_t rest = device.columns; rest != 0; rest &= rest - 1) {
      auto& sum = sums[{static_cast<std::uint32_t>(__builtin_ctzll(rest)), device.node}];
      ++sum[0];
      sum[2] += device.holders.later == 0;
      sum[1] += device.holders.later == 0 && device.holders.now == 0;
    }
  }
  for (std::uint32_t slot = 0; slot < columns_.size(); ++slot)
    for (std::size_t row = 0; row < nodes_.size(); ++row) {
      const ResourceId resource = columns_[slot].resource;
      const auto found = sums.find({slot, NodeId(row)});
      const std::array<std::int64_t, 3> sum =
          found == sums.end() ? std::array<std::int64_t, 3>{} : found->second;
      if (nodes_.capacity(resource)[row] != sum[0] || nodes_.now(resource)[row] != sum[1] ||
          nodes_.later(resource)[row] != sum[2])
        differences += fmt::format("node {}: devices of claims in column {} differ\n",
                                   nodes_.at(NodeId(row)).spec.name, slot);
    }
  return differences;
}

}  // namespace fairlead::model
