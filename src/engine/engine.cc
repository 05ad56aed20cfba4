#include "engine/engine.h"

#include "engine/round.h"
#include "model/cluster/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

namespace fairlead::engine {
namespace {

/// A Bind or Evict that waits for its outcome.
struct Outstanding {
  std::string pod;  ///< uid
  bool bind = true;
};

class Engine final : public model::Scheduler {
 public:
  explicit Engine(EngineOptions options) : options_(std::move(options)) { forget_caches(); }

  model::ApplyReport apply(std::span<const model::Event> events) override {
    model::ApplyReport report;
    for (std::size_t i = 0; i < events.size(); ++i) {
      base::Result<void> taken = take(events[i]);
      if (!taken.ok()) report.rejected.push_back({i, taken.error().message()});
    }
    cluster_.groups_below_minimum();
    check_sums();
    return report;
  }

  model::Round run(const model::RoundRequest& request) override {
    const bool nothing_new =
        ran_at_version_ == cluster_.event_version() && (!last_.wake_at || cluster_.now() < *last_.wake_at);
    if (nothing_new && !last_.more) return {{}, false, last_.wake_at};
    if (!nothing_new) cursor_.clear();
    cluster_.budgets().start_round();
    if (!options_.keep_caches) forget_caches();
    RoundRun run(cluster_, *placer_, caches_, cursor_, request);
    model::Round round;
    run.run();
    std::vector<RoundRun::Body> bodies = run.take_decisions();
    for (RoundRun::Body& body : bodies) {
      model::Decision decision{++decisions_, std::move(body)};
      if (const auto* bind = std::get_if<model::Bind>(&decision.body)) note(bind->pod, decision.number, true);
      if (const auto* evict = std::get_if<model::Evict>(&decision.body))
        note(evict->pod, decision.number, false);
      round.decisions.push_back(std::move(decision));
    }
    for (RoundRun::Body& changed : run.take_verdicts(verdicts_))
      round.decisions.push_back({++decisions_, std::move(changed)});
    round.more = run.more();
    if (!round.more) cursor_.clear();
    round.wake_at = run.wake_at();
    cluster_.groups_below_minimum();
    cluster_.forget_orphans();
    check_sums();
    ran_at_version_ = cluster_.event_version();
    last_ = {{}, round.more, round.wake_at};
    return round;
  }

  model::Assumptions assumptions() override {
    model::Assumptions result;
    for (std::size_t i = 0; i < cluster_.pod_count(); ++i) {
      if (auto held = cluster_.assumption(model::PodId(i))) result.pods.push_back(std::move(*held));
    }
    std::sort(result.pods.begin(), result.pods.end(),
              [](const auto& a, const auto& b) { return a.uid < b.uid; });
    result.below_minimum_since = cluster_.below_minimum_since();
    return result;
  }

  model::ApplyReport assume(const model::Assumptions& assumptions) override {
    model::ApplyReport report;
    for (std::size_t i = 0; i < assumptions.pods.size(); ++i) {
      const model::PodAssumption& told = assumptions.pods[i];
      if (auto taken = cluster_.assume(told); !taken.ok()) {
        report.rejected.push_back({i, taken.error().message()});
      } else if (told.decision != 0) {
        outstanding_[told.decision] = {told.uid, told.state == model::PodAssumption::State::kBinding};
        decisions_ = std::max(decisions_, told.decision);
      }
    }
    cluster_.groups_below_minimum();
    for (const auto& [group, since] : assumptions.below_minimum_since)
      cluster_.assume_below_minimum(group, since);
    check_sums();
    return report;
  }

 private:
  base::Result<void> take(const model::Event& event) {
    if (event.time < cluster_.now()) return cluster_.apply(event);  // which says why not
    base::Result<void> outcome = take_outcome(event);
    return outcome.ok() ? cluster_.apply(event) : outcome;
  }

  void note(const std::string& uid, std::uint64_t number, bool bind) {
    outstanding_[number] = {uid, bind};
    cluster_.pod(cluster_.find_pod(uid)).decision = number;
  }

  base::Result<void> take_outcome(const model::Event& event) {
    if (const auto* outcome = std::get_if<model::BindSucceeded>(&event.body))
      return settle(outcome->decision, true, nullptr);
    if (const auto* outcome = std::get_if<model::EvictionAccepted>(&event.body))
      return settle(outcome->decision, false, nullptr);
    if (const auto* outcome = std::get_if<model::BindFailed>(&event.body)) return bind_failed(*outcome);
    if (const auto* outcome = std::get_if<model::EvictionRefused>(&event.body))
      return eviction_refused(*outcome);
    return {};
  }

  base::Result<void> settle(std::uint64_t number, bool bind, model::PodId* settled);
  base::Result<void> bind_failed(const model::BindFailed& outcome);
  base::Result<void> eviction_refused(const model::EvictionRefused& outcome);

  void forget_caches() {
    placer_.emplace(cluster_, options_.scorers);
    placer_->keep_caches(options_.keep_caches);
    caches_ = {};
  }

  void check_sums() const {
    if (!options_.on_wrong_sums) return;
    const std::string differences = cluster_.check_sums();
    if (!differences.empty()) options_.on_wrong_sums(differences);
  }

  EngineOptions options_;
  model::Cluster cluster_;
  std::optional<Placer> placer_;
  RoundCaches caches_;
  RoundCursor cursor_;
  std::optional<std::uint64_t> ran_at_version_;  ///< the state's version when the last round ended
  model::Round last_;                            ///< that round, without its decisions
  std::uint64_t decisions_ = 0;
  std::map<std::uint64_t, Outstanding> outstanding_;
  VerdictBook verdicts_;
};

base::Result<void> Engine::settle(std::uint64_t number, bool bind, model::PodId* settled) {
  auto found = outstanding_.find(number);
  if (found == outstanding_.end() || found->second.bind != bind)
    return base::not_found(fmt::format("decision {} is not a {} that waits for its outcome", number,
                                       bind ? "bind" : "eviction"));
  const model::PodId id = cluster_.find_pod(found->second.pod);
  outstanding_.erase(found);
  if (settled) *settled = id;
  // The pod may have been removed, or replaced by a later decision, before the outcome came.
  if (!id.valid() || cluster_.pod(id).decision != number) return {};
  model::PodRecord& record = cluster_.pod(id);
  record.decision = 0;
  if (bind && !settled && record.assignment.state == model::PodState::kBinding) {
    model::Assignment next = record.assignment;
    next.state = model::PodState::kBound;
    cluster_.assign(id, std::move(next));
    record.bound = true;
    record.bind_failures = 0;
    record.exclusions.clear();
  }
  return {};
}

base::Result<void> Engine::bind_failed(const model::BindFailed& outcome) {
  model::PodId id;
  if (auto settled = settle(outcome.decision, true, &id); !settled.ok()) return settled;
  if (!id.valid()) return {};
  model::PodRecord& record = cluster_.pod(id);
  if (record.assignment.state != model::PodState::kBinding) return {};
  ++record.bind_failures;
  const model::NodeId node =
      outcome.scope == model::BindFailed::Scope::kNode ? record.assignment.held.node : model::NodeId();
  record.exclusions.push_back({node, outcome.retry_at});
  record.home = model::Assignment();
  cluster_.assign(id, model::Assignment());
  return {};
}

base::Result<void> Engine::eviction_refused(const model::EvictionRefused& outcome) {
  model::PodId id;
  if (auto settled = settle(outcome.decision, false, &id); !settled.ok()) return settled;
  if (!id.valid()) return {};
  model::PodRecord& record = cluster_.pod(id);
  if (!model::is_leaving(record.assignment.state)) return {};
  model::Assignment next;
  next.state =
      record.spec.phase == model::Pod::Phase::kRunning ? model::PodState::kRunning : model::PodState::kBound;
  next.held = record.assignment.held;
  cluster_.assign(id, std::move(next));
  record.eviction_refused_until = outcome.retry_at;
  return {};
}

}  // namespace

std::unique_ptr<model::Scheduler> make_engine(EngineOptions options) {
  return std::make_unique<Engine>(std::move(options));
}

}  // namespace fairlead::engine
