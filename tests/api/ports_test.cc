// Ports of running replicas, over the real program: forwarded over a WebSocket, and shown to browsers at
// hosts of their own.

#include "api/signed_in.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace fairlead::api_tests {
namespace {

using platform_tests::Output;

constexpr int kFirst = 18'931;
constexpr int kSecond = 18'932;

// A workspace of ada's in vision that answers on two ports.
void start_workspace(RunningPlatform& platform, Client& ada) {
  const std::string body =
      R"({"metadata":{"name":"lab"},"spec":{"project":"vision","kind":"workspace","ports":[)" +
      std::to_string(kFirst) + "," + std::to_string(kSecond) + R"(],"command":[")" + FAIRLEAD_TEST_PAGE +
      R"(",")" + std::to_string(kFirst) + R"(",")" + std::to_string(kSecond) + R"("]}})";
  const auto made = ada.ask("POST", "/api/v1/workloads", body);
  ASSERT_EQ(made.status, 201) << made.body;
  platform.wait_until("the workspace answers", [&] {
    return ada.ask("GET", "/serve/vision/lab/").body.starts_with("port " + std::to_string(kFirst));
  });
}

// A browser: it keeps a cookie and follows no redirect by itself.
struct Browser {
  explicit Browser(RunningPlatform& platform) : client(platform) {}
  net::ClientResponse get(const std::string& host, const std::string& path, const std::string& cookie,
                          Headers headers = {}) {
    headers.emplace_back("Host", host);
    if (!cookie.empty()) headers.emplace_back("Cookie", cookie);
    return client.ask("GET", path, "", headers);
  }
  Client client;
};

std::string cookie_of(const net::ClientResponse& answer) {
  const std::string text(answer.header("set-cookie"));
  return text.substr(0, text.find(';'));
}

struct Place {
  std::string host;
  std::string path;
};
Place place_of(std::string_view location) {
  location.remove_prefix(std::min(location.size(), std::string_view("http://").size()));
  const std::size_t slash = std::min(location.find('/'), location.size());
  return {std::string(location.substr(0, slash)), std::string(location.substr(slash))};
}

TEST(Ports, ABrowserReachesAWorkspaceAtAHostOfItsOwnAndItsPagesReachNothingElse) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  Client bob = signed_in(platform, "bob", "researcher", "vision");
  start_workspace(platform, ada);
  const std::string here = "127.0.0.1:" + std::to_string(platform.port());
  Browser browser(platform);
  const std::string session = cookie_of(
      Client(platform).ask("POST", "/api/v1/session", R"({"code":")" + code_for(platform, "ada") + "\"}"));
  ASSERT_TRUE(session.starts_with("fairlead_session=")) << session;

  // From the platform to the second port's host, with a ticket that is good once.
  const std::string second = std::to_string(kSecond);
  const auto led = browser.get(here, "/serve/vision/lab:" + second + "/tree?x=1", session);
  ASSERT_EQ(led.status, 303) << led.body;
  const Place place = place_of(led.header("location"));
  EXPECT_EQ(place.host, "lab--vision--" + second + ".localhost:" + std::to_string(platform.port()));
  EXPECT_EQ(browser.get(place.host, "/tree", "").status, 401) << "without a pass";
  const auto taken = browser.get(place.host, place.path, "");
  ASSERT_EQ(taken.status, 303) << taken.body;
  EXPECT_EQ(taken.header("location"), "/tree?x=1");
  const std::string pass = cookie_of(taken);
  ASSERT_TRUE(pass.starts_with("fairlead_workspace=")) << pass;
  EXPECT_NE(taken.header("set-cookie").find("HttpOnly; SameSite=Lax"), std::string::npos);
  EXPECT_EQ(taken.header("set-cookie").find("Domain"), std::string::npos);
  EXPECT_EQ(browser.get(place.host, place.path, "").status, 401) << "a second time";

  // There the page answers, and sees none of the platform's cookies.
  const auto page = browser.get(place.host, "/tree?x=1", "a=b; " + session + "; " + pass);
  ASSERT_EQ(page.status, 200) << page.body;
  EXPECT_TRUE(page.body.starts_with("port " + second + "\nGET /tree?x=1 ")) << page.body;
  EXPECT_EQ(page.body.find("fairlead_"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("a=b"), std::string::npos) << page.body;
  EXPECT_EQ(page.header("set-cookie"), "own=1") << "what it plants for the platform is dropped";

  // The pass opens this port and nothing else; the platform's own session is none here.
  const std::string first = "lab--vision--" + std::to_string(kFirst) + ".localhost";
  EXPECT_EQ(browser.get(first, "/", pass).status, 401);
  EXPECT_EQ(browser.get(here, "/api/v1/session", pass).status, 401);
  EXPECT_EQ(browser.get(place.host, "/", session).status, 401);
  EXPECT_EQ(browser.get("nothing--vision--80.localhost", "/", pass).status, 404);
  EXPECT_TRUE(browser.get(place.host, "/api/v1/session", pass).body.starts_with("port "))
      << "at this host the API is not";
  // What other pages make the browser send is refused, also those of other workspaces.
  EXPECT_EQ(browser.get(place.host, "/", pass, {{"Origin", "http://" + first}}).status, 403);
  EXPECT_EQ(
      browser.get(place.host, "/", pass, {{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Mode", "no-cors"}})
          .status,
      403);
  const auto planted =
      browser.client.ask("POST", "/api/v1/queues", R"({"name":"evil"})",
                         {{"Host", here}, {"Cookie", session}, {"Origin", "http://" + place.host}});
  EXPECT_EQ(planted.status, 403) << planted.body;

  // Programs with a token are served as they were; others of the project are not.
  const auto direct = ada.ask("GET", "/serve/vision/lab/");
  EXPECT_EQ(direct.header("content-security-policy").substr(0, 7), "sandbox");
  EXPECT_EQ(direct.header("service-worker-allowed"), "");
  EXPECT_EQ(bob.ask("GET", "/serve/vision/lab/").status, 403);
  EXPECT_EQ(ada.ask("GET", "/serve/vision/lab:81/").status, 404);
  // With the session the pass ends.
  Client of_session(platform);
  of_session.use_token(session.substr(session.find('=') + 1));
  EXPECT_EQ(of_session.ask("DELETE", "/api/v1/session").status, 204);
  EXPECT_EQ(browser.get(place.host, "/", pass).status, 401);
}

// `fairlead port-forward` in the background, as its user would have it in another terminal.
class Forwarding {
 public:
  Forwarding(const RunningPlatform& platform, const std::string& token, const std::string& name,
             const std::string& port)
      : output_(platform.folder() + "/forward-" + port.substr(1) + ".log") {
    pid_ = fork();
    if (pid_ == 0) {
      const std::string server = "http://127.0.0.1:" + std::to_string(platform.port());
      setenv("FAIRLEAD_SERVER", server.c_str(), 1);
      setenv("FAIRLEAD_TOKEN", token.c_str(), 1);
      if (std::freopen(output_.c_str(), "w", stdout) == nullptr || dup2(1, 2) < 0) _exit(1);
      execl(FAIRLEAD_PROGRAM, "fairlead", "port-forward", name.c_str(), port.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Forwarding() { kill(pid_, SIGKILL); }
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

  std::string text() const {
    std::ifstream file(output_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The local port that it chose.
  std::string port() const {
    const std::string all = text();
    const std::size_t at = all.find("127.0.0.1:");
    return at == std::string::npos ? "" : all.substr(at + 10, all.find(' ', at) - at - 10);
  }

 private:
  std::string output_;
  pid_t pid_ = 0;
};

TEST(Ports, AForwardedPortCarriesConnectionsToTheReplicaOnly) {
  RunningPlatform platform;
  make_queues(platform);
  Client ada = signed_in(platform, "ada", "researcher", "vision");
  Client bob = signed_in(platform, "bob", "researcher", "vision");
  start_workspace(platform, ada);
  const Forwarding forwarding(platform, ada.token(), "vision/lab", ":" + std::to_string(kSecond));
  platform.wait_until("it listens", [&] { return !forwarding.port().empty(); });
  const auto ask = [&](const std::string& body) {
    const auto client = net::HttpClient::make();
    net::ClientRequest request;
    request.url = "http://127.0.0.1:" + forwarding.port() + "/hello";
    request.method = body.empty() ? "GET" : "POST";
    request.body = body;
    auto answer = client->send(request);
    return answer ? std::move(*answer) : net::ClientResponse();
  };
  for (int i = 0; i < 3; ++i) {
    const auto answer = ask("");
    EXPECT_EQ(answer.status, 200) << forwarding.text();
    EXPECT_TRUE(answer.body.starts_with("port " + std::to_string(kSecond) + "\nGET /hello ")) << answer.body;
  }
  // A port on which the machine listens, but not the workload, is not reached: the platform's own.
  const Forwarding elsewhere(platform, ada.token(), "vision/lab", ":" + std::to_string(platform.port()));
  platform.wait_until("it listens", [&] { return !elsewhere.port().empty(); });
  const auto client = net::HttpClient::make();
  net::ClientRequest request;
  request.url = "http://127.0.0.1:" + elsewhere.port() + "/api/v1/health";
  EXPECT_FALSE(client->send(request));
  platform.wait_until("it says why", [&] {
    return elsewhere.text().find("no process of this replica listens on") != std::string::npos;
  });
}

TEST(Ports, TheCommandSaysWhatIsWrong) {
  RunningPlatform platform;
  make_queues(platform);
  const std::string state = "FAIRLEAD_STATE=" + platform.folder();
  struct Case {
    std::string name;
    std::string port;
    int code;
    std::string text;
  };
  const Case cases[] = {{"default/absent", "8888", 5, "there is no workload"},
                        {"default/absent", "http", 2, "is not [LOCAL:]REMOTE"},
                        {"default/absent", "70000", 2, "is not [LOCAL:]REMOTE"},
                        {"default/absent", "1:2:3", 2, "is not [LOCAL:]REMOTE"}};
  for (const Case& c : cases) {
    const Output output =
        platform_tests::run({"/usr/bin/env", state, FAIRLEAD_PROGRAM, "port-forward", c.name, c.port});
    EXPECT_EQ(output.code, c.code) << output.text;
    EXPECT_NE(output.text.find(c.text), std::string::npos) << output.text;
  }
  platform.submit("here", R"({"project":"default","command":["sleep","1000"]})");
  const Output taken = platform_tests::run({"/usr/bin/env", state, FAIRLEAD_PROGRAM, "port-forward",
                                            "default/here", std::to_string(platform.port()) + ":80"});
  EXPECT_EQ(taken.code, 1) << taken.text;
  EXPECT_NE(taken.text.find("Address already in use"), std::string::npos) << taken.text;
}

TEST(Ports, TheLedgerIsVerifiedByTheServer) {
  RunningPlatform platform;
  platform.submit("hello", R"({"project":"default","command":["true"],"devices":1})");
  platform.wait_for_state("hello", "succeeded");
  Client root = signed_in(platform, "root2", "administrator", "");
  const auto lines = root.ask("POST", "/api/v1/ledger/verify").body;
  EXPECT_NE(lines.find("\"done\":"), std::string::npos) << lines;
  EXPECT_NE(lines.find(R"({"report":{"good":true,)"), std::string::npos) << lines;
  const std::string server = "FAIRLEAD_SERVER=http://127.0.0.1:" + std::to_string(platform.port());
  const Output output = platform_tests::run(
      {"/usr/bin/env", server, "FAIRLEAD_TOKEN=" + root.token(), FAIRLEAD_PROGRAM, "ledger", "verify"});
  EXPECT_EQ(output.code, 0) << output.text;
  EXPECT_NE(output.text.find("every decision came out the same"), std::string::npos) << output.text;
  const Output refused = platform_tests::run({"/usr/bin/env", server, FAIRLEAD_PROGRAM, "ledger", "verify"});
  EXPECT_EQ(refused.code, 4) << refused.text;
}

}  // namespace
}  // namespace fairlead::api_tests
