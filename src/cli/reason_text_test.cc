#include "cli/reason_text.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::cli {
namespace {

using model::NodeReason;
using model::Reason;
using model::ReasonCode;

Reason over(ReasonCode code) {
  Reason reason;
  reason.code = code;
  reason.queue = "research";
  reason.dimension = "gpu";
  reason.have = 6000;
  reason.want = 4000;
  reason.limit = 8000;
  return reason;
}

TEST(ReasonText, NamesTheConstraintWithItsNumbers) {
  ReasonContext context;
  context.pod_request = "8 nvidia.com/gpu, 4 CPUs";
  Reason pods;
  pods.code = ReasonCode::kNotEnoughPods;
  pods.have = 2;
  pods.want = 4;
  Reason sub_group = pods;
  sub_group.detail = "workers";
  Reason gang;
  gang.code = ReasonCode::kGangDoesNotFit;
  gang.have = 3;
  gang.want = 4;
  gang.nodes = {{NodeReason::kDevices, 12}};
  Reason topology;
  topology.code = ReasonCode::kTopology;
  topology.detail = "rack";
  topology.have = 2;
  topology.want = 4;
  Reason missing;
  missing.code = ReasonCode::kMissingReference;
  missing.detail = "config map ml/settings";
  Reason delay;
  delay.code = ReasonCode::kPreemptionDelay;
  delay.limit = 1767225600;
  struct Case {
    Reason reason;
    std::string text;
  };
  const Case cases[] = {
      {over(ReasonCode::kOverLimit),
       "queue research may never hold more than 8 devices (6 in use, 4 more asked for)"},
      {over(ReasonCode::kNonPreemptibleOverQuota),
       "non-preemptible work must stay within the quota of queue research, 8 devices (6 in use, 4 more asked "
       "for)"},
      {over(ReasonCode::kOverFairShare),
       "no room is free, and queue research may reclaim up to its fair share of 8 devices only (6 in use, 4 "
       "more asked "
       "for)"},
      {pods, "2 of the 4 pods it needs at least can be placed; the rest does not exist or is gated"},
      {sub_group,
       "2 of the 4 pods it needs at least can be placed; the rest does not exist or is gated (sub-group "
       "workers)"},
      {gang, "3 of the 4 pods that must start together find room (12 nodes: too few devices free)"},
      {topology, "all pods must share one rack; the best has room for 2 of 4 pods"},
      {missing, "waits for config map ml/settings, which does not exist"},
      {delay, "evicts nothing before 2026-01-01T00:00:00Z"},
  };
  for (const Case& c : cases) EXPECT_EQ(reason_text(c.reason, context), c.text);
}

TEST(ReasonText, CountsNodesMostFrequentFirst) {
  Reason reason;
  reason.nodes = {{NodeReason::kTaint, 3}, {NodeReason::kDevices, 12}};
  ReasonContext context;
  context.pod_request = "16 nvidia.com/gpu";
  context.devices_per_pod = 16;
  context.largest_free = 8;
  EXPECT_EQ(reason_text(reason, context),
            "needs 16 devices on one node; the most free on one is 8 (12 nodes: too few devices free, 3 "
            "nodes: taint not "
            "tolerated)");
  context.largest_free = 16;
  EXPECT_EQ(reason_text(reason, context),
            "no node takes a pod of 16 nvidia.com/gpu (12 nodes: too few devices free, 3 nodes: taint not "
            "tolerated)");
}

TEST(ReasonText, EveryCodeHasANameAndASentence) {
  for (int code = 0; code <= static_cast<int>(ReasonCode::kClaim); ++code) {
    Reason reason;
    reason.code = static_cast<ReasonCode>(code);
    EXPECT_NE(reason_code_name(reason.code), "Unknown");
    EXPECT_NE(reason_text(reason, {}), "unknown reason");
  }
  for (int code = 0; code < static_cast<int>(NodeReason::kCount); ++code) {
    EXPECT_NE(node_reason_name(static_cast<NodeReason>(code)), "Unknown");
  }
}

}  // namespace
}  // namespace fairlead::cli
