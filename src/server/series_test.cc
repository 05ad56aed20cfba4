#include "server/series.h"

#include "server/fake_world_test.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::server {
namespace {

TEST(Series, TellsOfFleetQueuesAndWorkloads) {
  FakeWorld world;
  world.add_workload("vision", "train", "ada");
  Series series;
  series.add(*world.view(), test_time(0), {{"vision/train", {3, 1, 12.5, 80}}});
  const auto fleet = series.fleet(test_time(-1));
  ASSERT_EQ(fleet.size(), 1U);
  EXPECT_EQ(fleet[0].capacity, 1);
  EXPECT_EQ(fleet[0].allocated, 0.5);
  EXPECT_EQ(fleet[0].used, 0.25);
  EXPECT_EQ(fleet[0].requested, 3) << "of the two departments";
  const auto queue = series.queue("vision", test_time(-1));
  ASSERT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue[0].fair_share, 2);
  const auto workload = series.workload("vision/train", test_time(-1));
  ASSERT_EQ(workload.size(), 1U);
  EXPECT_EQ(workload[0].allocated, 1);
  EXPECT_EQ(workload[0].used, 0.25);
  EXPECT_EQ(workload[0].replicas, 1);
  EXPECT_EQ(workload[0].traffic->held, 1);
  EXPECT_TRUE(series.workload("vision/other", test_time(-1)).empty());
  EXPECT_TRUE(series.fleet(test_time(0)).empty()) << "after the instant, not at it";
}

TEST(Series, KeepsAnHourInSmallStepsAndADayInLargerOnes) {
  FakeWorld world;
  Series series;
  for (int i = 0; i <= 2 * 360; ++i) series.add(*world.view(), test_time(10 * i), {});
  EXPECT_EQ(series.fleet(test_time(10 * 360)).size(), 360U);
  const auto all = series.fleet(test_time(-1));
  ASSERT_EQ(all.size(), 61U);
  EXPECT_EQ(all[1].time - all[0].time, Series::kCoarseStep);
}

TEST(Series, ShowsQueuesToThoseWhoSeeThem) {
  FakeWorld world;
  Series series;
  series.add(*world.view(), test_time(0), {});
  Identity identity;
  identity.grants = {{Role::kViewer, "vision"}};
  const std::string text = series.newest_json(QueueSet(identity, Role::kViewer, *world.view()));
  EXPECT_NE(text.find("\"vision\""), std::string::npos);
  EXPECT_NE(text.find("\"research\""), std::string::npos) << "which leads to it";
  EXPECT_EQ(text.find("\"search\""), std::string::npos);
}

TEST(Series, AreServed) {
  ApiUnderTest test;
  test.world.add_workload("vision", "train", "ada");
  for (const char* path :
       {"/api/v1/series", "/api/v1/queues/vision/series", "/api/v1/workloads/vision/train/series"}) {
    EXPECT_EQ(test.as_own("GET", path).status, 200) << path;
    EXPECT_EQ(test.as_own("GET", std::string(path) + "?since=yesterday").status, 400) << path;
  }
}

}  // namespace
}  // namespace fairlead::server
