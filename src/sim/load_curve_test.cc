#include "sim/load_curve.h"

#include <gtest/gtest.h>

namespace fairlead::sim {
namespace {

TEST(LoadCurve, AveragesTheArrivalsThatRoundToAPoint) {
  LoadCurve curve(100'000, 0.03);
  curve.add(0, 0);          // 0.00, which has no point
  curve.add(500, 500);      // rounds up to 0.01
  curve.add(1'499, 1'000);  // still 0.01: the mean of 500 and 1000
  curve.add(1'500, 1'200);  // 0.02
  curve.add(3'000, 2'000);  // 0.03
  const auto points = curve.points();
  ASSERT_EQ(points.size(), 3U);
  EXPECT_EQ(points[0], (LoadPoint{0.01, 0.0075}));
  EXPECT_EQ(points[1], (LoadPoint{0.02, 0.012}));
  EXPECT_EQ(points[2], (LoadPoint{0.03, 0.02}));
}

TEST(LoadCurve, RepeatsThePointBeforeWhereNothingArrived) {
  LoadCurve curve(1000, 0.04);
  curve.add(20, 20);
  const auto points = curve.points();
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[0].allocated, 0);
  EXPECT_EQ(points[1].allocated, 0.02);
  EXPECT_EQ(points[3].allocated, 0.02);
}

TEST(LoadCurve, ReachesTheLoadAskedFor) {
  EXPECT_EQ(LoadCurve(1000, 1.3).points().size(), 130U);
  EXPECT_EQ(LoadCurve(1000, 1.3).points().back().arrived, 1.3);
  EXPECT_EQ(LoadCurve(1000, 0.29).points().size(), 29U);
}

TEST(LoadCurve, MeansAreTakenPointByPoint) {
  const auto mean = mean_of({{{0.01, 0.2}, {0.02, 0.4}}, {{0.01, 0.4}, {0.02, 0.5}}});
  ASSERT_EQ(mean.size(), 2U);
  EXPECT_DOUBLE_EQ(mean[0].allocated, 0.3);
  EXPECT_DOUBLE_EQ(mean[1].allocated, 0.45);
  EXPECT_TRUE(mean_of({}).empty());
}

}  // namespace
}  // namespace fairlead::sim
