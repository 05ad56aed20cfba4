// Limits on what comes from outside: bodies, heads, rates, connections. Over real sockets.

#include "api/signed_in.h"
#include "net/raw_client_test.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace fairlead::api_tests {
namespace {

using net::RawClient;

std::string status_line(RawClient& client) {
  const std::string answer = client.read_answer();
  return answer.substr(0, answer.find("\r\n"));
}

TEST(Limits, BodiesAndHeadsThatAreTooLongAreRefused) {
  RunningPlatform platform;
  Client ada = signed_in(platform, "ada", "researcher", "default");
  const auto body = ada.ask("POST", "/api/v1/workloads", std::string((4U << 20U) + 1, ' '));
  EXPECT_EQ(body.status, 413) << body.body;
  EXPECT_EQ(body.header("content-type"), "application/problem+json");
  EXPECT_EQ(ada.ask("POST", "/api/v1/workloads", std::string(4U << 20U, ' ')).status, 400)
      << "just within the limit: there is no workload in it";
  const auto port = static_cast<std::uint16_t>(platform.port());
  RawClient head(port);
  head.send("GET /api/v1/health HTTP/1.1\r\nHost: a\r\nX-Long: " + std::string(17'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(status_line(head).substr(0, 12), "HTTP/1.1 431");
  RawClient claim(port);
  claim.send("POST /api/v1/workloads HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(status_line(claim).substr(0, 12), "HTTP/1.1 413");
  RawClient nonsense(port);
  nonsense.send("\x16\x03\x01 no HTTP\r\n\r\n");
  EXPECT_EQ(status_line(nonsense).substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(ada.ask("GET", "/api/v1/health").status, 200) << "the others are not concerned";
}

TEST(Limits, WhoAsksTooOftenWaitsAndTheOthersDoNot) {
  RunningPlatform platform;
  Client ada = signed_in(platform, "ada", "viewer", "default");
  Client bob = signed_in(platform, "bob", "viewer", "default");
  int status = 200;
  int asked = 0;
  // A thousand at once and a hundred a second: it is reached as long as this asks faster than that.
  for (; asked < 20'000 && status == 200; ++asked) status = ada.ask("GET", "/api/v1/session").status;
  EXPECT_EQ(status, 429);
  EXPECT_GE(asked, 1000);
  const auto refused = ada.ask("GET", "/api/v1/session");
  if (refused.status == 429) {
    EXPECT_EQ(refused.header("retry-after"), "1");
    EXPECT_FALSE(RunningPlatform::member(refused.body, "remedy").empty());
  }
  EXPECT_EQ(bob.ask("GET", "/api/v1/session").status, 200);
}

TEST(Limits, OnePeerCannotTakeAllConnections) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2048) GTEST_SKIP() << "this process may open only " << files.rlim_cur << " files";
  RunningPlatform platform;
  const auto port = static_cast<std::uint16_t>(platform.port());
  std::vector<std::unique_ptr<RawClient>> open;
  for (int i = 0; i < 1024; ++i) {
    open.push_back(std::make_unique<RawClient>(port));
    ASSERT_TRUE(open.back()->connected()) << i;
  }
  const std::string ask = "GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_TRUE(open.back()->send(ask));
  EXPECT_EQ(status_line(*open.back()), "HTTP/1.1 200 OK") << "as many as are allowed are served";
  RawClient more(port);
  more.send(ask);
  EXPECT_EQ(more.read_all(), "") << "one more is closed without an answer";
  EXPECT_EQ(platform.ask("GET", "/api/v1/health").status, 200) << "the socket's peers are counted apart";
  open.clear();
  platform.wait_until("there is room again", [&] {
    RawClient again(port);
    return again.send(ask) && status_line(again) == "HTTP/1.1 200 OK";
  });
}

}  // namespace
}  // namespace fairlead::api_tests
