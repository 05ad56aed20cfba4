#include "host/forecast.h"

#include "engine/explain/counterfactual.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace fairlead::host {
namespace {

constexpr int kMostRounds = 20;
constexpr std::size_t kMostPlans = 100;

struct Outcome {
  std::set<std::string> started;               ///< workload keys
  std::map<std::string, std::string> evicted;  ///< workload key and reason
  std::map<std::string, int> pods_evicted;     ///< of each of these
  std::map<std::string, int> pods_running;     ///< of each workload, before
  std::map<std::string, std::string> places;   ///< group and node of its first pod
  std::map<std::string, model::Verdict> verdicts;
};

std::string workload_of(std::string_view group) {
  if (group.ends_with('+')) group.remove_suffix(1);
  return std::string(group);
}

bool holds(const model::Pod& pod) {
  return pod.phase == model::Pod::Phase::kBinding || pod.phase == model::Pod::Phase::kRunning;
}

Outcome run(std::span<const model::Event> state, const SchedulerMaker& make_scheduler) {
  std::map<std::string, std::string> group_of;  // pod
  for (const model::Event& event : state)
    if (const auto* pod = std::get_if<model::PodUpserted>(&event.body))
      group_of[pod->pod.uid] = pod->pod.group;
  const auto scheduler = make_scheduler();
  scheduler->apply(state);
  Outcome outcome;
  for (const model::Event& event : state)
    if (const auto* pod = std::get_if<model::PodUpserted>(&event.body); pod != nullptr && holds(pod->pod))
      ++outcome.pods_running[workload_of(pod->pod.group)];
  bool more = true;
  for (int round = 0; more && round < kMostRounds; ++round) {
    const model::Round result = scheduler->run({});
    more = result.more;
    for (const model::Decision& decision : result.decisions) {
      if (const auto* bind = std::get_if<model::Bind>(&decision.body)) {
        outcome.started.insert(workload_of(group_of[bind->pod]));
        outcome.places.emplace(group_of[bind->pod], bind->node);
      } else if (const auto* nominate = std::get_if<model::Nominate>(&decision.body)) {
        outcome.started.insert(workload_of(group_of[nominate->pod]));
        outcome.places.emplace(group_of[nominate->pod], nominate->node);
      } else if (const auto* evict = std::get_if<model::Evict>(&decision.body)) {
        outcome.evicted.emplace(workload_of(group_of[evict->pod]), evict->reason);
        ++outcome.pods_evicted[workload_of(group_of[evict->pod])];
      } else if (const auto* verdict = std::get_if<model::VerdictChanged>(&decision.body)) {
        outcome.verdicts[verdict->group] = verdict->verdict;
      }
    }
  }
  return outcome;
}

std::string amount(std::string_view dimension, std::int64_t value) {
  if (dimension == "gpu" || dimension.starts_with("gpu/"))
    return fmt::format("{:g}", static_cast<double>(value) / 1000.0);
  if (dimension == "cpu") return fmt::format("{:g} cores", static_cast<double>(value) / 1000.0);
  return fmt::format("{:.1f} GiB", static_cast<double>(value) / (1 << 30));
}

/// The same as a person types it behind an option.
std::string typed(std::string_view dimension, std::int64_t value) {
  if (dimension == "cpu") return fmt::format("{}m", value);
  if (dimension == "memory") return fmt::format("{}", value);
  return amount(dimension, value);
}

std::string node_reason(model::NodeReason reason) {
  using Reason = model::NodeReason;
  switch (reason) {
    case Reason::kNoSuchDevice:
      return "no such device";
    case Reason::kDeviceMemory:
      return "devices with less memory";
    case Reason::kDevices:
      return "too few free devices";
    case Reason::kDeviceShare:
      return "no device with that share free";
    case Reason::kCpu:
      return "too little cpu";
    case Reason::kMemory:
      return "too little memory";
    case Reason::kNodeSelector:
      return "another vendor or model";
    case Reason::kExcludedAfterFailure:
      return "left out after a failure";
    default:
      return "does not suit";
  }
}

std::string sentence(const model::Reason& reason) {
  using Code = model::ReasonCode;
  switch (reason.code) {
    case Code::kNotEnoughPods:
      return fmt::format("waits for its replicas to come back: {} of {}", reason.have, reason.want);
    case Code::kMissingReference:
      return fmt::format("{} is missing", reason.detail);
    case Code::kQueueDoesNotExist:
      return fmt::format("project {} does not exist", reason.queue);
    case Code::kQueueIsNotALeaf:
      return fmt::format("{} is a department", reason.queue);
    case Code::kOverLimit:
      return fmt::format("{} has {} {} and asks for {}, above its limit of {}", reason.queue,
                         amount(reason.dimension, reason.have), reason.dimension,
                         amount(reason.dimension, reason.want), amount(reason.dimension, reason.limit));
    case Code::kNonPreemptibleOverQuota:
      return fmt::format(
          "it is not preemptible, so it must fit the quota of {}: {} {} are in use, {} asked for, the quota "
          "is {}",
          reason.queue, amount(reason.dimension, reason.have), reason.dimension,
          amount(reason.dimension, reason.want), amount(reason.dimension, reason.limit));
    case Code::kOverFairShare:
      return fmt::format("all devices are in use, and {} would have more than its fair share of {} {}",
                         reason.queue, amount(reason.dimension, reason.limit), reason.dimension);
    case Code::kNodesDoNotFit: {
      std::string text = "no node fits it";
      const char* separator = ": ";
      for (const auto& [why, count] : reason.nodes) {
        text += fmt::format("{}{} on {}", separator, node_reason(why), count);
        separator = ", ";
      }
      return text;
    }
    case Code::kGangDoesNotFit:
      return fmt::format("its replicas start together, and only {} of {} fit now", reason.have, reason.want);
    case Code::kTopology:
      return "no part of the machine holds all of it";
    case Code::kWaitingForRelease:
      return "its devices are being given back";
    case Code::kPreemptionDelay:
      return "waits before it preempts others";
    case Code::kBindFailing:
      return "could not be started ten times in a row";
    case Code::kQueueDiscipline:
      return "work before it waits for room";
    case Code::kSearchLimit:
      return "the search for room goes on";
    case Code::kUnknownTopology:
      return "its topology is not known";
    case Code::kClaim:
      return reason.detail;
  }
  return "waits";
}

/// A change as what a person would do.
std::string remedy(const engine::Counterfactual& change, const std::string& group) {
  using Kind = engine::Counterfactual::Kind;
  const std::size_t slash = group.find('/');
  const std::string project = group.substr(0, slash);
  const std::string name = workload_of(group.substr(slash + 1));
  switch (change.kind) {
    case Kind::kFewerPods:
      return fmt::format("let it start with {} replicas instead of {}: fairlead scale {} --replicas {} -p {}",
                         change.to, change.from, name, change.to, project);
    case Kind::kSmallerPods:
      return fmt::format("ask for {} devices per replica instead of {}", change.to, change.from);
    case Kind::kPreemptible:
      return "make it preemptible: submit it with --preemptibility preemptible";
    case Kind::kOtherPool:
      return fmt::format("send it to pool {}", change.subject);
    case Kind::kMoreQuota:
      return fmt::format("raise the {} quota of {} from {} to {}: fairlead queue set {} --{}-quota {}",
                         change.dimension, change.subject, amount(change.dimension, change.from),
                         amount(change.dimension, change.to), change.subject, change.dimension,
                         typed(change.dimension, change.to));
    case Kind::kHigherLimit:
      return fmt::format("raise the {} limit of {} from {} to {}: fairlead queue set {} --{}-limit {}",
                         change.dimension, change.subject, amount(change.dimension, change.from),
                         amount(change.dimension, change.to), change.subject, change.dimension,
                         typed(change.dimension, change.to));
    case Kind::kMoreNodes:
      return fmt::format("add {} machine{} like {}", change.to, change.to == 1 ? "" : "s", change.subject);
  }
  return {};
}

}  // namespace

std::string sentence(const model::Verdict& verdict) {
  return verdict.reasons.empty() ? std::string() : sentence(verdict.reasons.front());
}

namespace {

// Stopped as a whole, or left with fewer replicas.
void add_victim(world::Forecast& forecast, const Outcome& outcome, const std::string& key,
                const std::string& reason) {
  const int lost = outcome.pods_evicted.at(key);
  const auto had = outcome.pods_running.find(key);
  if (had == outcome.pods_running.end() || had->second <= lost) {
    forecast.evicted.push_back(fmt::format("{}: {}", key, reason));
  } else {
    forecast.shrunk.push_back(fmt::format("{} by {} of {} replicas: {}", key, lost, had->second, reason));
  }
}

}  // namespace

world::Forecast forecast_group(std::span<const model::Event> state, const std::string& group,
                               const SchedulerMaker& make_scheduler) {
  const Outcome outcome = run(state, make_scheduler);
  world::Forecast forecast;
  const std::string key = workload_of(group);
  forecast.starts = outcome.started.contains(key);
  if (const auto place = outcome.places.find(group); place != outcome.places.end())
    forecast.node = place->second;
  for (const auto& [evicted, reason] : outcome.evicted) add_victim(forecast, outcome, evicted, reason);
  for (const std::string& started : outcome.started)
    if (started != key) forecast.started.push_back(started);
  if (!forecast.starts)
    if (const auto verdict = outcome.verdicts.find(group); verdict != outcome.verdicts.end())
      forecast.reason = sentence(verdict->second);
  return forecast;
}

world::Forecast explain_group(std::span<const model::Event> state, const std::string& group,
                              const SchedulerMaker& make_scheduler) {
  world::Forecast forecast = forecast_group(state, group, make_scheduler);
  if (forecast.starts) return forecast;
  engine::CounterfactualQuestion question{state, group, {}, kMostPlans, {}};
  const engine::CounterfactualAnswer answer = engine::find_counterfactuals(question, make_scheduler);
  if (forecast.reason.empty()) forecast.reason = sentence(answer.verdict);
  for (const engine::Counterfactual& change : answer.changes)
    forecast.remedies.push_back(remedy(change, group));
  return forecast;
}

world::Forecast forecast_change(std::span<const model::Event> before, std::span<const model::Event> after,
                                const SchedulerMaker& make_scheduler) {
  const Outcome usual = run(before, make_scheduler);
  const Outcome changed = run(after, make_scheduler);
  world::Forecast forecast;
  for (const auto& [key, reason] : changed.evicted)
    if (!usual.evicted.contains(key)) add_victim(forecast, changed, key, reason);
  for (const std::string& key : changed.started)
    if (!usual.started.contains(key)) forecast.started.push_back(key);
  forecast.starts = !forecast.started.empty();
  return forecast;
}

}  // namespace fairlead::host
