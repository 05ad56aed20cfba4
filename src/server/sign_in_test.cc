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

TEST(SignIn, TheFirstStartHasACodeThatWorksOnce) {
  ApiUnderTest test;
  ASSERT_TRUE(test.api->first_code());
  const std::string body = R"({"code":")" + *test.api->first_code() + "\"}";
  const auto first = test.with_token("", "POST", "/api/v1/session", body);
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_TRUE(has(header(first, "Set-Cookie"), "HttpOnly; SameSite=Strict")) << header(first, "Set-Cookie");
  EXPECT_EQ(test.with_token("", "POST", "/api/v1/session", body).status, 401);
  const std::string token = ApiUnderTest::text_member(first.body, "token");
  EXPECT_TRUE(
      has(test.with_token(token, "GET", "/api/v1/session").body, R"("role":"administrator","queue":"")"));
  // A code is no token.
  EXPECT_EQ(test.with_token(*test.api->first_code(), "GET", "/api/v1/session").status, 401);
}

TEST(SignIn, ALinkLeadsToAButtonThatSignsIn) {
  ApiUnderTest test;
  const std::string code = *test.api->first_code();
  for (int i = 0; i < 2; ++i) {
    const auto shown = test.with_token("", "GET", "/sign-in?code=" + code);
    EXPECT_EQ(shown.status, 200);
    EXPECT_TRUE(has(shown.body, "value=\"" + code + "\"")) << shown.body;
    EXPECT_EQ(header(shown, "Set-Cookie"), "");
  }
  EXPECT_EQ(test.with_token("", "GET", "/sign-in?code=\"><script>").status, 400);
  const auto done = test.with_token("", "POST", "/sign-in", "code=" + code);
  EXPECT_EQ(done.status, 303);
  EXPECT_TRUE(has(header(done, "Set-Cookie"), "fairlead_session=fairlead_"));
  EXPECT_EQ(test.with_token("", "POST", "/sign-in", "code=" + code).status, 401);
  EXPECT_EQ(test.with_token("", "GET", "/").status, 200);
}

TEST(SignIn, PasswordsAreCheckedAndManyWrongOnesSlowedDown) {
  ApiUnderTest test;
  ASSERT_EQ(test.as_own("PUT", "/api/v1/users/ada", R"({"password":"correct horse"})").status, 201);
  const auto sign_in = [&](const std::string& user, const std::string& password) {
    return test.with_token("", "POST", "/api/v1/session",
                           R"({"user":")" + user + R"(","password":")" + password + "\"}");
  };
  EXPECT_EQ(sign_in("ada", "correct horse").status, 201);
  EXPECT_EQ(sign_in("nobody", "correct horse").status, 401);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(sign_in("ada", "wrong").status, 401) << i;
  const auto slowed = sign_in("ada", "correct horse");
  EXPECT_EQ(slowed.status, 429) << slowed.body;
  EXPECT_EQ(header(slowed, "Retry-After"), "11");
  test.now = test_time(12);
  EXPECT_EQ(sign_in("ada", "correct horse").status, 201);
  const auto short_one = test.as_own("PUT", "/api/v1/users/bob", R"({"password":"short"})");
  EXPECT_EQ(short_one.status, 400);
  EXPECT_FALSE(has(short_one.body, "\"short\"")) << short_one.body;
}

TEST(SignIn, SessionsEndAndTokensAreRevoked) {
  ApiUnderTest test;
  const std::string session = test.user("ada", "viewer", "vision");
  const auto made = test.with_token(session, "POST", "/api/v1/tokens", R"({"name":"ci","lifetime":"1h"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string token = ApiUnderTest::text_member(made.body, "token");
  EXPECT_EQ(test.with_token(token, "GET", "/api/v1/session").status, 200);
  EXPECT_EQ(test.with_token(token + "x", "GET", "/api/v1/session").status, 401);
  EXPECT_EQ(test.with_token("fairlead_", "GET", "/api/v1/session").status, 401);
  const auto list = test.with_token(session, "GET", "/api/v1/tokens");
  EXPECT_FALSE(has(list.body, "hash")) << list.body;
  EXPECT_EQ(test.with_token(session, "DELETE", "/api/v1/session").status, 204);
  EXPECT_EQ(test.with_token(session, "GET", "/api/v1/session").status, 401);
  test.now = test_time(3601);
  EXPECT_EQ(test.with_token(token, "GET", "/api/v1/session").status, 401);
}

TEST(SignIn, OnlyHashesAreKept) {
  ApiUnderTest test;
  test.as_own("PUT", "/api/v1/users/ada", R"({"password":"correct horse"})");
  const std::string token = test.user("ada", "viewer", "vision");
  for (const char* kind : {"user", "token", "access-rule", "audit"}) {
    const auto records = test.world.records(kind);
    for (const world::Record& record : *records) {
      EXPECT_FALSE(has(record.json, "correct horse")) << record.json;
      EXPECT_FALSE(has(record.json, token.substr(token.rfind('_') + 1))) << record.json;
    }
  }
  const auto users = test.world.records("user");
  EXPECT_TRUE(has(users->front().json, "$argon2id$"));
}

TEST(SignIn, AUserThatIsDisabledOrDeletedIsOut) {
  ApiUnderTest test;
  const std::string ada = test.user("ada", "viewer", "vision");
  test.as_own("PUT", "/api/v1/users/ada", R"({"disabled":true})");
  EXPECT_EQ(test.with_token(ada, "GET", "/api/v1/session").status, 401);
  test.as_own("PUT", "/api/v1/users/ada", R"({"disabled":false})");
  EXPECT_EQ(test.with_token(ada, "GET", "/api/v1/session").status, 200);
  EXPECT_EQ(test.as_own("DELETE", "/api/v1/users/ada").status, 204);
  EXPECT_EQ(test.with_token(ada, "GET", "/api/v1/session").status, 401);
  EXPECT_EQ(test.world.records("token")->size(), 1U);  // the code of the first start
}

TEST(SignIn, TheUnixSocketSaysWhoAsks) {
  ApiUnderTest test;
  test.as_own("PUT", "/api/v1/users/ada", R"({"account":1001})");
  auto request = ApiUnderTest::request("GET", "/api/v1/session");
  request.peer_account = 1001;
  const auto ada = test.handlers.on_request(request);
  EXPECT_TRUE(has(ada.body, R"("user":"ada","account":1001,"roles":[])")) << ada.body;
  request.peer_account = 0;
  EXPECT_TRUE(has(test.handlers.on_request(request).body, "administrator"));
  request.peer_account = 1002;
  const auto unknown = test.handlers.on_request(request);
  EXPECT_EQ(unknown.status, 401);
  EXPECT_TRUE(has(unknown.body, "no user is bound to the Unix account")) << unknown.body;
  request.peer_account.reset();
  EXPECT_EQ(test.handlers.on_request(request).status, 401);
  EXPECT_EQ(test.as_own("PUT", "/api/v1/users/bob", R"({"account":1001})").status, 409);
}

TEST(SignIn, ACookieThatAnotherSiteSendsChangesNothing) {
  ApiUnderTest test;
  const std::string token = test.user("ada", "researcher", "vision");
  auto request = ApiUnderTest::request("POST", "/api/v1/workloads", kWorkload);
  request.headers = {{"cookie", "theme=dark; fairlead_session=" + token},
                     {"host", "pool:7070"},
                     {"origin", "http://evil.example"}};
  EXPECT_EQ(test.handlers.on_request(request).status, 403);
  request.headers.back().second = "http://pool:7070";
  EXPECT_EQ(test.handlers.on_request(request).status, 201);
  request.headers.emplace_back("sec-fetch-site", "cross-site");
  EXPECT_EQ(test.handlers.on_request(request).status, 403);
}

TEST(SignIn, WhatIsDoneAboutAccessIsLogged) {
  ApiUnderTest test;
  test.user("ada", "viewer", "vision");
  const std::string log = test.as_own("GET", "/api/v1/audit").body;
  for (const char* action : {"create-user", "create-access-rule", "create-sign-in-code", "sign-in"}) {
    EXPECT_TRUE(has(log, action)) << log;
  }
  EXPECT_LT(log.find("sign-in"), log.find("create-user")) << "newest first";
}

TEST(SignIn, APasswordChangeEndsOtherSessions) {
  ApiUnderTest test;
  test.as_own("PUT", "/api/v1/users/ada", R"({"password":"correct horse"})");
  const std::string one = test.user("ada", "viewer", "vision");
  const std::string other = test.user("ada", "", "");
  EXPECT_EQ(
      test.with_token(one, "PUT", "/api/v1/password", R"({"current":"wrong","new":"battery staple"})").status,
      403);
  EXPECT_EQ(
      test.with_token(one, "PUT", "/api/v1/password", R"({"current":"correct horse","new":"battery staple"})")
          .status,
      204);
  EXPECT_EQ(test.with_token(one, "GET", "/api/v1/session").status, 200);
  EXPECT_EQ(test.with_token(other, "GET", "/api/v1/session").status, 401);
}

}  // namespace
}  // namespace fairlead::server
