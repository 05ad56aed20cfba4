#include "server/console.h"

#include "server/fake_world_test.h"

#include <gtest/gtest.h>

#include <string>

namespace fairlead::server {
namespace {

constexpr ConsoleFile kFiles[] = {{"/assets/index-1.js", "text/javascript; charset=utf-8", "packed"}};
constexpr ConsoleFiles kConsole = {kFiles, "<html nonce=\"@nonce@\">@nonce@</html>", {}};

net::HttpRequest get(const std::string& path, const std::string& header, const std::string& value) {
  auto request = ApiUnderTest::request("GET", path);
  request.headers = {{header, value}};
  return request;
}

std::string header_of(const net::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(Console, AnswersWithItsFilesAndForEachOfItsViewsWithItsPage) {
  struct Case {
    std::string path;
    bool page;
  };
  for (const auto& [path, page] :
       {Case{"/workloads", true}, Case{"/workloads/vision/train", true}, Case{"/queues", true},
        Case{"/api/v1/nothing", false}, Case{"/assets/gone.js", false}, Case{"/serve/x/y/", false}}) {
    const auto answer = console_answer(kConsole, get(path, "accept", "text/html,*/*"));
    EXPECT_EQ(answer.has_value(), page) << path;
  }
  EXPECT_FALSE(console_answer(kConsole, get("/workloads", "accept", "application/json")));
  auto file = console_answer(kConsole, get("/assets/index-1.js", "accept-encoding", "gzip, br"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->body, "packed");
  EXPECT_EQ(header_of(*file, "Content-Encoding"), "gzip");
  EXPECT_NE(header_of(*file, "Cache-Control").find("immutable"), std::string::npos);
  EXPECT_EQ(console_answer(kConsole, get("/assets/index-1.js", "accept", "*/*"))->status, 406);
  auto post = get("/workloads", "accept", "text/html");
  post.method = "POST";
  EXPECT_FALSE(console_answer(kConsole, post));
}

TEST(Console, ItsPolicyAllowsNothingFromElsewhereAndNothingInline) {
  const auto first = console_home(kConsole);
  const auto second = console_home(kConsole);
  EXPECT_NE(first.body, second.body) << "a nonce is used once";
  EXPECT_EQ(first.body.find("@nonce@"), std::string::npos);
  for (const auto& page : {first, second, console_home({}), plain_page("<p>Hello</p>")}) {
    const std::string policy = header_of(page, "Content-Security-Policy");
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos) << policy;
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << policy;
    const std::size_t at = policy.find("'nonce-") + 7;
    EXPECT_NE(page.body.find(policy.substr(at, policy.find('\'', at) - at)), std::string::npos);
  }
}

TEST(Console, WithoutItTheFirstPageSaysWhyAndWhatToDo) {
  ConsoleFiles none;
  none.absent = "There was no npm: install it.";
  const auto page = console_home(none);
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("There was no npm: install it."), std::string::npos);
  EXPECT_FALSE(console_answer(none, get("/workloads", "accept", "text/html")));
}

}  // namespace
}  // namespace fairlead::server
