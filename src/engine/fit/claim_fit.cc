#include "engine/fit/claim_fit.h"

#include "engine/fit/claim_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace fairlead::engine {
namespace {

std::string_view short_name(std::string_view key) { return key.substr(key.find('/') + 1); }

}  // namespace

std::string claims_problem(const model::Cluster& cluster, model::PodId pod) {
  const model::PodRecord& record = cluster.pod(pod);
  const model::ClaimTable& claims = cluster.claims();
  const std::string name = record.spec.display_name();
  if (!cluster.configuration().claims.enabled) {
    std::string list;
    for (model::ClaimId id : record.claims)
      list += fmt::format("{}{}", list.empty() ? "" : ", ", short_name(claims.key(id)));
    return fmt::format(
        "pod {} cannot be scheduled, it references resource claims <{}> while dynamic resource allocation "
        "feature "
        "is not enabled in cluster",
        name, list);
  }
  for (model::ClaimId id : record.claims) {
    const model::ClaimRecord& claim = claims.at(id);
    const std::string_view short_key = short_name(claims.key(id));
    if (!claim.alive) return fmt::format("resource claim {} does not exist", claims.key(id));
    // A claim that pods may share counts in the queue that its label names, so that cannot be another's.
    if (!claim.spec.from_template && claim.quota_thousandths > 0 && record.group.valid()) {
      const std::string& queue = cluster.group(record.group).spec.queue;
      if (claim.spec.queue.empty())
        return fmt::format(
            "pod {} cannot be scheduled: DRA claim {} is a shared GPU claim but does not have a queue label "
            "(kai.scheduler/queue)",
            name, short_key);
      if (claim.spec.queue != queue)
        return fmt::format(
            "pod {} cannot be scheduled: DRA claim {} is a shared GPU claim of queue {}, and the pod's queue "
            "is {}",
            name, short_key, claim.spec.queue, queue);
    }
    if (!claim.holdings.empty()) continue;
    for (std::size_t i = 0; i < claim.filters.size(); ++i) {
      const auto& choices = claim.filters[i];
      const bool none = std::all_of(choices.begin(), choices.end(),
                                    [&](model::FilterId filter) { return !claims.fault(filter).empty(); });
      if (none && !choices.empty())
        return fmt::format("resource claim {}, request {}: {}", claims.key(id), claim.spec.requests[i].name,
                           claims.fault(choices.front()));
    }
  }
  return {};
}

model::PodGrantsPointer choose_grants(model::Cluster& cluster, model::PodId pod, model::NodeId node,
                                      When when, ClaimRefusal* refusal) {
  const model::PodRecord& record = cluster.pod(pod);
  // A victim that comes back to its node takes what it had there.
  if (record.assignment.state == model::PodState::kEvicted && record.home.place().node == node &&
      record.home.place().grants && grants_have_room(cluster, pod, record.home.place(), When::kLater))
    return record.home.place().grants;
  ClaimSearch search(cluster, pod, node, when);
  model::PodGrantsPointer found = search.run();
  if (!found && refusal != nullptr) *refusal = search.refusal();
  return found;
}

namespace {

/// What grants that are not held yet would take together, checked against what is free.
class Together {
 public:
  Together(const model::ClaimTable& claims, When when) : claims_(claims), when_(when) {}

  bool add(const model::GrantedDevice& granted) {
    if (granted.admin_access) return true;
    const model::ClaimDevice& device = claims_.device(granted.device);
    if (device.spec == nullptr || !claims_.usable(device)) return false;
    const bool known = std::find(devices_.begin(), devices_.end(), granted.device) != devices_.end();
    if (!device.spec->shared &&
        (known || device.holders.later > 0 || (when_ == When::kNow && device.holders.now > 0)))
      return false;
    for (const auto& [capacity, amount] : granted.consumed) {
      std::int64_t used = amount;
      for (const auto& [id, usage] : device.used)
        if (id == capacity) used += taken(usage);
      for (const auto& [of, id, mine] : consumed_)
        if (of == granted.device && id == capacity) used += mine;
      for (std::size_t i = 0; i < device.capacities.size(); ++i)
        if (device.capacities[i] == capacity && used > device.spec->capacities[i].amount) return false;
      consumed_.emplace_back(granted.device, capacity, amount);
    }
    const bool holds = device.holders.later > 0 && (when_ == When::kLater || device.holders.now > 0);
    if (known || holds) return true;
    devices_.push_back(granted.device);
    for (const model::CounterUse& use : device.counters) {
      const model::PoolCounter& counter =
          claims_.pool(device.pool).counter_sets[use.set].counters[use.counter];
      std::int64_t used = taken(counter.used) + use.amount;
      for (const auto& [pool, mine] : counters_)
        if (pool == device.pool && mine.set == use.set && mine.counter == use.counter) used += mine.amount;
      if (used > counter.total) return false;
      counters_.emplace_back(device.pool, use);
    }
    return true;
  }

 private:
  std::int64_t taken(const model::Usage& usage) const {
    return when_ == When::kNow ? std::max(usage.now, usage.later) : usage.later;
  }

  const model::ClaimTable& claims_;
  When when_;
  std::vector<model::OfferedDeviceId> devices_;
  std::vector<std::tuple<model::OfferedDeviceId, model::CapacityId, std::int64_t>> consumed_;
  std::vector<std::pair<std::size_t, model::CounterUse>> counters_;
};

}  // namespace

bool grants_have_room(const model::Cluster& cluster, model::PodId pod, const model::Place& place, When when) {
  const model::PodRecord& record = cluster.pod(pod);
  if (record.claims.empty()) return true;
  if (!place.grants || place.grants->grants.size() != record.claims.size()) return false;
  const model::ClaimTable& claims = cluster.claims();
  Together together(claims, when);
  for (const model::GrantPointer& grant : place.grants->grants) {
    const model::ClaimRecord& claim = claims.at(grant->claim);
    bool held = false;
    for (const auto& holding : claim.holdings) {
      const bool same = holding.grant->same_devices(*grant);
      const bool kept = claim.occupies_later(holding);
      if (kept && !same) return false;
      // While others of the same claim leave, it is not to be had anew.
      if (when == When::kNow && !kept && claim.occupies_now(holding)) return false;
      held = held || (kept && same && (when == When::kLater || claim.occupies_now(holding)));
    }
    if (!held && !std::all_of(grant->devices.begin(), grant->devices.end(),
                              [&](const model::GrantedDevice& device) { return together.add(device); }))
      return false;
  }
  return true;
}

}  // namespace fairlead::engine
