#include "run.h"

#include "decisions.h"

#include <optional>
#include <random>
#include <utility>

namespace fairlead::scenarios {
namespace {

/// Fisher-Yates; the standard library's order differs between implementations.
void shuffle(std::vector<model::Event>& events, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t i = events.size(); i > 1; --i) std::swap(events[i - 1], events[random() % i]);
}

struct Runner {
  model::Scheduler& scheduler;
  RunReport report;
  std::map<std::string, std::uint64_t> last_bind = {};  // decisions that wait for their outcome, by pod
  std::map<std::string, std::uint64_t> last_eviction = {};
  std::map<std::string, model::Verdict> verdicts = {};

  void fail(const Step& step, const std::string& text) {
    if (report.failure.empty()) report.failure = step.name + ":\n" + text;
  }

  void tell(const Step& step, const std::vector<model::Event>& events) {
    for (const model::RejectedEvent& rejected : scheduler.apply(events).rejected)
      fail(step, "  an event was refused: " + rejected.reason + "\n");
  }

  std::optional<model::Event> event_of(const Outcome& outcome, base::Time at) const {
    bool bind = outcome.kind == Outcome::Kind::kBindSucceeded || outcome.kind == Outcome::Kind::kBindFailed;
    const auto& numbers = bind ? last_bind : last_eviction;
    auto number = numbers.find(outcome.pod);
    if (number == numbers.end()) return std::nullopt;
    base::Time retry_at = at + outcome.retry_after;
    using Scope = model::BindFailed::Scope;
    switch (outcome.kind) {
      case Outcome::Kind::kBindSucceeded:
        return model::Event{at, model::BindSucceeded{number->second}};
      case Outcome::Kind::kBindFailed:
        return model::Event{
            at,
            model::BindFailed{number->second, outcome.only_that_node ? Scope::kNode : Scope::kPod, retry_at}};
      case Outcome::Kind::kEvictionAccepted:
        return model::Event{at, model::EvictionAccepted{number->second}};
      case Outcome::Kind::kEvictionRefused:
        return model::Event{at, model::EvictionRefused{number->second, retry_at}};
    }
    return std::nullopt;
  }

  void note(const model::Decision& decision) {
    report.decisions.push_back(decision_text(decision));
    if (const auto* bind = std::get_if<model::Bind>(&decision.body)) last_bind[bind->pod] = decision.number;
    if (const auto* evict = std::get_if<model::Evict>(&decision.body))
      last_eviction[evict->pod] = decision.number;
    if (const auto* changed = std::get_if<model::VerdictChanged>(&decision.body))
      verdicts[changed->group] = changed->verdict;
  }

  void run(const Step& step) {
    std::vector<model::Event> outcomes;
    for (const Outcome& outcome : step.outcomes) {
      auto event = event_of(outcome, step.at);
      if (event)
        outcomes.push_back(*event);
      else
        fail(step, "  nothing was decided about " + outcome.pod + " that could have this outcome\n");
    }
    tell(step, {{step.at, model::ClockAdvanced{}}});
    tell(step, outcomes);
    tell(step, step.events);
    model::Round round = scheduler.run({});
    for (const model::Decision& decision : round.decisions) note(decision);
    std::string differences = difference(step.expected, in_table_form(round.decisions));
    differences += waits_difference(step.expected, verdicts);
    if (!differences.empty()) fail(step, differences);
    for (const model::Decision& decision : scheduler.run({}).decisions)
      fail(step, "  a second round without events decides: " + decision_text(decision) + "\n");
  }
};

}  // namespace

RunReport run_scenario(const Scenario& scenario, const SchedulerFactory& make, std::uint64_t seed) {
  std::unique_ptr<model::Scheduler> scheduler = make();
  Runner runner{*scheduler, {}};
  std::vector<Step> steps = scenario.steps;
  if (seed != 0) shuffle(steps.front().events, seed);
  // What is said about a queue comes after the queue.
  std::stable_partition(
      steps.front().events.begin(), steps.front().events.end(),
      [](const model::Event& event) { return !std::holds_alternative<model::UsageSampled>(event.body); });
  for (const Step& step : steps) runner.run(step);
  return runner.report;
}

}  // namespace fairlead::scenarios
