#pragma once

#include "model/decision.h"
#include "model/event.h"
#include "model/scheduler.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::engine {

/// A single change that would start a waiting group, verified: with it the group is placed (at once, or on
/// capacity that the plan frees), with one unit less of it the group is not.
struct Counterfactual {
  enum class Kind : std::uint8_t {
    kFewerPods,    ///< its minimum lowered from `from` to `to` pods
    kSmallerPods,  ///< each pod asks for `to` devices instead of `from`
    kPreemptible,  ///< made preemptible
    kOtherPool,    ///< sent to pool `subject` instead
    kMoreQuota,    ///< the quota of queue `subject` raised from `from` to `to`, in `dimension`
    kHigherLimit,  ///< the limit of queue `subject` raised likewise
    kMoreNodes,    ///< `to` more nodes like node `subject`
  };
  Kind kind = Kind::kFewerPods;
  std::string subject;
  std::string dimension;
  std::int64_t from = 0;
  std::int64_t to = 0;

  friend bool operator==(const Counterfactual&, const Counterfactual&) = default;
};

/// What is asked about whom.
struct CounterfactualQuestion {
  std::span<const model::Event> cluster;  ///< brings an empty scheduler to the state in question
  std::string_view group;                 ///< key
  model::RoundRequest round;
  std::size_t max_plans = 200;  ///< plans tried before the search stops
  std::function<void(std::size_t plans)>
      progress;  ///< told before each plan how many were made; may be empty
};

struct CounterfactualAnswer {
  bool places = false;                  ///< the group is placed as it is; then nothing else is filled in
  model::Verdict verdict;               ///< of the group as it is
  std::vector<Counterfactual> changes;  ///< in the order of Kind; within a kind by subject
  std::size_t plans = 0;                ///< plans made
  bool complete = true;                 ///< false: max_plans was reached, there may be more
};

/// Looks for the smallest change of each kind that starts the group. It asks the scheduler only through its
/// contract: a fresh one is brought to the cluster, then told the change, then runs one round. Where the
/// number of units is in question it doubles until the group places and then halves the interval, so both
/// sides of the bound are plans that were made. Pure: the same question gives the same answer. Cost: a plan
/// per trial, about 2 log2(n) for n units.
CounterfactualAnswer find_counterfactuals(
    const CounterfactualQuestion& question,
    const std::function<std::unique_ptr<model::Scheduler>()>& make_scheduler);

}  // namespace fairlead::engine
