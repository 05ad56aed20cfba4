#include "sim/workload/inflation.h"

#include "sim/small_trace_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace fairlead::sim {
namespace {

std::vector<std::string> names(const std::vector<TraceTask>& tasks) {
  std::vector<std::string> result;
  for (const TraceTask& task : tasks) result.push_back(task.name);
  return result;
}

TEST(Inflation, AddsTasksUpToTheLoad) {
  const OpenbTrace trace = small_trace();
  std::int64_t demand = 0;
  for (const TraceTask& task : trace.tasks) demand += task.demand();
  const double more = 1.5 * static_cast<double>(demand) / static_cast<double>(trace.capacity());
  const auto workload = inflate(trace, more, 42);
  ASSERT_TRUE(workload);
  EXPECT_EQ(workload->capacity, trace.capacity());
  EXPECT_GT(workload->arrivals.size(), trace.tasks.size());
  EXPECT_LE(workload->demand, 1.5 * static_cast<double>(demand));
  // No task is larger than four devices, so no more than that can be missing.
  EXPECT_GT(workload->demand, 1.5 * static_cast<double>(demand) - 4000);
  std::int64_t sum = 0;
  for (const TraceTask& task : workload->arrivals) sum += task.demand();
  EXPECT_EQ(workload->demand, sum);
}

TEST(Inflation, DropsTasksAboveTheLoad) {
  const OpenbTrace trace = small_trace();
  const auto workload = inflate(trace, 0.2, 42);
  ASSERT_TRUE(workload);
  EXPECT_LT(workload->arrivals.size(), trace.tasks.size());
  EXPECT_LE(workload->demand, trace.capacity() / 5);
  const std::vector<std::string> all = names(workload->arrivals);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size()) << "a task was repeated";
}

TEST(Inflation, OnlyTheSeedDecides) {
  const OpenbTrace trace = small_trace();
  const auto first = inflate(trace, 1.3, 42);
  const auto again = inflate(trace, 1.3, 42);
  const auto other = inflate(trace, 1.3, 43);
  EXPECT_EQ(names(first->arrivals), names(again->arrivals));
  EXPECT_NE(names(first->arrivals), names(other->arrivals));
  EXPECT_EQ(first->nodes.front().name, again->nodes.front().name);
  EXPECT_EQ(first->nodes.size(), trace.nodes.size());
}

TEST(Inflation, RefusesALoadThatMakesNoSense) {
  const OpenbTrace trace = small_trace();
  for (const double load : {0.0, -1.0, 10.5, std::numeric_limits<double>::quiet_NaN()}) {
    const auto workload = inflate(trace, load, 1);
    ASSERT_FALSE(workload);
    EXPECT_EQ(workload.error().code(), base::Code::kOutOfRange);
  }
  EXPECT_EQ(inflate(trace, 130, 1).error().message(),
            "load 130 is not above 0 and at most 10; write 1.3 for 130 % of the devices");
}

TEST(TypicalTasks, AreTheMostFrequentShapes) {
  OpenbTrace trace;
  const auto add = [&trace](int times, std::int64_t cpu, std::int32_t thousandths,
                            const std::string& models) {
    for (int i = 0; i < times; ++i) {
      TraceTask task{
          .cpu_milli = cpu, .memory_mib = i, .devices = thousandths > 0 ? 1 : 0, .thousandths = thousandths};
      task.model_list = models;
      if (!models.empty()) task.models = {models};
      trace.tasks.push_back(task);
    }
  };
  add(5, 1000, 500, "");
  add(2, 1000, 500, "P100");
  add(2, 9000, 0, "");
  add(1, 1, 1000, "");
  // Shares of half a device make 50 %; memory does not tell them apart, the model does. Of the two with 20 %
  // each the larger tuple (cpu first) comes first.
  const auto typical = typical_tasks(trace, 0.7);
  ASSERT_EQ(typical.size(), 2U);
  EXPECT_EQ(typical[0].count, 5);
  EXPECT_EQ(typical[0].device_thousandths, 500);
  EXPECT_TRUE(typical[0].device_models.empty());
  EXPECT_EQ(typical[1].cpu_milli, 9000);
  EXPECT_EQ(typical[1].device_count, 0);
  const auto most = typical_tasks(trace, 0.71);
  ASSERT_EQ(most.size(), 3U);
  EXPECT_EQ(most[2].device_models, (std::vector<std::string>{"P100"}));
  EXPECT_EQ(typical_tasks(trace, 1.0).size(), 4U);
}

}  // namespace
}  // namespace fairlead::sim
