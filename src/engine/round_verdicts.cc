// Why what waits after a round does.

#include "engine/gang/chunk.h"
#include "engine/round.h"

#include <algorithm>

namespace fairlead::engine {
namespace {

constexpr std::uint32_t kBindFailuresBeforeVerdict = 10;

}  // namespace

/// Groups that no action tried, and those that have a place that is still being freed.
void RoundRun::explain_the_rest() {
  std::vector<model::PodId> chunk;
  for (std::size_t i = 0; i < cluster_.queues().size(); ++i) {
    for (model::GroupId id : cluster_.waiting_groups(model::QueueId(i))) {
      const model::GroupRecord& group = cluster_.group(id);
      if (group.waiting() == 0) continue;
      const bool reserved = group.reserved() > 0;
      next_chunk(cluster_, id, chunk);
      if (!chunk.empty() && minimum_met(group, 0, Counted::kPresent)) continue;
      // Too few pods for the group, or for each part of it that could take some.
      if (!reserved || !minimum_met(group, 0, Counted::kPresent)) {
        model::Reason reason;
        reason.code = model::ReasonCode::kNotEnoughPods;
        for (const model::PodSet& set : group.pod_sets) {
          reason.have += set.placed() + set.waiting();
          reason.want += set.min_member;
        }
        verdicts_[id] = reason;
        continue;
      }
      model::Reason reason;
      reason.code = model::ReasonCode::kWaitingForRelease;
      verdicts_[id] = reason;
    }
  }
}

/// What an earlier round found about groups that this one did not come to.
void RoundRun::keep_told(const std::map<std::string, model::Verdict>& told,
                         std::map<std::string, model::Verdict>& now) const {
  for (const auto& [key, before] : told) {
    const model::GroupId id = cluster_.groups().find(key);
    if (!id.valid() || cluster_.group(id).waiting() == 0) continue;
    const auto [found, untried] = now.try_emplace(key, before);
    if (untried) continue;
    std::vector<model::Reason>& reasons = found->second.reasons;
    const bool untold = reasons.front().code == model::ReasonCode::kSearchLimit;
    const bool fewer = before.reasons.size() > reasons.size() && before.reasons.front() == reasons.front();
    if (untold || fewer) reasons = before.reasons;
  }
}

std::vector<RoundRun::Body> RoundRun::take_verdicts(std::map<std::string, model::Verdict>& told) {
  std::map<std::string, model::Verdict> now;
  std::map<std::pair<model::ClassId, model::PoolId>, model::Reason> by_class;
  std::vector<model::PodId> chunk;
  for (auto& [id, reason] : verdicts_) {
    const model::GroupRecord& group = cluster_.group(id);
    model::Verdict& verdict = now[group.spec.key];
    const bool about_nodes =
        reason.code == model::ReasonCode::kNodesDoNotFit || reason.code == model::ReasonCode::kGangDoesNotFit;
    next_chunk(cluster_, id, chunk);
    if (about_nodes && !chunk.empty()) {
      auto [known, fresh] = by_class.try_emplace({cluster_.pod(chunk.front()).pod_class, group.pool});
      if (fresh) known->second = placer_.explain_nodes(id, chunk.front());
      reason.nodes = known->second.nodes;
    }
    verdict.reasons.push_back(reason);
    if (auto second = second_reasons_.find(id); second != second_reasons_.end())
      verdict.reasons.push_back(second->second);
    for (model::PodId pod : chunk) {
      const model::PodRecord& record = cluster_.pod(pod);
      for (const model::Exclusion& exclusion : record.exclusions)
        if (exclusion.until > cluster_.now()) wake(exclusion.until);
      if (record.bind_failures < kBindFailuresBeforeVerdict) continue;
      model::Reason failing;
      failing.code = model::ReasonCode::kBindFailing;
      failing.have = record.bind_failures;
      failing.detail = record.spec.display_name();
      if (verdict.reasons.front().code != model::ReasonCode::kBindFailing)
        verdict.reasons.insert(verdict.reasons.begin(), failing);
    }
  }
  for (const auto& [key, reason] : caches_.groups_without_queue(cluster_)) now[key].reasons = {reason};
  if (more_) keep_told(told, now);
  std::vector<Body> changed;
  for (const auto& [key, verdict] : told)
    if (!now.contains(key)) changed.emplace_back(model::VerdictChanged{key, {}});
  for (const auto& [key, verdict] : now) {
    auto before = told.find(key);
    if (before == told.end() || !(before->second == verdict))
      changed.emplace_back(model::VerdictChanged{key, verdict});
  }
  std::sort(changed.begin(), changed.end(), [](const Body& a, const Body& b) {
    return std::get<model::VerdictChanged>(a).group < std::get<model::VerdictChanged>(b).group;
  });
  told = std::move(now);
  return changed;
}

}  // namespace fairlead::engine
