#include "api/signed_in.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

namespace fairlead::api_tests {

Client::Client(const RunningPlatform& platform)
    : server_("http://127.0.0.1:" + std::to_string(platform.port())), client_(net::HttpClient::make()) {}

net::ClientResponse Client::ask(const std::string& method, const std::string& path, const std::string& body,
                                const Headers& headers) {
  net::ClientRequest request;
  request.method = method;
  request.url = path;
  request.body = body;
  request.headers = headers;
  return send(std::move(request));
}

net::ClientResponse Client::send(net::ClientRequest request) {
  request.url = server_ + request.url;
  if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
  auto answer = client_->send(request);
  return answer ? std::move(*answer) : net::ClientResponse();
}

std::string code_for(RunningPlatform& platform, const std::string& user) {
  return RunningPlatform::member(platform.ask("POST", "/api/v1/users/" + user + "/code").body, "code");
}

Client signed_in(RunningPlatform& platform, const std::string& user, const std::string& role,
                 const std::string& queue) {
  if (platform.ask("GET", "/api/v1/users/" + user).status == 404) {
    // A platform of root's runs work only for who has an account of their own; any number serves.
    const std::string users = platform.ask("GET", "/api/v1/users").body;
    const auto count = std::count(users.begin(), users.end(), '{');
    const std::string account =
        geteuid() == 0 ? R"({"account":)" + std::to_string(64'000 + count) + "}" : "{}";
    const auto made = platform.ask("PUT", "/api/v1/users/" + user, account);
    EXPECT_EQ(made.status, 201) << made.body;
  }
  if (!role.empty()) {
    const auto granted =
        platform.ask("POST", "/api/v1/access-rules",
                     R"({"user":")" + user + R"(","role":")" + role + R"(","queue":")" + queue + "\"}");
    EXPECT_EQ(granted.status, 201) << granted.body;
  }
  Client client(platform);
  const auto session =
      client.ask("POST", "/api/v1/session", R"({"code":")" + code_for(platform, user) + "\"}");
  EXPECT_EQ(session.status, 201) << session.body;
  client.use_token(RunningPlatform::member(session.body, "token"));
  return client;
}

void make_queues(RunningPlatform& platform) {
  const std::pair<const char*, const char*> queues[] = {{"research", ""},
                                                        {"products", ""},
                                                        {"vision", "research"},
                                                        {"speech", "research"},
                                                        {"search", "products"}};
  for (const auto& [name, parent] : queues) {
    const auto made = platform.ask("POST", "/api/v1/queues",
                                   std::string(R"({"name":")") + name + R"(","parent":")" + parent + "\"}");
    ASSERT_EQ(made.status, 201) << made.body;
  }
}

std::string sleeper(const std::string& project, const std::string& name) {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"project":")" + project +
         R"(","command":["sleep","1000"],"devices":{"count":4}}})";
}

}  // namespace fairlead::api_tests
