#include "fake_world.h"

#include "invariants.h"

#include <algorithm>
#include <utility>

namespace fairlead::property {
namespace {

using base::Duration;

/// Rounds in a row before a scheduler that always has more to do is called stuck.
constexpr int kMostRoundsInARow = 50;
/// Complete rounds at one instant until nothing more is decided: each serves a group that the one before did
/// not, and there are only so many.
constexpr int kMostCompleteRounds = 12;
/// Rounds in which a world without bad luck and without changes must come to rest.
constexpr int kMostRoundsToRest = 60;
/// How often the clock is moved to where the scheduler wants to be woken, at the end.
constexpr int kWakesAtTheEnd = 12;

constexpr const char* kBound = "bound";

/// The n-th of a map's keys, counted modulo its size; empty for an empty map.
template <class Map>
std::string nth_key(const Map& map, int n) {
  if (map.empty()) return "";
  return std::next(map.begin(), static_cast<std::ptrdiff_t>(static_cast<std::size_t>(n) % map.size()))->first;
}

}  // namespace

FakeWorld::FakeWorld(const Plan& plan, model::Scheduler& scheduler, Verdicts verdicts, ReportOrder order)
    : plan_(plan),
      scheduler_(scheduler),
      verdicts_(verdicts),
      truth_(build(plan)),
      groups_made_(static_cast<int>(plan.groups.size())) {
  events_ = report_everything(truth_);
  if (order == ReportOrder::kReversed) std::reverse(events_.begin(), events_.end());
  if (order == ReportOrder::kInterleaved) {
    std::vector<model::Event> interleaved;
    for (std::size_t i = 0; i < events_.size(); i += 2) interleaved.push_back(events_[i]);
    for (std::size_t i = 1; i < events_.size(); i += 2) interleaved.push_back(events_[i]);
    events_ = std::move(interleaved);
  }
}

std::string FakeWorld::play() {
  round();
  for (const StepPlan& step : plan_.steps) {
    if (!violation_.empty()) break;
    perform(step);
    round();
    wait(step.wait);
  }
  if (violation_.empty()) drain();
  return violation_;
}

void FakeWorld::fail(const std::string& what) {
  if (violation_.empty()) violation_ = "round " + std::to_string(round_) + ": " + what;
}

void FakeWorld::tell(decltype(model::Event::body) body) { events_.push_back({truth_.now, std::move(body)}); }
void FakeWorld::tell_pod(const std::string& uid) { tell(model::PodUpserted{truth_.pods.at(uid).pod}); }
void FakeWorld::tell_group(const std::string& key) { tell(model::GroupUpserted{truth_.groups.at(key)}); }

void FakeWorld::deliver_due() {
  std::stable_sort(deliveries_.begin(), deliveries_.end(), [](const Delivery& a, const Delivery& b) {
    return a.due != b.due ? a.due < b.due : a.order < b.order;
  });
  while (!deliveries_.empty() && deliveries_.front().due <= round_) {
    const Delivery delivery = std::move(deliveries_.front());
    deliveries_.erase(deliveries_.begin());
    delivery.happen();
  }
}

/// Tells what is due, lets the scheduler work until it has nothing more to do, and checks what it did.
void FakeWorld::round() {
  ++round_;
  deliver_due();
  const model::ApplyReport report = scheduler_.apply(events_);
  events_.clear();
  for (const model::RejectedEvent& rejected : report.rejected) {
    return fail("event " + std::to_string(rejected.index) + " was rejected: " + rejected.reason);
  }
  transcript_ += "round\n";
  decided_at_once_.clear();
  for (int i = 0;; ++i) {
    const model::Round made = scheduler_.run(request_);
    take_round(made);
    if (!violation_.empty()) return;
    if (!made.more) break;
    if (i == kMostRoundsInARow) return fail("the scheduler never has enough");
  }
  if (plan_.complete != 0) settle();
  if (violation_.empty()) expect_rest("a second complete round");
}

/// Writes down, checks and carries out what was decided. True when anything was, verdicts apart.
bool FakeWorld::take_round(const model::Round& made) {
  bool decided = false;
  for (const model::Decision& decision : made.decisions) {
    if (decision.number != next_number_++) fail("decisions are not numbered without gaps");
    const std::string line = describe(decision);
    if (!line.empty()) transcript_ += line + "\n";
    decided = decided || !line.empty();
    check_not_undone(made, decision);
  }
  for (const std::string& violation : check_round(truth_, made)) fail(violation);
  if (!violation_.empty()) return decided;
  for (const model::Decision& decision : made.decisions) {
    note_decided(decision);
    take(decision);
  }
  check_wake_at(made.wake_at);
  return decided;
}

void FakeWorld::note_decided(const model::Decision& decision) {
  if (const auto* bind = std::get_if<model::Bind>(&decision.body)) decided_at_once_[bind->pod] = kBound;
  if (const auto* nominate = std::get_if<model::Nominate>(&decision.body))
    decided_at_once_[nominate->pod] = nominate->node;
}

/// Between rounds at one instant nothing changes that could be a reason to decide otherwise. But what was set
/// aside may go to somebody who is served before, and could not take it while it was not yet being freed; and
/// a claim on what was given out can become possible by that: affinity looks at who has a place by now, and
/// the fair shares of a pool at who asks for it.
void FakeWorld::check_not_undone(const model::Round& made, const model::Decision& decision) {
  const auto standing = [&](const std::string& pod) {
    const auto found = decided_at_once_.find(pod);
    return found == decided_at_once_.end() ? std::string() : found->second;
  };
  const auto taken = [&](const std::string& node) {
    return std::any_of(made.decisions.begin(), made.decisions.end(), [&](const model::Decision& other) {
      const auto* bind = std::get_if<model::Bind>(&other.body);
      const auto* nominate = std::get_if<model::Nominate>(&other.body);
      return (bind && bind->node == node) || (nominate && nominate->node == node);
    });
  };
  const auto* evict = std::get_if<model::Evict>(&decision.body);
  const auto* withdraw = std::get_if<model::WithdrawNomination>(&decision.body);
  const bool is_claim =
      evict && (evict->rule == model::EvictionRule::kReclaim || evict->rule == model::EvictionRule::kPreempt);
  if ((evict && !is_claim && standing(evict->pod) == kBound) ||
      (withdraw && !standing(withdraw->pod).empty() && !taken(standing(withdraw->pod))))
    fail("a round undoes what one before it decided at the same time: " + describe(decision));
}

/// Makes the scheduler look at everything again, although nothing happened, until that changes nothing: it
/// comes to rest soon, and undoes nothing on its way.
void FakeWorld::settle() {
  for (int i = 0; violation_.empty(); ++i) {
    if (i == kMostCompleteRounds) return fail("complete rounds without events never come to rest");
    tell_of_nothing();
    if (!take_round(scheduler_.run(request_))) return;
  }
}

/// An event without consequence, after which a scheduler looks at everything again.
void FakeWorld::tell_of_nothing() {
  const std::vector<model::Event> nothing{{truth_.now, model::NamespaceUpserted{"elsewhere", {}}}};
  scheduler_.apply(nothing);
}

void FakeWorld::check_wake_at(const std::optional<base::Time>& wake_at) {
  wake_at_ = wake_at;
  if (wake_at && *wake_at <= truth_.now) fail("wants to be woken in the past");
}

/// Runs once more and expects that nothing changes.
void FakeWorld::expect_rest(const std::string& when) {
  const model::Round made = scheduler_.run(request_);
  next_number_ += made.decisions.size();
  for (const model::Decision& decision : made.decisions) {
    const std::string line = describe(decision);
    if (!line.empty()) return fail(when + " decides: " + line);
    if (verdicts_ == Verdicts::kMustRest) return fail(when + " changes a verdict");
  }
}

void FakeWorld::later(std::uint64_t rounds, std::int64_t luck, std::uint64_t decision, const std::string& pod,
                      std::function<void()> happen) {
  // Odd luck turns the order of what is told together round.
  const std::int64_t number = ++deliveries_made_;
  deliveries_.push_back(
      {round_ + rounds, luck % 2 == 0 ? number : -number, decision, pod, std::move(happen)});
}

void FakeWorld::take(const model::Decision& decision) {
  const bool has_outcome = std::holds_alternative<model::Bind>(decision.body) ||
                           std::holds_alternative<model::Evict>(decision.body);
  if (!has_outcome) return;
  const int luck = lucky_ || plan_.luck.empty() ? 0 : plan_.luck[luck_used_++ % plan_.luck.size()];
  if (const auto* bind = std::get_if<model::Bind>(&decision.body)) bind_outcome(decision.number, *bind, luck);
  if (const auto* evict = std::get_if<model::Evict>(&decision.body))
    eviction_outcome(decision.number, evict->pod, luck);
}

void FakeWorld::bind_outcome(std::uint64_t number, const model::Bind& bind, int luck) {
  const std::string uid = bind.pod;
  using Scope = model::BindFailed::Scope;
  const auto succeed = [this, number, uid](bool report_first) {
    return [this, number, uid, report_first] { bound(number, uid, report_first); };
  };
  const auto fail_with = [this, number, uid](Scope scope, std::int64_t seconds) {
    return [this, number, uid, scope, seconds] { not_bound(number, uid, scope, seconds); };
  };
  switch (luck) {
    case 10:
      return later(3, luck, number, uid, succeed(false));
    case 11:
      return later(4, luck, number, uid, succeed(false));
    case 12:
      return later(1, luck, number, uid, fail_with(Scope::kPod, 10));
    case 13:
      return later(1, luck, number, uid, fail_with(Scope::kNode, 60));
    case 14:
      return later(3, luck, number, uid, fail_with(Scope::kNode, 5));
    case 15:
      return later(1, luck, number, uid, succeed(true));
    default:
      return later(1, luck, number, uid, succeed(false));
  }
}

void FakeWorld::bound(std::uint64_t number, const std::string& uid, bool report_first) {
  TruePod& pod = truth_.pods.at(uid);
  pod.binding = false;
  pod.pod.phase = model::Pod::Phase::kBound;
  pod.pod.node = pod.node;
  pod.pod.device_groups = pod.device_groups;
  if (report_first) tell_pod(uid);
  tell(model::BindSucceeded{number});
  pod.pod.phase = model::Pod::Phase::kRunning;
  pod.pod.started = truth_.now;
  if (report_first) {
    tell(model::PodStarted{uid});
  } else {
    tell_pod(uid);
  }
  const auto group = truth_.groups.find(pod.pod.group);
  if (group == truth_.groups.end() || group->second.last_start || !truth_.minimum_met(group->second)) return;
  group->second.last_start = truth_.now;
  tell_group(group->first);
}

void FakeWorld::not_bound(std::uint64_t number, const std::string& uid, model::BindFailed::Scope scope,
                          std::int64_t seconds) {
  TruePod& pod = truth_.pods.at(uid);
  pod.binding = false;
  pod.evicting = false;
  pod.node.clear();
  pod.device_groups.clear();
  tell(model::BindFailed{number, scope, truth_.now + Duration::seconds(seconds)});
}

void FakeWorld::eviction_outcome(std::uint64_t number, const std::string& uid, int luck) {
  const auto refuse = [this, number, uid] {
    const base::Time retry_at = truth_.now + Duration::seconds(30);
    truth_.pods.at(uid).evicting = false;
    truth_.pods.at(uid).not_evicted_before = retry_at;
    tell(model::EvictionRefused{number, retry_at});
  };
  const auto accept = [this, number, uid](std::uint64_t rounds, int how, bool report_first) {
    return [this, number, uid, rounds, how, report_first] {
      leave(number, uid, report_first);
      if (rounds == 0) return gone(uid);
      later(rounds, how, 0, uid, [this, uid] { gone(uid); });
    };
  };
  switch (luck) {
    case 10:
      return later(1, luck, number, uid, accept(2, luck, false));
    case 11:
      return later(3, luck, number, uid, accept(0, luck, false));
    case 12:
    case 13:
      return later(1, luck, number, uid, refuse);
    case 14:
      return later(3, luck, number, uid, accept(2, luck, false));
    case 15:
      return later(1, luck, number, uid, accept(1, luck, true));
    default:
      return later(1, luck, number, uid, accept(0, luck, false));
  }
}

/// The world accepted the eviction: the pod is on its way out.
void FakeWorld::leave(std::uint64_t number, const std::string& uid, bool report_first) {
  TruePod& pod = truth_.pods.at(uid);
  if (pod.binding) {
    // What was bound and evicted in one go is bound first.
    const auto bind = std::find_if(deliveries_.begin(), deliveries_.end(), [&](const Delivery& delivery) {
      return delivery.pod == uid && delivery.decision != 0;
    });
    const std::uint64_t bind_number = bind == deliveries_.end() ? 0 : bind->decision;
    if (bind != deliveries_.end()) deliveries_.erase(bind);
    bound(bind_number, uid, false);
  }
  pod.evicting = false;
  pod.releasing = true;
  pod.pod.releasing = true;
  pod.pod.release_deadline = truth_.now + Duration::seconds(30);
  if (report_first) tell_pod(uid);
  tell(model::EvictionAccepted{number});
}

/// The pod left, and its controller makes another.
void FakeWorld::gone(const std::string& uid) {
  if (truth_.pods.count(uid) != 0) remove_pod(uid, true);
}

/// Gives each decision about the pod that still waits its outcome, because the pod goes.
void FakeWorld::settle_outcomes(const std::string& uid) {
  std::vector<Delivery> rest;
  for (Delivery& delivery : deliveries_) {
    if (delivery.pod != uid) {
      rest.push_back(std::move(delivery));
      continue;
    }
    if (delivery.decision == 0) continue;
    if (truth_.pods.at(uid).binding) {
      truth_.pods.at(uid).binding = false;
      tell(model::BindFailed{delivery.decision, model::BindFailed::Scope::kPod, truth_.now});
    } else {
      tell(model::EvictionAccepted{delivery.decision});
    }
  }
  deliveries_ = std::move(rest);
}

void FakeWorld::remove_pod(const std::string& uid, bool replace) {
  settle_outcomes(uid);
  const TruePod pod = truth_.pods.at(uid);
  truth_.pods.erase(uid);
  tell(model::PodRemoved{uid});
  if (replace && truth_.groups.count(pod.pod.group) != 0) tell_pod(add_replacement(truth_, pod.pod));
}

void FakeWorld::remove_group(const std::string& key, bool finished) {
  std::vector<std::string> uids;
  for (const auto& [uid, pod] : truth_.pods) {
    if (pod.pod.group == key) uids.push_back(uid);
  }
  for (const std::string& uid : uids) {
    settle_outcomes(uid);
    if (finished && truth_.pods.at(uid).pod.phase == model::Pod::Phase::kRunning)
      tell(model::PodFinished{uid, true});
  }
  for (const std::string& uid : uids) remove_pod(uid, false);
  truth_.groups.erase(key);
  tell(model::GroupRemoved{key});
}

void FakeWorld::lose_or_return_node(int subject) {
  if (!lost_nodes_.empty()) {
    const auto node = lost_nodes_.begin();
    truth_.nodes[node->first] = node->second;
    tell(model::NodeUpserted{node->second});
    lost_nodes_.erase(node);
    return;
  }
  const std::string name = nth_key(truth_.nodes, subject);
  if (name.empty()) return;
  std::vector<std::string> uids;
  for (const auto& [uid, pod] : truth_.pods) {
    if (pod.node == name) uids.push_back(uid);
  }
  for (const std::string& uid : uids) settle_outcomes(uid);
  lost_nodes_[name] = truth_.nodes.at(name);
  tell(model::NodeRemoved{name});
  for (const std::string& uid : uids) remove_pod(uid, true);
  truth_.nodes.erase(name);
}

void FakeWorld::forget_or_return_queue(int subject) {
  if (!forgotten_queues_.empty()) {
    const auto queue = forgotten_queues_.begin();
    truth_.queues[queue->first] = queue->second;
    tell(model::QueueUpserted{queue->second});
    forgotten_queues_.erase(queue);
    return;
  }
  const std::string name = nth_key(truth_.queues, subject);
  if (name.empty()) return;
  forgotten_queues_[name] = truth_.queues.at(name);
  truth_.queues.erase(name);
  tell(model::QueueRemoved{name});
}

void FakeWorld::change_device(int subject, int slot) {
  const std::string name = nth_key(truth_.nodes, subject);
  if (name.empty()) return;
  model::Node& node = truth_.nodes.at(name);
  std::size_t slots = 0;
  for (const model::DeviceSet& set : node.devices) slots += set.devices.size();
  if (slots == 0) return;
  const std::size_t at = static_cast<std::size_t>(slot) % slots;
  model::Device& device = *model::find_device(node, at);
  device.healthy = !device.healthy;
  tell(model::DeviceChanged{name, static_cast<std::uint32_t>(at), device.healthy});
}

/// Things that cannot be, each of which is to be refused and changes nothing.
void FakeWorld::tell_nonsense() {
  std::vector<model::Event> events;
  const auto say = [&](decltype(model::Event::body) body) {
    events.push_back({truth_.now, std::move(body)});
  };
  model::Pod nowhere;
  nowhere.uid = "uid-nowhere";
  nowhere.phase = model::Pod::Phase::kRunning;
  nowhere.group = "team/group-0";
  model::Pod of_no_group;
  of_no_group.uid = "uid-of-no-group";
  say(model::QueueUpserted{});
  say(model::TopologyUpserted{});
  say(model::PriorityClassUpserted{});
  say(model::NodeUpserted{});
  say(model::GroupUpserted{});
  say(model::PodUpserted{});
  say(model::PodUpserted{nowhere});
  say(model::PodUpserted{of_no_group});
  say(model::VolumeClaimUpserted{});
  say(model::DisruptionBudgetUpserted{});
  say(model::NodeRemoved{"node-x"});
  say(model::PodStarted{"uid-x"});
  say(model::BindSucceeded{1'000'000});
  say(model::EvictionRefused{1'000'000, truth_.now});
  say(model::DeviceChanged{"node-x", 0, false});
  events.push_back({kBeginning - Duration::seconds(1), model::ClockAdvanced{}});
  const model::ApplyReport report = scheduler_.apply(events);
  if (report.rejected.size() == events.size()) return;
  std::size_t expected = 0;
  while (expected < report.rejected.size() && report.rejected[expected].index == expected) ++expected;
  fail("nonsense is taken for true: event " + std::to_string(expected));
}

void FakeWorld::perform(const StepPlan& step) {
  switch (step.kind) {
    case kSubmit: {
      const std::string key = add_group(truth_, plan_, step.group, groups_made_++);
      tell_group(key);
      for (const auto& [uid, pod] : truth_.pods) {
        if (pod.pod.group == key) tell_pod(uid);
      }
      return;
    }
    case kFinishGroup:
    case kDeleteGroup: {
      const std::string key = nth_key(truth_.groups, step.subject);
      if (!key.empty()) remove_group(key, step.kind == kFinishGroup);
      return;
    }
    case kDeletePod: {
      const std::string uid = nth_key(truth_.pods, step.subject);
      if (!uid.empty()) remove_pod(uid, true);
      return;
    }
    case kScaleUp: {
      const std::string key = nth_key(truth_.groups, step.subject);
      const std::string uid = key.empty() ? "" : add_pod(truth_, key);
      if (!uid.empty()) tell_pod(uid);
      return;
    }
    case kCordon: {
      const std::string name = nth_key(truth_.nodes, step.subject);
      if (name.empty()) return;
      model::Node& node = truth_.nodes.at(name);
      node.unschedulable = !node.unschedulable;
      return tell(model::NodeUpserted{node});
    }
    case kLoseNode:
      return lose_or_return_node(step.subject);
    case kChangeQueue: {
      const std::string name = nth_key(truth_.queues, step.subject);
      if (name.empty()) return;
      const auto number = static_cast<std::size_t>(step.subject) % plan_.queues.size();
      QueuePlan changed = plan_.queues[number];
      changed.quota = (changed.quota + step.group.minimum + 1) % 7;
      changed.limit = step.group.cpu;
      changed.priority = step.group.priority % 3;
      const model::Queue queue = build_queue(plan_, changed, static_cast<int>(number));
      if (truth_.queues.count(queue.name) == 0) return;
      truth_.queues[queue.name] = queue;
      return tell(model::QueueUpserted{queue});
    }
    case kSampleUsage: {
      const std::string name = nth_key(truth_.queues, step.subject);
      if (!name.empty())
        tell(model::UsageSampled{name,
                                 step.group.pool == 1 ? "second" : "",
                                 {{"gpu", 0.125 * step.group.running}, {"cpu", 0.25}}});
      return;
    }
    case kRepeatAll:
      for (model::Event& event : report_everything(truth_)) events_.push_back(std::move(event));
      return;
    case kReconfigure: {
      ConfigurationPlan changed = plan_.configuration;
      changed.spread = step.subject % 4;
      truth_.configuration = build_configuration(changed);
      return tell(model::ConfigurationChanged{truth_.configuration});
    }
    case kForgetQueue:
      return forget_or_return_queue(step.subject);
    case kDeviceHealth:
      return change_device(step.subject, step.group.running);
    case kNonsense:
      return tell_nonsense();
    default:
      return;
  }
}

void FakeWorld::advance_to(base::Time time) {
  if (time <= truth_.now) return;
  // Until it wants to be woken, time alone changes nothing.
  const bool quiet = events_.empty() && deliveries_.empty();
  const base::Time before = wake_at_ && *wake_at_ <= time ? *wake_at_ - Duration::nanoseconds(1) : time;
  if (quiet && before > truth_.now) {
    truth_.now = before;
    tell(model::ClockAdvanced{});
    const model::ApplyReport report = scheduler_.apply(events_);
    events_.clear();
    if (!report.rejected.empty())
      return fail("a clock event was rejected: " + report.rejected.front().reason);
    if (plan_.complete != 0) tell_of_nothing();
    expect_rest("time alone, before the scheduler wants to be woken,");
  }
  truth_.now = time;
  tell(model::ClockAdvanced{});
}

void FakeWorld::wait(int kind) {
  if (!violation_.empty()) return;
  if (kind == 1) advance_to(truth_.now + Duration::seconds(1));
  if (kind == 2) advance_to(wake_at_.value_or(truth_.now + Duration::seconds(10)));
  if (kind == 3) advance_to(truth_.now + Duration::seconds(400));
}

void FakeWorld::drain() {
  lucky_ = true;
  int wakes = 0;
  for (int i = 0; violation_.empty(); ++i) {
    if (i == kMostRoundsToRest) return fail("does not come to rest");
    if (events_.empty() && deliveries_.empty()) {
      if (!wake_at_ || wakes++ == kWakesAtTheEnd) return;
      advance_to(*wake_at_);
    }
    if (violation_.empty()) round();
  }
}

}  // namespace fairlead::property
