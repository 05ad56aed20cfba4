#include "manifest/object_text_test.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::manifest {
namespace {

TEST(Queues, OneNameInSeveralPoolsIsOneQueue) {
  const ClusterObjects objects =
      read(queue("q", "''") +
           queue("q", "''", "quota: 3, limit: 3, overQuotaWeight: 0", "{kai.scheduler/node-pool: blue}"));
  ASSERT_EQ(objects.queues.size(), 1U);
  ASSERT_EQ(objects.queues[0].pools.size(), 2U);
  EXPECT_EQ(objects.queues[0].pools[1].pool, "blue");
  EXPECT_TRUE(objects.diagnostics.empty());
}

TEST(Queues, WithoutAParentOrInACycleTheyAreLeftOutWithTheirSubtree) {
  const ClusterObjects objects = read(
      queue("leaf", "root") + queue("root", "''") + queue("orphan", "nowhere") + queue("below", "orphan") +
      queue("a", "b") + queue("b", "a") + queue("c", "a") + queue("self", "self"));
  ASSERT_EQ(objects.queues.size(), 2U);
  EXPECT_EQ(objects.queues[0].name, "root");  // parents come first
  EXPECT_EQ(objects.queues[1].name, "leaf");
  const auto errors = messages(objects, Severity::kError);
  ASSERT_EQ(errors.size(), 5U);
  EXPECT_EQ(errors[0],
            "Queue orphan: spec.parentQueue: \"nowhere\" is not in the input; the queue and all below it are "
            "left out; create "
            "the parent, or name another one");
  EXPECT_EQ(errors[1],
            "Queue a: spec.parentQueue: \"b\" leads back to itself or to a queue that does; the queue is "
            "left out; name another "
            "parent, or none");
  EXPECT_EQ(messages(objects, Severity::kWarning).back(),
            "left out because of errors: 6 Queue; the answer holds for the other objects only");
}

TEST(Queues, OddNumbersAreWarnings) {
  const struct {
    const char* gpu;
    const char* message;
  } cases[] = {
      {"quota: -2, limit: -1, overQuotaWeight: 1",
       "spec.resources.gpu.quota: \"-2\" is negative and counts as 0"},
      {"quota: 4, limit: 2, overQuotaWeight: 1", "spec.resources.gpu: has a quota above its limit"},
      {"quota: 4, overQuotaWeight: 1", "spec.resources.gpu: has no limit, which allows nothing"},
      {"quota: 4, limit: -1, overQuotaWeight: -3",
       "spec.resources.gpu.overQuotaWeight: \"-3\" is negative and counts as 0"},
  };
  for (const auto& c : cases) {
    const ClusterObjects objects = read(queue("q", "''", c.gpu));
    EXPECT_EQ(objects.queues.size(), 1U);
    const auto warnings = messages(objects, Severity::kWarning);
    ASSERT_EQ(warnings.size(), 1U) << c.gpu;
    EXPECT_NE(warnings[0].find(c.message), std::string::npos) << warnings[0];
  }
}

TEST(Queues, WithoutAnyOneDefaultQueueHoldsAll) {
  const ClusterObjects objects = read(pod("a", "  labels: {kai.scheduler/queue: research}\n"));
  ASSERT_EQ(objects.queues.size(), 2U);
  EXPECT_EQ(objects.queues[1].name, "default-queue");
  EXPECT_EQ(objects.queues[1].parent, "default-parent-queue");
  ASSERT_EQ(objects.groups.size(), 1U);
  EXPECT_EQ(objects.groups[0].queue, "default-queue");
  EXPECT_TRUE(objects.diagnostics.empty());
}

}  // namespace
}  // namespace fairlead::manifest
