#include "cli/plan.h"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <map>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace fairlead::cli {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

/// Turns decisions, which speak of uids and keys, into a plan, which speaks of positions in the input.
class Collector {
 public:
  explicit Collector(const manifest::ClusterObjects& cluster) : cluster_(cluster) {
    for (std::size_t i = 0; i < cluster.pods.size(); ++i) pods_.emplace(cluster.pods[i].uid, i);
    for (std::size_t i = 0; i < cluster.groups.size(); ++i) groups_.emplace(cluster.groups[i].key, i);
    verdicts_.resize(cluster.groups.size());
  }

  void take(model::Decision& decision, PlanResult& result) {
    std::visit(Overloaded{
                   [&](model::Bind& bind) {
                     if (auto pod = pod_of(bind.pod)) {
                       result.binds.push_back({*pod, std::move(bind.node), std::move(bind.devices),
                                               std::move(bind.device_groups), bind.share_thousandths,
                                               std::move(bind.claims)});
                     }
                   },
                   [&](model::Evict& evict) {
                     if (auto pod = pod_of(evict.pod)) {
                       result.evictions.push_back(
                           {*pod, evict.rule, std::move(evict.beneficiary), std::move(evict.reason)});
                     }
                   },
                   [&](model::Nominate& nominate) {
                     if (auto pod = pod_of(nominate.pod)) {
                       result.nominations.push_back({*pod, std::move(nominate.node)});
                     }
                   },
                   [&](model::WithdrawNomination& withdrawal) {
                     auto pod = pod_of(withdrawal.pod);
                     std::erase_if(result.nominations, [&](const PlannedNomination& nomination) {
                       return nomination.pod == pod;
                     });
                   },
                   [&](model::VerdictChanged& change) {
                     auto group = groups_.find(change.group);
                     if (group != groups_.end()) verdicts_[group->second] = std::move(change.verdict);
                   },
               },
               decision.body);
  }

  /// Groups with pods that still wait, by key.
  std::vector<WaitingGroup> waiting(const PlanResult& result) {
    std::vector<bool> bound(cluster_.pods.size());
    for (const PlannedBind& bind : result.binds) bound[bind.pod] = true;
    std::vector<std::size_t> counts(cluster_.groups.size());
    for (std::size_t i = 0; i < cluster_.pods.size(); ++i) {
      const model::Pod& pod = cluster_.pods[i];
      if (!pod.served || bound[i] || pod.releasing || pod.phase != model::Pod::Phase::kPending) continue;
      auto group = groups_.find(pod.group);
      if (group != groups_.end()) ++counts[group->second];
    }
    std::vector<WaitingGroup> waiting;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) waiting.push_back({i, counts[i], std::move(verdicts_[i])});
    }
    std::sort(waiting.begin(), waiting.end(), [&](const WaitingGroup& a, const WaitingGroup& b) {
      return cluster_.groups[a.group].key < cluster_.groups[b.group].key;
    });
    return waiting;
  }

 private:
  std::optional<std::size_t> pod_of(std::string_view uid) const {
    auto found = pods_.find(uid);
    if (found == pods_.end()) return std::nullopt;
    return found->second;
  }

  const manifest::ClusterObjects& cluster_;
  boost::unordered_flat_map<std::string_view, std::size_t> pods_;
  boost::unordered_flat_map<std::string_view, std::size_t> groups_;
  std::vector<model::Verdict> verdicts_;
};

/// Claims of pods that start are allocated and reserved for them; those whose last user is evicted are free
/// again, as the claim controller of a cluster makes them.
std::vector<PlannedClaim> claims_after(const manifest::ClusterObjects& cluster, const PlanResult& result) {
  std::vector<PlannedClaim> changed;
  if (cluster.resource_claims.empty()) return changed;
  boost::unordered_flat_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < cluster.resource_claims.size(); ++i)
    index.emplace(cluster.resource_claims[i].key, i);
  std::map<std::string_view, PlannedClaim> claims;
  const auto of = [&](std::string_view key) -> PlannedClaim* {
    const auto found = index.find(key);
    if (found == index.end()) return nullptr;
    const auto [entry, fresh] = claims.try_emplace(key);
    if (fresh) {
      const model::ResourceClaim& claim = cluster.resource_claims[found->second];
      entry->second = {found->second, claim.allocation, claim.reserved_for};
    }
    return &entry->second;
  };
  for (const PlannedEviction& eviction : result.evictions) {
    const model::Pod& pod = cluster.pods[eviction.pod];
    for (const std::string& key : pod.claims) {
      PlannedClaim* claim = of(key);
      if (claim == nullptr) continue;
      std::erase(claim->reserved_for, pod.uid);
      if (claim->reserved_for.empty()) claim->allocation.reset();
    }
  }
  for (const PlannedBind& bind : result.binds) {
    const model::Pod& pod = cluster.pods[bind.pod];
    for (const model::ClaimAllocation& given : bind.claims)
      if (PlannedClaim* claim = of(given.claim)) claim->allocation = given.allocation;
    for (const std::string& key : pod.claims) {
      PlannedClaim* claim = of(key);
      if (claim == nullptr) continue;
      std::vector<std::string>& users = claim->reserved_for;
      if (std::find(users.begin(), users.end(), pod.uid) == users.end()) users.push_back(pod.uid);
    }
  }
  for (auto& [key, claim] : claims) changed.push_back(std::move(claim));
  return changed;
}

}  // namespace

PlanResult plan(const PlanInput& input, model::Scheduler& scheduler) {
  PlanResult result;
  std::vector<model::Event> events = manifest::to_events(input.cluster, input.now);
  for (const model::UsageSampled& usage : input.usage) events.push_back({input.now, usage});
  for (const model::RejectedEvent& rejected : scheduler.apply(events).rejected) {
    result.rejected.push_back(rejected.reason);
  }
  for (const model::RejectedEvent& rejected : scheduler.assume(input.assumptions).rejected) {
    result.rejected.push_back("state: " + rejected.reason);
  }
  events.clear();
  model::Round round = scheduler.run(input.limits);
  Collector collector(input.cluster);
  for (model::Decision& decision : round.decisions) collector.take(decision, result);
  result.claims = claims_after(input.cluster, result);
  result.waiting = collector.waiting(result);
  result.more = round.more;
  result.wake_at = round.wake_at;
  return result;
}

PlanInput next_cycle(PlanInput input, const PlanResult& result) {
  using Phase = model::Pod::Phase;
  input.assumptions = {};  // they were those of before
  std::vector<model::Pod>& pods = input.cluster.pods;
  for (const PlannedBind& bind : result.binds) {
    model::Pod& pod = pods[bind.pod];
    pod.phase = Phase::kRunning;
    pod.node = bind.node;
    pod.device_groups = bind.device_groups;
  }
  for (const PlannedClaim& claim : result.claims) {
    input.cluster.resource_claims[claim.claim].allocation = claim.allocation;
    input.cluster.resource_claims[claim.claim].reserved_for = claim.reserved_for;
  }
  for (const PlannedEviction& eviction : result.evictions) pods[eviction.pod].releasing = true;
  for (model::Pod& pod : pods) {
    pod.nominated_node.clear();
    if (!pod.served || !pod.releasing) continue;
    pod.phase = Phase::kPending;
    pod.releasing = false;
    pod.release_deadline.reset();
    pod.node.clear();
    pod.device_groups.clear();
    pod.started.reset();
  }
  std::erase_if(pods, [](const model::Pod& pod) { return pod.releasing; });
  return input;
}

}  // namespace fairlead::cli
