#include "engine/fit/claim_search.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

using model::ClaimReason;
using model::DeviceMatch;

constexpr std::size_t kMostResults = 32;  // devices of one claim; Kubernetes' limit

std::string request_name(const model::ClaimRequest& request, std::size_t choice) {
  if (!request.prioritized || choice >= request.choices.size()) return request.name;
  return request.name + "/" + request.choices[choice].name;
}

/// Whether a constraint is about a request.
bool concerns(const model::ClaimConstraint& constraint, const model::ClaimRequest& request,
              std::size_t choice) {
  if (constraint.requests.empty()) return true;
  return std::any_of(constraint.requests.begin(), constraint.requests.end(), [&](const std::string& name) {
    return name == request.name || (request.prioritized && name == request_name(request, choice));
  });
}

}  // namespace

std::optional<std::int64_t> CapacityFit::round_up(std::int64_t wanted, const model::CapacityPolicy& policy) {
  if (policy.least) {
    std::int64_t amount = std::max(wanted, *policy.least);
    if (policy.step && *policy.step > 0) {
      const std::int64_t beyond = (amount - *policy.least) % *policy.step;
      if (beyond != 0 && __builtin_add_overflow(amount, *policy.step - beyond, &amount)) return std::nullopt;
    }
    if (policy.most && amount > *policy.most) return std::nullopt;
    return amount;
  }
  if (!policy.valid_amounts.empty()) {
    const auto valid = std::lower_bound(policy.valid_amounts.begin(), policy.valid_amounts.end(), wanted);
    if (valid == policy.valid_amounts.end()) return std::nullopt;
    return *valid;
  }
  return wanted;
}

template <class Used>
bool CapacityFit::fits(const model::ClaimTable& claims, const model::ClaimDevice& device,
                       const model::DeviceChoice& choice, Used used, Amounts& amounts) {
  amounts.clear();
  const model::OfferedDevice& spec = *device.spec;
  // Most devices are whole and most requests ask for no amounts.
  if (choice.capacities.empty() && !spec.shared) return true;
  const std::string& driver = claims.pool(device.pool).driver;
  const auto asked = [&](model::CapacityId id) -> const model::Counter* {
    const std::string& full = claims.capacity_name(id);
    for (const model::Counter& one : choice.capacities)
      if (one.name == full || (one.name.find('/') == std::string::npos && driver + "/" + one.name == full))
        return &one;
    return nullptr;
  };
  std::size_t met = 0;
  for (std::size_t i = 0; i < spec.capacities.size(); ++i) {
    const model::DeviceCapacity& capacity = spec.capacities[i];
    const model::CapacityId id = device.capacities[i];
    const model::Counter* wanted = asked(id);
    std::int64_t amount = capacity.amount;
    if (wanted != nullptr) {
      ++met;
      amount = wanted->amount;
      if (capacity.policy) {
        const auto rounded = round_up(amount, *capacity.policy);
        if (!rounded) return false;
        amount = *rounded;
      }
    } else if (capacity.policy && capacity.policy->default_amount) {
      amount = *capacity.policy->default_amount;
    }
    const std::int64_t taken = spec.shared ? used(id) : 0;
    if (amount > capacity.amount - taken) return false;
    if (spec.shared) amounts.emplace_back(id, amount);
  }
  std::sort(amounts.begin(), amounts.end());
  return met == choice.capacities.size();  // else it does not have what is asked for
}

ClaimSearch::ClaimSearch(model::Cluster& cluster, model::PodId pod, model::NodeId node, When when)
    : cluster_(cluster), claims_(cluster.claims()), pod_(pod), node_(node), when_(when) {}

bool ClaimSearch::step() {
  if (++steps_ <= cluster_.configuration().claims.max_steps) return true;
  out_of_steps_ = true;
  return false;
}

const std::vector<model::OfferedDeviceId>& ClaimSearch::candidates() {
  if (gathered_) return candidates_;
  gathered_ = true;
  const auto& wide = claims_.wide_devices();
  const auto& local = claims_.local_devices(node_);
  candidates_.reserve(local.size());
  candidates_ = local;
  for (model::OfferedDeviceId device : wide)
    if (claims_.reaches(device, node_)) candidates_.push_back(device);
  return candidates_;
}

/// Claims that have devices, or will have, and keep them: false where those cannot be used here.
bool ClaimSearch::keep_existing() {
  const model::ClaimIds& ids = cluster_.pod(pod_).claims;
  for (model::ClaimId id : ids) {
    const model::ClaimRecord& record = claims_.at(id);
    const model::ClaimRecord::Holding* kept = nullptr;
    bool leaving = false;
    for (const model::ClaimRecord::Holding& holding : record.holdings) {
      if (record.occupies_later(holding)) {
        if (kept == nullptr || holding.told || holding.active > kept->active) kept = &holding;
      } else if (record.occupies_now(holding)) {
        leaving = true;
      }
    }
    if (kept == nullptr && leaving && when_ == When::kNow) {
      refusal_ = {id, {}, ClaimReason::kAllocatedElsewhere, 0, 0};
      return false;
    }
    if (kept == nullptr) {
      kept_.emplace_back();
      Open open;
      open.id = id;
      open.record = &record;
      open_.push_back(std::move(open));
      continue;
    }
    const model::Grant& grant = *kept->grant;
    const model::Node& node = cluster_.nodes().at(node_).spec;
    const bool selected =
        grant.nodes.empty() || std::any_of(grant.nodes.begin(), grant.nodes.end(), [&](const auto& term) {
          return model::matches(term, node.labels, node.name);
        });
    const bool reached =
        std::all_of(grant.devices.begin(), grant.devices.end(), [&](const model::GrantedDevice& device) {
          return claims_.device(device.device).spec == nullptr || claims_.reaches(device.device, node_);
        });
    // What is only set aside for another pod of the same claim may still be held by those that leave.
    const bool here_now =
        record.occupies_now(*kept) ||
        std::all_of(grant.devices.begin(), grant.devices.end(), [&](const auto& device) {
          return device.admin_access || device.part || claims_.device(device.device).holders.now == 0;
        });
    if (!selected || !reached || (when_ == When::kNow && (!here_now || leaving))) {
      refusal_ = {id, {}, ClaimReason::kAllocatedElsewhere, 0, 0};
      return false;
    }
    kept_.push_back(kept->grant);
  }
  return true;
}

model::PodGrantsPointer ClaimSearch::run() {
  if (!keep_existing()) return nullptr;
  if (!fill({})) return nullptr;
  return finish();
}

bool ClaimSearch::is_free(const model::ClaimDevice& device) const {
  return device.holders.later == 0 && (when_ == When::kLater || device.holders.now == 0);
}

std::int64_t ClaimSearch::used(const model::ClaimDevice& device, model::CapacityId capacity) const {
  std::int64_t amount = 0;
  for (const auto& [id, usage] : device.used)
    if (id == capacity) amount = when_ == When::kNow ? std::max(usage.now, usage.later) : usage.later;
  for (const Open& open : open_)
    for (const model::GrantedDevice& picked : open.picked) {
      if (&claims_.device(picked.device) != &device || picked.admin_access) continue;
      for (const auto& [id, consumed] : picked.consumed)
        if (id == capacity) amount += consumed;
    }
  return amount;
}

bool ClaimSearch::counters_allow(model::OfferedDeviceId id) const {
  const model::ClaimDevice& device = claims_.device(id);
  if (device.counters.empty()) return true;
  // What holds a part of it already has taken its counters.
  const bool taken = device.holders.later > 0 && (when_ == When::kLater || device.holders.now > 0);
  const auto picked_already = [&](model::OfferedDeviceId one) {
    return std::any_of(open_.begin(), open_.end(), [&](const Open& open) {
      return std::any_of(open.picked.begin(), open.picked.end(),
                         [&](const auto& picked) { return picked.device == one && !picked.admin_access; });
    });
  };
  if (taken || picked_already(id)) return true;
  const model::ClaimPool& pool = claims_.pool(device.pool);
  return std::all_of(device.counters.begin(), device.counters.end(), [&](const model::CounterUse& use) {
    const model::PoolCounter& counter = pool.counter_sets[use.set].counters[use.counter];
    std::int64_t taken_here =
        when_ == When::kNow ? std::max(counter.used.now, counter.used.later) : counter.used.later;
    // Devices that are picked for this pod, each once.
    boost::container::small_vector<model::OfferedDeviceId, 8> seen;
    for (const Open& open : open_)
      for (const model::GrantedDevice& picked : open.picked) {
        const model::ClaimDevice& other = claims_.device(picked.device);
        const bool holds = other.holders.later > 0 && (when_ == When::kLater || other.holders.now > 0);
        if (picked.admin_access || other.pool != device.pool || holds) continue;
        if (std::find(seen.begin(), seen.end(), picked.device) != seen.end()) continue;
        seen.push_back(picked.device);
        for (const model::CounterUse& theirs : other.counters)
          if (theirs.set == use.set && theirs.counter == use.counter) taken_here += theirs.amount;
      }
    return use.amount <= counter.total - taken_here;
  });
}

const model::AttributeValue* ClaimSearch::attribute(model::OfferedDeviceId id,
                                                    const std::string& name) const {
  const model::ClaimDevice& device = claims_.device(id);
  const std::string& driver = claims_.pool(device.pool).driver;
  const auto find = [&](std::string_view wanted) -> const model::AttributeValue* {
    for (const model::DeviceAttribute& one : device.spec->attributes)
      if (one.name == wanted) return &one.value;
    return nullptr;
  };
  if (const auto* found = find(name)) return found;
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos || std::string_view(name).substr(0, slash) != driver) return nullptr;
  return find(std::string_view(name).substr(slash + 1));
}

bool ClaimSearch::constraints_allow(const Open& open, Position at, std::size_t choice,
                                    model::OfferedDeviceId device) const {
  const model::ResourceClaim& claim = open.record->spec;
  return std::all_of(
      claim.constraints.begin(), claim.constraints.end(), [&](const model::ClaimConstraint& constraint) {
        if (!concerns(constraint, claim.requests[at.request], choice)) return true;
        const model::AttributeValue* value = attribute(device, constraint.attribute);
        if (value == nullptr) return false;
        return std::all_of(open.picked.begin(), open.picked.end(), [&](const model::GrantedDevice& other) {
          if (!concerns(constraint, claim.requests[other.request], other.choice)) return true;
          const model::AttributeValue* theirs = attribute(other.device, constraint.attribute);
          return theirs != nullptr && (*theirs == *value) != constraint.distinct;
        });
      });
}

std::optional<ClaimReason> ClaimSearch::against(const Open& open, Position at, std::size_t choice,
                                                model::OfferedDeviceId id, CapacityFit::Amounts& amounts) {
  const model::ClaimDevice& device = claims_.device(id);
  const model::DeviceChoice& wanted = open.record->spec.requests[at.request].choices[choice];
  if (!claims_.usable(device)) return ClaimReason::kPoolIncomplete;
  switch (claims_.match(open.record->filters[at.request][choice], id)) {
    case DeviceMatch::kMatches:
      break;
    case DeviceMatch::kTainted:
      return ClaimReason::kTainted;
    case DeviceMatch::kFailed:
      return ClaimReason::kSelectorFailed;
    default:
      return ClaimReason::kNotSelected;
  }
  if (wanted.admin_access) {
    const bool twice = std::any_of(open.picked.begin(), open.picked.end(),
                                   [&](const auto& picked) { return picked.device == id; });
    if (twice) return ClaimReason::kInUse;
    amounts.clear();
    return std::nullopt;
  }
  if (!CapacityFit::fits(claims_, device, wanted, [](model::CapacityId) { return std::int64_t{0}; }, amounts))
    return ClaimReason::kCapacity;
  if (device.spec->shared) {
    if (!CapacityFit::fits(
            claims_, device, wanted, [&](model::CapacityId capacity) { return used(device, capacity); },
            amounts))
      return ClaimReason::kInUse;
  } else {
    if (!is_free(device)) return ClaimReason::kInUse;
    for (const Open& other : open_)
      for (const model::GrantedDevice& picked : other.picked)
        if (picked.device == id && !picked.admin_access) return ClaimReason::kInUse;
  }
  if (!counters_allow(id)) return ClaimReason::kCounters;
  return std::nullopt;
}

bool ClaimSearch::pick(Position at, std::size_t choice, model::OfferedDeviceId id) {
  Open& open = open_[at.claim];
  if (open.picked.size() >= kMostResults) return false;
  CapacityFit::Amounts amounts;
  if (against(open, at, choice, id, amounts)) return false;
  if (!constraints_allow(open, at, choice, id)) return false;
  model::GrantedDevice picked;
  picked.device = id;
  picked.request = static_cast<std::uint32_t>(at.request);
  picked.choice = static_cast<std::uint32_t>(choice);
  picked.admin_access = open.record->spec.requests[at.request].choices[choice].admin_access;
  picked.part = claims_.device(id).spec->shared && !picked.admin_access;
  picked.consumed = std::move(amounts);
  open.picked.push_back(std::move(picked));
  return true;
}

void ClaimSearch::unpick(Position at) { open_[at.claim].picked.pop_back(); }

bool ClaimSearch::fill(Position at) {
  while (at.claim < open_.size() && at.request >= open_[at.claim].record->spec.requests.size())
    at = {at.claim + 1, 0};
  if (at.claim >= open_.size()) return true;
  const model::ClaimRequest& request = open_[at.claim].record->spec.requests[at.request];
  for (std::size_t choice = 0; choice < request.choices.size(); ++choice) {
    if (fill_choice(at, choice)) return true;
    if (out_of_steps_) return false;
  }
  return false;
}

bool ClaimSearch::fill_choice(Position at, std::size_t choice) {
  const model::DeviceChoice& wanted = open_[at.claim].record->spec.requests[at.request].choices[choice];
  if (!claims_.fault(open_[at.claim].record->filters[at.request][choice]).empty()) return false;
  if (wanted.all) return fill_all(at, choice);
  if (wanted.count > static_cast<std::int64_t>(kMostResults)) return false;
  return fill_exact(at, choice, wanted.count, 0);
}

/// The order of devices within a request does not matter: each is looked for behind the one before.
bool ClaimSearch::fill_exact(Position at, std::size_t choice, std::int64_t missing, std::size_t from) {
  if (missing == 0) return fill({at.claim, at.request + 1});
  const std::vector<model::OfferedDeviceId>& list = candidates();
  const bool again = claims_.at(open_[at.claim].id).spec.requests[at.request].choices[choice].admin_access;
  for (std::size_t i = from; i < list.size(); ++i) {
    if (!step()) return false;
    if (!pick(at, choice, list[i])) continue;
    // A shared device may serve a request more than once.
    const bool part = open_[at.claim].picked.back().part && !again;
    if (fill_exact(at, choice, missing - 1, part ? i : i + 1)) return true;
    unpick(at);
    if (out_of_steps_) return false;
  }
  return false;
}

bool ClaimSearch::fill_all(Position at, std::size_t choice) {
  const Open& open = open_[at.claim];
  const model::FilterId filter = open.record->filters[at.request][choice];
  std::size_t taken = 0;
  bool good = true;
  for (model::OfferedDeviceId id : candidates()) {
    if (!step()) good = false;
    if (!good) break;
    const model::ClaimPool& pool = claims_.pool(claims_.device(id).pool);
    // As long as a pool is published anew nobody knows what all of it is.
    if (!pool.complete || !pool.fault.empty()) {
      good = false;
      break;
    }
    const DeviceMatch match = claims_.match(filter, id);
    if (match == DeviceMatch::kNotSelected) continue;
    good = match == DeviceMatch::kMatches && pick(at, choice, id);
    if (good) ++taken;
  }
  if (good && taken > 0 && fill({at.claim, at.request + 1})) return true;
  for (; taken > 0; --taken) unpick(at);
  return false;
}

std::vector<model::NodeSelectorTerm> ClaimSearch::reach_of(
    const std::vector<model::GrantedDevice>& devices) const {
  const std::string& name = cluster_.nodes().at(node_).spec.name;
  const auto this_node = [&] {
    model::NodeSelectorTerm term;
    term.fields.push_back({"metadata.name", model::Requirement::Operator::kIn, {name}});
    return std::vector<model::NodeSelectorTerm>{term};
  };
  model::NodeSelectorTerm all;
  for (const model::GrantedDevice& granted : devices) {
    const model::ClaimDevice& device = claims_.device(granted.device);
    if (device.node.valid() || device.spec->binds_to_node || device.reach->terms.size() > 1)
      return this_node();
    if (device.reach->all_nodes || device.reach->terms.empty()) continue;
    const auto add = [](const std::vector<model::Requirement>& from, std::vector<model::Requirement>& to) {
      for (const model::Requirement& one : from)
        if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
    };
    add(device.reach->terms.front().labels, all.labels);
    add(device.reach->terms.front().fields, all.fields);
  }
  if (all.labels.empty() && all.fields.empty()) return {};
  return {all};
}

model::PodGrantsPointer ClaimSearch::finish() {
  boost::intrusive_ptr<model::PodGrants> result(new model::PodGrants);
  std::size_t next = 0;
  for (model::GrantPointer& kept : kept_) {
    if (kept) {
      result->grants.push_back(std::move(kept));
      continue;
    }
    Open& open = open_[next++];
    boost::intrusive_ptr<model::Grant> grant(new model::Grant);
    grant->claim = open.id;
    grant->nodes = reach_of(open.picked);
    grant->devices = std::move(open.picked);
    result->grants.push_back(std::move(grant));
  }
  return result;
}

ClaimRefusal ClaimSearch::explain(const Open& open, std::size_t request, std::size_t choice) {
  const model::ResourceClaim& claim = open.record->spec;
  const model::DeviceChoice& wanted = claim.requests[request].choices[choice];
  ClaimRefusal refusal{open.id, request_name(claim.requests[request], choice), ClaimReason::kNoDevice, 0,
                       wanted.all ? 1 : wanted.count};
  // A device that fails at a later hurdle passed all before: what counts is where too few are left.
  std::vector<std::int64_t> failing(static_cast<std::size_t>(ClaimReason::kWorkLimit) + 1, 0);
  std::int64_t good = 0;
  CapacityFit::Amounts amounts;
  for (model::OfferedDeviceId id : candidates()) {
    if (auto reason = against(open, {0, request}, choice, id, amounts)) {
      ++failing[static_cast<std::size_t>(*reason)];
    } else {
      ++good;
    }
  }
  refusal.have = good;
  if (candidates().empty()) return refusal;
  if (wanted.all) {
    for (ClaimReason reason :
         {ClaimReason::kPoolIncomplete, ClaimReason::kSelectorFailed, ClaimReason::kTainted,
          ClaimReason::kCapacity, ClaimReason::kInUse, ClaimReason::kCounters}) {
      refusal.reason = reason;
      if (failing[static_cast<std::size_t>(reason)] > 0) return refusal;
    }
    refusal.reason = good > 0 ? ClaimReason::kConstraint : ClaimReason::kNotSelected;
    return refusal;
  }
  std::int64_t left = static_cast<std::int64_t>(candidates().size());
  for (ClaimReason reason :
       {ClaimReason::kPoolIncomplete, ClaimReason::kSelectorFailed, ClaimReason::kNotSelected,
        ClaimReason::kTainted, ClaimReason::kCapacity, ClaimReason::kInUse, ClaimReason::kCounters}) {
    left -= failing[static_cast<std::size_t>(reason)];
    refusal.reason = reason;
    if (left < wanted.count && failing[static_cast<std::size_t>(reason)] > 0) return refusal;
  }
  refusal.reason = good < wanted.count ? ClaimReason::kNoDevice : ClaimReason::kConstraint;
  return refusal;
}

ClaimRefusal ClaimSearch::refusal() {
  if (refusal_) return *refusal_;
  ClaimRefusal last{cluster_.pod(pod_).claims.front(), {}, ClaimReason::kConstraint, 0, 0};
  for (Open& open : open_) open.picked.clear();
  for (const Open& open : open_) {
    const model::ResourceClaim& claim = open.record->spec;
    for (std::size_t request = 0; request < claim.requests.size(); ++request) {
      for (std::size_t choice = 0; choice < claim.requests[request].choices.size(); ++choice) {
        const ClaimRefusal found = explain(open, request, choice);
        if (found.reason == ClaimReason::kConstraint) {
          // Enough on its own: what is in the way is what the others take.
          if (last.request.empty()) last = found;
          break;
        }
        if (choice + 1 == claim.requests[request].choices.size()) return found;
      }
    }
  }
  if (out_of_steps_) {
    last.reason = ClaimReason::kWorkLimit;
  } else {
    const bool constrained = std::any_of(
        open_.begin(), open_.end(), [](const Open& open) { return !open.record->spec.constraints.empty(); });
    if (!constrained) last.reason = ClaimReason::kInUse;
  }
  return last;
}

}  // namespace fairlead::engine
