// What holds for many endpoints of the API, asked for over TCP from the real program: what is wrong is named,
// lists come in pages, changes meet the version that was read, a repetition is no second submission, and a
// stream goes on where it was cut.

#include "api/signed_in.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace fairlead::api_tests {
namespace {

std::string member(const net::ClientResponse& answer, const std::string& name) {
  return RunningPlatform::member(answer.body, name);
}

// All values of members of this name, in order.
std::vector<std::string> members(const std::string& json, const std::string& name) {
  std::vector<std::string> values;
  const std::string key = "\"" + name + "\":";
  for (std::size_t at = json.find(key); at != std::string::npos; at = json.find(key, at + 1))
    values.push_back(RunningPlatform::member(json.substr(at), name));
  return values;
}

TEST(Behaviour, WhatIsWrongIsNamedWithItsValueAndARemedy) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "administrator", "");
  ASSERT_EQ(ada.ask("POST", "/api/v1/workloads", sleeper("vision", "here")).status, 201);
  struct Case {
    std::string method;
    std::string path;
    std::string body;
    int status;
    std::string field;
    std::string value;
  };
  const std::string workloads = "/api/v1/workloads";
  const Case cases[] = {
      {"POST", workloads, R"({"metadata":{"name":"X"},"spec":{"project":"vision","command":["a"]}})", 400,
       "metadata.name", "X"},
      {"POST", workloads, R"({"metadata":{"name":"x"},"spec":{"project":"vision","command":["a"],"gpus":1}})",
       400, "spec.gpus", "1"},
      {"POST", workloads,
       R"({"metadata":{"name":"x"},"spec":{"project":"vision","command":["a"],"devices":{"count":"many"}}})",
       400, "spec.devices.count", "many"},
      {"POST", workloads, R"({"metadata":{"name":"x"},"spec":{"project":"nowhere","command":["a"]}})", 404,
       "spec.project", "nowhere"},
      {"POST", workloads, R"({"metadata":{"name":"x"},"spec":{"project":"research","command":["a"]}})", 400,
       "spec.project", "research"},
      {"POST", workloads,
       R"({"metadata":{"name":"x"},"spec":{"project":"vision","command":["a"],"priority":"urgent"}})", 400,
       "spec.priority", "urgent"},
      {"POST", workloads, sleeper("vision", "here"), 409, "metadata.name", "here"},
      {"GET", workloads + "?state=asleep", "", 400, "state", "asleep"},
      {"GET", workloads + "?stat=running", "", 400, "stat", "running"},
      {"GET", workloads + "?limit=0", "", 400, "limit", "0"},
      {"GET", workloads + "?limit=many", "", 400, "limit", "many"},
      {"GET", workloads + "?after=zz", "", 400, "after", "zz"},
      {"GET", workloads + "/vision/absent", "", 404, "", "vision/absent"},
      {"POST", workloads + "/vision/here/scale", R"({"replicas":-1})", 400, "replicas", "-1"},
      {"POST", workloads + "/vision/here/scale", R"({"copies":1})", 400, "copies", "1"},
      {"GET", workloads + "/vision/here/logs?index=first", "", 400, "index", "first"},
      {"POST", "/api/v1/queues", R"({"name":"Q!","parent":"research"})", 400, "name", "Q!"},
      {"POST", "/api/v1/queues", R"({"name":"q","parent":"nowhere"})", 404, "parent", "nowhere"},
      {"POST", "/api/v1/queues", R"({"name":"q","resources":{"gpu":{"quota":-2}}})", 400,
       "resources.gpu.quota", "-2"},
      {"PATCH", "/api/v1/queues/vision", R"({"parent":"vision"})", 400, "parent", "vision"},
      {"DELETE", "/api/v1/queues/research", "", 409, "", ""},
      {"GET", "/api/v1/usage?by=planet", "", 400, "by", "planet"},
      {"GET", "/api/v1/usage?since=yesterday", "", 400, "since", "yesterday"},
      {"GET", "/api/v1/events?after=later", "", 400, "after", "later"},
      {"PUT", "/api/v1/users/bob", R"({"account":"root"})", 400, "account", "root"},
      {"PUT", "/api/v1/users/Bob!", "{}", 400, "name", "Bob!"},
      {"POST", "/api/v1/access-rules", R"({"user":"ada","role":"king"})", 400, "role", "king"},
      {"POST", "/api/v1/access-rules", R"({"user":"nobody","role":"viewer"})", 400, "user", "nobody"},
      {"POST", "/api/v1/tokens", R"({"name":"t","lifetime":"soon"})", 400, "lifetime", "soon"},
      {"PUT", "/api/v1/secrets/vision/hub", R"({"value":""})", 400, "value", ""},
      {"PUT", "/api/v1/secrets/vision/no!", R"({"value":"x"})", 400, "name", "no!"},
  };
  for (const Case& c : cases) {
    const auto refused = ada.ask(c.method, c.path, c.body);
    const std::string what = c.method + " " + c.path + " " + c.body + ": " + refused.body;
    EXPECT_EQ(refused.status, c.status) << what;
    EXPECT_EQ(refused.header("content-type"), "application/problem+json") << what;
    EXPECT_EQ(member(refused, "field"), c.field) << what;
    EXPECT_EQ(member(refused, "value"), c.value) << what;
    EXPECT_FALSE(member(refused, "detail").empty()) << what;
    EXPECT_FALSE(member(refused, "remedy").empty()) << what;
  }
  for (const char* body : {"", "{", "[]", "null", "\xff", "--- \nmetadata: [", "{\"metadata\":{}}"})
    EXPECT_EQ(ada.ask("POST", workloads, body).status, 400) << body;
  const auto method = ada.ask("PUT", workloads, "{}");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("allow"), "GET, POST");
}

TEST(Behaviour, ListsComeInPagesAndFiltersHold) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  Client bob = signed_in(platform, "bob", "researcher", "speech");
  for (const char* name : {"a", "b", "c", "d", "e"})
    ASSERT_EQ(ada.ask("POST", "/api/v1/workloads", sleeper("vision", name)).status, 201);
  ASSERT_EQ(bob.ask("POST", "/api/v1/workloads", sleeper("speech", "f")).status, 201);
  std::string names;
  std::string next;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page =
        platform.ask("GET", "/api/v1/workloads?limit=2" + (next.empty() ? "" : "&after=" + next));
    ASSERT_EQ(page.status, 200) << page.body;
    for (const std::string& metadata : members(page.body, "metadata")) names += metadata.substr(9, 1);
    next = member(page, "next");
    if (next.empty()) break;
  }
  EXPECT_EQ(names, "fabcde") << "by project, then name";
  const auto count = [&](Client& who, const std::string& query) {
    return members(who.ask("GET", "/api/v1/workloads?" + query).body, "metadata").size();
  };
  Client root = signed_in(platform, "root2", "administrator", "");
  EXPECT_EQ(count(root, "project=speech"), 1U);
  EXPECT_EQ(count(root, "project=speech&project=vision"), 6U);
  EXPECT_EQ(count(root, "user=bob"), 1U);
  EXPECT_EQ(count(root, "name=c&name=f"), 2U);
  EXPECT_EQ(count(root, "kind=inference"), 0U);
  EXPECT_EQ(count(root, "kind=training"), 6U);
  EXPECT_EQ(count(bob, ""), 1U) << "nothing of a project that is not his";
  // The history in pages has every entry once, in order.
  std::vector<std::string> positions;
  std::string after = "0";
  for (int pages = 0; pages < 100; ++pages) {
    const auto page = root.ask("GET", "/api/v1/events?limit=3&after=" + after);
    const auto more = members(page.body.substr(0, page.body.rfind(']')), "position");
    positions.insert(positions.end(), more.begin(), more.end());
    after = members(page.body, "position").back();
    if (more.empty()) break;
  }
  for (std::size_t i = 0; i < positions.size(); ++i) EXPECT_EQ(positions[i], std::to_string(i + 1));
  EXPECT_GE(positions.size(), 6U);
  const auto audit = root.ask("GET", "/api/v1/audit?limit=2");
  EXPECT_EQ(members(audit.body, "action").size(), 2U);
  EXPECT_FALSE(member(audit, "next").empty());
}

TEST(Behaviour, AChangeMeetsTheVersionThatWasRead) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "administrator", "");
  ASSERT_EQ(ada.ask("POST", "/api/v1/workloads", sleeper("vision", "w")).status, 201);
  struct Case {
    std::string path;
    std::string method;
    std::string change;
    std::string body;
  };
  const Case cases[] = {
      {"/api/v1/workloads/vision/w", "POST", "/api/v1/workloads/vision/w/scale", R"({"replicas":2})"},
      {"/api/v1/queues/vision", "PATCH", "/api/v1/queues/vision", R"({"priority":7})"}};
  for (const Case& c : cases) {
    const auto read = ada.ask("GET", c.path);
    const std::string tag(read.header("etag"));
    ASSERT_TRUE(tag.size() > 2 && tag.front() == '"') << c.path << ": " << tag;
    const auto same = ada.ask("GET", c.path, "", {{"If-None-Match", tag}});
    EXPECT_EQ(same.status, 304) << c.path;
    EXPECT_TRUE(same.body.empty());
    EXPECT_EQ(ada.ask(c.method, c.change, c.body, {{"If-Match", "latest"}}).status, 400) << c.path;
    const auto changed = ada.ask(c.method, c.change, c.body, {{"If-Match", tag}});
    EXPECT_EQ(changed.status, 200) << c.path << changed.body;
    EXPECT_NE(changed.header("etag"), tag) << c.path;
    const auto stale = ada.ask(c.method, c.change, c.body, {{"If-Match", tag}});
    EXPECT_EQ(stale.status, 412) << c.path << stale.body;
    EXPECT_FALSE(member(stale, "remedy").empty()) << stale.body;
    EXPECT_EQ(ada.ask("GET", c.path, "", {{"If-None-Match", tag}}).status, 200) << c.path;
  }
}

TEST(Behaviour, ARepetitionWithItsKeyIsNoSecondSubmission) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  Client bob = signed_in(platform, "bob", "researcher", "vision");
  const Headers key = {{"Idempotency-Key", "k-1"}};
  const auto first = ada.ask("POST", "/api/v1/workloads", sleeper("vision", "w"), key);
  ASSERT_EQ(first.status, 201) << first.body;
  const auto again = ada.ask("POST", "/api/v1/workloads", sleeper("vision", "w"), key);
  EXPECT_EQ(again.status, 201) << again.body;
  EXPECT_EQ(member(again, "uid"), member(first, "uid"));
  const auto other = ada.ask("POST", "/api/v1/workloads", sleeper("vision", "v"), key);
  EXPECT_EQ(other.status, 409) << "the same key for something else: " << other.body;
  EXPECT_EQ(bob.ask("POST", "/api/v1/workloads", sleeper("vision", "v"), key).status, 201) << "his own key";
  EXPECT_EQ(ada.ask("POST", "/api/v1/workloads", sleeper("vision", "w")).status, 409);
  // The key outlives a crash, as the submission does.
  platform.end(SIGKILL);
  platform.start();
  const auto after = platform.ask("GET", "/api/v1/workloads/vision/w");
  EXPECT_EQ(member(after, "uid"), member(first, "uid"));
  Client ada_again(platform);
  ada_again.use_token(ada.token());
  const auto late = ada_again.ask("POST", "/api/v1/workloads", sleeper("vision", "w"), key);
  EXPECT_EQ(late.status, 201) << late.body;
  EXPECT_EQ(member(late, "uid"), member(first, "uid"));
}

// Reads events until `count` of them came.
std::vector<std::string> read_events(Client& client, const std::string& resume_after, std::size_t count) {
  std::string text;
  net::ClientRequest request;
  request.url = "/api/v1/events?watch=true";
  request.headers = {{"Accept", "text/event-stream"}};
  if (!resume_after.empty()) request.headers.emplace_back("Last-Event-ID", resume_after);
  const auto ids = [&] {
    std::vector<std::string> found;
    for (std::size_t at = text.find("id: "); at != std::string::npos; at = text.find("id: ", at + 1)) {
      const std::size_t end = text.find("\n\n", at);
      if (end != std::string::npos) found.push_back(text.substr(at + 4, text.find('\n', at) - at - 4));
    }
    return found;
  };
  request.on_bytes = [&](std::string_view bytes) {
    text += bytes;
    return ids().size() < count;
  };
  client.send(std::move(request));
  return ids();
}

TEST(Behaviour, AStreamThatIsCutGoesOnWhereItWas) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "administrator", "");
  for (const char* name : {"a", "b", "c"}) ada.ask("POST", "/api/v1/workloads", sleeper("vision", name));
  std::vector<std::string> all = read_events(ada, "0", 3);
  ASSERT_GE(all.size(), 3U);
  // Cut off, while more happens; also across a crash of the platform.
  ada.ask("POST", "/api/v1/workloads", sleeper("vision", "d"));
  platform.end(SIGKILL);
  platform.start();
  Client again(platform);
  again.use_token(ada.token());
  again.ask("POST", "/api/v1/workloads", sleeper("vision", "e"));
  const auto history = again.ask("GET", "/api/v1/events?after=0&limit=1000").body;
  const std::size_t newest = members(history.substr(0, history.rfind(']')), "position").size();
  const auto more = read_events(again, all.back(), newest - all.size());
  all.insert(all.end(), more.begin(), more.end());
  ASSERT_GE(all.size(), newest);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], std::to_string(i + 1));
}

}  // namespace
}  // namespace fairlead::api_tests
