// Rounds that stop at a limit, one after the other, come to what one round without a limit decides.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fairlead::engine {
namespace {

constexpr std::int64_t kStart = 1'000'000;

/// Numbers that are the same on each machine. Source: Steele, Lea, Flood: SplitMix64.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  std::int64_t between(std::int64_t least, std::int64_t most) {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return least + static_cast<std::int64_t>((z ^ (z >> 31)) % static_cast<std::uint64_t>(most - least + 1));
  }

 private:
  std::uint64_t state_;
};

class Events {
 public:
  template <typename Body>
  void add(Body body) {
    events_.push_back({base::Time::from_unix_seconds(kStart), std::move(body)});
  }
  void node(const std::string& name, std::int64_t devices) {
    model::Node node;
    node.name = name;
    node.labels["kubernetes.io/hostname"] = name;
    node.devices.push_back({"nvidia.com/gpu", "nvidia", "H100", devices, 0, {}});
    add(model::NodeUpserted{std::move(node)});
  }
  void queue(const std::string& name, std::int64_t quota) {
    model::Queue queue;
    queue.name = queue.uid = name;
    queue.pools.push_back(
        {"", std::nullopt, {{"gpu", {model::Bound::of(quota * 1000), model::Bound::unlimited(), 1}}}});
    add(model::QueueUpserted{std::move(queue)});
  }
  /// A group whose pods run on the nodes given, or wait where none is.
  void group(const std::string& name, const std::string& queue, std::int64_t devices,
             const std::vector<std::string>& nodes, std::int32_t min_member) {
    const base::Time created =
        base::Time::from_unix_seconds(kStart - 1000 + static_cast<std::int64_t>(events_.size()));
    model::PodGroup group;
    group.key = "ml/" + name;
    group.uid = name;
    group.queue = queue;
    group.created = created;
    group.min_member = min_member;
    add(model::GroupUpserted{std::move(group)});
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      model::Pod pod;
      pod.uid = name + "-" + std::to_string(i);
      pod.created = created;
      pod.group = "ml/" + name;
      pod.devices.kind = model::DeviceRequest::Kind::kWhole;
      pod.devices.resource = "nvidia.com/gpu";
      pod.devices.count = devices;
      if (!nodes[i].empty()) {
        pod.phase = model::Pod::Phase::kRunning;
        pod.node = nodes[i];
        pod.started = created;
      }
      add(model::PodUpserted{std::move(pod)});
    }
  }
  /// One more pod of a group, which waits.
  void pod(const std::string& group, const std::string& name, std::int64_t devices) {
    model::Pod pod;
    pod.uid = group + "-" + name;
    pod.created = base::Time::from_unix_seconds(kStart - 1);
    pod.group = "ml/" + group;
    pod.devices.kind = model::DeviceRequest::Kind::kWhole;
    pod.devices.resource = "nvidia.com/gpu";
    pod.devices.count = devices;
    add(model::PodUpserted{std::move(pod)});
  }
  const std::vector<model::Event>& all() const { return events_; }

 private:
  std::vector<model::Event> events_;
};

/// Two teams hold more than their quota with jobs of many sizes; what the third asks for fits nowhere before
/// several of these go, and some of it never.
Events crowded(std::uint64_t seed) {
  Numbers numbers(seed);
  Events events;
  const std::int64_t node_count = numbers.between(2, 5);
  std::map<std::string, std::int64_t> free;
  for (std::int64_t i = 0; i < node_count; ++i) {
    const std::string name = "n" + std::to_string(i);
    free[name] = numbers.between(2, 8);
    events.node(name, free[name]);
  }
  for (const char* queue : {"a", "b", "c"}) events.queue(queue, numbers.between(0, 6));
  for (int i = 0; i < 14; ++i) {
    const std::int64_t devices = numbers.between(1, 3);
    std::vector<std::string> nodes;
    const std::int64_t pods = numbers.between(1, 3);
    for (auto& [name, left] : free) {
      if (left < devices || static_cast<std::int64_t>(nodes.size()) == pods || numbers.between(0, 1) == 0)
        continue;
      left -= devices;
      nodes.push_back(name);
    }
    if (nodes.empty()) continue;
    const auto least = static_cast<std::int32_t>(numbers.between(1, static_cast<std::int64_t>(nodes.size())));
    events.group("runs-" + std::to_string(i), numbers.between(0, 1) == 0 ? "a" : "b", devices, nodes, least);
  }
  const std::int64_t waiting = numbers.between(1, 4);
  for (std::int64_t i = 0; i < waiting; ++i) {
    const auto pods = static_cast<std::size_t>(numbers.between(1, 4));
    events.group("waits-" + std::to_string(i), numbers.between(0, 3) == 0 ? "a" : "c", numbers.between(1, 4),
                 std::vector<std::string>(pods), static_cast<std::int32_t>(pods));
  }
  return events;
}

/// What a round decides, without its verdicts.
std::string text_of(const model::Round& round) {
  std::string text;
  for (const model::Decision& decision : round.decisions) {
    if (const auto* bind = std::get_if<model::Bind>(&decision.body))
      text += "bind " + bind->pod + " " + bind->node + "\n";
    if (const auto* evict = std::get_if<model::Evict>(&decision.body))
      text += "evict " + evict->pod + " for " + evict->beneficiary + "\n";
    if (const auto* nominate = std::get_if<model::Nominate>(&decision.body))
      text += "nominate " + nominate->pod + " " + nominate->node + "\n";
    if (const auto* withdraw = std::get_if<model::WithdrawNomination>(&decision.body))
      text += "withdraw " + withdraw->pod + "\n";
  }
  return text;
}

struct Limited {
  std::unique_ptr<model::Scheduler> engine = make_engine();
  std::string decided;  ///< by the first round that decided anything
  int rounds = 0;       ///< up to that one, or to the one that left nothing

  explicit Limited(const Events& events) { engine->apply(events.all()); }

  /// Runs rounds until one decides something, none has more, or so many were run.
  void run(model::RoundRequest request, int most = 10'000) {
    for (int i = 0; i < most && decided.empty(); ++i) {
      const model::Round round = engine->run(request);
      ++rounds;
      decided = text_of(round);
      if (!round.more) return;
    }
  }
};

/// A gang of unlike pods that needs several pods of two queues and of different sizes to go, and one before
/// it that nothing helps.
Events gang_that_takes_several_tries() {
  Events events;
  for (const char* node : {"n0", "n1", "n2"}) events.node(node, 4);
  for (const char* queue : {"a", "b"}) events.queue(queue, 0);
  events.queue("c", 10);
  events.group("runs-0", "a", 2, {"n0", "n1", "n2"}, 1);
  events.group("runs-1", "b", 1, {"n0", "n1", "n2"}, 1);
  events.group("runs-2", "a", 1, {"n0", "n1", "n2"}, 1);
  events.group("too-large", "c", 5, {"", ""}, 2);
  events.group("waits", "c", 3, {"", "", ""}, 4);
  events.pod("waits", "small", 1);
  return events;
}

TEST(RoundCursor, ASearchGoesOnWhereTheLastRoundStopped) {
  const Events events = gang_that_takes_several_tries();
  Limited whole(events);
  whole.run({});
  ASSERT_NE(whole.decided, "");
  for (std::uint64_t limit : {1u, 2u, 3u, 5u}) {
    Limited limited(events);
    limited.run({.max_simulations = limit});
    EXPECT_EQ(limited.decided, whole.decided) << "with " << limit << " simulations a round";
    if (limit == 1) {
      EXPECT_GT(limited.rounds, 2);
    }
  }
}

TEST(RoundCursor, SaysThatThereIsMoreUntilItDecides) {
  Limited limited(gang_that_takes_several_tries());
  const model::Round first = limited.engine->run({.max_simulations = 1});
  EXPECT_TRUE(first.more);
  EXPECT_EQ(text_of(first), "");
}

TEST(RoundCursor, StartsAgainWhenSomethingChanged) {
  const Events events = gang_that_takes_several_tries();
  Limited undisturbed(events);
  undisturbed.run({.max_simulations = 1});

  Limited disturbed(events);
  disturbed.run({.max_simulations = 1}, undisturbed.rounds - 1);
  ASSERT_EQ(disturbed.decided, "");
  model::Pod other;
  other.uid = "other";
  other.served = false;
  other.requests.cpu_milli = 1;
  disturbed.engine->apply(std::vector<model::Event>{
      {base::Time::from_unix_seconds(kStart), model::PodUpserted{std::move(other)}}});
  disturbed.run({.max_simulations = 1});
  EXPECT_EQ(disturbed.decided, undisturbed.decided);
  EXPECT_EQ(disturbed.rounds, 2 * undisturbed.rounds - 1);
}

TEST(RoundCursor, GoesOnWhenOnlyTimePassed) {
  const Events events = gang_that_takes_several_tries();
  Limited undisturbed(events);
  undisturbed.run({.max_simulations = 1});

  Limited later(events);
  later.run({.max_simulations = 1}, undisturbed.rounds - 1);
  later.engine->apply(
      std::vector<model::Event>{{base::Time::from_unix_seconds(kStart + 5), model::ClockAdvanced{}}});
  later.run({.max_simulations = 1});
  EXPECT_EQ(later.decided, undisturbed.decided);
  EXPECT_EQ(later.rounds, undisturbed.rounds);
}

TEST(RoundCursor, GroupsBehindOneThatNothingHelpsHaveTheirTurn) {
  Events events;
  events.node("n0", 4);
  events.queue("c", 4);
  events.group("too-large", "c", 8, {""}, 1);
  events.group("also-too-large", "c", 5, {""}, 1);
  events.group("fits", "c", 4, {""}, 1);
  Limited limited(events);
  limited.run({.max_groups = 1});
  EXPECT_EQ(limited.decided, "bind fits-0 n0\n");
}

TEST(RoundCursor, SaysOfAGroupThatItWasNotTriedYet) {
  Events events;
  events.node("n0", 4);
  events.queue("c", 4);
  events.group("too-large", "c", 8, {""}, 1);
  events.group("also-too-large", "c", 5, {""}, 1);
  Limited limited(events);
  auto verdicts = [&] {
    std::map<std::string, model::ReasonCode> told;
    for (const model::Decision& decision : limited.engine->run({.max_groups = 1}).decisions)
      if (const auto* changed = std::get_if<model::VerdictChanged>(&decision.body))
        told[changed->group] = changed->verdict.reasons.front().code;
    return told;
  };
  using enum model::ReasonCode;
  using Told = std::map<std::string, model::ReasonCode>;
  EXPECT_EQ(verdicts(), (Told{{"ml/too-large", kNodesDoNotFit}, {"ml/also-too-large", kSearchLimit}}));
  EXPECT_EQ(verdicts(), (Told{{"ml/also-too-large", kNodesDoNotFit}}));
}

TEST(RoundCursor, AnyLimitLeadsToTheDecisionWithoutOne) {
  int decided = 0, in_several_rounds = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Events events = crowded(seed);
    Limited whole(events);
    whole.run({});
    decided += whole.decided.empty() ? 0 : 1;
    for (const model::RoundRequest& request :
         {model::RoundRequest{1, 0}, model::RoundRequest{3, 0}, model::RoundRequest{2, 2}}) {
      Limited limited(events);
      limited.run(request);
      in_several_rounds += limited.rounds > 1 ? 1 : 0;
      // What stopped before the last group has decided the first part.
      EXPECT_EQ(whole.decided.substr(0, limited.decided.size()), limited.decided) << "seed " << seed;
      EXPECT_EQ(whole.decided.empty(), limited.decided.empty()) << "seed " << seed;
    }
  }
  EXPECT_GT(decided, 100);
  EXPECT_GT(in_several_rounds, 100);
}

}  // namespace
}  // namespace fairlead::engine
