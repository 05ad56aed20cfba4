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
  waiting_.follow(cluster_);
  for (model::GroupId id : waiting_.unable()) {
    const model::GroupRecord& group = cluster_.group(id);
    model::Reason& reason = verdicts_[id];
    reason = {};
    if (group.reserved() > 0 && minimum_met(group, 0, Counted::kPresent)) {
      reason.code = model::ReasonCode::kWaitingForRelease;
      continue;
    }
    // Too few pods for the group, or for each part of it that could take some.
    reason.code = model::ReasonCode::kNotEnoughPods;
    for (const model::PodSet& set : group.pod_sets) {
      reason.have += set.placed() + set.waiting();
      reason.want += set.min_member;
    }
  }
}

/// Where nodes refuse: how many of them for which reason, worked out once for a class.
void RoundRun::count_nodes(model::Reason& reason, model::GroupId id, const std::vector<model::PodId>& chunk) {
  const bool about_nodes =
      reason.code == model::ReasonCode::kNodesDoNotFit || reason.code == model::ReasonCode::kGangDoesNotFit;
  if (!about_nodes || chunk.empty()) return;
  auto [known, fresh] =
      nodes_of_class_.try_emplace({cluster_.pod(chunk.front()).pod_class, cluster_.group(id).pool});
  const model::PodRecord& pod = cluster_.pod(chunk.front());
  const model::ClaimNeeds::Kind kind = cluster_.pod_class(pod.pod_class).key.claims.kind;
  // Pods whose claims are counted are equal up to the names in those.
  const bool nameable = kind == model::ClaimNeeds::Kind::kCounted && pod.claims.size() == 1 &&
                        cluster_.claims().at(pod.claims.front()).spec.requests.size() == 1;
  if (fresh || (kind != model::ClaimNeeds::Kind::kNone && !nameable))
    known->second = placer_.explain_nodes(id, chunk.front());
  reason.nodes = known->second.nodes;
  reason.claims = known->second.claims;
  if (!nameable) return;
  for (model::ClaimShortage& shortage : reason.claims) {
    shortage.claim = cluster_.claims().key(pod.claims.front());
    shortage.request = cluster_.claims().at(pod.claims.front()).spec.requests.front().name;
  }
}

/// Whether all from `first` on are told the same.
bool RoundRun::holds_for_all(const std::vector<Finding>& list, model::GroupId first) const {
  return list.empty() || (list.size() == 1 && !cluster_.group_before(first, list.front().from));
}

/// Of groups that wait alike, and that nothing was found about on their own.
VerdictBook::Shared RoundRun::verdict_of_alike(std::uint32_t index, model::GroupId group) {
  if (index >= findings_.size()) return nullptr;
  auto finding = [&](const std::vector<Finding>& list) -> const Finding* {
    const Finding* last = nullptr;
    for (const Finding& one : list)
      if (one.from == group || cluster_.group_before(one.from, group)) last = &one;
    return last;
  };
  const Finding* place = finding(findings_[index].place);
  if (!place) return nullptr;
  auto verdict = std::make_shared<model::Verdict>();
  verdict->reasons.push_back(place->reason);
  std::vector<model::PodId> chunk;
  next_chunk(cluster_, group, chunk);
  count_nodes(verdict->reasons.front(), group, chunk);
  const auto second = second_reasons_.find(group);
  if (second != second_reasons_.end()) {
    verdict->reasons.push_back(second->second);
  } else if (const Finding* making = finding(findings_[index].making)) {
    verdict->reasons.push_back(making->reason);
  }
  return verdict;
}

VerdictBook::Shared RoundRun::verdict_of(model::GroupId id) {
  const auto found = verdicts_.find(id);
  if (found == verdicts_.end())
    return waiting_.standing(id) == WaitingGroups::Standing::kAlike
               ? verdict_of_alike(waiting_.alike_index(id), id)
               : nullptr;
  std::vector<model::PodId> chunk;
  next_chunk(cluster_, id, chunk);
  model::Reason& reason = found->second;
  count_nodes(reason, id, chunk);
  auto verdict = std::make_shared<model::Verdict>();
  verdict->reasons.push_back(reason);
  if (auto second = second_reasons_.find(id); second != second_reasons_.end())
    verdict->reasons.push_back(second->second);
  for (model::PodId pod : chunk) {
    const model::PodRecord& record = cluster_.pod(pod);
    for (const model::Exclusion& exclusion : record.exclusions)
      if (exclusion.until > cluster_.now()) wake(exclusion.until);
    if (record.bind_failures < kBindFailuresBeforeVerdict) continue;
    model::Reason failing;
    failing.code = model::ReasonCode::kBindFailing;
    failing.have = record.bind_failures;
    failing.detail = record.spec.display_name();
    if (verdict->reasons.front().code != model::ReasonCode::kBindFailing)
      verdict->reasons.insert(verdict->reasons.begin(), failing);
  }
  return verdict;
}

/// What an earlier round found about a group that this one, which reached its limit, did not come to.
VerdictBook::Shared RoundRun::kept_verdict(const VerdictBook::Shared& told, VerdictBook::Shared now,
                                           model::GroupId id) const {
  if (!more_ || !told || cluster_.group(id).waiting() == 0) return now;
  if (!now) return told;
  const std::vector<model::Reason>& before = told->reasons;
  const bool untold = now->reasons.front().code == model::ReasonCode::kSearchLimit;
  const bool fewer = before.size() > now->reasons.size() && before.front() == now->reasons.front();
  return untold || fewer ? told : now;
}

std::vector<RoundRun::Body> RoundRun::take_verdicts(VerdictBook& book) {
  std::vector<model::GroupId> singly = std::move(book.looked_at_singly());
  singly.insert(singly.end(), waiting_.looked_at().begin(), waiting_.looked_at().end());
  for (const auto& [id, reason] : verdicts_) singly.push_back(id);
  for (const auto& [id, reason] : second_reasons_) singly.push_back(id);
  std::map<model::GroupId, model::Reason> queueless;
  for (auto& [id, reason] : caches_.groups_without_queue(cluster_)) {
    queueless.emplace(id, std::move(reason));
    singly.push_back(id);
  }
  std::sort(singly.begin(), singly.end());
  singly.erase(std::unique(singly.begin(), singly.end()), singly.end());
  auto is_alone = [&](model::GroupId id) { return std::binary_search(singly.begin(), singly.end(), id); };

  if (!gathers_) book.forget_alike();
  for (const model::PoolId pool : pools_by_name()) {
    if (!gathers_) break;
    for (std::uint32_t index : waiting_.alike_in(pool)) {
      const std::vector<model::GroupId>& members = waiting_.alike(index).members;
      const bool same =
          index >= findings_.size() || (holds_for_all(findings_[index].place, members.front()) &&
                                        holds_for_all(findings_[index].making, members.front()));
      VerdictBook::Shared verdict = verdict_of_alike(index, members.back());
      const auto& [told, told_all] = book.told_alike(index);
      if (same && told_all && VerdictBook::same(told, verdict)) continue;
      for (model::GroupId member : members)
        if (!is_alone(member)) book.tell(member, same ? verdict : verdict_of_alike(index, member));
      book.note_alike(index, std::move(verdict), same);
    }
  }
  std::vector<model::GroupId>& again = book.looked_at_singly();
  again.clear();
  for (model::GroupId id : singly) {
    VerdictBook::Shared now;
    const auto without_queue = queueless.find(id);
    if (without_queue != queueless.end()) {
      now = std::make_shared<model::Verdict>(model::Verdict{{without_queue->second}});
    } else {
      now = verdict_of(id);
    }
    book.tell(id, kept_verdict(book.told(id), std::move(now), id));
    const bool as_its_kind = waiting_.standing(id) == WaitingGroups::Standing::kAlike && gathers_ &&
                             !verdicts_.contains(id) && !second_reasons_.contains(id);
    if (book.told(id) && !as_its_kind) again.push_back(id);
  }

  std::vector<model::GroupId> changed = book.take_changed();
  std::sort(changed.begin(), changed.end(), [&](model::GroupId a, model::GroupId b) {
    return cluster_.group(a).spec.key < cluster_.group(b).spec.key;
  });
  std::vector<Body> bodies;
  for (model::GroupId id : changed) {
    const VerdictBook::Shared& now = book.told(id);
    bodies.emplace_back(model::VerdictChanged{cluster_.group(id).spec.key, now ? *now : model::Verdict()});
  }
  return bodies;
}

}  // namespace fairlead::engine
