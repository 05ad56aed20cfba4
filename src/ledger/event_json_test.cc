#include "ledger/event_json.h"

#include "ledger/decision_json.h"
#include "model/json/values_test.h"

#include <gtest/gtest.h>

namespace fairlead::ledger {
namespace {

using Body = decltype(model::Event::body);
using DecisionBody = decltype(model::Decision::body);

/// Whether the members that Shape lists fill the type from its first byte to its last: none is left out.
template <class T>
void expect_every_member_is_listed(std::set<std::string>& seen);

template <class T>
struct Inner {
  static void check(std::set<std::string>& seen) {
    if constexpr (model::json::Described<T>) expect_every_member_is_listed<T>(seen);
  }
};
template <class T>
struct Inner<std::vector<T>> : Inner<T> {};
template <class T>
struct Inner<std::optional<T>> : Inner<T> {};

template <class T>
void expect_every_member_is_listed(std::set<std::string>& seen) {
  const std::string type = __PRETTY_FUNCTION__;
  if (!seen.insert(type).second) return;
  T value{};
  std::size_t offset = 0;
  const auto visit = [&]<class M>(const model::json::Field<M>& member) {
    offset = (offset + alignof(M) - 1) / alignof(M) * alignof(M);
    const auto at = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(&member.value) -
                                             reinterpret_cast<const std::byte*>(&value));
    EXPECT_EQ(at, offset) << type << ": a member before " << member.name << " is not listed";
    offset = at + sizeof(M);
    Inner<M>::check(seen);
  };
  std::apply([&](const auto&... member) { (visit(member), ...); }, model::json::Shape<T>::of(value));
  const std::size_t size = (offset + alignof(T) - 1) / alignof(T) * alignof(T);
  if (std::tuple_size_v<decltype(model::json::Shape<T>::of(value))> > 0) {
    EXPECT_EQ(size, sizeof(T)) << type << ": the last member is not listed";
  }
}

TEST(ModelFields, ListEveryMember) {
  std::set<std::string> seen;
  const auto check = [&seen](const auto& value) {
    std::visit([&seen](const auto& body) { Inner<std::remove_cvref_t<decltype(body)>>::check(seen); }, value);
  };
  model::json::ValueMaker maker(1, true);
  model::json::each_alternative<Body>(maker, check);
  model::json::each_alternative<DecisionBody>(maker, check);
  Inner<model::RoundRequest>::check(seen);
  EXPECT_GT(seen.size(), 60U);
}

TEST(EventJson, EveryKindWithEveryMemberComesBackTheSame) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    model::json::ValueMaker maker(seed, seed % 2 == 0);
    std::vector<model::Event> events;
    model::json::each_alternative<Body>(maker, [&](const Body& body) {
      model::Event event{{}, body};
      maker.fill(event.time);
      events.push_back(event);
    });
    const std::string text = events_to_json(events);
    const auto read = events_from_json(text);
    ASSERT_TRUE(read.ok()) << read.error().message();
    ASSERT_EQ(read->size(), events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_TRUE(same_event((*read)[i], events[i])) << events_to_json({&events[i], 1});
    }
    EXPECT_EQ(events_to_json(*read), text);
  }
}

TEST(EventJson, FullValuesDifferFromTheDefaultInEveryMember) {
  // Otherwise the test above would not notice a member that is never written.
  model::json::ValueMaker maker(7, true);
  model::Pod pod;
  maker.fill(pod);
  const model::Pod usual;
  const auto check = [](const auto& member, const auto& other) {
    EXPECT_FALSE(model::json::same(member.value, other.value)) << member.name;
  };
  std::apply(
      [&](const auto&... member) {
        std::apply([&](const auto&... other) { (check(member, other), ...); },
                   model::json::Shape<model::Pod>::of(usual));
      },
      model::json::Shape<model::Pod>::of(pod));
}

TEST(DecisionJson, EveryKindComesBackTheSame) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    model::json::ValueMaker maker(seed, seed % 2 == 0);
    RoundRecord round;
    maker.fill(round.request);
    model::json::each_alternative<Body>(maker, [&](const Body& body) { round.events.push_back({{}, body}); });
    model::json::each_alternative<DecisionBody>(maker, [&](const DecisionBody& body) {
      model::Decision decision{0, body};
      maker.fill(decision.number);
      round.decisions.push_back(decision);
    });
    const auto read = round_from_json(round_to_json(round));
    ASSERT_TRUE(read.ok()) << read.error().message();
    ASSERT_EQ(read->decisions.size(), round.decisions.size());
    for (std::size_t i = 0; i < round.decisions.size(); ++i) {
      EXPECT_TRUE(same_decision(read->decisions[i], round.decisions[i]))
          << decision_to_json(round.decisions[i]);
    }
    EXPECT_EQ(read->events.size(), round.events.size());
    EXPECT_TRUE(model::json::same(read->request, round.request));
    EXPECT_EQ(round_to_json(*read), round_to_json(round));
  }
}

TEST(DecisionJson, VerdictsThatAreAlikeAreWrittenOnce) {
  model::Verdict full;
  full.reasons.emplace_back();
  full.reasons.back().have = 3;
  model::Verdict other = full;
  other.reasons.back().have = 4;
  RoundRecord round;
  const auto add = [&](std::uint64_t number, const char* group, const model::Verdict& verdict) {
    round.decisions.push_back({number, model::VerdictChanged{group, verdict}});
  };
  add(1, "a", full);
  add(2, "b", full);
  add(3, "c", full);
  add(4, "d", other);
  add(6, "e", other);
  round.decisions.push_back({7, model::Bind{"pod", "node", {}, {}, 0, {}}});
  add(8, "f", other);
  const std::string text = round_to_json(round);
  EXPECT_NE(text.find(R"({"alike":["b","c"]},)"), std::string::npos) << text;
  EXPECT_EQ(text.find("alike"), text.rfind("alike")) << text;
  const auto read = round_from_json(text);
  ASSERT_TRUE(read.ok()) << read.error().message();
  ASSERT_EQ(read->decisions.size(), round.decisions.size());
  for (std::size_t i = 0; i < round.decisions.size(); ++i)
    EXPECT_TRUE(same_decision(read->decisions[i], round.decisions[i]))
        << decision_to_json(round.decisions[i]);
  for (const char* bad :
       {R"({"decisions":[{"alike":["a"]}]})",
        R"({"decisions":[{"number":1,"bind":{"pod":"p"}},{"alike":["a"]}]})",
        R"({"decisions":[{"number":1,"verdict_changed":{"group":"a"}},{"alike":[1]}]})",
        R"({"decisions":[{"number":1,"verdict_changed":{"group":"a"}},{"alike":["b"],"x":1}]})"})
    EXPECT_FALSE(round_from_json(bad).ok()) << bad;
}

TEST(EventJson, DefaultsAreLeftOut) {
  const std::vector<model::Event> events = {{base::Time::from_unix_nanoseconds(5), model::ClockAdvanced{}},
                                            {{}, model::PodUpserted{}},
                                            {{}, model::ConfigurationChanged{}},
                                            {{}, model::BindFailed{3, model::BindFailed::Scope::kNode, {}}}};
  EXPECT_EQ(events_to_json(events),
            R"([{"time":5,"clock_advanced":{}},{"pod_upserted":{}},{"configuration_changed":{}},)"
            R"({"bind_failed":{"decision":3,"scope":"node"}}])");
}

TEST(EventJson, ConfigurationWithoutActionsKeepsNone) {
  model::Configuration configuration;
  configuration.actions.clear();
  std::vector<model::Event> events = {{{}, model::ConfigurationChanged{configuration}}};
  const auto read = events_from_json(events_to_json(events));
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(same_event((*read)[0], events[0]));
}

struct BadText {
  const char* text;
  const char* why;
};

TEST(EventJson, BadTextIsAnErrorThatSaysWhere) {
  const BadText cases[] = {
      {"", ""},
      {"{}", "not a list"},
      {"[1]", "[0]: is not an object"},
      {"[{}]", "[0]: is of no kind"},
      {R"([{"pod_started":{},"pod_removed":{}}])", "is of two kinds"},
      {R"([{"pod_flew":{}}])", "pod_flew: is not a kind that is known"},
      {R"([{"pod_started":{"id":"a"}}])", "pod_started.id: is not a member that is known"},
      {R"([{"pod_started":{"uid":7}}])", "pod_started.uid: is not a text"},
      {R"([{"time":1.5,"pod_started":{}}])", "time: is not a number of its type"},
      {R"([{"time":99999999999999999999,"pod_started":{}}])", "time: is not a number of its type"},
      {R"([{"device_changed":{"slot":-1}}])", "slot: is not a number of its type"},
      {R"([{"device_changed":{"healthy":"yes"}}])", "healthy: is neither true nor false"},
      {R"([{"bind_failed":{"scope":"moon"}}])", "scope: is not a known name"},
      {R"([{"bind_failed":{"scope":""}}])", "scope: is not a name"},
      {R"([{"pod_started":{"uid":{"bytes":"f"}}}])", "is not written in hexadecimal"},
      {R"([{"namespace_upserted":{"labels":["a"]}}])", "is not a list of keys and values"},
      {R"([{"usage_sampled":{"shares":[["gpu"]]}}])", "shares.[0]: is not a list of two"},
      {R"([{"usage_sampled":{"shares":[["gpu","x"]]}}])", "is not the bits of a number"},
      {R"([{"pod_upserted":{"pod":{"devices":{"partitions":[{"count":"3"}]}}}}])",
       "pod_upserted.pod.devices.partitions.[0].count: is not a number"},
  };
  for (const BadText& bad : cases) {
    const auto read = events_from_json(bad.text);
    ASSERT_FALSE(read.ok()) << bad.text;
    EXPECT_NE(read.error().message().find(bad.why), std::string::npos)
        << bad.text << ": " << read.error().message();
  }
}

TEST(EventJson, DamagedTextNeverCrashes) {
  model::json::ValueMaker maker(3, true);
  RoundRecord round;
  model::json::each_alternative<Body>(maker, [&](const Body& body) { round.events.push_back({{}, body}); });
  model::json::each_alternative<DecisionBody>(
      maker, [&](const DecisionBody& body) { round.decisions.push_back({1, body}); });
  const std::string good = round_to_json(round);
  std::size_t refused = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text = good;
    for (std::size_t flips = 1 + maker.pick(3); flips > 0; --flips)
      text[maker.pick(text.size())] = static_cast<char>(maker.pick(256));
    if (maker.pick(10) == 0) text.resize(maker.pick(text.size()));
    if (!round_from_json(text).ok()) ++refused;
  }
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace fairlead::ledger
