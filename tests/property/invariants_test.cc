#include "invariants.h"

#include "objects.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairlead::property {
namespace {

/// Two nodes with two devices each; in queue-0 a gang of two that waits, a group that runs on node-0, and one
/// of high priority that waits; in queue-1 one that runs on node-1.
Plan plan() {
  Plan plan;
  plan.nodes = {{.devices = 2}, {.devices = 2}};
  plan.queues = {{.quota = 2}, {.quota = 2}};
  plan.groups = {{.queue = 0, .minimum = 1},
                 {.queue = 0, .priority = 3, .running = 1, .node = 0},
                 {.queue = 0, .demand = kTwoDevices, .priority = 2},
                 {.queue = 1, .running = 1, .node = 1}};
  return plan;
}

constexpr const char* kGang0 = "uid-group-0-0";
constexpr const char* kGang1 = "uid-group-0-1";
constexpr const char* kRunning = "uid-group-1-0";
constexpr const char* kUrgent = "uid-group-2-0";
constexpr const char* kOtherQueue = "uid-group-3-0";

model::Decision bind(const char* pod, const char* node) {
  model::Decision decision;
  decision.body = model::Bind{pod, node, {}, {}, 0, {}};
  return decision;
}
model::Decision evict(const char* pod, model::EvictionRule rule, const char* beneficiary) {
  model::Decision decision;
  decision.body = model::Evict{pod, rule, beneficiary, "because"};
  return decision;
}
model::Decision nominate(const char* pod, const char* node) {
  model::Decision decision;
  decision.body = model::Nominate{pod, node};
  return decision;
}

/// The violations of a round of these decisions, joined.
std::string check(std::vector<model::Decision> decisions, const Plan& of = plan()) {
  Truth truth = build(of);
  model::Round round;
  round.decisions = std::move(decisions);
  std::string joined;
  for (const std::string& violation : check_round(truth, round)) joined += violation + "\n";
  return joined;
}

struct Case {
  const char* what;
  std::vector<model::Decision> decisions;
  const char* expected;  ///< part of the violations; empty: there are none
};

using model::EvictionRule;

const Case kCases[] = {
    {"nothing", {}, ""},
    {"a gang bound as a whole", {bind(kGang0, "node-0"), bind(kGang1, "node-1")}, ""},
    {"half a gang", {bind(kGang0, "node-0")}, "below its minimum"},
    {"too much on one node",
     {bind(kGang0, "node-0"), bind(kGang1, "node-0")},
     "binds exceed node-0: devices by 1"},
    {"a pod that runs", {bind(kRunning, "node-0")}, "is on node-0 already"},
    {"a pod twice",
     {bind(kGang0, "node-0"), bind(kGang1, "node-1"), bind(kGang1, "node-1")},
     "is on node-1 already"},
    {"a pod that is not there", {bind("uid-x", "node-0")}, "does not exist"},
    {"a node that is not there", {bind(kGang0, "node-x")}, "does not exist"},
    {"what is not preemptible above quota",
     {evict(kOtherQueue, EvictionRule::kReclaim, "team/group-2"), bind(kUrgent, "node-1")},
     "exceed node-1: devices by 1"},
    {"an eviction for a nominated pod",
     {evict(kRunning, EvictionRule::kPreempt, "team/group-2"), nominate(kUrgent, "node-0")},
     ""},
    {"an eviction for nobody placed",
     {evict(kRunning, EvictionRule::kPreempt, "team/group-2")},
     "is not placed"},
    {"an eviction for nobody", {evict(kRunning, EvictionRule::kPreempt, "")}, "which does not exist"},
    {"preemption across queues",
     {evict(kOtherQueue, EvictionRule::kPreempt, "team/group-2"), nominate(kUrgent, "node-1")},
     "across queues"},
    {"reclaim within a queue",
     {evict(kRunning, EvictionRule::kReclaim, "team/group-2"), nominate(kUrgent, "node-0")},
     "within one queue"},
    {"consolidation without another place",
     {evict(kRunning, EvictionRule::kConsolidate, "team/group-0"), nominate(kGang0, "node-0")},
     "without another place"},
    {"a gang that is not stale", {evict(kRunning, EvictionRule::kStaleGang, "")}, "its minimum is met"},
    {"a nomination beside what stays",
     {nominate(kUrgent, "node-0")},
     "nominations exceed node-0: devices by 1"},
    {"evicted twice",
     {evict(kRunning, EvictionRule::kPreempt, "team/group-2"),
      evict(kRunning, EvictionRule::kPreempt, "team/group-2"), nominate(kUrgent, "node-0")},
     "leaves already"},
};

TEST(Invariants, SeeWhatIsWrong) {
  for (const Case& test : kCases) {
    const std::string violations = check(test.decisions);
    if (std::string(test.expected).empty()) {
      EXPECT_EQ(violations, "") << test.what;
    } else {
      EXPECT_NE(violations.find(test.expected), std::string::npos) << test.what << ": " << violations;
    }
  }
}

TEST(Invariants, SeeQueuesAboveTheirBounds) {
  Plan limited = plan();
  limited.queues[0].limit = 1;
  limited.queues[0].quota = 0;
  EXPECT_NE(check({bind(kGang0, "node-0"), bind(kGang1, "node-1")}, limited).find("above its limit"),
            std::string::npos);
  Plan guarded = plan();
  guarded.groups[0].preemptible = 2;
  EXPECT_EQ(check({bind(kGang0, "node-0"), bind(kGang1, "node-1")}, guarded), "");
  guarded.queues[0].quota = 1;
  EXPECT_NE(check({bind(kGang0, "node-0"), bind(kGang1, "node-1")}, guarded).find("above its quota"),
            std::string::npos);
}

TEST(Invariants, SeeSharesThatDoNotFitTheirDevice) {
  Plan shares = plan();
  shares.groups = {{.demand = kLargePart}, {.demand = kLargePart}};
  const auto on = [](const char* pod, const char* group) {
    model::Decision decision;
    decision.body = model::Bind{pod, "node-0", {}, {group}, 700, {}};
    return decision;
  };
  EXPECT_EQ(check({on("uid-group-0-0", "a"), on("uid-group-1-0", "b")}, shares), "");
  EXPECT_NE(check({on("uid-group-0-0", "a"), on("uid-group-1-0", "a")}, shares).find("device a by"),
            std::string::npos);
  EXPECT_NE(check({bind("uid-group-0-0", "node-0")}, shares).find("names 0 shared devices"),
            std::string::npos);
}

TEST(Invariants, SeeAGroupOutsideItsDomain) {
  Plan apart = plan();
  apart.nodes[1].zone = 1;
  apart.groups[0].topology = 1;
  EXPECT_NE(check({bind(kGang0, "node-0"), bind(kGang1, "node-1")}, apart).find("2 domains"),
            std::string::npos);
}

TEST(Invariants, SeeNodesThatMayNotBeUsed) {
  for (const NodeOddity oddity : {kTaintedNode, kCordonedNode, kNotReadyNode}) {
    Plan odd = plan();
    odd.groups[0].minimum = 0;
    odd.nodes[0].oddity = oddity;
    EXPECT_NE(check({bind(kGang0, "node-0")}, odd).find("bind of uid-group-0-0 to node-0: "),
              std::string::npos)
        << oddity;
  }
}

TEST(Invariants, SeeAMinimumRunTimeCutShort) {
  Plan protected_plan = plan();
  protected_plan.configuration.min_runtime = 1;
  EXPECT_NE(check({evict(kRunning, EvictionRule::kPreempt, "team/group-2"), nominate(kUrgent, "node-0")},
                  protected_plan)
                .find("within its minimum run time"),
            std::string::npos);
}

}  // namespace
}  // namespace fairlead::property
