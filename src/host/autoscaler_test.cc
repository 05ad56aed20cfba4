#include "host/autoscaler.h"

#include <gtest/gtest.h>

#include <vector>

namespace fairlead::host {
namespace {

using Metric = model::ScaleMetric;

model::ServiceSpec service(std::int32_t minimum, std::int32_t maximum, Metric metric, double target) {
  model::ServiceSpec spec;
  spec.minimum_replicas = minimum;
  spec.maximum_replicas = maximum;
  spec.metric = metric;
  spec.target = target;
  return spec;
}

base::Duration seconds(std::int64_t n) { return base::Duration::seconds(n); }

struct Case {
  const char* what;
  model::ServiceSpec spec;
  std::int32_t present;
  ServiceLoad load;
  std::int32_t wanted;
};

TEST(Autoscaler, DecidesByTheTarget) {
  const std::vector<Case> cases = {
      {"exactly the target", service(1, 10, Metric::kConcurrency, 4), 1, {4, 1, {}, 0}, 1},
      {"a little more", service(1, 10, Metric::kConcurrency, 4), 1, {4.1, 1, {}, 0}, 2},
      {"much more", service(1, 10, Metric::kConcurrency, 4), 1, {39, 1, {}, 0}, 10},
      {"never above the maximum", service(1, 3, Metric::kConcurrency, 4), 1, {100, 1, {}, 0}, 3},
      {"never below the minimum", service(2, 3, Metric::kConcurrency, 4), 2, {0, 0, {}, 0}, 2},
      {"by requests", service(1, 10, Metric::kRequestsPerSecond, 20), 1, {1, 50, {}, 0}, 3},
      {"too slow", service(1, 10, Metric::kLatencyP95, 100), 2, {1, 1, 150.0, 0}, 3},
      {"at most twice as many", service(1, 10, Metric::kLatencyP95, 100), 2, {1, 1, 5000.0, 0}, 4},
      {"slow enough to stay", service(1, 10, Metric::kLatencyP95, 100), 2, {1, 1, 80.0, 0}, 2},
      {"fast enough for one fewer", service(1, 10, Metric::kLatencyP95, 100), 3, {1, 1, 20.0, 0}, 2},
      {"nothing measured", service(1, 10, Metric::kLatencyP95, 100), 3, {0, 0, {}, 0}, 3},
      {"a request wakes it", service(0, 3, Metric::kConcurrency, 4), 0, {0, 0, {}, 1}, 1},
      {"it sleeps on", service(0, 3, Metric::kConcurrency, 4), 0, {0, 0, {}, 0}, 0},
      {"many wake many", service(0, 3, Metric::kConcurrency, 4), 0, {9, 9, {}, 9}, 3},
  };
  for (const Case& one : cases) {
    ScalingMemory memory;
    EXPECT_EQ(replicas_wanted(one.spec, one.present, one.load, seconds(100), memory), one.wanted) << one.what;
  }
}

TEST(Autoscaler, FewerOnlyAfterTheDelayAndByTheMostThatWasNeeded) {
  model::ServiceSpec spec = service(1, 10, Metric::kConcurrency, 1);
  spec.scale_down_delay = seconds(30);
  ScalingMemory memory;
  EXPECT_EQ(replicas_wanted(spec, 6, {2, 1, {}, 0}, seconds(0), memory), 6);
  EXPECT_EQ(replicas_wanted(spec, 6, {4, 1, {}, 0}, seconds(10), memory), 6);
  EXPECT_EQ(replicas_wanted(spec, 6, {1, 1, {}, 0}, seconds(29), memory), 6);
  EXPECT_EQ(replicas_wanted(spec, 6, {1, 1, {}, 0}, seconds(30), memory), 4);
  EXPECT_EQ(replicas_wanted(spec, 4, {1, 1, {}, 0}, seconds(31), memory), 4);
  EXPECT_EQ(replicas_wanted(spec, 4, {9, 1, {}, 0}, seconds(40), memory), 9) << "more come at once";
  EXPECT_EQ(replicas_wanted(spec, 9, {1, 1, {}, 0}, seconds(61), memory), 9) << "and the delay begins anew";
}

TEST(Autoscaler, SleepsAfterTheRetention) {
  model::ServiceSpec spec = service(0, 3, Metric::kConcurrency, 1);
  spec.scale_to_zero_retention = seconds(60);
  ScalingMemory memory;
  EXPECT_EQ(replicas_wanted(spec, 1, {0, 0, {}, 0}, seconds(0), memory), 1);
  EXPECT_EQ(replicas_wanted(spec, 1, {0, 0, {}, 0}, seconds(59), memory), 1);
  EXPECT_EQ(replicas_wanted(spec, 1, {0.1, 1, {}, 0}, seconds(60), memory), 1);
  EXPECT_EQ(replicas_wanted(spec, 1, {0, 0, {}, 0}, seconds(61), memory), 1);
  EXPECT_EQ(replicas_wanted(spec, 1, {0, 0, {}, 0}, seconds(121), memory), 0);
}

}  // namespace
}  // namespace fairlead::host
