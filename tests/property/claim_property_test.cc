// The engine's choice of devices for claims, against one that tries every combination. Both see the same
// small clusters, made from numbers that RapidCheck shrinks.

#include "engine/engine.h"
#include "model/event.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace fairlead::property {
namespace {

using model::AttributeValue;

/// Turns numbers into choices; when they run out, always the first choice.
class Choices {
 public:
  explicit Choices(std::vector<std::uint8_t> numbers) : numbers_(std::move(numbers)) {}
  int below(int most) {
    if (at_ >= numbers_.size()) return 0;
    return numbers_[at_++] % most;
  }
  bool one_in(int most) { return below(most) == most - 1; }

 private:
  std::vector<std::uint8_t> numbers_;
  std::size_t at_ = 0;
};

const char* const kDriver = "gpu.example.com";
constexpr int kNodes = 2;

/// A cluster with devices, and claims that come one after the other, each with its pod.
struct Case {
  std::vector<model::ResourceSlice> slices;
  std::vector<model::ResourceClaim> claims;
  std::vector<std::vector<std::size_t>> pods;  ///< indexes of claims
};

std::string node_name(int node) { return fmt::format("n{}", node); }

model::OfferedDevice make_device(Choices& choices, int index) {
  model::OfferedDevice device;
  device.name = fmt::format("d{}", index);
  device.attributes = {{"kind", {AttributeValue::Kind::kInteger, choices.below(2), false, ""}}};
  if (!choices.one_in(5))
    device.attributes.push_back(
        {"root", {AttributeValue::Kind::kText, 0, false, choices.below(2) == 0 ? "x" : "y"}});
  if (choices.one_in(5)) device.taints = {{"worn", "", model::DeviceTaint::Effect::kNoSchedule}};
  device.shared = choices.one_in(4);
  if (device.shared || choices.one_in(4)) {
    model::DeviceCapacity capacity{"memory", 4000 + 1000 * choices.below(3), {}};
    if (choices.below(2) == 1) {
      capacity.policy.emplace();
      capacity.policy->least = 1000;
      capacity.policy->step = 2000;
      if (choices.below(2) == 1) capacity.policy->default_amount = 3000;
    }
    device.capacities = {capacity};
  }
  if (choices.one_in(3)) device.consumes = {{"set", {{"slices", 1000 * (1 + choices.below(3))}}}};
  return device;
}

model::ClaimRequest make_request(Choices& choices, int index) {
  model::ClaimRequest request;
  request.name = fmt::format("r{}", index);
  request.prioritized = choices.one_in(4);
  const int alternatives = request.prioritized ? 1 + choices.below(2) : 1;
  for (int i = 0; i < alternatives; ++i) {
    model::DeviceChoice choice;
    if (request.prioritized) choice.name = fmt::format("c{}", i);
    choice.device_class = "any";
    if (const int kind = choices.below(3); kind > 0)
      choice.selectors = {fmt::format(R"(device.attributes["{}"].kind == {})", kDriver, kind - 1)};
    choice.all = choices.one_in(6);
    choice.count = 1 + choices.below(2);
    choice.admin_access = choices.one_in(8);
    if (choices.one_in(4)) choice.tolerations = {{"worn", true, "", {}}};
    if (choices.one_in(4)) choice.capacities = {{"memory", 1000 * (1 + choices.below(4))}};
    request.choices.push_back(choice);
  }
  return request;
}

Case make_case(Choices choices) {
  Case made;
  for (int node = 0; node <= kNodes; ++node) {
    model::ResourceSlice slice;
    slice.name = fmt::format("s{}", node);
    slice.driver = kDriver;
    slice.pool = fmt::format("p{}", node);
    if (node < kNodes) {
      slice.reach.node = node_name(node);
    } else if (choices.below(2) == 0) {
      slice.reach.all_nodes = true;
    } else {
      slice.reach.terms = {{{{"name", model::Requirement::Operator::kIn, {node_name(1)}}}, {}}};
    }
    slice.shared_counters = {{"set", {{"slices", 4000}}}};
    const int devices = choices.below(node < kNodes ? 4 : 3);
    for (int i = 0; i < devices; ++i) slice.devices.push_back(make_device(choices, i));
    if (choices.one_in(8)) slice.slice_count = 2;
    made.slices.push_back(std::move(slice));
  }
  const int pods = 1 + choices.below(4);
  for (int pod = 0; pod < pods; ++pod) {
    std::vector<std::size_t>& of_pod = made.pods.emplace_back();
    const int claims = 1 + choices.below(2);
    for (int i = 0; i < claims; ++i) {
      if (!made.claims.empty() && choices.one_in(5)) {
        const auto shared = static_cast<std::size_t>(choices.below(static_cast<int>(made.claims.size())));
        if (std::find(of_pod.begin(), of_pod.end(), shared) == of_pod.end()) of_pod.push_back(shared);
        continue;
      }
      model::ResourceClaim claim;
      claim.key = fmt::format("ns/c{}", made.claims.size());
      claim.uid = claim.key;
      claim.from_template = true;
      const int requests = 1 + choices.below(2);
      for (int r = 0; r < requests; ++r) claim.requests.push_back(make_request(choices, r));
      if (choices.one_in(3)) {
        model::ClaimConstraint constraint{{}, std::string(kDriver) + "/root", choices.below(2) == 1};
        if (choices.one_in(3)) constraint.requests = {"r0"};
        claim.constraints = {constraint};
      }
      of_pod.push_back(made.claims.size());
      made.claims.push_back(std::move(claim));
    }
  }
  return made;
}

/// A device by slice and place in it.
struct Where {
  std::size_t slice = 0;
  std::size_t device = 0;
  friend auto operator<=>(const Where&, const Where&) = default;
};
struct Taken {
  Where where;
  std::size_t request = 0;
  std::size_t choice = 0;
  bool admin = false;
  std::int64_t consumed = 0;  ///< of the only capacity of a shared device
};
/// What each claim that has devices has.
using Allocated = std::map<std::size_t, std::vector<Taken>>;

/// The rules of Kubernetes, applied to a whole allocation at once.
class Rules {
 public:
  explicit Rules(const Case& the_case) : case_(the_case) {}

  const model::OfferedDevice& device(Where where) const {
    return case_.slices[where.slice].devices[where.device];
  }

  bool reaches(std::size_t slice, int node) const {
    const model::NodeReach& reach = case_.slices[slice].reach;
    if (!reach.node.empty()) return reach.node == node_name(node);
    return reach.all_nodes || node == 1;
  }

  static bool complete(const model::ResourceSlice& slice) { return slice.slice_count == 1; }

  bool selected(const model::DeviceChoice& choice, Where where) const {
    if (choice.selectors.empty()) return true;
    const char kind = choice.selectors.front().back();
    return device(where).attributes.front().value.integer == kind - '0';
  }
  bool tolerated(const model::DeviceChoice& choice, Where where) const {
    return device(where).taints.empty() || !choice.tolerations.empty();
  }

  /// What of a device's capacity a choice takes; -1: it cannot.
  std::int64_t consumes(const model::DeviceChoice& choice, Where where) const {
    const model::OfferedDevice& offered = device(where);
    if (offered.capacities.empty()) return choice.capacities.empty() ? 0 : -1;
    const model::DeviceCapacity& capacity = offered.capacities.front();
    std::int64_t amount = capacity.amount;
    if (!choice.capacities.empty()) {
      amount = choice.capacities.front().amount;
      if (capacity.policy) {
        amount = std::max<std::int64_t>(amount, 1000);
        while ((amount - 1000) % 2000 != 0) ++amount;
      }
    } else if (capacity.policy && capacity.policy->default_amount) {
      amount = *capacity.policy->default_amount;
    }
    return amount <= capacity.amount ? amount : -1;
  }

  /// Whether nothing is taken beyond what there is.
  bool within_capacity(const Allocated& all) const {
    std::map<Where, std::pair<int, std::int64_t>> used;
    for (const auto& [claim, list] : all)
      for (const Taken& taken : list)
        if (!taken.admin) {
          ++used[taken.where].first;
          used[taken.where].second += taken.consumed;
        }
    std::map<std::size_t, std::int64_t> counters;
    for (const auto& [where, use] : used) {
      const model::OfferedDevice& offered = device(where);
      if (!offered.shared && use.first > 1) return false;
      if (offered.shared && !offered.capacities.empty() && use.second > offered.capacities.front().amount)
        return false;
      if (!offered.consumes.empty())
        counters[where.slice] += offered.consumes.front().counters.front().amount;
    }
    return std::all_of(counters.begin(), counters.end(), [](const auto& one) { return one.second <= 4000; });
  }

  /// Whether a claim's devices on a node are what it asks for.
  bool serves(std::size_t index, const std::vector<Taken>& list, int node) const {
    const model::ResourceClaim& claim = case_.claims[index];
    for (std::size_t r = 0; r < claim.requests.size(); ++r) {
      std::vector<Taken> mine;
      for (const Taken& taken : list)
        if (taken.request == r) mine.push_back(taken);
      if (mine.empty()) return false;
      const model::DeviceChoice& choice = claim.requests[r].choices[mine.front().choice];
      for (const Taken& taken : mine) {
        if (taken.choice != mine.front().choice || taken.admin != choice.admin_access) return false;
        if (!reaches(taken.where.slice, node) || !complete(case_.slices[taken.where.slice])) return false;
        if (!selected(choice, taken.where) || !tolerated(choice, taken.where)) return false;
        if (!choice.admin_access && consumes(choice, taken.where) < 0) return false;
        const std::int64_t amount =
            choice.admin_access || !device(taken.where).shared || device(taken.where).capacities.empty()
                ? 0
                : consumes(choice, taken.where);
        if (taken.consumed != amount) return false;
      }
      if (!choice.all && static_cast<std::int64_t>(mine.size()) != choice.count) return false;
      if (choice.all && !is_all(choice, mine, node)) return false;
    }
    // An administrator's device is not given twice to one claim.
    for (std::size_t i = 0; i < list.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (list[i].where == list[j].where && (list[i].admin || list[j].admin)) {
          if (list[i].admin) return false;
        }
    return constrained(claim, list);
  }

 private:
  bool is_all(const model::DeviceChoice& choice, const std::vector<Taken>& mine, int node) const {
    std::size_t wanted = 0;
    for (std::size_t s = 0; s < case_.slices.size(); ++s) {
      if (!reaches(s, node)) continue;
      if (!complete(case_.slices[s]) && !case_.slices[s].devices.empty()) return false;
      for (std::size_t d = 0; d < case_.slices[s].devices.size(); ++d)
        if (selected(choice, {s, d})) ++wanted;
    }
    for (std::size_t i = 0; i < mine.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (mine[i].where == mine[j].where) return false;
    return mine.size() == wanted;
  }

  bool constrained(const model::ResourceClaim& claim, const std::vector<Taken>& list) const {
    for (const model::ClaimConstraint& constraint : claim.constraints) {
      std::vector<std::string> values;
      for (const Taken& taken : list) {
        const bool concerned =
            constraint.requests.empty() || constraint.requests.front() == claim.requests[taken.request].name;
        if (!concerned) continue;
        if (device(taken.where).attributes.size() < 2) return false;
        values.push_back(device(taken.where).attributes[1].value.text);
      }
      for (std::size_t i = 0; i < values.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
          if ((values[i] == values[j]) == constraint.distinct) return false;
    }
    return true;
  }

  const Case& case_;
};

/// Tries every combination of devices for a pod's claims on every node.
class Exhaustive {
 public:
  Exhaustive(const Case& the_case, const Rules& rules) : case_(the_case), rules_(rules) {}

  bool possible(const Allocated& before, const std::vector<std::size_t>& claims) {
    for (int node = 0; node < kNodes; ++node) {
      Allocated all = before;
      if (try_claims(all, claims, 0, node)) return true;
    }
    return false;
  }

 private:
  bool try_claims(Allocated& all, const std::vector<std::size_t>& claims, std::size_t at, int node) {
    if (at == claims.size()) return true;
    const std::size_t claim = claims[at];
    if (const auto known = all.find(claim); known != all.end()) {
      const bool here = std::all_of(known->second.begin(), known->second.end(), [&](const Taken& taken) {
        return rules_.reaches(taken.where.slice, node);
      });
      return here && try_claims(all, claims, at + 1, node);
    }
    std::vector<Taken> list;
    return try_request(all, claims, at, node, list, 0);
  }

  bool try_request(Allocated& all, const std::vector<std::size_t>& claims, std::size_t at, int node,
                   std::vector<Taken>& list, std::size_t request) {
    const model::ResourceClaim& claim = case_.claims[claims[at]];
    if (request == claim.requests.size()) {
      if (!rules_.serves(claims[at], list, node)) return false;
      all[claims[at]] = list;
      if (rules_.within_capacity(all) && try_claims(all, claims, at + 1, node)) return true;
      all.erase(claims[at]);
      return false;
    }
    for (std::size_t choice = 0; choice < claim.requests[request].choices.size(); ++choice) {
      const std::size_t before = list.size();
      if (try_devices(all, claims, at, node, list, request, choice, 0)) return true;
      list.resize(before);
    }
    return false;
  }

  bool try_devices(Allocated& all, const std::vector<std::size_t>& claims, std::size_t at, int node,
                   std::vector<Taken>& list, std::size_t request, std::size_t choice, std::int64_t taken) {
    const model::DeviceChoice& wanted = case_.claims[claims[at]].requests[request].choices[choice];
    if (wanted.all ? taken > 0 : taken == wanted.count) {
      std::vector<Taken> here = list;
      if (try_request(all, claims, at, node, here, request + 1)) {
        list = here;
        return true;
      }
      if (!wanted.all) return false;
    }
    // In any order for an exact count; for all of them ascending, so that each set is tried once.
    Where from;
    if (wanted.all && taken > 0) {
      from = list.back().where;
      ++from.device;
    }
    for (std::size_t s = from.slice; s < case_.slices.size(); ++s)
      for (std::size_t d = s == from.slice ? from.device : 0; d < case_.slices[s].devices.size(); ++d) {
        const Where where{s, d};
        if (!rules_.reaches(s, node) || !rules_.selected(wanted, where)) continue;
        Taken one{where, request, choice, wanted.admin_access, 0};
        if (!wanted.admin_access && rules_.device(where).shared && !rules_.device(where).capacities.empty())
          one.consumed = std::max<std::int64_t>(0, rules_.consumes(wanted, where));
        list.push_back(one);
        if (try_devices(all, claims, at, node, list, request, choice, taken + 1)) return true;
        list.pop_back();
      }
    return false;
  }

  const Case& case_;
  const Rules& rules_;
};

/// An engine that works out its sums again all the time.
std::unique_ptr<model::Scheduler> checked_engine(std::string& wrong) {
  engine::EngineOptions options;
  options.on_wrong_sums = [&wrong](const std::string& differences) { wrong += differences; };
  return engine::make_engine(std::move(options));
}

std::vector<model::Event> cluster_events(const Case& the_case) {
  std::vector<model::Event> events;
  const auto tell = [&](auto body) { events.push_back({base::Time(), std::move(body)}); };
  model::Queue queue;
  queue.name = queue.uid = "team";
  tell(model::QueueUpserted{queue});
  tell(model::DeviceClassUpserted{{"any", {}, {}}});
  for (int i = 0; i < kNodes; ++i) {
    model::Node node;
    node.name = node_name(i);
    node.labels = {{"name", node.name}};
    tell(model::NodeUpserted{node});
  }
  for (const model::ResourceSlice& slice : the_case.slices) tell(model::ResourceSliceUpserted{slice});
  for (const model::ResourceClaim& claim : the_case.claims) tell(model::ResourceClaimUpserted{claim});
  return events;
}

std::vector<model::Event> pod_events(const Case& the_case, std::size_t index) {
  std::vector<model::Event> events;
  model::PodGroup group;
  group.key = fmt::format("ns/g{}", index);
  group.uid = group.key;
  group.queue = "team";
  events.push_back({base::Time(), model::GroupUpserted{group}});
  model::Pod pod;
  pod.uid = pod.name = fmt::format("pod{}", index);
  pod.namespace_name = "ns";
  pod.group = group.key;
  for (std::size_t claim : the_case.pods[index]) pod.claims.push_back(the_case.claims[claim].key);
  events.push_back({base::Time(), model::PodUpserted{pod}});
  return events;
}

/// What a decision gave, in the terms of the case.
void take_over(const Case& the_case, const model::Bind& bind, Allocated& allocated) {
  for (const model::ClaimAllocation& given : bind.claims) {
    std::size_t claim = 0;
    while (the_case.claims[claim].key != given.claim) ++claim;
    std::vector<Taken>& list = allocated[claim];
    list.clear();  // a claim that several pods share is told of with each
    for (const model::AllocatedDevice& device : given.allocation.devices) {
      Taken taken;
      taken.where.slice = static_cast<std::size_t>(device.pool.back() - '0');
      taken.where.device = static_cast<std::size_t>(device.device.back() - '0');
      taken.admin = device.admin_access;
      if (!device.consumed.empty()) taken.consumed = device.consumed.front().amount;
      const std::size_t slash = device.request.find('/');
      taken.request = static_cast<std::size_t>(device.request[1] - '0');
      if (slash != std::string::npos) taken.choice = static_cast<std::size_t>(device.request.back() - '0');
      list.push_back(taken);
    }
  }
}

RC_GTEST_PROP(EngineClaims, FindsDevicesWhereverThereAreSome, (std::vector<std::uint8_t> numbers)) {
  const Case the_case = make_case(Choices(std::move(numbers)));
  const Rules rules(the_case);
  std::string wrong;
  auto scheduler = checked_engine(wrong);
  RC_ASSERT(scheduler->apply(cluster_events(the_case)).rejected.empty());
  Allocated allocated;
  std::vector<bool> waits(the_case.pods.size(), true);
  for (std::size_t pod = 0; pod < the_case.pods.size(); ++pod) {
    RC_ASSERT(scheduler->apply(pod_events(the_case, pod)).rejected.empty());
    const model::Round round = scheduler->run({});
    for (const model::Decision& decision : round.decisions) {
      const auto* bind = std::get_if<model::Bind>(&decision.body);
      if (bind == nullptr) continue;
      const auto index = static_cast<std::size_t>(bind->pod.back() - '0');
      waits[index] = false;
      take_over(the_case, *bind, allocated);
      const int node = bind->node.back() - '0';
      for (std::size_t claim : the_case.pods[index]) {
        RC_ASSERT(allocated.contains(claim));
        const bool fresh = std::any_of(bind->claims.begin(), bind->claims.end(), [&](const auto& given) {
          return given.claim == the_case.claims[claim].key;
        });
        if (fresh) RC_ASSERT(rules.serves(claim, allocated[claim], node));
      }
    }
    RC_ASSERT(rules.within_capacity(allocated));
    RC_ASSERT(wrong == "");
    for (std::size_t other = 0; other <= pod; ++other)
      if (waits[other]) RC_ASSERT(!Exhaustive(the_case, rules).possible(allocated, the_case.pods[other]));
  }
}

}  // namespace
}  // namespace fairlead::property
