#include "engine/engine.h"
#include "fake_world.h"
#include "lockstep.h"
#include "reference/reference_scheduler.h"
#include "watchdog.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <string>

namespace fairlead::property {
namespace {

using Scheduler = std::unique_ptr<model::Scheduler>;

Scheduler make_reference() { return std::make_unique<reference::ReferenceScheduler>(); }
Scheduler make_engine() {
  return engine::make_engine({.scorers = {}, .on_wrong_sums = [](const std::string& differences) {
                                ADD_FAILURE() << "the engine's sums are wrong: " << differences;
                              }});
}

Scheduler make_engine_without_caches() { return engine::make_engine({.scorers = {}, .keep_caches = false}); }

/// What happened, shortened for a failure's text.
std::string beginning(const std::string& transcript) { return "\n" + transcript.substr(0, 1500); }

/// Fails the property where a scheduler violates an invariant in the life of this plan.
void expect_invariants(const Scheduler& scheduler, Verdicts verdicts, const Plan& plan) {
  const Watchdog watchdog(plan);
  FakeWorld world(plan, *scheduler, verdicts);
  const std::string violation = world.play();
  if (!violation.empty()) RC_FAIL(violation + beginning(world.transcript()));
}

/// Fails the property where the same events give other decisions, or the order of the first report matters.
void expect_determinism(Scheduler (*make)(), const Plan& plan) {
  const Watchdog watchdog(plan);
  const auto transcript = [&](ReportOrder order) {
    const Scheduler scheduler = make();
    FakeWorld world(plan, *scheduler, Verdicts::kMayChange, order);
    world.play();
    return world.transcript();
  };
  const std::string expected = transcript(ReportOrder::kByKind);
  for (const ReportOrder order : {ReportOrder::kByKind, ReportOrder::kReversed, ReportOrder::kInterleaved}) {
    RC_ASSERT(transcript(order) == expected);
  }
}

/// Fails the property where two schedulers, told the same, decide otherwise.
void expect_equality(const Plan& plan, Scheduler (*make_first)(), Scheduler (*make_second)()) {
  const Watchdog watchdog(plan);
  const Scheduler first = make_first();
  const Scheduler second = make_second();
  Lockstep both(*first, *second);
  FakeWorld world(plan, both, Verdicts::kMayChange);
  world.play();
  if (!both.difference().empty()) RC_FAIL(both.difference() + beginning(world.transcript()));
}

RC_GTEST_PROP(Reference, KeepsTheInvariants, ()) {
  expect_invariants(make_reference(), Verdicts::kMayChange, *plans());
}
RC_GTEST_PROP(Reference, KeepsTheInvariantsOfStillClusters, ()) {
  expect_invariants(make_reference(), Verdicts::kMayChange, *still_plans());
}
RC_GTEST_PROP(Reference, IsDeterministic, ()) { expect_determinism(make_reference, *plans()); }

RC_GTEST_PROP(Engine, KeepsTheInvariants, ()) {
  expect_invariants(make_engine(), Verdicts::kMayChange, *plans());
}
RC_GTEST_PROP(Engine, KeepsTheInvariantsOfStillClusters, ()) {
  expect_invariants(make_engine(), Verdicts::kMayChange, *still_plans());
}
RC_GTEST_PROP(Engine, IsDeterministic, ()) { expect_determinism(make_engine, *plans()); }
RC_GTEST_PROP(Engine, DecidesAsTheReferenceInStillClusters, ()) {
  expect_equality(*still_plans(), make_reference, make_engine);
}
RC_GTEST_PROP(Engine, DecidesAsTheReference, ()) { expect_equality(*plans(), make_reference, make_engine); }
RC_GTEST_PROP(Engine, DecidesTheSameWithoutCaches, ()) {
  expect_equality(*plans(), make_engine_without_caches, make_engine);
}

/// Pods that must be near pods like themselves are set aside for a place that the last such pod leaves. When
/// that one is given a place far away in the same round, the next one must not take theirs back.
TEST(Scheduler, KeepsTheFirstOfASeriesWhereItIs) {
  Plan plan;
  plan.complete = 1;
  plan.nodes = {{}, {.devices = 3}, {.devices = 1, .rack = 1}};
  plan.queues = {{}, {.quota = 1}, {.parent = 3}};
  plan.groups = {{.queue = 1, .more = 1, .running = 2},
                 {.queue = 3, .demand = kManyDevices, .priority = 1},
                 {.minimum = 2, .demand = kTwoParts, .company = kWithTheFirstFamily}};
  for (const Scheduler& scheduler : {make_reference(), make_engine()}) {
    FakeWorld world(plan, *scheduler, Verdicts::kMayChange);
    EXPECT_EQ(world.play(), "") << world.transcript();
    EXPECT_NE(world.transcript().find("nominate uid-group-2-0 for node-1"), std::string::npos);
  }
}

}  // namespace
}  // namespace fairlead::property
