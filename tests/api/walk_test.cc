// Every operation that the served OpenAPI document describes, asked for by every role over TCP: whether it is
// allowed, and whether the answer is the one that the document promises.

#include "api/signed_in.h"
#include "base/json_reader.h"
#include "server/served_schemas_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::api_tests {
namespace {

using base::JsonValue;

const std::vector<std::string> kNone;

// Each may what those before it may.
const std::vector<std::string> kRoles = {
    "anyone", "nobody", "viewer", "researcher", "department-administrator", "administrator"};

std::size_t rank(std::string_view role) {
  return static_cast<std::size_t>(std::find(kRoles.begin(), kRoles.end(), role) - kRoles.begin());
}

// "researcher of {project}", as the document says who may use an operation.
std::string least_role(const std::string& rule) {
  if (rule == "anyone") return rule;
  if (rule == "every user") return "nobody";
  if (rule.ends_with(" of the whole tree")) return "administrator";
  return rule.substr(0, rule.find(" of "));
}

struct Operation {
  std::string method;
  std::string path;
  std::string id;
  std::string least;
  bool takes_body = false;
  const JsonValue* responses = nullptr;
};

std::vector<Operation> operations_of(const JsonValue& document) {
  std::vector<Operation> all;
  for (const auto& path : document.find("paths")->members()) {
    for (const auto& method : path.value.members()) {
      Operation operation;
      operation.method = method.key;
      std::transform(operation.method.begin(), operation.method.end(), operation.method.begin(),
                     [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      operation.path = path.key;
      operation.id = method.value.find("operationId")->text();
      const std::string_view begin = "May be used by: ";
      std::string rule(method.value.find("description")->text());
      EXPECT_TRUE(rule.starts_with(begin) && rule.ends_with(".")) << rule;
      rule = rule.substr(begin.size(), rule.size() - begin.size() - 1);
      operation.least = least_role(rule);
      EXPECT_LT(rank(operation.least), kRoles.size()) << operation.id << ": " << rule;
      operation.takes_body = method.value.find("requestBody") != nullptr;
      operation.responses = method.value.find("responses");
      all.push_back(operation);
    }
  }
  return all;
}

class Walk : public testing::Test {
 protected:
  Walk() : anyone_(platform_) {
    make_queues(platform_);
    platform_.ask("PUT", "/api/v1/users/guest", "{}");
    users_.emplace("anyone", Client(platform_));
    users_.emplace("nobody", signed_in(platform_, "nobody", "", ""));
    for (const char* role : {"viewer", "researcher", "department-administrator"})
      users_.emplace(role, signed_in(platform_, role, role, "research"));
    users_.emplace("administrator", signed_in(platform_, "administrator", "administrator", ""));
    text_ = anyone_.ask("GET", "/openapi.json").body;
    if (const auto read = reader_.read(text_)) document_ = *read;
    node_ = RunningPlatform::member(platform_.ask("GET", "/api/v1/nodes").body, "name");
    device_ = RunningPlatform::member(platform_.ask("GET", "/api/v1/devices").body, "identity");
  }

  struct Request {
    std::string path;
    std::string body;
    Headers headers;
  };

  // Makes what the operation is about, so that it succeeds for whoever may use it, and only for that reason.
  Request prepare(const Operation& operation, const std::string& role) {
    const std::string thing = "t" + std::to_string(++count_);
    Client& user = users_.at(role);
    Request request{operation.path, operation.takes_body ? "{}" : "", {}};
    const auto fill = [&](const std::string& name, const std::string& value) {
      const std::size_t at = request.path.find(name);
      if (at == std::string::npos) return false;
      request.path.replace(at, name.size(), value);
      return true;
    };
    fill("{project}", "vision");
    fill("{node}", node_);
    fill("{identity}", device_);
    if (fill("{name}", thing) && operation.id != "putSecret" && operation.id != "putWorkload") {
      // Only own work is changed.
      const bool may_own = rank(role) >= rank("researcher");
      const std::string workload = sleeper("vision", thing);
      const auto made = may_own ? user.ask("POST", "/api/v1/workloads", workload)
                                : platform_.ask("POST", "/api/v1/workloads", workload);
      EXPECT_EQ(made.status, 201) << made.body;
    }
    if (fill("{queue}", thing) && operation.id != "putQueue") {
      platform_.ask("POST", "/api/v1/queues", R"({"name":")" + thing + R"(","parent":"research"})");
    }
    if (fill("{user}", thing)) platform_.ask("PUT", "/api/v1/users/" + thing, "{}");
    if (operation.path.starts_with("/api/v1/tokens/")) {
      // A token tells its id only in the list.
      user.ask("POST", "/api/v1/tokens", R"({"name":")" + thing + "\"}");
      const std::string list = user.ask("GET", "/api/v1/tokens").body;
      const std::size_t end = std::min(list.find("\"" + thing + "\""), list.size());
      const std::size_t begin = list.rfind("\"id\":", end);
      fill("{id}", begin == std::string::npos ? "none" : RunningPlatform::member(list.substr(begin), "id"));
    }
    if (operation.path.starts_with("/api/v1/access-rules/")) {
      const auto rule = platform_.ask("POST", "/api/v1/access-rules",
                                      R"({"user":"guest","role":"viewer","queue":"vision"})");
      fill("{id}", RunningPlatform::member(rule.body, "id"));
    }
    add_example(operation, thing, request);
    return request;
  }

  void add_example(const Operation& operation, const std::string& thing, Request& request) {
    const std::map<std::string, std::string> bodies = {
        {"submitWorkload", sleeper("vision", thing)},
        {"putWorkload", sleeper("vision", thing)},
        {"scaleWorkload", R"({"replicas":1})"},
        {"putSecret", R"({"value":"open sesame"})"},
        {"createQueue", R"({"name":")" + thing + R"(","parent":"research"})"},
        {"putQueue", R"({"parent":"research"})"},
        {"changeQueue", R"({"priority":7})"},
        {"createToken", R"({"name":"for the walk","lifetime":"1h"})"},
        {"changePassword", R"({"new":"correct horse battery"})"},
        {"putUser", R"({"disabled":false})"},
        {"createAccessRule", R"({"user":"guest","role":"viewer","queue":"speech"})"}};
    if (const auto body = bodies.find(operation.id); body != bodies.end()) request.body = body->second;
    if (operation.id == "signIn" || operation.id == "signInByPage") {
      const std::string code = code_for(platform_, "guest");
      request.body = operation.id == "signIn" ? R"({"code":")" + code + "\"}" : "code=" + code;
    }
    if (operation.id == "getSignInPage") request.path += "?code=abc";
    if (operation.id == "exec") request.path += "?command=true";
    if (operation.id == "listTokens") request.path += "?user=";
  }

  // The schema of an answer; none where it is no JSON.
  static const JsonValue* schema_of(const Operation& operation, const net::ClientResponse& answer) {
    const JsonValue* response = operation.responses->find(std::to_string(answer.status));
    EXPECT_NE(response, nullptr) << operation.id << " answers " << answer.status << ": " << answer.body;
    const JsonValue* content = response == nullptr ? nullptr : response->find("content");
    const JsonValue* json = content == nullptr ? nullptr : content->find("application/json");
    return json == nullptr ? nullptr : json->find("schema");
  }

  void check_problem(const net::ClientResponse& answer, const std::string& what) const {
    ASSERT_EQ(answer.header("content-type"), "application/problem+json") << what << answer.body;
    base::JsonReader reader;
    const auto problem = reader.read(answer.body);
    ASSERT_TRUE(problem) << what << ": " << answer.body;
    const server::ServedSchemas schemas(*document_);
    EXPECT_EQ(schemas.breaches(**problem, *schemas.named("Problem"), what), kNone) << answer.body;
    for (const char* member : {"detail", "remedy"}) {
      const JsonValue* text = (*problem)->find(member);
      EXPECT_TRUE(text != nullptr && !text->text().empty()) << what << " has no " << member << answer.body;
    }
  }

  void ask_as(const Operation& operation, const std::string& role) {
    const std::string what = operation.id + " as " + role;
    const Request request = prepare(operation, role);
    Client user(platform_);
    user.use_token(users_.at(role).token());
    if (operation.id == "signOut" && role != "anyone") user = signed_in(platform_, role, "", "");
    const auto answer = user.ask(operation.method, request.path, request.body, request.headers);
    const bool web_socket = operation.responses->find("101") != nullptr;
    if (rank(role) < rank(operation.least)) {
      // Who has no role at all in a project is told that it is not there.
      const bool refused = role == "anyone"
                               ? answer.status == 401
                               : answer.status == 403 || (role == "nobody" && answer.status == 404);
      EXPECT_TRUE(refused) << what << ": " << answer.status << " " << answer.body;
      check_problem(answer, what);
    } else if (web_socket) {
      EXPECT_EQ(answer.status, 400) << what << ": " << answer.body;
      check_problem(answer, what);
    } else if (const JsonValue* schema = schema_of(operation, answer)) {
      base::JsonReader reader;
      const auto body = reader.read(answer.body);
      ASSERT_TRUE(body) << what << ": " << answer.body;
      EXPECT_EQ(server::ServedSchemas(*document_).breaches(**body, *schema, what), kNone) << answer.body;
    }
  }

  RunningPlatform platform_;
  Client anyone_;
  std::map<std::string, Client> users_;
  std::string text_;
  base::JsonReader reader_;
  const JsonValue* document_ = nullptr;
  std::string node_;
  std::string device_;
  int count_ = 0;
};

TEST_F(Walk, EveryOperationWithEveryRole) {
  ASSERT_NE(document_, nullptr) << text_;
  const std::vector<Operation> operations = operations_of(*document_);
  EXPECT_GT(operations.size(), 45U);
  for (const Operation& operation : operations)
    for (const std::string& role : kRoles) ask_as(operation, role);
}

}  // namespace
}  // namespace fairlead::api_tests
