#include "server/fake_world_test.h"
#include "server/openapi.h"

#include <gtest/gtest.h>

#include <map>

namespace fairlead::server {
namespace {

// The least that each operation asks for, said once more and independently of the routes: "anyone", "user",
// or a role, which "research" has in its part of the tree; "tree" is the administrator of everything.
const std::map<std::string, std::string>& least() {
  static const std::map<std::string, std::string> table = {
      {"getHealth", "anyone"},
      {"getVersion", "anyone"},
      {"getOpenApi", "anyone"},
      {"signIn", "anyone"},
      {"getHome", "anyone"},
      {"getSignInPage", "anyone"},
      {"signInByPage", "anyone"},
      {"whoAmI", "user"},
      {"signOut", "user"},
      {"changePassword", "user"},
      {"listTokens", "user"},
      {"createToken", "user"},
      {"revokeToken", "user"},
      {"listWorkloads", "viewer"},
      {"getWorkload", "viewer"},
      {"explainWorkload", "viewer"},
      {"listWorkloadEvents", "viewer"},
      {"listQueues", "viewer"},
      {"getQueue", "viewer"},
      {"listNodes", "viewer"},
      {"getNode", "viewer"},
      {"listDevices", "viewer"},
      {"getDevice", "viewer"},
      {"listEvents", "viewer"},
      {"watchChanges", "viewer"},
      {"getSeries", "viewer"},
      {"getQueueSeries", "viewer"},
      {"getWorkloadSeries", "viewer"},
      {"getUsage", "viewer"},
      {"submitWorkload", "researcher"},
      {"putWorkload", "researcher"},
      {"deleteWorkload", "researcher"},
      {"suspendWorkload", "researcher"},
      {"resumeWorkload", "researcher"},
      {"scaleWorkload", "researcher"},
      {"getLogs", "researcher"},
      {"exec", "researcher"},
      {"portForward", "researcher"},
      {"verifyLedger", "tree"},
      {"putSecret", "researcher"},
      {"createQueue", "department-administrator"},
      {"putQueue", "department-administrator"},
      {"changeQueue", "department-administrator"},
      {"deleteQueue", "department-administrator"},
      {"listUsers", "department-administrator"},
      {"getUser", "department-administrator"},
      {"listAccessRules", "department-administrator"},
      {"createAccessRule", "department-administrator"},
      {"deleteAccessRule", "department-administrator"},
      {"putUser", "tree"},
      {"deleteUser", "tree"},
      {"createSignInCode", "tree"},
      {"listAudit", "tree"},
      {"getLedger", "tree"},
      {"getMetrics", "tree viewer"},
  };
  return table;
}

const std::vector<std::string> kLadder = {
    "anyone", "user", "viewer", "researcher", "department-administrator", "tree"};

int rank(const std::string& role) {
  for (std::size_t i = 0; i < kLadder.size(); ++i) {
    if (kLadder[i] == role) return static_cast<int>(i);
  }
  return role == "tree viewer" ? static_cast<int>(kLadder.size()) - 1 : -1;
}

std::string filled(std::string_view path, const std::string& queue) {
  std::string out(path);
  const std::pair<std::string, std::string> values[] = {
      {"{project}", queue},    {"{queue}", queue},     {"{name}", "train"},         {"{node}", "node-a"},
      {"{identity}", "SIM-0"}, {"{user}", "somebody"}, {"{id}", "0123456789abcdef"}};
  for (const auto& [name, value] : values) {
    const std::size_t at = out.find(name);
    if (at != std::string::npos) out.replace(at, name.size(), value);
  }
  return out;
}

class NoSocket final : public net::WebSocket {
 public:
  bool send(std::string_view, bool) override { return true; }
  void close(std::uint16_t, std::string_view) override {}
  bool closed() const override { return true; }
  void on_room(std::function<void()> function) override { function(); }
};

struct Walk {
  ApiUnderTest test;
  std::map<std::string, std::string> tokens;  // by role

  Walk() {
    tokens["anyone"] = "";
    tokens["user"] = test.user("user", "", "");
    for (const char* role : {"viewer", "researcher", "department-administrator"}) {
      tokens[role] = test.user(role, role, "research");
    }
    tokens["tree"] = test.user("tree", "administrator", "");
  }

  // The status, or for a WebSocket 200 and 403.
  int status(const Route& route, const std::string& role, const std::string& queue) {
    // Signing out ends the session: each walker gets a token for it alone.
    std::string token = tokens[role];
    if (route.operation == "signOut" && role != "anyone")
      token = test.user(role == "tree" ? "tree" : role, "", "");
    for (const char* project : {"vision", "search"}) test.world.add_workload(project, "train", role);
    const std::string path = filled(route.path, queue);
    // A queue without a parent would move to the root of the tree.
    const std::string body = route.operation == "putQueue" ? R"({"parent":"research"})" : "";
    if (!route.connect) return test.with_token(token, std::string(route.method), path, body).status;
    auto request =
        ApiUnderTest::request("GET", path + (route.operation == "exec" ? "?command=true" : "?port=80"));
    if (!token.empty()) request.headers = {{"authorization", "Bearer " + token}};
    const auto handler = test.handlers.on_web_socket(request, std::make_shared<NoSocket>());
    if (handler) return 200;
    return handler.error().code() == base::Code::kNotFound ? 404 : role == "anyone" ? 401 : 403;
  }
};

TEST(Roles, EveryEndpointWithEveryRole) {
  Walk walk;
  std::size_t walked = 0;
  for (const Route& route : walk.test.api->routes()) {
    const auto needed = least().find(std::string(route.operation));
    ASSERT_NE(needed, least().end()) << route.operation << " is not in the table of this test";
    for (const std::string& role : kLadder) {
      const int status = walk.status(route, role, "vision");
      const std::string what = std::string(route.operation) + " as " + role;
      ++walked;
      if (role == "anyone" && needed->second != "anyone") {
        EXPECT_EQ(status, 401) << what;
      } else if (rank(role) < rank(needed->second)) {
        // Who has no role at all in a project is told that it is not there.
        EXPECT_TRUE(status == 403 || (role == "user" && status == 404)) << what << ": " << status;
      } else if (needed->second != "anyone") {
        EXPECT_NE(status, 401) << what;
        EXPECT_NE(status, 403) << what;
      } else {
        EXPECT_NE(status, 403) << what;
      }
    }
  }
  EXPECT_EQ(walk.test.api->routes().size(), least().size());
  EXPECT_EQ(walked, least().size() * kLadder.size());
}

TEST(Roles, NothingIsSeenOrDoneInAnotherPartOfTheTree) {
  Walk walk;
  for (const Route& route : walk.test.api->routes()) {
    if (route.scope != Scope::kProject && route.scope != Scope::kQueue) continue;
    for (const char* role : {"user", "viewer", "researcher", "department-administrator"}) {
      EXPECT_EQ(walk.status(route, role, "search"), 404) << route.operation << " as " << role;
    }
    EXPECT_NE(walk.status(route, "tree", "search"), 404) << route.operation;
  }
  const std::string& researcher = walk.tokens["researcher"];
  const auto elsewhere =
      walk.test.with_token(researcher, "POST", "/api/v1/workloads",
                           R"({"metadata":{"name":"x"},"spec":{"project":"search","command":["a"]}})");
  EXPECT_EQ(elsewhere.status, 404) << elsewhere.body;
  EXPECT_EQ(walk.test.with_token(researcher, "GET", "/api/v1/queues").body.find("products"),
            std::string::npos);
}

TEST(Roles, AResearcherChangesOnlyOwnWork) {
  Walk walk;
  walk.test.world.add_workload("vision", "theirs", "somebody else");
  for (const char* action : {"suspend", "resume"}) {
    const std::string path = std::string("/api/v1/workloads/vision/theirs/") + action;
    EXPECT_EQ(walk.test.with_token(walk.tokens["researcher"], "POST", path).status, 403);
    EXPECT_EQ(walk.test.with_token(walk.tokens["department-administrator"], "POST", path).status, 200);
  }
  EXPECT_EQ(
      walk.test.with_token(walk.tokens["researcher"], "DELETE", "/api/v1/workloads/vision/theirs").status,
      403);
  // A new version would run as its submitter's Unix account: the department's administrator may not either.
  const std::string body =
      R"({"metadata":{"name":"theirs"},"spec":{"project":"vision","command":["rm","-rf","home"]}})";
  const std::string path = "/api/v1/workloads/vision/theirs";
  EXPECT_EQ(walk.test.with_token(walk.tokens["department-administrator"], "PUT", path, body).status, 403);
  EXPECT_EQ(walk.test.with_token(walk.tokens["tree"], "PUT", path, body).status, 200);
}

TEST(Roles, ADepartmentsAdministratorShapesWhatLiesBelowAndNotTheDepartment) {
  Walk walk;
  const std::string& token = walk.tokens["department-administrator"];
  const auto patch = [&](const std::string& queue, const std::string& body) {
    return walk.test.with_token(token, "PATCH", "/api/v1/queues/" + queue, body).status;
  };
  EXPECT_EQ(patch("vision", R"({"resources":{"gpu":{"quota":1}}})"), 200);
  EXPECT_EQ(patch("research", R"({"resources":{"gpu":{"quota":100}}})"), 403);
  EXPECT_EQ(patch("vision", R"({"parent":"products"})"), 403);
  EXPECT_EQ(patch("vision", R"({"parent":""})"), 403);
  const auto create = [&](const std::string& parent) {
    return walk.test.with_token(token, "POST", "/api/v1/queues", R"({"name":"n","parent":")" + parent + "\"}")
        .status;
  };
  EXPECT_EQ(create(""), 403);
  EXPECT_EQ(create("products"), 403);
  EXPECT_EQ(create("research"), 201);
  const auto grant = [&](const std::string& role, const std::string& queue) {
    return walk.test
        .with_token(token, "POST", "/api/v1/access-rules",
                    R"({"user":"user","role":")" + role + R"(","queue":")" + queue + "\"}")
        .status;
  };
  EXPECT_EQ(grant("researcher", "vision"), 201);
  EXPECT_EQ(grant("researcher", "search"), 403);
  EXPECT_EQ(grant("researcher", ""), 403);
  EXPECT_EQ(grant("administrator", "vision"), 403);
}

}  // namespace
}  // namespace fairlead::server
