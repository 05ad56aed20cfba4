#include "server/workspace_passes.h"

#include "server/secrets.h"

#include <gtest/gtest.h>

namespace fairlead::server {
namespace {

struct Passes {
  base::Time now = base::Time::from_unix_seconds(1'767'225'600);
  WorkspacePasses passes{[this] { return now; }};
};

TEST(WorkspacePasses, ATicketBecomesAPassOnceAndForItsPortOnly) {
  ASSERT_TRUE(prepare_secrets());
  Passes test;
  const std::string ticket = test.passes.ticket("0123", "vision/lab 8888");
  EXPECT_FALSE(test.passes.redeem(ticket, "vision/lab 6006"));
  EXPECT_FALSE(test.passes.session_of(ticket, "vision/lab 8888")) << "a ticket is no pass";
  const auto pass = test.passes.redeem(ticket, "vision/lab 8888");
  ASSERT_TRUE(pass);
  EXPECT_FALSE(test.passes.redeem(ticket, "vision/lab 8888")) << "a second time";
  EXPECT_EQ(test.passes.session_of(*pass, "vision/lab 8888"), "0123");
  EXPECT_FALSE(test.passes.session_of(*pass, "vision/other 8888"));
  EXPECT_FALSE(test.passes.redeem(*pass, "vision/lab 8888"));
}

TEST(WorkspacePasses, TheyEndAndCannotBeAltered) {
  ASSERT_TRUE(prepare_secrets());
  Passes test;
  const std::string late = test.passes.ticket("0123", "a");
  const auto pass = test.passes.redeem(test.passes.ticket("0123", "a"), "a");
  ASSERT_TRUE(pass);
  for (std::size_t i = 0; i < pass->size(); ++i) {
    std::string altered = *pass;
    altered[i] = altered[i] == '1' ? '2' : '1';
    EXPECT_FALSE(test.passes.session_of(altered, "a")) << altered;
  }
  for (const char* nonsense : {"", ".", "..", "1.2", "x.y.z", "-1.0123.00"})
    EXPECT_FALSE(test.passes.session_of(nonsense, "a")) << nonsense;
  EXPECT_FALSE(Passes().passes.session_of(*pass, "a")) << "another process has another key";
  test.now = test.now + base::Duration::seconds(61);
  EXPECT_FALSE(test.passes.redeem(late, "a"));
  EXPECT_TRUE(test.passes.session_of(*pass, "a"));
  test.now = test.now + kPassTime;
  EXPECT_FALSE(test.passes.session_of(*pass, "a"));
}

TEST(WorkspacePasses, PagesOfOtherOriginsAreToldByWhatBrowsersSend) {
  struct Case {
    std::vector<std::pair<std::string, std::string>> headers;
    const char* method;
    bool other;
  };
  const Case cases[] = {
      {{}, "GET", false},
      {{{"origin", "http://lab.localhost:7070"}}, "POST", false},
      {{{"origin", "http://evil.localhost:7070"}}, "POST", true},
      {{{"origin", "null"}}, "POST", true},
      {{{"sec-fetch-site", "same-origin"}}, "GET", false},
      {{{"sec-fetch-site", "none"}, {"sec-fetch-mode", "navigate"}}, "GET", false},
      {{{"sec-fetch-site", "same-site"}, {"sec-fetch-mode", "no-cors"}, {"sec-fetch-dest", "image"}},
       "GET",
       true},
      {{{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "document"}},
       "GET",
       false},
      {{{"sec-fetch-site", "same-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "iframe"}},
       "GET",
       true},
      {{{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "document"}},
       "POST",
       true}};
  for (const Case& c : cases) {
    net::HttpRequest request;
    request.method = c.method;
    request.headers = c.headers;
    request.headers.emplace_back("host", "lab.localhost:7070");
    EXPECT_EQ(is_from_another_page(request), c.other)
        << (c.headers.empty() ? "" : c.headers.front().second) << " " << c.method;
  }
}

}  // namespace
}  // namespace fairlead::server
