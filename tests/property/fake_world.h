#pragma once

#include "model/scheduler.h"
#include "objects.h"
#include "plan.h"
#include "truth.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace fairlead::property {

/// How the first report lists its objects.
enum class ReportOrder { kByKind, kReversed, kInterleaved };

/// Whether a round without events may still change verdicts: the reference works them out once in a round and
/// not again after its last action.
enum class Verdicts { kMustRest, kMayChange };

/// A world that lives through a plan: it reports its objects, carries out decisions (late, out of order, or
/// not at all, as the plan's luck has it), recreates evicted pods, advances the clock, and checks each round
/// on its way.
class FakeWorld {
 public:
  FakeWorld(const Plan& plan, model::Scheduler& scheduler, Verdicts verdicts,
            ReportOrder order = ReportOrder::kByKind);

  /// Plays the plan to its end, then answers everything at once until nothing happens any more.
  /// Returns what was violated first, with its round; empty when all held.
  std::string play();

  /// Every decision but verdicts, one a line, with the rounds in between.
  const std::string& transcript() const { return transcript_; }

 private:
  /// Something that the world will tell or do, at the earliest with round `due`.
  struct Delivery {
    std::uint64_t due = 0;
    std::int64_t order = 0;      ///< among those of one round
    std::uint64_t decision = 0;  ///< whose outcome it is; 0: no outcome
    std::string pod;
    std::function<void()> happen;
  };

  void tell(decltype(model::Event::body) body);
  void tell_pod(const std::string& uid);
  void tell_group(const std::string& key);
  void deliver_due();
  void round();
  bool take_round(const model::Round& made);
  void note_decided(const model::Decision& decision);
  void check_not_undone(const model::Round& made, const model::Decision& decision);
  void settle();
  void tell_of_nothing();
  void expect_rest(const std::string& when);
  void check_wake_at(const std::optional<base::Time>& wake_at);
  void fail(const std::string& what);

  void take(const model::Decision& decision);
  void later(std::uint64_t rounds, std::int64_t luck, std::uint64_t decision, const std::string& pod,
             std::function<void()> happen);
  void bind_outcome(std::uint64_t number, const model::Bind& bind, int luck);
  void eviction_outcome(std::uint64_t number, const std::string& uid, int luck);
  void bound(std::uint64_t number, const std::string& uid, bool report_first);
  void not_bound(std::uint64_t number, const std::string& uid, model::BindFailed::Scope scope,
                 std::int64_t seconds);
  void leave(std::uint64_t number, const std::string& uid, bool report_first);
  void gone(const std::string& uid);

  void perform(const StepPlan& step);
  void settle_outcomes(const std::string& uid);
  void remove_pod(const std::string& uid, bool replace);
  void remove_group(const std::string& key, bool finished);
  void lose_or_return_node(int subject);
  void forget_or_return_queue(int subject);
  void change_device(int subject, int slot);
  void tell_nonsense();
  void wait(int kind);
  void advance_to(base::Time time);
  void drain();

  const Plan& plan_;
  model::Scheduler& scheduler_;
  Verdicts verdicts_;
  Truth truth_;
  std::vector<model::Event> events_;
  std::vector<Delivery> deliveries_;
  std::map<std::string, model::Node> lost_nodes_;
  std::map<std::string, model::Queue> forgotten_queues_;
  std::optional<base::Time> wake_at_;
  model::RoundRequest request_;
  std::map<std::string, std::string>
      decided_at_once_;  ///< since the last events, by pod: kBound, or the node
  std::uint64_t round_ = 0;
  std::uint64_t next_number_ = 1;
  std::int64_t deliveries_made_ = 0;
  std::size_t luck_used_ = 0;
  int groups_made_ = 0;
  bool lucky_ = false;  ///< from here on everything succeeds at once
  std::string violation_;
  std::string transcript_;
};

}  // namespace fairlead::property
