#include "cli/fair_share_command.h"

#include <gtest/gtest.h>

namespace fairlead::cli {
namespace {

TEST(FairShareCommand, DividesOneResource) {
  const auto answer = answer_fair_share(
      R"({"total": {"GPU": 8}, "resource": "GPU", "k": 0, "queues": [
          {"ID": "a", "Priority": 100, "CreationRank": 0,
           "GPU": {"Deserved": 2, "OverQuotaWeight": 1, "MaxAllowed": -1, "Request": 2.5}},
          {"ID": "b\"", "Priority": 100, "CreationRank": 1,
           "GPU": {"Deserved": -1, "OverQuotaWeight": 0, "MaxAllowed": 3, "Request": 6}}]})");
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(*answer,
            R"({"fair_share":{"a":{"gpu":2.5,"cpu":0,"memory":0},"b\"":{"gpu":3,"cpu":0,"memory":0}},)"
            R"("remaining":2.5})");
}

TEST(FairShareCommand, DividesAllResourcesWithoutAName) {
  const auto answer = answer_fair_share(
      R"({"total": {"GPU": 1, "CPU": 1000, "Memory": 3000}, "queues": [
          {"ID": "a", "GPU": {"Deserved": 1, "Request": 1}, "CPU": {"OverQuotaWeight": 1, "Request": 700},
           "Memory": {"Deserved": 100, "Request": 200}}]})");
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(*answer, R"({"fair_share":{"a":{"gpu":1,"cpu":700,"memory":100}},"remaining":0})");
}

TEST(FairShareCommand, NamesTheFieldThatIsWrong) {
  const struct {
    const char* line;
    const char* part;
  } cases[] = {
      {"", "line: "},
      {"[1]", "line: "},
      {"{\"total\": ", "line: "},
      {R"({"total": {}})", "queues: "},
      {R"({"total": {}, "queues": [{"Name": "x"}]})", "queues[0].ID: "},
      {R"({"queues": []})", "total: "},
      {R"({"total": {}, "resource": "TPU", "queues": []})", "resource: \"TPU\" is not known"},
      {R"({"total": {"GPU": -2}, "queues": []})", "total.GPU: -2 is out of range"},
      {R"({"total": {"GPU": 1e30}, "queues": []})", "total.GPU: 1e+30 is out of range"},
      {R"({"total": {}, "queues": [{"ID": "a", "GPU": {"Deserved": "x"}}]})",
       "queues[a].GPU.Deserved: not a number"},
      {R"({"total": {}, "queues": [{"ID": "a", "GPU": {"Request": -1}}]})",
       "queues[a].GPU.Request: -1 is out of"},
      {R"({"total": {}, "queues": [{"ID": "a", "GPU": {"OverQuotaWeight": -1}}]})",
       "OverQuotaWeight: negative"},
      {R"({"total": {}, "queues": [{"ID": "a", "Priority": 1e12}]})", "queues[a].Priority: out of range"},
  };
  for (const auto& test : cases) {
    const auto answer = answer_fair_share(test.line);
    ASSERT_FALSE(answer.ok()) << test.line;
    EXPECT_NE(answer.error().message().find(test.part), std::string::npos) << answer.error().message();
  }
}

}  // namespace
}  // namespace fairlead::cli
