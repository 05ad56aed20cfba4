#include "server/openapi.h"

#include "base/json_reader.h"
#include "manifest/fields.h"
#include "server/fake_world_test.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace fairlead::server {
namespace {

using base::JsonValue;

// As much of JSON Schema as the document uses.
class Schemas {
 public:
  explicit Schemas(const JsonValue& document) : document_(document) {}

  const JsonValue* named(std::string_view name) const {
    return document_.find("components")->find("schemas")->find(name);
  }
  void check(const JsonValue& value, const JsonValue& schema, const std::string& at) const {
    if (const JsonValue* reference = schema.find("$ref")) {
      const std::string_view name =
          reference->text().substr(std::string_view("#/components/schemas/").size());
      const JsonValue* target = named(name);
      ASSERT_NE(target, nullptr) << at << ": no schema " << name;
      return check(value, *target, at);
    }
    if (const JsonValue* type = schema.find("type")) {
      bool fits = false;
      for (const JsonValue& one : type->items()) fits = fits || is(value, one.text());
      if (type->is_string()) fits = is(value, type->text());
      EXPECT_TRUE(fits) << at << " is " << manifest::kind_name(value);
    }
    for (const JsonValue& item : value.items()) {
      if (const JsonValue* items = schema.find("items")) check(item, *items, at + "[]");
    }
    if (!value.is_object()) return;
    if (const JsonValue* required = schema.find("required")) {
      for (const JsonValue& name : required->items()) {
        EXPECT_NE(value.find(name.text()), nullptr) << at << " lacks " << name.text();
      }
    }
    const JsonValue* properties = schema.find("properties");
    const JsonValue* more = schema.find("additionalProperties");
    for (const auto& member : value.members()) {
      const std::string below = at + "." + std::string(member.key);
      const JsonValue* property = properties == nullptr ? nullptr : properties->find(member.key);
      if (property != nullptr) {
        check(member.value, *property, below);
      } else if (more != nullptr && more->is_object()) {
        check(member.value, *more, below);
      } else {
        EXPECT_TRUE(more == nullptr || more->boolean()) << below << " is not in the schema";
      }
    }
  }

 private:
  static bool is(const JsonValue& value, std::string_view type) {
    using Kind = JsonValue::Kind;
    if (type == "null") return value.is_null();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.kind() == Kind::kBoolean;
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "integer")
      return value.kind() == Kind::kNumber && manifest::parse_integer(value.text()).has_value();
    return type == "number" && value.kind() == Kind::kNumber;
  }

  const JsonValue& document_;
};

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
  const Schemas schemas(**document);
  struct Example {
    std::string operation;
    std::string method;
    std::string target;
    std::string body;
  };
  const Example examples[] = {
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
      schemas.check(**answer, *schemas.named(route.answer), example.operation);
      answered.insert(example.operation);
    }
  }
  for (const Route& route : test.api->routes()) {
    const bool json =
        !route.answer.empty() && route.operation != "getOpenApi" && route.operation != "createToken";
    EXPECT_TRUE(!json || answered.contains(std::string(route.operation)))
        << route.operation << " was not tried";
    EXPECT_NE(text.find("\"operationId\":\"" + std::string(route.operation) + "\""), std::string::npos);
  }
  base::JsonReader problem_reader;
  const auto problem = test.as_own("GET", "/api/v1/workloads?limit=x");
  schemas.check(**problem_reader.read(problem.body), *schemas.named("Problem"), "Problem");
}

TEST(OpenApi, TheReferenceInDocsIsThatOfTheRoutes) {
  ApiUnderTest test;
  const std::string reference = api_reference(test.api->routes());
  const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/docs/api.md";
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
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
