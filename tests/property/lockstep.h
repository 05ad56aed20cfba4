#pragma once

#include "invariants.h"
#include "model/scheduler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::property {

/// Two schedulers that are told the same and must decide the same: the same decisions in the same order, the
/// same instant at which they want to be woken, and for each waiting group the same constraint that binds
/// (its code, queue, dimension and, for gates, numbers). The world sees the first one's decisions; outcomes
/// reach the second with its own numbers. What is not compared of a verdict is what only the engine works
/// out: node counts, second reasons and how far a gang came.
class Lockstep : public model::Scheduler {
 public:
  Lockstep(model::Scheduler& first, model::Scheduler& second) : first_(first), second_(second) {}

  model::ApplyReport apply(std::span<const model::Event> events) override {
    std::vector<model::Event> translated(events.begin(), events.end());
    for (model::Event& event : translated) {
      if (auto* outcome = std::get_if<model::BindSucceeded>(&event.body)) translate(outcome->decision);
      if (auto* outcome = std::get_if<model::BindFailed>(&event.body)) translate(outcome->decision);
      if (auto* outcome = std::get_if<model::EvictionAccepted>(&event.body)) translate(outcome->decision);
      if (auto* outcome = std::get_if<model::EvictionRefused>(&event.body)) translate(outcome->decision);
    }
    model::ApplyReport report = first_.apply(events);
    const model::ApplyReport other = second_.apply(translated);
    if (report.rejected.size() != other.rejected.size())
      differ("one rejects an event that the other accepts");
    return report;
  }

  model::Round run(const model::RoundRequest& request) override {
    model::Round round = first_.run(request);
    const model::Round other = second_.run(request);
    const std::vector<const model::Decision*> mine = without_verdicts(round);
    const std::vector<const model::Decision*> theirs = without_verdicts(other);
    for (std::size_t i = 0; i < std::max(mine.size(), theirs.size()); ++i) {
      const std::string a = i < mine.size() ? describe(*mine[i]) : "nothing";
      const std::string b = i < theirs.size() ? describe(*theirs[i]) : "nothing";
      if (a != b) {
        differ("decision " + std::to_string(i + 1) + " of a round: the first decides " + a + ", the second " +
               b);
        break;
      }
      numbers_[mine[i]->number] = theirs[i]->number;
    }
    if (difference_.empty() && other.wake_at && (!round.wake_at || *round.wake_at > *other.wake_at))
      differ("the first wants to be woken at " + text_of(round.wake_at) + ", the second already at " +
             text_of(other.wake_at));
    take_verdicts(round, verdicts_of_first_);
    take_verdicts(other, verdicts_of_second_);
    if (difference_.empty()) compare_verdicts();
    return round;
  }

  /// The first difference; empty while there is none.
  const std::string& difference() const { return difference_; }

 private:
  static std::vector<const model::Decision*> without_verdicts(const model::Round& round) {
    std::vector<const model::Decision*> decisions;
    for (const model::Decision& decision : round.decisions) {
      if (!std::holds_alternative<model::VerdictChanged>(decision.body)) decisions.push_back(&decision);
    }
    return decisions;
  }
  /// The verdicts that hold after a round, by group.
  using Verdicts = std::map<std::string, std::string>;
  static void take_verdicts(const model::Round& round, Verdicts& verdicts) {
    for (const model::Decision& decision : round.decisions) {
      const auto* changed = std::get_if<model::VerdictChanged>(&decision.body);
      if (changed == nullptr) continue;
      if (changed->verdict.reasons.empty()) {
        verdicts.erase(changed->group);
      } else {
        verdicts[changed->group] = text_of(changed->verdict.reasons.front());
      }
    }
  }
  void compare_verdicts() {
    for (const auto& [group, verdict] : verdicts_of_first_) {
      const auto other = verdicts_of_second_.find(group);
      if (other == verdicts_of_second_.end())
        return differ("for the first " + group + " waits for " + verdict + ", for the second for nothing");
      if (other->second != verdict)
        return differ("for the first " + group + " waits for " + verdict + ", for the second for " +
                      other->second);
    }
    for (const auto& [group, verdict] : verdicts_of_second_) {
      if (verdicts_of_first_.count(group) == 0)
        return differ("for the second " + group + " waits for " + verdict + ", for the first for nothing");
    }
  }
  static std::string text_of(const model::Reason& reason) {
    std::string text = "reason " + std::to_string(static_cast<int>(reason.code));
    if (!reason.queue.empty()) text += " at " + reason.queue;
    if (!reason.dimension.empty())
      text += ", " + reason.dimension + " " + std::to_string(reason.have) + " and " +
              std::to_string(reason.want) + " of " + std::to_string(reason.limit);
    return text;
  }
  static std::string text_of(const std::optional<base::Time>& time) {
    return time ? base::format_time(*time) : "no time";
  }
  void translate(std::uint64_t& number) const {
    const auto found = numbers_.find(number);
    if (found != numbers_.end()) number = found->second;
  }
  void differ(const std::string& how) {
    if (difference_.empty()) difference_ = how;
  }

  model::Scheduler& first_;
  model::Scheduler& second_;
  std::map<std::uint64_t, std::uint64_t> numbers_;
  Verdicts verdicts_of_first_;
  Verdicts verdicts_of_second_;
  std::string difference_;
};

}  // namespace fairlead::property
