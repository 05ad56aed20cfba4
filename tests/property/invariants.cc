#include "invariants.h"

#include "placement_rules.h"

#include <algorithm>
#include <map>
#include <set>

namespace fairlead::property {
namespace {

/// The check of one round.
class RoundCheck {
 public:
  RoundCheck(Truth& truth, const model::Round& round) : before_(truth), after_(truth), round_(round) {}

  std::vector<std::string> run() {
    for (const model::Decision& decision : round_.decisions) {
      std::visit([this](const auto& body) { assume(body); }, decision.body);
    }
    check_capacity();
    check_nominations();
    check_gangs();
    check_queues();
    check_topology();
    check_evictions();
    check_what_evictions_leave();
    check_protected_runtime();
    check_budgets();
    return violations_;
  }

 private:
  void violation(const std::string& text) { violations_.push_back(text); }

  TruePod* find(const std::string& uid, const char* what) {
    const auto found = after_.pods.find(uid);
    if (found == after_.pods.end()) {
      violation(std::string(what) + " of " + uid + ", which does not exist");
      return nullptr;
    }
    return &found->second;
  }

  void assume(const model::Bind& bind) {
    TruePod* pod = find(bind.pod, "bind");
    if (pod == nullptr) return;
    const auto node = after_.nodes.find(bind.node);
    if (node == after_.nodes.end())
      return violation("bind of " + bind.pod + " to " + bind.node + ", which does not exist");
    if (pod->placed()) return violation("bind of " + bind.pod + ", which is on " + pod->node + " already");
    if (!pod->pod.served) return violation("bind of " + bind.pod + ", which belongs to another scheduler");
    if (pod->pod.gated) return violation("bind of " + bind.pod + ", which is gated");
    const std::string why = why_not_allowed(after_, pod->pod, node->second);
    if (!why.empty()) violation("bind of " + bind.pod + " to " + bind.node + ": " + why);
    check_device_groups(bind, *pod);
    pod->node = bind.node;
    pod->device_groups = bind.device_groups;
    pod->binding = true;
    pod->nominated_node.clear();
    bound_.insert(bind.pod);
    touched_by_binds_.insert(bind.node);
  }

  void check_device_groups(const model::Bind& bind, const TruePod& pod) {
    const bool shares = pod.pod.devices.shares_devices();
    const std::set<std::string> distinct(bind.device_groups.begin(), bind.device_groups.end());
    const std::size_t expected = shares ? static_cast<std::size_t>(pod.pod.devices.count) : 0;
    if (distinct.size() != expected || bind.device_groups.size() != expected) {
      violation("bind of " + bind.pod + " names " + std::to_string(distinct.size()) +
                " shared devices and needs " + std::to_string(expected));
    }
    for (const auto& [uid, other] : after_.pods) {
      for (const std::string& group : other.device_groups) {
        if (other.node != bind.node && distinct.count(group) != 0) {
          violation("bind of " + bind.pod + " to " + bind.node + " joins a shared device of " + other.node);
        }
      }
    }
  }

  void assume(const model::Evict& evict) {
    TruePod* pod = find(evict.pod, "eviction");
    if (pod == nullptr) return;
    if (!pod->active())
      return violation("eviction of " + evict.pod + ", which holds nothing or leaves already");
    if (!pod->pod.served)
      return violation("eviction of " + evict.pod + ", which belongs to another scheduler");
    if (after_.now < pod->not_evicted_before)
      violation("eviction of " + evict.pod + ", which was refused just now");
    pod->evicting = true;
    evictions_.push_back(evict);
  }

  void assume(const model::Nominate& nominate) {
    TruePod* pod = find(nominate.pod, "nomination");
    if (pod == nullptr) return;
    const auto node = after_.nodes.find(nominate.node);
    if (node == after_.nodes.end())
      return violation("nomination for " + nominate.node + ", which does not exist");
    if (pod->active()) return violation("nomination of " + nominate.pod + ", which is on " + pod->node);
    const std::string why = why_not_allowed(after_, pod->pod, node->second);
    if (!why.empty()) violation("nomination of " + nominate.pod + " for " + nominate.node + ": " + why);
    pod->nominated_node = nominate.node;
    nominated_.insert(nominate.pod);
    touched_by_nominations_.insert(nominate.node);
  }

  void assume(const model::WithdrawNomination& withdraw) {
    TruePod* pod = find(withdraw.pod, "withdrawal");
    if (pod == nullptr) return;
    if (pod->nominated_node.empty())
      violation("withdrawal of a nomination of " + withdraw.pod + ", which has none");
    pod->nominated_node.clear();
  }

  void assume(const model::VerdictChanged&) {}

  /// What is used beyond capacity must not have grown on a node that the round used.
  void check_capacity() {
    const auto check = [this](const std::set<std::string>& nodes, Truth::Count count, const char* what) {
      for (const std::string& name : nodes) {
        const model::Node& node = after_.nodes.at(name);
        const std::vector<Excess> earlier = excess(node, before_.use_of(name, count));
        for (const Excess& now : excess(node, after_.use_of(name, count))) {
          const auto known = std::find_if(earlier.begin(), earlier.end(),
                                          [&](const Excess& entry) { return entry.what == now.what; });
          if (known != earlier.end() && known->above >= now.above) continue;
          violation(std::string(what) + " exceed " + name + ": " + now.what + " by " +
                    std::to_string(now.above));
        }
      }
    };
    check(touched_by_binds_, Truth::Count::kPresent, "binds");
    check(touched_by_binds_, Truth::Count::kFuture, "binds together with nominations");
    check(touched_by_nominations_, Truth::Count::kFuture, "nominations");
  }

  /// What a nomination that stands set aside is there.
  void check_nominations() {
    for (const auto& [uid, pod] : after_.pods) {
      if (pod.nominated_node.empty() || after_.nodes.count(pod.nominated_node) != 0) continue;
      violation("the nomination of " + uid + " for " + pod.nominated_node + ", which is gone, stands");
    }
  }

  /// The groups of the pods bound in this round, and what they look like now.
  std::set<std::string> bound_groups() const {
    std::set<std::string> groups;
    for (const std::string& uid : bound_) groups.insert(after_.pods.at(uid).pod.group);
    return groups;
  }

  void check_gangs() {
    for (const std::string& key : bound_groups()) {
      const auto group = after_.groups.find(key);
      if (group == after_.groups.end()) {
        violation("bind of a pod of " + key + ", which does not exist");
        continue;
      }
      if (!after_.minimum_met(group->second)) violation("binds of " + key + " leave it below its minimum");
      for (const model::SubGroup& part : group->second.sub_groups) {
        const bool joined = std::any_of(bound_.begin(), bound_.end(), [&](const std::string& uid) {
          const model::Pod& pod = after_.pods.at(uid).pod;
          return pod.group == key && pod.sub_group == part.name;
        });
        if (joined && after_.active_pods(key, part.name) < part.min_member) {
          violation("binds of " + key + " leave its sub-group " + part.name + " below its minimum");
        }
      }
      const std::vector<std::string> chain = after_.ancestry(group->second.queue);
      if (chain.empty())
        violation("bind for " + key + ", whose queue " + group->second.queue + " is not there");
      check_one_pool(key);
    }
  }

  void check_one_pool(const std::string& key) {
    std::set<std::string> pools;
    for (const auto& [uid, pod] : after_.pods) {
      if (pod.active() && pod.pod.group == key) pools.insert(after_.nodes.at(pod.node).pool);
    }
    if (pools.size() > 1) violation(key + " is placed in two pools");
  }

  /// Limits, and quotas for what is not preemptible, on each ancestor that a bind charges.
  void check_queues() {
    std::set<std::string> reported;
    for (const std::string& uid : bound_) {
      const TruePod& pod = after_.pods.at(uid);
      const auto group = after_.groups.find(pod.pod.group);
      if (!pod.active() || group == after_.groups.end()) continue;
      const bool is_protected = !after_.preemptible(group->second);
      const std::string& pool = after_.nodes.at(pod.node).pool;
      for (const std::string& queue : after_.ancestry(group->second.queue)) {
        const auto held = after_.held_by(queue, pool, false);
        const auto held_protected = after_.held_by(queue, pool, true);
        for (const auto& [dimension, amount] : after_.charge(pod)) {
          if (amount == 0) continue;
          const auto declared = quota_of(after_.queues.at(queue), pool, dimension);
          const bool of_model = dimension.starts_with("gpu/");
          if (of_model && !declared) continue;
          const model::Quota quota = declared.value_or(model::Quota());
          const std::string where = queue + ", " + dimension;
          if (!quota.limit.allows(held.at(dimension)) && reported.insert("limit " + where).second) {
            violation("bind of " + uid + " takes " + where +
                      " above its limit: " + std::to_string(held.at(dimension)));
          }
          if (is_protected && !quota.quota.allows(held_protected.at(dimension)) &&
              reported.insert("quota " + where).second) {
            violation("bind of " + uid + ", which is not preemptible, takes " + where +
                      " above its quota: " + std::to_string(held_protected.at(dimension)));
          }
        }
      }
    }
  }

  /// All pods of a group with a required level lie in one domain of it.
  void check_topology() {
    for (const std::string& key : bound_groups()) {
      const auto group = after_.groups.find(key);
      if (group == after_.groups.end() || group->second.topology.required_level.empty()) continue;
      std::set<std::string> domains_before;
      std::set<std::string> domains;
      for (const auto& [uid, pod] : after_.pods) {
        if (!pod.active() || pod.pod.group != key) continue;
        const auto& labels = after_.nodes.at(pod.node).labels;
        const std::string domain(
            model::find_label(labels, group->second.topology.required_level).value_or(""));
        domains.insert(domain);
        if (bound_.count(uid) == 0) domains_before.insert(domain);
      }
      if (domains.size() > std::max<std::size_t>(1, domains_before.size())) {
        violation("binds of " + key + " spread it over " + std::to_string(domains.size()) +
                  " domains of its required level");
      }
    }
  }

  /// Whether a pod of the group is placed by the round, or waits for what is being freed.
  bool places(const std::string& key) const {
    return std::any_of(after_.pods.begin(), after_.pods.end(), [&](const auto& entry) {
      const auto& [uid, pod] = entry;
      return pod.pod.group == key && (bound_.count(uid) != 0 || !pod.nominated_node.empty());
    });
  }

  void check_evictions() {
    for (const model::Evict& evict : evictions_) {
      const std::string& key = after_.pods.at(evict.pod).pod.group;
      const auto victim = after_.groups.find(key);
      const std::string what = "eviction of " + evict.pod;
      if (victim == after_.groups.end()) {
        violation(what + ", whose group does not exist");
        continue;
      }
      if (evict.reason.empty()) violation(what + " gives no reason");
      if (evict.rule == model::EvictionRule::kStaleGang) {
        if (!evict.beneficiary.empty()) violation(what + " as stale names a beneficiary");
        if (before_.minimum_met(victim->second)) violation(what + " as stale, but its minimum is met");
        continue;
      }
      const auto beneficiary = after_.groups.find(evict.beneficiary);
      if (beneficiary == after_.groups.end()) {
        violation(what + " is for " + evict.beneficiary + ", which does not exist");
        continue;
      }
      if (evict.beneficiary == key) violation(what + " is for its own group");
      if (!places(evict.beneficiary))
        violation(what + " is for " + evict.beneficiary + ", which is not placed");
      if (!after_.preemptible(victim->second)) violation(what + ", which is not preemptible");
      check_rule(evict, victim->second, beneficiary->second);
    }
  }

  void check_rule(const model::Evict& evict, const model::PodGroup& victim,
                  const model::PodGroup& beneficiary) {
    const std::string what = "eviction of " + evict.pod + " for " + evict.beneficiary;
    const bool between_users = before_.queues.count(victim.queue) != 0 &&
                               before_.queues.at(victim.queue).fair_between_users &&
                               victim.user != beneficiary.user;
    const bool same_queue = victim.queue == beneficiary.queue && !between_users;
    if (evict.rule == model::EvictionRule::kReclaim && same_queue)
      violation(what + " reclaims within one queue");
    if (evict.rule == model::EvictionRule::kPreempt) {
      if (!same_queue) violation(what + " preempts across queues");
      if (after_.priority_of(victim) >= after_.priority_of(beneficiary))
        violation(what + " preempts no lower priority");
    }
    if (evict.rule == model::EvictionRule::kConsolidate) {
      if (!after_.preemptible(beneficiary))
        violation(what + " consolidates for a group that is not preemptible");
      if (nominated_.count(evict.pod) == 0) violation(what + " consolidates without another place for it");
    }
  }

  /// A group that had its minimum keeps it, pods that are moved counted, or loses all it has: what is less is
  /// of no use to it. What was bound, evicted and refused in other rounds does not count, as it may be so by
  /// chance.
  void check_what_evictions_leave() {
    for (const model::Evict& evict : evictions_) {
      const auto group = after_.groups.find(after_.pods.at(evict.pod).pod.group);
      if (group == after_.groups.end() || evict.rule == model::EvictionRule::kStaleGang) continue;
      if (!before_.minimum_met(group->second) || after_.active_pods(group->first) == 0) continue;
      if (!after_.minimum_met(group->second, Truth::Members::kPlacedOrMoved))
        violation("eviction of " + evict.pod + " leaves " + group->first + " below its minimum");
    }
  }

  /// The minimum run time that counts: of the first queue with one, from the victim's upwards; for reclaim
  /// from its ancestor below the one that it has in common with the beneficiary's.
  base::Duration protection_from(const model::Evict& evict, const model::PodGroup& victim) const {
    const bool preempts = evict.rule == model::EvictionRule::kPreempt;
    if (!preempts && evict.rule != model::EvictionRule::kReclaim) return {};
    std::vector<std::string> path = after_.ancestry(victim.queue);
    if (!preempts) {
      std::vector<std::string> other = after_.ancestry(after_.groups.at(evict.beneficiary).queue);
      const std::vector<std::string> whole = path;
      while (path.size() > 1 && other.size() > 1 && path.back() == other.back()) {
        path.pop_back();
        other.pop_back();
      }
      path.assign(std::find(whole.begin(), whole.end(), path.back()), whole.end());
    }
    for (const std::string& name : path) {
      const model::Queue& queue = after_.queues.at(name);
      if (const auto& own = preempts ? queue.preempt_min_runtime : queue.reclaim_min_runtime) return *own;
    }
    return preempts ? after_.configuration.preempt_min_runtime : after_.configuration.reclaim_min_runtime;
  }

  /// No more pods of a disruption budget are evicted for others than it allows.
  void check_budgets() {
    for (const auto& [key, budget] : before_.budgets) {
      const auto taken = std::count_if(evictions_.begin(), evictions_.end(), [&](const model::Evict& evict) {
        return evict.rule != model::EvictionRule::kStaleGang &&
               before_.protects(budget, before_.pods.at(evict.pod));
      });
      if (taken > std::max<std::int64_t>(0, before_.allowed_by(budget)))
        violation(std::to_string(taken) + " evictions against " + key);
    }
    for (auto& [key, budget] : after_.budgets)
      for (const model::Evict& evict : evictions_)
        if (budget.disruptions_allowed && before_.protects(budget, before_.pods.at(evict.pod)))
          budget.disruptions_allowed = *budget.disruptions_allowed - 1;
  }

  /// A group within its minimum run time loses no more than the pods beyond its minimum.
  void check_protected_runtime() {
    for (const model::Evict& evict : evictions_) {
      const auto group = after_.groups.find(after_.pods.at(evict.pod).pod.group);
      if (group == after_.groups.end() || !group->second.last_start) continue;
      const base::Duration protection = protection_from(evict, group->second);
      if (*group->second.last_start + protection <= after_.now) continue;
      if (before_.minimum_met(group->second) && !after_.minimum_met(group->second)) {
        violation("eviction of " + evict.pod + " within its minimum run time");
      }
    }
  }

  const Truth before_;
  Truth& after_;
  const model::Round& round_;
  std::set<std::string> bound_;
  std::set<std::string> nominated_;
  std::vector<model::Evict> evictions_;
  std::set<std::string> touched_by_binds_;
  std::set<std::string> touched_by_nominations_;
  std::vector<std::string> violations_;
};

struct Describe {
  std::string operator()(const model::Bind& bind) const {
    std::string text = "bind " + bind.pod + " to " + bind.node;
    for (const std::uint32_t device : bind.devices) text += " device " + std::to_string(device);
    for (const std::string& group : bind.device_groups) text += " group " + group;
    if (bind.share_thousandths != 0) text += " share " + std::to_string(bind.share_thousandths);
    return text;
  }
  std::string operator()(const model::Evict& evict) const {
    const char* rules[] = {"reclaim", "preempt", "consolidate", "stale gang"};
    return "evict " + evict.pod + " by " + rules[static_cast<int>(evict.rule)] + " for " + evict.beneficiary;
  }
  std::string operator()(const model::Nominate& nominate) const {
    return "nominate " + nominate.pod + " for " + nominate.node;
  }
  std::string operator()(const model::WithdrawNomination& withdraw) const {
    return "withdraw " + withdraw.pod;
  }
  std::string operator()(const model::VerdictChanged&) const { return ""; }
};

}  // namespace

std::vector<std::string> check_round(Truth& truth, const model::Round& round) {
  return RoundCheck(truth, round).run();
}

std::string describe(const model::Decision& decision) { return std::visit(Describe{}, decision.body); }

}  // namespace fairlead::property
