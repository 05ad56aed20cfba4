#include "server/api.h"

#include "server/fake_world_test.h"

#include <gtest/gtest.h>

namespace fairlead::server {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string header(const net::HttpResponse& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(Api, AWorkloadIsSubmittedListedShownChangedAndDeleted) {
  ApiUnderTest test;
  const auto made = test.as_own("POST", "/api/v1/workloads", kWorkload);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(header(made, "Location"), "/api/v1/workloads/vision/hello");
  const auto list = test.as_own("GET", "/api/v1/workloads");
  EXPECT_TRUE(has(list.body, R"("name":"hello")")) << list.body;
  EXPECT_TRUE(has(list.body, R"("state":"pending","reason":"no devices are free")")) << list.body;
  EXPECT_TRUE(has(list.body, R"("simulated":true)")) << list.body;
  const auto one = test.as_own("GET", "/api/v1/workloads/vision/hello");
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ(header(one, "ETag"), header(made, "ETag"));
  const auto scaled = test.as_own("POST", "/api/v1/workloads/vision/hello/scale", R"({"replicas":3})");
  EXPECT_EQ(scaled.status, 200) << scaled.body;
  EXPECT_TRUE(has(scaled.body, R"("replicas":3)")) << scaled.body;
  EXPECT_EQ(test.as_own("DELETE", "/api/v1/workloads/vision/hello").status, 200);
  EXPECT_EQ(test.as_own("GET", "/api/v1/workloads/vision/other").status, 404);
}

TEST(Api, YamlIsTakenTooAndWhatIsWrongNamesFieldValueAndRemedy) {
  ApiUnderTest test;
  const auto yaml = test.as_own("POST", "/api/v1/workloads",
                                "metadata: {name: yaml}\nspec: {project: vision, command: [sleep, '1']}\n");
  EXPECT_EQ(yaml.status, 201) << yaml.body;
  struct Case {
    std::string target;
    std::string body;
    std::string field;
  };
  const Case cases[] = {
      {"/api/v1/workloads",
       R"({"metadata":{"name":"x"},"spec":{"project":"vision","command":["a"],"devices":{"count":"many"}}})",
       "spec.devices.count"},
      {"/api/v1/workloads",
       R"({"metadata":{"name":"x"},"spec":{"project":"vision","command":["a"],"gpus":1}})", "spec.gpus"},
      {"/api/v1/workloads/vision/yaml/scale", R"({"replicas":-1})", "replicas"},
      {"/api/v1/workloads/vision/yaml/scale", R"({"copies":1})", "copies"},
      {"/api/v1/queues", R"({"name":"q","resources":{"gpu":{"quota":"lots"}}})", "resources.gpu.quota"},
      {"/api/v1/queues", R"({"name":"q","resources":{"gpu":{"overQuotaWeight":-1}}})",
       "resources.gpu.overQuotaWeight"},
      {"/api/v1/access-rules", R"({"user":"root","role":"king"})", "role"},
  };
  for (const Case& c : cases) {
    const auto refused = test.as_own("POST", c.target, c.body);
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_EQ(refused.content_type, "application/problem+json");
    EXPECT_EQ(ApiUnderTest::text_member(refused.body, "field"), c.field) << refused.body;
    EXPECT_FALSE(ApiUnderTest::text_member(refused.body, "remedy").empty()) << refused.body;
  }
  EXPECT_EQ(test.as_own("POST", "/api/v1/workloads", "{").status, 400);
  EXPECT_EQ(test.as_own("POST", "/api/v1/workloads", "").status, 400);
}

TEST(Api, ADryRunChangesNothing) {
  ApiUnderTest test;
  const auto forecast = test.as_own("POST", "/api/v1/workloads?dryRun=true", kWorkload);
  EXPECT_EQ(forecast.status, 200);
  EXPECT_TRUE(has(forecast.body, R"("starts":false)")) << forecast.body;
  EXPECT_EQ(test.as_own("POST", "/api/v1/queues?dryRun=true", R"({"name":"new","parent":"research"})").status,
            200);
  EXPECT_TRUE(test.world.calls.empty()) << test.world.calls.front();
}

TEST(Api, AnIdempotencyKeyIsTheSendersOwn) {
  ApiUnderTest test;
  const std::string ada = test.user("ada", "researcher", "vision");
  test.with_token(ada, "POST", "/api/v1/workloads", kWorkload, {{"idempotency-key", "k1"}});
  EXPECT_EQ(test.world.calls.back(), "submit vision/hello by ada key ada:k1");
}

TEST(Api, ListsComeInPagesThatBeginAfterAKey) {
  ApiUnderTest test;
  for (const char* name : {"a", "b", "c", "d", "e"}) test.world.add_workload("vision", name, "ada");
  std::string after;
  std::string names;
  for (int page = 0; page < 3; ++page) {
    const auto list =
        test.as_own("GET", "/api/v1/workloads?limit=2" + (after.empty() ? "" : "&after=" + after));
    for (std::size_t at = 0; (at = list.body.find("\"metadata\":{\"name\":\"", at)) != std::string::npos;
         ++at) {
      names += list.body[at + 20];
    }
    after = ApiUnderTest::text_member(list.body, "next");
    EXPECT_EQ(after.empty(), page == 2) << list.body;
    // What was shown already may go meanwhile.
    if (page == 0) test.world.add_workload("vision", "aa", "ada");
  }
  EXPECT_EQ(names, "abcde");
  EXPECT_EQ(test.as_own("GET", "/api/v1/workloads?limit=0").status, 400);
  EXPECT_EQ(test.as_own("GET", "/api/v1/workloads?after=xyz").status, 400);
}

TEST(Api, FiltersAreHeldAndMisspeltOnesRefused) {
  ApiUnderTest test;
  test.world.add_workload("vision", "a", "ada");
  test.world.add_workload("speech", "b", "bob");
  EXPECT_FALSE(has(test.as_own("GET", "/api/v1/workloads?project=speech").body, "vision"));
  EXPECT_FALSE(has(test.as_own("GET", "/api/v1/workloads?user=ada").body, "\"b\""));
  EXPECT_TRUE(has(test.as_own("GET", "/api/v1/workloads?state=pending").body, "\"items\":[]"));
  EXPECT_TRUE(has(test.as_own("GET", "/api/v1/workloads?project=speech&project=vision").body, "\"ada\""));
  const auto wrong = test.as_own("GET", "/api/v1/workloads?porject=speech");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_TRUE(has(wrong.body, "there are project")) << wrong.body;
  EXPECT_EQ(test.as_own("GET", "/api/v1/workloads?state=asleep").status, 400);
}

TEST(Api, VersionsAreETags) {
  ApiUnderTest test;
  test.world.add_workload("vision", "a", "ada");
  const std::string tag = header(test.as_own("GET", "/api/v1/workloads/vision/a"), "ETag");
  auto again = ApiUnderTest::request("GET", "/api/v1/workloads/vision/a");
  again.peer_account = ApiUnderTest::kOwnAccount;
  again.headers = {{"if-none-match", tag}};
  EXPECT_EQ(test.handlers.on_request(again).status, 304);
  auto change = ApiUnderTest::request("POST", "/api/v1/workloads/vision/a/suspend");
  change.peer_account = ApiUnderTest::kOwnAccount;
  change.headers = {{"if-match", "\"1\""}};
  EXPECT_EQ(test.handlers.on_request(change).status, 412);
  change.headers = {{"if-match", "latest"}};
  EXPECT_EQ(test.handlers.on_request(change).status, 400);
  change.headers = {{"if-match", tag}};
  EXPECT_EQ(test.handlers.on_request(change).status, 200);
}

TEST(Api, PathsAndMethodsThatAreNotThereAreToldApart) {
  ApiUnderTest test;
  EXPECT_EQ(test.as_own("GET", "/api/v1/nothing").status, 404);
  const auto method = test.as_own("PUT", "/api/v1/workloads");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(header(method, "Allow"), "GET, POST");
  EXPECT_EQ(test.as_own("GET", "/api/v1/workloads/").status, 404);
}

TEST(Api, AQueueKeepsWhatAPatchDoesNotName) {
  ApiUnderTest test;
  const auto patched =
      test.as_own("PATCH", "/api/v1/queues/vision", R"({"resources":{"gpu":{"limit":6.5}}})");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_TRUE(has(patched.body, R"("gpu":{"quota":4,"limit":6.5,"overQuotaWeight":1})")) << patched.body;
  EXPECT_TRUE(has(patched.body, R"("memory":{"quota":"unlimited")")) << patched.body;
  EXPECT_TRUE(has(patched.body, R"("parent":"research")")) << patched.body;
  EXPECT_EQ(test.as_own("POST", "/api/v1/queues", R"({"name":"vision"})").status, 409);
  EXPECT_EQ(test.as_own("PATCH", "/api/v1/queues/vision", R"({"name":"other"})").status, 400);
}

TEST(Api, LogsSayWhereToGoOn) {
  ApiUnderTest test;
  test.world.add_workload("vision", "a", "ada");
  const auto logs = test.as_own("GET", "/api/v1/workloads/vision/a/logs?offset=2");
  EXPECT_EQ(logs.body, "llo\n");
  EXPECT_EQ(header(logs, "Fairlead-Next-Offset"), "6");
  EXPECT_EQ(test.as_own("GET", "/api/v1/workloads/vision/a/logs?replica=nobody").status, 404);
}

TEST(Api, DevicesNameOnlyWorkloadsThatTheReaderMaySee) {
  ApiUnderTest test;
  const std::string viewer = test.user("eve", "viewer", "products");
  const auto hidden = test.with_token(viewer, "GET", "/api/v1/devices");
  EXPECT_TRUE(has(hidden.body, R"("workloads":[],"otherWorkloads":1)")) << hidden.body;
  EXPECT_TRUE(has(test.as_own("GET", "/api/v1/devices/SIM-0").body, R"("workloads":["vision/train"])"));
  EXPECT_TRUE(has(hidden.body, R"("powerWatts":null)")) << hidden.body;
}

TEST(Api, MetricsSayThatDevicesAreSimulated) {
  ApiUnderTest test;
  const auto metrics = test.as_own("GET", "/metrics");
  EXPECT_TRUE(has(metrics.body,
                  "fairlead_device_allocated{node=\"node-a\",device=\"SIM-0\",vendor=\"nvidia\","
                  "model=\"H100-80GB\",simulated=\"true\"} 0.5\n"))
      << metrics.body;
  EXPECT_TRUE(has(metrics.body,
                  "fairlead_queue_allocated{queue=\"vision\",parent=\"research\",resource=\"gpu\"} 0.5\n"));
  // Each metric is introduced before its samples, as the format wants it.
  EXPECT_FALSE(has(metrics.body, "\n\n"));
}

TEST(Api, UsageAndEventsShowWhatTheReaderMaySee) {
  ApiUnderTest test;
  test.world.past->add("workload-submitted", "workload vision/a", "ada");
  test.world.past->add("workload-submitted", "workload search/b", "bob");
  test.world.past->add("device-withdrawn", "device SIM-0");
  const std::string viewer = test.user("eve", "viewer", "research");
  const auto events = test.with_token(viewer, "GET", "/api/v1/events?after=0");
  EXPECT_TRUE(has(events.body, "vision/a")) << events.body;
  EXPECT_TRUE(has(events.body, "SIM-0")) << events.body;
  EXPECT_FALSE(has(events.body, "search/b")) << events.body;
  EXPECT_TRUE(has(events.body, "\"position\":3")) << events.body;
  const auto usage = test.with_token(viewer, "GET", "/api/v1/usage?by=project");
  EXPECT_TRUE(has(usage.body, R"("name":"vision")")) << usage.body;
  EXPECT_TRUE(has(usage.body, R"("usedHours":null)")) << usage.body;
  const std::string elsewhere = test.user("kim", "viewer", "products");
  EXPECT_TRUE(has(test.with_token(elsewhere, "GET", "/api/v1/usage").body, "\"items\":[]"));
  EXPECT_EQ(test.as_own("GET", "/api/v1/usage?by=planet").status, 400);
  EXPECT_EQ(test.as_own("GET", "/api/v1/usage?since=yesterday").status, 400);
}

TEST(Api, WhoAsksTooOftenWaits) {
  ApiUnderTest test(1);
  const std::string ada = test.user("ada", "viewer", "vision");
  int refused = 0;
  for (int i = 0; i < 12; ++i) {
    const auto answer = test.with_token(ada, "GET", "/api/v1/nodes");
    refused += answer.status == 429 ? 1 : 0;
    if (answer.status == 429) {
      EXPECT_EQ(header(answer, "Retry-After"), "1");
    }
  }
  EXPECT_EQ(refused, 2);
  test.now = test_time(3);
  EXPECT_EQ(test.with_token(ada, "GET", "/api/v1/nodes").status, 200);
}

class FakeSocket final : public net::WebSocket {
 public:
  bool send(std::string_view bytes, bool binary) override {
    sent += binary ? std::string(bytes) : "[" + std::string(bytes) + "]";
    return true;
  }
  void close(std::uint16_t code, std::string_view) override { close_code = code; }
  bool closed() const override { return close_code != 0; }
  void on_room(std::function<void()> function) override { function(); }
  std::string sent;
  std::uint16_t close_code = 0;
};

TEST(Api, ExecJoinsATerminalAndASocket) {
  ApiUnderTest test;
  test.world.add_workload("vision", "a", "ada");
  const auto socket = std::make_shared<FakeSocket>();
  auto request =
      ApiUnderTest::request("GET", "/api/v1/workloads/vision/a/exec?command=sh&command=-c&tty=true");
  request.peer_account = ApiUnderTest::kOwnAccount;
  const auto handler = test.handlers.on_web_socket(request, socket);
  ASSERT_TRUE(handler) << handler.error().message();
  handler->on_message("ls\n", true);
  handler->on_message(R"({"columns":80,"rows":24})", false);
  handler->on_message("nonsense", false);
  handler->on_message("exit\n", true);
  EXPECT_EQ(socket->sent, "ls\n80x24exit\n[{\"exitCode\":3}]");
  EXPECT_EQ(socket->close_code, 1000);
  handler->on_close();
  EXPECT_EQ(test.world.calls.back(), "exec sh in uid-a-worker-0-0");
  // A terminal acts as the submitter: nobody else gets one, but administrators.
  const std::string bob = test.user("bob", "department-administrator", "research");
  request.peer_account.reset();
  request.headers = {{"authorization", "Bearer " + bob}};
  EXPECT_FALSE(test.handlers.on_web_socket(request, socket));
}

// Takes one message, and the next when there is room.
class NarrowSocket final : public net::WebSocket {
 public:
  bool send(std::string_view bytes, bool) override {
    if (full) return false;
    full = true;
    sent += bytes;
    return true;
  }
  void close(std::uint16_t code, std::string_view) override { close_code = code; }
  bool closed() const override { return close_code != 0; }
  void on_room(std::function<void()> function) override { waiting = std::move(function); }
  void make_room() {
    full = false;
    if (waiting) std::exchange(waiting, nullptr)();
  }
  bool full = false;
  std::string sent;
  std::uint16_t close_code = 0;
  std::function<void()> waiting;
};

TEST(Api, APortAndASocketAreReadOnlyAsFastAsTheOtherTakes) {
  ApiUnderTest test;
  const std::string ada = test.user("ada", "researcher", "vision");
  const std::string bob = test.user("bob", "researcher", "vision");
  const std::string eve = test.user("eve", "department-administrator", "research");
  test.world.add_workload("vision", "a", "ada");
  const auto connect = [&](const std::string& token, const std::string& port) {
    auto request = ApiUnderTest::request("GET", "/api/v1/workloads/vision/a/port-forward?port=" + port);
    request.headers = {{"authorization", "Bearer " + token}};
    const auto socket = std::make_shared<NarrowSocket>();
    return std::pair(test.handlers.on_web_socket(request, socket), socket);
  };
  const auto [handler, socket] = connect(ada, "8888");
  ASSERT_TRUE(handler) << handler.error().message();
  EXPECT_EQ(test.world.calls.back(), "port 8888 of uid-a-worker-0-0");
  int asked = 0;
  const auto next = [&asked] { ++asked; };
  handler->on_message_then("one", true, next);
  EXPECT_EQ(asked, 1);
  handler->on_message_then("two", true, next);
  EXPECT_EQ(asked, 1) << "what comes back does not fit: nothing more is read";
  socket->make_room();
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(socket->sent, "onetwo");
  handler->on_message_then(R"({"end":true})", false, next);
  EXPECT_EQ(socket->close_code, 1000);
  handler->on_close();
  EXPECT_TRUE(connect(eve, "8888").first) << "who administers the project may";
  EXPECT_EQ(connect(bob, "8888").first.error().code(), base::Code::kPermissionDenied);
  EXPECT_EQ(connect(ada, "1").first.error().code(), base::Code::kFailedPrecondition);
  for (const char* port : {"0", "70000", "http", ""})
    EXPECT_EQ(connect(ada, port).first.error().code(), base::Code::kInvalidArgument) << port;
}

}  // namespace
}  // namespace fairlead::server
