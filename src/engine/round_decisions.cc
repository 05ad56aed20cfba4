// What a round tells the world in the end.

#include "engine/round.h"

#include <fmt/format.h>

#include <algorithm>

namespace fairlead::engine {
namespace {

std::string eviction_reason(const model::Cluster& cluster, model::EvictionRule rule,
                            model::GroupId beneficiary) {
  if (rule == model::EvictionRule::kStaleGang) return "the gang runs with fewer pods than its minimum";
  const char* verb = rule == model::EvictionRule::kReclaim   ? "reclaimed"
                     : rule == model::EvictionRule::kPreempt ? "preempted"
                                                             : "moved";
  const model::PodGroup& group = cluster.group(beneficiary).spec;
  return fmt::format("{} for {} of queue {}", verb, group.key, group.queue);
}

}  // namespace

std::vector<RoundRun::Body> RoundRun::take_decisions() {
  std::vector<Body> decisions;
  std::map<model::PodId, std::size_t> last_place;
  for (std::size_t i = 0; i < taken_.size(); ++i)
    if (!taken_[i].evict) last_place[taken_[i].pod] = i;
  std::map<model::PodId, bool> evicted;
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    const Taken& one = taken_[i];
    const model::PodRecord& record = cluster_.pod(one.pod);
    const model::Assignment& now = record.assignment;
    const model::Assignment& then = before_.at(one.pod);
    if (one.evict) {
      const bool left =
          model::is_active(then.state) && !(now.place().node.valid() && now.place() == then.place());
      if (!left || evicted[one.pod]) continue;
      evicted[one.pod] = true;
      if (then.state == model::PodState::kRunning)
        for (model::BudgetId budget : record.budgets) cluster_.budgets().spend(budget);
      model::Evict evict;
      evict.pod = record.spec.uid;
      evict.rule = one.rule;
      if (one.beneficiary.valid()) evict.beneficiary = cluster_.group(one.beneficiary).spec.key;
      evict.reason = eviction_reason(cluster_, one.rule, one.beneficiary);
      decisions.emplace_back(std::move(evict));
      continue;
    }
    if (last_place.at(one.pod) != i) continue;
    if (model::is_reserved(now.state)) {
      const bool as_before = model::is_reserved(then.state) && then.reserved.node == now.reserved.node;
      if (!as_before)
        decisions.emplace_back(
            model::Nominate{record.spec.uid, cluster_.nodes().at(now.reserved.node).spec.name});
    } else if (now.state == model::PodState::kBinding && record.decision == 0) {
      model::Bind bind;
      bind.pod = record.spec.uid;
      bind.node = cluster_.nodes().at(now.held.node).spec.name;
      for (model::DeviceGroupId group : now.held.device_groups)
        bind.device_groups.push_back(cluster_.device_group_name(group));
      if (!bind.device_groups.empty())
        bind.share_thousandths = (cluster_.queue_charge(one.pod).gpu -
                                  record.spec.devices.second_count * model::kThousandthsPerDevice) /
                                 record.spec.devices.count;
      if (now.held.grants) {
        const model::ClaimTable& claims = cluster_.claims();
        for (const model::GrantPointer& grant : now.held.grants->grants)
          if (!claims.is_told(*grant))
            bind.claims.push_back({claims.key(grant->claim), claims.describe(*grant)});
      }
      decisions.emplace_back(std::move(bind));
    }
  }
  std::vector<std::string> withdrawn;
  for (const auto& [pod, then] : before_) {
    model::PodRecord& record = cluster_.pod(pod);
    const bool waits = record.assignment.state == model::PodState::kPending;
    if (model::is_reserved(record.assignment.state)) {
      record.nominated_node = record.assignment.reserved.node;
    } else if (waits && (model::is_reserved(then.state) || record.inherited)) {
      record.nominated_node = model::NodeId();
      if (!record.inherited) withdrawn.push_back(record.spec.uid);
    }
    if (record.inherited) cursor_.clear();
    record.inherited = false;
  }
  std::sort(withdrawn.begin(), withdrawn.end());
  for (std::string& uid : withdrawn) decisions.emplace_back(model::WithdrawNomination{std::move(uid)});
  if (!decisions.empty()) cursor_.clear();
  return decisions;
}

}  // namespace fairlead::engine
