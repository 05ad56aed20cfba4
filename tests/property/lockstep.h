#pragma once

#include "invariants.h"
#include "model/scheduler.h"

#include <map>
#include <string>
#include <vector>

namespace fairlead::property {

/// Two schedulers that are told the same and must decide the same. The world sees the first one's decisions;
/// outcomes reach the second with its own numbers. Verdicts are not compared.
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
  std::string difference_;
};

}  // namespace fairlead::property
