#include "ledger/state_at.h"

#include "engine/engine.h"
#include "ledger/decision_json.h"
#include "ledger/small_world_test.h"
#include "ledger/temporary_folder_test.h"

#include <gtest/gtest.h>

#include <set>

namespace fairlead::ledger {
namespace {

std::string without_verdicts(const std::vector<model::Decision>& decisions) {
  std::string text;
  for (model::Decision decision : decisions) {
    if (std::holds_alternative<model::VerdictChanged>(decision.body)) continue;
    decision.number = 0;
    text += decision_to_json(decision) + '\n';
  }
  return text;
}

/// What a fresh engine decides on a state.
std::string decide(const StateAt& state, bool with_assumptions) {
  std::string wrong;
  const auto engine =
      engine::make_engine({{}, [&wrong](const std::string& differences) { wrong = differences; }});
  std::vector<model::Event> events = {{state.now, model::ConfigurationChanged{*state.configuration}}};
  events.insert(events.end(), state.truth.begin(), state.truth.end());
  for (const model::UsageSampled& usage : state.usage) events.push_back({state.now, usage});
  const auto report = engine->apply(events);
  EXPECT_TRUE(report.rejected.empty()) << report.rejected[0].reason;
  if (with_assumptions) {
    const auto assumed = engine->assume(state.assumptions);
    EXPECT_TRUE(assumed.rejected.empty()) << assumed.rejected[0].reason;
  }
  EXPECT_EQ(wrong, "");
  return without_verdicts(engine->run(state.round->request).decisions);
}

TEST(StateAt, AFreshEngineDecidesAsTheRecordedOne) {
  int compared = 0;
  int with_assumptions = 0;
  int decided = 0;
  int other_without = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const TemporaryFolder folder;
    record(folder.file(), {.seed = seed, .segments = 2, .steps = 40});
    auto reader = RoundReader::open(folder.file());
    ASSERT_TRUE(reader.ok());
    const auto segments = reader->segments();
    ASSERT_TRUE(segments.ok());
    std::set<base::Time> times;
    for (const Segment& segment : *segments) {
      ASSERT_TRUE(reader
                      ->each_round(segment,
                                   [&](RoundRecord& round) {
                                     times.insert(round.time);
                                     return true;
                                   })
                      .ok());
    }
    int index = 0;
    for (const base::Time time : times) {
      if (++index % 2 == 0) continue;
      const auto state = state_at(folder.file(), time, [] { return engine::make_engine(); });
      ASSERT_TRUE(state.ok()) << state.error().message();
      if (!state->round) continue;
      const std::string recorded = without_verdicts(state->round->decisions);
      EXPECT_EQ(decide(*state, true), recorded)
          << "seed " << seed << ", round " << state->round->number << " at " << base::format_time(time);
      if (decide(*state, false) != recorded) ++other_without;
      ++compared;
      if (!state->assumptions.pods.empty()) ++with_assumptions;
      if (!recorded.empty()) ++decided;
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(compared, 100);
  EXPECT_GT(with_assumptions, 50);
  EXPECT_GT(decided, 30);
  EXPECT_GT(other_without, 10) << "what is assumed matters";
}

TEST(StateAt, SaysHowFarBackTheLedgerReaches) {
  const TemporaryFolder folder;
  record(folder.file(), {.seed = 1, .segments = 1, .steps = 2});
  const auto state =
      state_at(folder.file(), base::Time::from_unix_seconds(5), [] { return engine::make_engine(); });
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code(), base::Code::kNotFound);
  EXPECT_NE(state.error().message().find("its oldest segment began at 2027"), std::string::npos);
}

}  // namespace
}  // namespace fairlead::ledger
