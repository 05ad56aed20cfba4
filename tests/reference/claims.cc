#include "reference/claims.h"

#include "model/cel/expression.h"

#include <functional>
#include <set>
#include <tuple>

namespace fairlead::reference {
namespace {

using model::AllocatedDevice;
using model::ClaimAllocation;

/// A device that is offered, with its slice.
struct Offered {
  const model::ResourceSlice* slice = nullptr;
  const model::OfferedDevice* device = nullptr;
  bool complete = false;  ///< its pool has all slices of its newest generation
  const std::vector<model::CounterSet>* counters = nullptr;
};
using DeviceKey = std::tuple<std::string, std::string, std::string>;

DeviceKey key_of(const AllocatedDevice& device) { return {device.driver, device.pool, device.device}; }
DeviceKey key_of(const Offered& offered) {
  return {offered.slice->driver, offered.slice->pool, offered.device->name};
}

/// Everything that drivers offer, by driver, pool, slice and place in it.
struct Market {
  std::vector<Offered> devices;
  std::map<std::pair<std::string, std::string>, std::vector<model::CounterSet>> counters;
  std::set<std::pair<std::string, std::string>> faulty;  ///< pools with a device twice

  explicit Market(const World& world) {
    std::map<std::pair<std::string, std::string>, std::vector<const model::ResourceSlice*>> pools;
    for (const auto& [name, slice] : world.slices) pools[{slice.driver, slice.pool}].push_back(&slice);
    for (auto& [pool, slices] : pools) {
      std::int64_t newest = slices.front()->generation;
      for (const auto* slice : slices) newest = std::max(newest, slice->generation);
      std::erase_if(slices, [&](const auto* slice) { return slice->generation != newest; });
      bool complete = static_cast<std::int64_t>(slices.size()) == slices.front()->slice_count;
      std::vector<model::CounterSet>& sets = counters[pool];
      for (const auto* slice : slices)
        sets.insert(sets.end(), slice->shared_counters.begin(), slice->shared_counters.end());
      std::set<std::string> names;
      for (const auto* slice : slices)
        for (const model::OfferedDevice& device : slice->devices) {
          if (!names.insert(device.name).second) {
            faulty.insert(pool);
            continue;
          }
          devices.push_back({slice, &device, complete, &sets});
        }
    }
  }

  const Offered* find(const DeviceKey& key) const {
    for (const Offered& one : devices)
      if (key_of(one) == key) return &one;
    return nullptr;
  }
  bool usable(const World& world, const Offered& one) const {
    if (faulty.count({one.slice->driver, one.slice->pool})) return false;
    for (const model::CounterSet& uses : one.device->consumes)
      for (const model::Counter& counter : uses.counters)
        if (!total(one, uses.name, counter.name)) return false;
    return one.complete || (world.configuration.claims.incomplete_pools && one.device->consumes.empty());
  }
  static std::optional<std::int64_t> total(const Offered& one, const std::string& set,
                                           const std::string& name) {
    for (const model::CounterSet& have : *one.counters) {
      if (have.name != set) continue;
      for (const model::Counter& counter : have.counters)
        if (counter.name == name) return counter.amount;
      return std::nullopt;
    }
    return std::nullopt;
  }
};

const model::NodeReach& reach_of(const Offered& one) {
  return one.slice->reach_by_device ? one.device->reach : one.slice->reach;
}
bool reaches(const Offered& one, const model::Node& node) {
  const model::NodeReach& reach = reach_of(one);
  if (!reach.node.empty()) return reach.node == node.name;
  return reach.all_nodes || std::any_of(reach.terms.begin(), reach.terms.end(), [&](const auto& term) {
           return model::matches(term, node.labels, node.name);
         });
}

/// What a claim has, and who uses it so.
struct Holding {
  std::vector<AllocatedDevice> devices;
  bool told = false;
  int active = 0, leaving = 0, reserved = 0;
};

bool same_devices(const std::vector<AllocatedDevice>& a, const std::vector<AllocatedDevice>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return key_of(x) == key_of(y) && x.admin_access == y.admin_access && x.consumed == y.consumed;
         });
}

/// Who has what, as a state has it.
struct Holdings {
  std::map<std::string, std::vector<Holding>> of_claim;
  std::set<std::string> strangers;  ///< claims that somebody unknown may use

  Holdings(const Facts& facts, const State& state) {
    const World& world = *facts.world;
    for (const auto& [key, claim] : world.resource_claims) {
      if (claim.allocation) of_claim[key].push_back({claim.allocation->devices, true});
      for (const std::string& uid : claim.reserved_for) {
        auto pod = world.pods.find(uid);
        bool known = pod != world.pods.end() &&
                     std::count(pod->second.claims.begin(), pod->second.claims.end(), key) > 0;
        if (!known) strangers.insert(key);
      }
    }
    for (const auto& [uid, pod] : state.pods) {
      if (is_active(pod.status))
        count(pod.place, pod.status == Status::kPipelined ? &Holding::reserved : &Holding::active);
      if (pod.leaving) count(*pod.leaving, &Holding::leaving);
    }
  }
  void count(const Place& place, int Holding::* use) {
    for (const ClaimAllocation& one : place.claims) {
      auto& list = of_claim[one.claim];
      auto found = std::find_if(list.begin(), list.end(), [&](const Holding& holding) {
        return same_devices(holding.devices, one.allocation.devices);
      });
      if (found == list.end()) found = list.insert(found, Holding{one.allocation.devices});
      ++((*found).*use);
    }
  }
  static bool now(const Holding& holding) { return holding.active + holding.leaving > 0 || holding.told; }
  bool later(const std::string& claim, const Holding& holding) const {
    return holding.active + holding.reserved > 0 ||
           (holding.told && (holding.leaving == 0 || strangers.count(claim) > 0));
  }
};

/// What is taken of devices at once, and when all has left.
struct Use {
  std::map<DeviceKey, std::int64_t> holders;
  std::map<std::pair<DeviceKey, std::string>, std::int64_t> consumed;  ///< by capacity, with its domain
};

std::string qualified(const std::string& driver, const std::string& name) {
  return name.find('/') == std::string::npos ? driver + "/" + name : name;
}

void take(Use& use, const AllocatedDevice& device, std::int64_t sign) {
  if (device.admin_access) return;
  use.holders[key_of(device)] += sign;
  for (const model::Counter& one : device.consumed)
    use.consumed[{key_of(device), qualified(device.driver, one.name)}] += sign * one.amount;
}

struct Uses {
  Use now, later;
  explicit Uses(const Holdings& holdings) {
    for (const auto& [claim, list] : holdings.of_claim)
      for (const Holding& holding : list)
        for (const AllocatedDevice& device : holding.devices) {
          if (Holdings::now(holding)) take(now, device, 1);
          if (holdings.later(claim, holding)) take(later, device, 1);
        }
  }
};

/// Whether what is taken of a device is there: itself, its capacities and its counters.
bool within(const Market& market, const Use& use, const Offered& one) {
  auto holders = [&](const DeviceKey& key) {
    auto found = use.holders.find(key);
    return found == use.holders.end() ? 0 : found->second;
  };
  if (!one.device->shared && holders(key_of(one)) > 1) return false;
  for (const model::DeviceCapacity& capacity : one.device->capacities) {
    auto used = use.consumed.find({key_of(one), qualified(one.slice->driver, capacity.name)});
    if (used != use.consumed.end() && used->second > capacity.amount) return false;
  }
  for (const model::CounterSet& uses : one.device->consumes)
    for (const model::Counter& counter : uses.counters) {
      std::int64_t sum = 0;
      for (const Offered& other : market.devices) {
        if (other.slice->driver != one.slice->driver || other.slice->pool != one.slice->pool) continue;
        if (holders(key_of(other)) == 0) continue;
        for (const model::CounterSet& theirs : other.device->consumes)
          for (const model::Counter& taken : theirs.counters)
            if (theirs.name == uses.name && taken.name == counter.name) sum += taken.amount;
      }
      if (sum > Market::total(one, uses.name, counter.name).value_or(0)) return false;
    }
  return true;
}

/// Selectors of class and request hold, and taints are tolerated. None: not selected.
std::optional<bool> selected(const World& world, const model::DeviceChoice& choice, const Offered& one) {
  auto device_class = world.device_classes.find(choice.device_class);
  if (device_class == world.device_classes.end()) return std::nullopt;
  const model::cel::DeviceView view(one.slice->driver, *one.device);
  for (const auto* list : {&device_class->second.selectors, &choice.selectors})
    for (const std::string& text : *list) {
      auto expression = model::cel::Expression::compile(text);
      if (!expression) return std::nullopt;
      auto value = expression->selects(view);
      if (!value) return false;  // it fails on this device
      if (!*value) return std::nullopt;
    }
  return std::all_of(
      one.device->taints.begin(), one.device->taints.end(), [&](const model::DeviceTaint& taint) {
        return taint.effect == model::DeviceTaint::Effect::kNone ||
               std::any_of(choice.tolerations.begin(), choice.tolerations.end(),
                           [&](const auto& toleration) { return model::tolerates(toleration, taint); });
      });
}

/// What of its capacities a device gives; none: it has less, or not what is asked for.
std::optional<std::vector<model::Counter>> consumed(const model::DeviceChoice& choice, const Offered& one) {
  std::vector<model::Counter> amounts;
  std::size_t met = 0;
  for (const model::DeviceCapacity& capacity : one.device->capacities) {
    std::int64_t amount = capacity.amount;
    auto asked = std::find_if(choice.capacities.begin(), choice.capacities.end(), [&](const auto& wanted) {
      return qualified(one.slice->driver, wanted.name) == qualified(one.slice->driver, capacity.name);
    });
    const auto& policy = capacity.policy;
    if (asked != choice.capacities.end()) {
      ++met;
      amount = asked->amount;
      if (policy && policy->least) {
        amount = std::max(amount, *policy->least);
        if (policy->step && *policy->step > 0)
          while ((amount - *policy->least) % *policy->step != 0) ++amount;
        if (policy->most && amount > *policy->most) return std::nullopt;
      } else if (policy && !policy->valid_amounts.empty()) {
        auto valid = std::lower_bound(policy->valid_amounts.begin(), policy->valid_amounts.end(), amount);
        if (valid == policy->valid_amounts.end()) return std::nullopt;
        amount = *valid;
      }
    } else if (policy && policy->default_amount) {
      amount = *policy->default_amount;
    }
    if (amount > capacity.amount) return std::nullopt;
    if (one.device->shared) amounts.push_back({capacity.name, amount});
  }
  std::sort(amounts.begin(), amounts.end());
  if (met != choice.capacities.size()) return std::nullopt;
  return amounts;
}

/// Depth first, the plainest way.
struct Search {
  const World& world;
  const model::Node& node;
  Market market;
  Uses uses;
  bool now;
  std::vector<const Offered*> candidates = {};
  ClaimAllocations found = {};
  std::uint64_t steps = 0;
  bool out_of_steps = false;

  struct Picked {
    AllocatedDevice device;
    const Offered* offered = nullptr;
    std::size_t request = 0;
    std::size_t choice = 0;
  };

  bool try_device(std::vector<Picked>& list, const model::ResourceClaim& claim, std::size_t request,
                  std::size_t choice, const Offered& one) {
    const model::DeviceChoice& wanted = claim.requests[request].choices[choice];
    if (list.size() >= 32 || !market.usable(world, one) ||
        selected(world, wanted, one) != std::optional(true))
      return false;
    Picked picked;
    picked.offered = &one;
    picked.request = request;
    picked.choice = choice;
    picked.device.request = name_of(claim, request, choice);
    picked.device.driver = one.slice->driver;
    picked.device.pool = one.slice->pool;
    picked.device.device = one.device->name;
    picked.device.admin_access = wanted.admin_access;
    if (wanted.admin_access) {
      for (const Picked& other : list)
        if (other.offered == &one) return false;
    } else {
      auto amounts = consumed(wanted, one);
      if (!amounts) return false;
      picked.device.consumed = *amounts;
    }
    if (!allowed(claim, list, picked)) return false;
    take(uses.now, picked.device, 1);
    take(uses.later, picked.device, 1);
    bool fits = picked.device.admin_access ||
                (within(market, uses.later, one) && (!now || within(market, uses.now, one)));
    if (!fits) {
      take(uses.now, picked.device, -1);
      take(uses.later, picked.device, -1);
      return false;
    }
    list.push_back(std::move(picked));
    return true;
  }
  void give_back(std::vector<Picked>& list) {
    take(uses.now, list.back().device, -1);
    take(uses.later, list.back().device, -1);
    list.pop_back();
  }

  static std::string name_of(const model::ResourceClaim& claim, std::size_t request, std::size_t choice) {
    const model::ClaimRequest& one = claim.requests[request];
    return one.prioritized ? one.name + "/" + one.choices[choice].name : one.name;
  }
  static const model::AttributeValue* attribute(const Offered& one, const std::string& name) {
    for (const auto& have : one.device->attributes)
      if (have.name == name || qualified(one.slice->driver, have.name) == name) return &have.value;
    return nullptr;
  }
  bool concerns(const model::ClaimConstraint& constraint, const model::ResourceClaim& claim,
                const Picked& picked) const {
    if (constraint.requests.empty()) return true;
    return std::any_of(constraint.requests.begin(), constraint.requests.end(), [&](const std::string& name) {
      return name == claim.requests[picked.request].name ||
             name == name_of(claim, picked.request, picked.choice);
    });
  }
  bool allowed(const model::ResourceClaim& claim, const std::vector<Picked>& list,
               const Picked& picked) const {
    for (const model::ClaimConstraint& constraint : claim.constraints) {
      if (!concerns(constraint, claim, picked)) continue;
      const auto* value = attribute(*picked.offered, constraint.attribute);
      if (!value) return false;
      for (const Picked& other : list) {
        if (!concerns(constraint, claim, other)) continue;
        if ((*attribute(*other.offered, constraint.attribute) == *value) == constraint.distinct) return false;
      }
    }
    return true;
  }

  /// Goes on with the next request when one is served, and with `done` when all are.
  bool serve(const model::ResourceClaim& claim, std::vector<Picked>& list, std::size_t request,
             const std::function<bool()>& done) {
    if (request == claim.requests.size()) return done();
    for (std::size_t choice = 0; choice < claim.requests[request].choices.size(); ++choice) {
      const model::DeviceChoice& wanted = claim.requests[request].choices[choice];
      auto next = [&] { return serve(claim, list, request + 1, done); };
      if (wanted.all ? serve_all(claim, list, request, choice, next)
                     : wanted.count <= 32 && serve_count(claim, list, request, choice, wanted.count, 0, next))
        return true;
      if (out_of_steps) return false;
    }
    return false;
  }
  bool step() {
    return out_of_steps = out_of_steps || ++steps > world.configuration.claims.max_steps, !out_of_steps;
  }
  bool serve_count(const model::ResourceClaim& claim, std::vector<Picked>& list, std::size_t request,
                   std::size_t choice, std::int64_t missing, std::size_t from,
                   const std::function<bool()>& next) {
    if (missing == 0) return next();
    for (std::size_t i = from; i < candidates.size(); ++i) {
      if (!step()) return false;
      if (!try_device(list, claim, request, choice, *candidates[i])) continue;
      bool part = candidates[i]->device->shared && !list.back().device.admin_access;
      if (serve_count(claim, list, request, choice, missing - 1, part ? i : i + 1, next)) return true;
      give_back(list);
      if (out_of_steps) return false;
    }
    return false;
  }
  bool serve_all(const model::ResourceClaim& claim, std::vector<Picked>& list, std::size_t request,
                 std::size_t choice, const std::function<bool()>& next) {
    std::size_t before = list.size();
    bool good = true;
    for (const Offered* one : candidates) {
      good = step() && one->complete && !market.faulty.count({one->slice->driver, one->slice->pool});
      if (!good) break;
      auto match = selected(world, claim.requests[request].choices[choice], *one);
      if (!match) continue;
      good = try_device(list, claim, request, choice, *one);
      if (!good) break;
    }
    if (good && list.size() > before && next()) return true;
    while (list.size() > before) give_back(list);
    return false;
  }
};

}  // namespace

std::optional<ClaimAllocations> choose_claims(const Facts& facts, const State& state, const model::Pod& pod,
                                              const model::Node& node, When when) {
  if (pod.claims.empty()) return ClaimAllocations{};
  const PodState& at = state_of(state, pod);
  if (at.status == Status::kEvicted && at.home.node == node.name && !at.home.claims.empty() &&
      claims_have_room(facts, state, pod, at.home.claims, When::kLater))
    return at.home.claims;
  const World& world = *facts.world;
  Holdings holdings(facts, state);
  Search search{world, node, Market(world), Uses(holdings), when == When::kNow};
  for (bool local : {true, false})
    for (const Offered& one : search.market.devices)
      if (reach_of(one).node.empty() != local && reaches(one, node)) search.candidates.push_back(&one);

  ClaimAllocations result;
  std::vector<const model::ResourceClaim*> open;
  std::vector<std::size_t> place;
  for (const std::string& key : pod.claims) {
    const Holding* kept = nullptr;
    bool leaving = false;
    for (const Holding& holding : holdings.of_claim[key]) {
      if (holdings.later(key, holding)) {
        if (!kept || holding.told || holding.active > kept->active) kept = &holding;
      } else if (Holdings::now(holding)) {
        leaving = true;
      }
    }
    result.push_back({key, {}});
    if (!kept) {
      if (leaving && when == When::kNow) return std::nullopt;
      open.push_back(&world.resource_claims.at(key));
      place.push_back(result.size() - 1);
      continue;
    }
    bool here = true;
    for (const AllocatedDevice& device : kept->devices) {
      const Offered* one = search.market.find(key_of(device));
      here = here && (!one || reaches(*one, node));
      if (when == When::kNow && !Holdings::now(*kept) && !device.admin_access && device.consumed.empty())
        here = here && search.uses.now.holders[key_of(device)] == 0;
    }
    if (!here || (when == When::kNow && leaving)) return std::nullopt;
    result.back().allocation.devices = kept->devices;
  }
  std::vector<std::vector<Search::Picked>> lists(open.size());
  std::function<bool(std::size_t)> serve_from = [&](std::size_t index) -> bool {
    if (index == open.size()) return true;
    return search.serve(*open[index], lists[index], 0, [&, index] { return serve_from(index + 1); });
  };
  if (!serve_from(0)) return std::nullopt;
  for (std::size_t i = 0; i < open.size(); ++i)
    for (const Search::Picked& picked : lists[i])
      result[place[i]].allocation.devices.push_back(picked.device);
  return result;
}

bool claims_have_room(const Facts& facts, const State& state, const model::Pod& pod,
                      const ClaimAllocations& claims, When when) {
  if (claims.size() != pod.claims.size()) return false;
  const World& world = *facts.world;
  Holdings holdings(facts, state);
  Market market(world);
  Uses uses(holdings);
  bool now = when == When::kNow;
  for (const ClaimAllocation& one : claims) {
    bool held = false;
    for (const Holding& holding : holdings.of_claim[one.claim]) {
      bool same = same_devices(holding.devices, one.allocation.devices);
      bool kept = holdings.later(one.claim, holding);
      if (kept && !same) return false;
      if (now && !kept && Holdings::now(holding)) return false;
      held = held || (kept && same && (!now || Holdings::now(holding)));
    }
    if (held) continue;
    for (const AllocatedDevice& device : one.allocation.devices) {
      if (device.admin_access) continue;
      const Offered* offered = market.find(key_of(device));
      if (!offered || !market.usable(world, *offered)) return false;
      take(uses.now, device, 1);
      take(uses.later, device, 1);
      if (!within(market, uses.later, *offered) || (now && !within(market, uses.now, *offered))) return false;
    }
  }
  return true;
}

std::int64_t claims_charge(const World& world, const model::Pod& pod) {
  std::int64_t sum = 0;
  for (const std::string& key : pod.claims) {
    auto claim = world.resource_claims.find(key);
    if (claim == world.resource_claims.end()) continue;
    sum += model::claim_thousandths(claim->second, [&](std::string_view name) -> const model::DeviceClass* {
      auto found = world.device_classes.find(std::string(name));
      return found == world.device_classes.end() ? nullptr : &found->second;
    });
  }
  return sum;
}

std::string claims_problem(const Facts& facts, const model::Pod& pod) {
  const World& world = *facts.world;
  if (pod.claims.empty()) return {};
  if (!world.configuration.claims.enabled) return "claims are off";
  for (const std::string& key : pod.claims) {
    auto found = world.resource_claims.find(key);
    if (found == world.resource_claims.end()) return "no claim " + key;
    const model::ResourceClaim& claim = found->second;
    model::Pod alone;
    alone.claims = {key};
    auto group = facts.groups.find(pod.group);
    if (!claim.from_template && claims_charge(world, alone) > 0 && group != facts.groups.end() &&
        claim.queue != group->second.object->queue)
      return "the claim is of another queue";
    if (claim.allocation) continue;
    for (const model::ClaimRequest& request : claim.requests) {
      bool any = request.choices.empty();
      for (const model::DeviceChoice& choice : request.choices) {
        auto device_class = world.device_classes.find(choice.device_class);
        bool good = device_class != world.device_classes.end();
        if (good)
          for (const auto* list : {&device_class->second.selectors, &choice.selectors})
            for (const std::string& text : *list) good = good && model::cel::Expression::compile(text).ok();
        any = any || good;
      }
      if (!any) return "nothing can serve " + request.name;
    }
  }
  return {};
}

ClaimAllocations told_claims(const World& world, const model::Pod& pod, const ClaimAllocations& decided) {
  ClaimAllocations result;
  for (const std::string& key : pod.claims) {
    auto claim = world.resource_claims.find(key);
    if (claim != world.resource_claims.end() && claim->second.allocation) {
      result.push_back({key, {}});
      result.back().allocation.devices = claim->second.allocation->devices;
      continue;
    }
    for (const ClaimAllocation& one : decided)
      if (one.claim == key) result.push_back(one);
  }
  return result;
}

ClaimDevices claim_devices(const Facts& facts, const State& state, const model::Node& node) {
  ClaimDevices count;
  Market market(*facts.world);
  Uses uses{Holdings(facts, state)};
  for (const Offered& one : market.devices) {
    if (one.device->shared || reach_of(one).node != node.name || !market.usable(*facts.world, one)) continue;
    ++count.all;
    if (uses.later.holders[key_of(one)] == 0) ++count.free_later;
  }
  return count;
}

std::int64_t claim_accelerators(const World& world, const model::Node& node) {
  std::int64_t count = 0;
  std::set<std::tuple<std::string, std::string, std::string>> sets;
  Market market(world);
  for (const Offered& one : market.devices) {
    if (reach_of(one).node != node.name || one.slice->driver.find("gpu") == std::string::npos) continue;
    bool of_set = false;
    for (const model::CounterSet& uses : one.device->consumes)
      for (const model::Counter& counter : uses.counters)
        if (Market::total(one, uses.name, counter.name)) {
          of_set = true;
          sets.insert({one.slice->driver, one.slice->pool, uses.name});
        }
    if (!of_set) ++count;
  }
  return count + static_cast<std::int64_t>(sets.size());
}

}  // namespace fairlead::reference
