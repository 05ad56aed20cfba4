#include "server/openapi.h"

#include "base/json_reader.h"
#include "server/fake_world_test.h"
#include "server/served_schemas_test.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace fairlead::server {
namespace {

const std::vector<std::string> kNone;

TEST(OpenApi, DescribesEachRouteAndEachAnswerHoldsToIt) {
  ApiUnderTest test;
  test.world.past->add("workload-submitted", "workload vision/train", "ada");
  test.world.add_workload("vision", "train", "ada");
  test.user("ada", "researcher", "vision");
  const std::string text = test.as_own("GET", "/openapi.json").body;
  base::JsonReader reader;
  const auto document = reader.read(text);
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ((*document)->find("openapi")->text(), "3.1.0");
  const ServedSchemas schemas(**document);
  struct Example {
    std::string operation;
    std::string method;
    std::string target;
    std::string body;
  };
  const Example examples[] = {
      {"getOpenApi", "GET", "/openapi.json", ""},
      {"getHealth", "GET", "/api/v1/health", ""},
      {"getVersion", "GET", "/api/v1/version", ""},
      {"getLedger", "GET", "/api/v1/ledger", ""},
      {"whoAmI", "GET", "/api/v1/session", ""},
      {"listTokens", "GET", "/api/v1/tokens?user=ada", ""},
      {"submitWorkload", "POST", "/api/v1/workloads", kWorkload},
      {"listWorkloads", "GET", "/api/v1/workloads?limit=1", ""},
      {"getWorkload", "GET", "/api/v1/workloads/vision/train", ""},
      {"putWorkload", "PUT", "/api/v1/workloads/vision/hello", kWorkload},
      {"scaleWorkload", "POST", "/api/v1/workloads/vision/hello/scale", R"({"replicas":2})"},
      {"suspendWorkload", "POST", "/api/v1/workloads/vision/hello/suspend", ""},
      {"resumeWorkload", "POST", "/api/v1/workloads/vision/hello/resume", ""},
      {"explainWorkload", "GET", "/api/v1/workloads/vision/hello/explanation", ""},
      {"listWorkloadEvents", "GET", "/api/v1/workloads/vision/train/events", ""},
      {"deleteWorkload", "DELETE", "/api/v1/workloads/vision/hello", ""},
      {"listQueues", "GET", "/api/v1/queues", ""},
      {"getQueue", "GET", "/api/v1/queues/vision", ""},
      {"createQueue", "POST", "/api/v1/queues",
       R"({"name":"new","parent":"research","preemptMinRuntime":"5m"})"},
      {"putQueue", "PUT", "/api/v1/queues/new", "{}"},
      {"changeQueue", "PATCH", "/api/v1/queues/new", R"({"priority":5})"},
      {"listNodes", "GET", "/api/v1/nodes", ""},
      {"getNode", "GET", "/api/v1/nodes/node-a", ""},
      {"listDevices", "GET", "/api/v1/devices", ""},
      {"getDevice", "GET", "/api/v1/devices/SIM-0", ""},
      {"listEvents", "GET", "/api/v1/events", ""},
      {"getUsage", "GET", "/api/v1/usage", ""},
      {"getSeries", "GET", "/api/v1/series", ""},
      {"getQueueSeries", "GET", "/api/v1/queues/vision/series", ""},
      {"getWorkloadSeries", "GET", "/api/v1/workloads/vision/train/series", ""},
      {"listAudit", "GET", "/api/v1/audit?limit=2", ""},
      {"putUser", "PUT", "/api/v1/users/bob", R"({"account":1001})"},
      {"getUser", "GET", "/api/v1/users/bob", ""},
      {"listUsers", "GET", "/api/v1/users", ""},
      {"createSignInCode", "POST", "/api/v1/users/bob/code", ""},
      {"createAccessRule", "POST", "/api/v1/access-rules",
       R"({"user":"bob","role":"viewer","queue":"vision"})"},
      {"listAccessRules", "GET", "/api/v1/access-rules", ""},
      {"signIn", "POST", "/api/v1/session", R"({"code":")" + *test.api->first_code() + "\"}"},
  };
  std::set<std::string> answered;
  for (const Example& example : examples) {
    const auto response = test.as_own(example.method, example.target, example.body);
    EXPECT_LT(response.status, 300) << example.operation << ": " << response.body;
    base::JsonReader answer_reader;
    const auto answer = answer_reader.read(response.body);
    ASSERT_TRUE(answer) << example.operation << ": " << response.body;
    for (const Route& route : test.api->routes()) {
      if (route.operation != example.operation) continue;
      EXPECT_TRUE(response.status == route.status || response.status == 201) << example.operation;
      ASSERT_NE(schemas.named(route.answer), nullptr) << example.operation;
      EXPECT_EQ(schemas.breaches(**answer, *schemas.named(route.answer), example.operation), kNone);
      answered.insert(example.operation);
    }
  }
  for (const Route& route : test.api->routes()) {
    const bool json = !route.answer.empty() && route.operation != "createToken";
    EXPECT_TRUE(!json || answered.contains(std::string(route.operation)))
        << route.operation << " was not tried";
    EXPECT_NE(text.find("\"operationId\":\"" + std::string(route.operation) + "\""), std::string::npos);
  }
  base::JsonReader problem_reader;
  const auto problem = test.as_own("GET", "/api/v1/workloads?limit=x");
  EXPECT_EQ(schemas.breaches(**problem_reader.read(problem.body), *schemas.named("Problem"), "Problem"),
            kNone);
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The types of the console are made from it.
TEST(OpenApi, TheDocumentInTheApiFolderIsThatOfTheRoutes) {
  ApiUnderTest test;
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/api/openapi.json";
  std::string document = test.as_own("GET", "/openapi.json").body + "\n";
  // Which release it stands in is no matter of the description.
  const std::string release = R"("version":"1.2.3")";
  document.replace(document.find(release), release.size(), R"("version":"v1")");
  if (std::getenv("FAIRLEAD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << document;
    return;
  }
  EXPECT_TRUE(content_of(path) == document)
      << path << " is not what the server says; run this test with FAIRLEAD_UPDATE_GOLDEN=1 to write it anew";
}

TEST(OpenApi, TheReferenceInDocsIsThatOfTheRoutes) {
  ApiUnderTest test;
  const std::string reference = api_reference(test.api->routes());
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/docs/api.md";
  const std::string text = content_of(path);
  const std::string mark = "<!-- What follows is made from the table of routes. -->\n\n";
  const std::size_t at = text.find(mark);
  ASSERT_NE(at, std::string::npos) << path;
  if (std::getenv("FAIRLEAD_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << text.substr(0, at + mark.size()) << reference;
    return;
  }
  EXPECT_EQ(text.substr(at + mark.size()), reference)
      << "run this test with FAIRLEAD_UPDATE_GOLDEN=1 to write it anew";
}

}  // namespace
}  // namespace fairlead::server
