#include "net/http_client.h"
#include "net/http_server.h"
#include "net/raw_client_test.h"
#include "net/server_fixture_test.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace fairlead::net {
namespace {

struct Done {
  int status = -1;
  std::uint64_t bytes = 0;
};

// A proxy whose decisions the test makes.
class Proxy {
 public:
  using Decide = std::function<std::optional<ProxyTarget>(const HttpRequest&)>;

  explicit Proxy(Decide decide, HttpServerOptions options = {}) {
    options.proxy_prefixes = {"/serve/"};
    HttpHandlers handlers;
    handlers.on_request = echo;
    handlers.on_proxy = [this, decide = std::move(decide)](const HttpRequest& request, std::function<bool()>,
                                                           std::function<void(ProxyTarget)> answer,
                                                           std::function<void(ProxyRefusal)> refuse) {
      auto target = decide(request);
      if (!target) return refuse({problem_text()});
      target->on_done = [this](int status, std::uint64_t bytes, base::Duration) {
        const std::lock_guard lock(mutex_);
        done_.push_back({status, bytes});
        changed_.notify_all();
      };
      answer(*std::move(target));
    };
    auto server = HttpServer::start(std::move(options), std::move(handlers));
    if (server) server_ = *std::move(server);
  }

  static HttpResponse problem_text() {
    HttpResponse response = plain_text("no replica");
    response.status = 503;
    return response;
  }
  std::uint16_t port() const { return server_->port(); }
  std::vector<Done> wait_for_done(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return done_.size() >= count; });
    return done_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Done> done_;
  std::unique_ptr<HttpServer> server_;  // the last: its threads use the rest
};

ProxyTarget to(std::uint16_t port, const HttpRequest& request) {
  ProxyTarget target;
  target.port = port;
  target.path = request.target.substr(6);
  return target;
}

TEST(Proxy, PassesRequestAndAnswerWithTheirHeaders) {
  std::mutex mutex;
  HttpRequest seen;
  const auto service = start({}, [&](const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    seen = request;
    HttpResponse response = plain_text("answer to " + request.body);
    response.status = 201;
    response.headers = {{"X-Own", "1"}, {"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}};
    return response;
  });
  Proxy proxy([&](const HttpRequest& request) {
    ProxyTarget target = to(service->port(), request);
    target.headers = {{"X-Fairlead-User", "ada"}};
    target.removed_headers = {"authorization"};
    target.removed_cookies = {"session"};
    return target;
  });
  RawClient client(proxy.port());
  const std::string answer = client.ask(
      "POST /serve/team/m?x=1 HTTP/1.1\r\nHost: pool:7070\r\nAuthorization: secret\r\nX-Fairlead-User: "
      "root\r\n"
      "Cookie: a=1; session=secret; b=2\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: keep-alive, "
      "X-Hop\r\nX-Hop: 1\r\n"
      "TE: trailers\r\nKeep-Alive: 5\r\nX-Other: 2\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 201 Created\r\n")) << answer;
  EXPECT_NE(answer.find("set-cookie: a=1\r\nset-cookie: b=2\r\n"), answer.npos) << answer;
  EXPECT_NE(answer.find("x-own: 1\r\n"), answer.npos) << answer;
  EXPECT_TRUE(answer.ends_with("answer to hello")) << answer;
  EXPECT_EQ(proxy.wait_for_done(1).at(0).status, 201);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(seen.target, "/team/m?x=1");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_EQ(seen.header("host"), "pool:7070");
  EXPECT_EQ(seen.header("x-fairlead-user"), "ada");
  EXPECT_EQ(seen.header("cookie"), "a=1; b=2");
  EXPECT_EQ(seen.header("x-forwarded-for"), "127.0.0.1");
  EXPECT_EQ(seen.header("x-forwarded-proto"), "http");
  EXPECT_EQ(seen.header("x-forwarded-host"), "pool:7070");
  EXPECT_EQ(seen.header("x-other"), "2");
  for (const char* gone : {"authorization", "x-hop", "te", "keep-alive"})
    EXPECT_EQ(seen.header(gone), "") << gone;
}

TEST(Proxy, KeepsBothConnections) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
  RawClient client(proxy.port());
  client.send("GET /serve/1 HTTP/1.1\r\nHost: h\r\n\r\n");
  RawClient upstream = service.accept();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(upstream.wait_for("\r\n\r\n"));
    EXPECT_TRUE(upstream.take().starts_with("GET /1 HTTP/1.1\r\n"));
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_TRUE(client.read_answer().ends_with("x"));
    client.send("GET /serve/1 HTTP/1.1\r\nHost: h\r\n\r\n");
  }
}

TEST(Proxy, AsksAgainWhenATargetAnswersNothing) {
  const auto service = start({}, echo);
  std::uint16_t dead = 0;
  {
    dead = RawServer().port();
  }
  std::mutex mutex;
  std::vector<int> attempts;
  Proxy proxy([&](const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    attempts.push_back(request.proxy_attempt);
    return to(request.proxy_attempt == 1 ? dead : service->port(), request);
  });
  RawClient client(proxy.port());
  // Nothing was sent to the first target, so that even this can be repeated.
  const std::string answer = client.ask("POST /serve/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_TRUE(answer.ends_with("POST /x ab")) << answer;
  const auto done = proxy.wait_for_done(2);
  EXPECT_EQ(done.at(0).status, 0);
  EXPECT_EQ(done.at(1).status, 200);
  EXPECT_EQ(done.at(1).bytes, 10U);
  const std::lock_guard lock(mutex);
  EXPECT_EQ(attempts, (std::vector<int>{1, 2}));
}

TEST(Proxy, GivesUpAfterSomeTargets) {
  std::uint16_t dead = 0;
  {
    dead = RawServer().port();
  }
  HttpServerOptions options;
  options.max_proxy_attempts = 3;
  Proxy proxy([&](const HttpRequest& request) { return to(dead, request); }, options);
  RawClient client(proxy.port());
  EXPECT_TRUE(client.ask("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 502 "));
  EXPECT_EQ(proxy.wait_for_done(3).size(), 3U);
}

TEST(Proxy, RepeatsNothingThatTheServiceMayHaveDone) {
  struct Case {
    const char* request;
    bool repeatable;
    const char* status;
  };
  const Case cases[] = {
      {"POST /serve/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", false, "HTTP/1.1 502 "},
      {"POST /serve/x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", true, "HTTP/1.1 200 "},
      {"GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n", false, "HTTP/1.1 200 "},
      {"PUT /serve/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab", false, "HTTP/1.1 502 "},
  };
  const auto service = start({}, echo);
  for (const Case& each : cases) {
    RawServer breaking;
    Proxy proxy([&](const HttpRequest& request) {
      ProxyTarget target = to(request.proxy_attempt == 1 ? breaking.port() : service->port(), request);
      target.repeatable = each.repeatable;
      return target;
    });
    RawClient client(proxy.port());
    client.send(each.request);
    {
      RawClient upstream = breaking.accept();
      upstream.wait_for(std::string_view(each.request).ends_with("ab") ? "ab" : "\r\n\r\n");
    }
    EXPECT_TRUE(client.read_answer().starts_with(each.status)) << each.request << each.repeatable;
  }
}

TEST(Proxy, NoticesThatAKeptConnectionWasClosed) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
  RawClient client(proxy.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /serve/1 HTTP/1.1\r\nHost: h\r\n\r\n");
    RawClient upstream = service.accept();
    ASSERT_TRUE(upstream.wait_for("\r\n\r\n"));
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_TRUE(client.read_answer().ends_with("x"));
  }
}

TEST(Proxy, StreamsAnAnswerAsItComes) {
  Streams streams;
  const auto service = start({}, std::ref(streams));
  Proxy proxy([&](const HttpRequest& request) { return to(service->port(), request); });
  RawClient client(proxy.port());
  client.send("GET /serve/events HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = streams.wait_for(1).at(0);
  stream->write("data: 1\n\n");
  EXPECT_TRUE(client.wait_for("9\r\ndata: 1\n\n\r\n"));
  stream->write("data: 2\n\n");
  EXPECT_TRUE(client.wait_for("9\r\ndata: 2\n\n\r\n"));
  Signal closed;
  stream->on_closed([&closed] { closed.give(); });
  client.reset();  // which reaches the service
  EXPECT_TRUE(closed.wait());
  const auto done = proxy.wait_for_done(1);
  EXPECT_EQ(done.at(0).status, 200);
  EXPECT_EQ(done.at(0).bytes, 18U);
}

TEST(Proxy, CutsTheClientOffWhenTheAnswerIsCutOff) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
  RawClient client(proxy.port());
  client.send("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n");
  {
    RawClient upstream = service.accept();
    upstream.wait_for("\r\n\r\n");
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    EXPECT_TRUE(client.wait_for("half"));
  }
  EXPECT_TRUE(client.wait_for_end());
}

TEST(Proxy, PassesAnAnswerWithoutALength) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
  for (const char* version : {"1.1", "1.0"}) {
    RawClient client(proxy.port());
    client.send(std::string("GET /serve/x HTTP/") + version + "\r\nHost: h\r\nConnection: close\r\n\r\n");
    {
      RawClient upstream = service.accept();
      upstream.wait_for("\r\n\r\n");
      upstream.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Fine\r\n\r\nuntil the end");
    }
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("until the end"), answer.npos) << answer;
    EXPECT_EQ(answer.ends_with("\r\n0\r\n\r\n"), version == std::string_view("1.1")) << answer;
  }
}

TEST(Proxy, RefusesAnAnswerThatIsNotHttp) {
  for (const char* bad :
       {"no http\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 101 Switching\r\n\r\n"}) {
    RawServer service;
    Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
    RawClient client(proxy.port());
    client.send("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n");
    RawClient upstream = service.accept();
    upstream.wait_for("\r\n\r\n");
    upstream.send(bad);
    EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 502 ")) << bad;
  }
}

TEST(Proxy, CarriesALargeBodyWithoutHoldingIt) {
  RawServer service;
  HttpServerOptions options;
  options.max_body_bytes = 1024;  // of what is for handlers
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); }, options);
  RawClient client(proxy.port());
  constexpr std::size_t kBlocks = 512;
  const std::string block(64 * 1024, 'b');
  std::thread sender([&] {
    client.send("PUT /serve/x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: " +
                std::to_string(kBlocks * block.size()) + "\r\n\r\n");
    EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
    for (std::size_t i = 0; i < kBlocks; ++i) client.send(block);
  });
  RawClient upstream = service.accept();
  ASSERT_TRUE(upstream.wait_for("\r\n\r\n"));
  std::size_t got = upstream.take_after_head().size();
  while (got < kBlocks * block.size()) {
    ASSERT_TRUE(upstream.wait_for("b"));
    got += upstream.take().size();
  }
  EXPECT_EQ(got, kBlocks * block.size());
  sender.join();
  upstream.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 204 "));
}

TEST(Proxy, PassesAnUpgradeThroughAsBytes) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
  RawClient client(proxy.port());
  client.send(
      "GET /serve/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: k\r\n\r\nearly");
  RawClient upstream = service.accept();
  ASSERT_TRUE(upstream.wait_for("\r\n\r\n"));
  const std::string head = upstream.take();
  EXPECT_NE(head.find("upgrade: websocket\r\n"), head.npos) << head;
  EXPECT_NE(head.find("sec-websocket-key: k\r\n"), head.npos) << head;
  upstream.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
  EXPECT_TRUE(client.wait_for("\r\n\r\nfirst"));
  EXPECT_TRUE(upstream.wait_for("early"));
  client.send("ping");
  EXPECT_TRUE(upstream.wait_for("ping"));
  upstream.send("pong");
  EXPECT_TRUE(client.wait_for("pong"));
  upstream.close();
  EXPECT_TRUE(client.wait_for_end());
  EXPECT_EQ(proxy.wait_for_done(1).at(0).status, 101);
}

// What a handler does with a request that it keeps for later.
struct Kept {
  std::function<bool()> closed;
  std::function<void(ProxyTarget)> answer;
  std::function<void(ProxyRefusal)> refuse;
};

class KeepingProxy {
 public:
  KeepingProxy() {
    HttpServerOptions options;
    options.proxy_prefixes = {"/serve/"};
    HttpHandlers handlers;
    handlers.on_proxy = [this](const HttpRequest&, std::function<bool()> closed,
                               std::function<void(ProxyTarget)> answer,
                               std::function<void(ProxyRefusal)> refuse) {
      kept_ = {std::move(closed), std::move(answer), std::move(refuse)};
      asked_.give();
    };
    server_ = *HttpServer::start(std::move(options), std::move(handlers));
  }
  std::uint16_t port() const { return server_->port(); }
  Kept take() {
    asked_.wait();
    return std::exchange(kept_, {});
  }
  void stop() { server_.reset(); }

 private:
  Kept kept_;
  Signal asked_;
  std::unique_ptr<HttpServer> server_;
};

TEST(Proxy, HoldsARequestUntilItIsDecided) {
  const auto service = start({}, echo);
  KeepingProxy proxy;
  RawClient client(proxy.port());
  client.send("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n");
  Kept kept = proxy.take();
  EXPECT_FALSE(kept.closed());
  ProxyTarget target;
  target.port = service->port();
  target.path = "/woken";
  std::thread([&] { kept.answer(target); }).join();
  EXPECT_TRUE(client.read_answer().ends_with("GET /woken "));
}

TEST(Proxy, TellsThatTheClientOfAHeldRequestWentAway) {
  KeepingProxy proxy;
  Kept kept;
  {
    RawClient client(proxy.port());
    client.send("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n");
    kept = proxy.take();
  }
  while (!kept.closed()) std::this_thread::yield();
  Signal done;
  ProxyTarget target;
  target.on_done = [&done](int status, std::uint64_t, base::Duration) {
    EXPECT_EQ(status, 0);
    done.give();
  };
  kept.answer(target);
  EXPECT_TRUE(done.wait());
}

TEST(Proxy, AnswersWhenNobodyCanDecideAnyMore) {
  KeepingProxy proxy;
  RawClient client(proxy.port());
  client.send("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n");
  proxy.take();
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 503 "));
}

TEST(Proxy, TakesADecisionAfterTheServerIsGone) {
  KeepingProxy proxy;
  RawClient client(proxy.port());
  client.send("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n");
  Kept kept = proxy.take();
  client.close();
  proxy.stop();
  kept.answer({});
}

TEST(Proxy, GivesUpOnAServiceThatDoesNotAnswerInTime) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) {
    ProxyTarget target = to(service.port(), request);
    target.answer_timeout = base::Duration::milliseconds(20);
    return target;
  });
  RawClient client(proxy.port());
  EXPECT_TRUE(client.ask("GET /serve/x HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 504 "));
}

TEST(Proxy, RefusesABadBodyAndPassesNothingOnAfterIt) {
  RawServer service;
  Proxy proxy([&](const HttpRequest& request) { return to(service.port(), request); });
  RawClient client(proxy.port());
  client.send("POST /serve/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n");
  RawClient upstream = service.accept();
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(upstream.wait_for_end());
  EXPECT_EQ(proxy.wait_for_done(1).at(0).status, 0);
}

TEST(Proxy, TakesHostsBelowADomainWhateverTheirPath) {
  const auto service = start({}, echo);
  HttpServerOptions options;
  options.proxy_host_suffixes = {".localhost"};
  const Proxy proxy(
      [&](const HttpRequest& request) {
        ProxyTarget target;
        target.port = service->port();
        target.path = "/service" + request.target;
        return target;
      },
      options);
  const auto ask = [&](const std::string& host) {
    RawClient client(proxy.port());
    client.send("GET /api HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    const std::string answer = client.read_all();
    return answer.substr(std::min(answer.find("\r\n\r\n") + 4, answer.size()));
  };
  for (const char* host : {"lab.localhost", "lab.localhost:7070", "LAB.LocalHost:1"})
    EXPECT_EQ(ask(host), "GET /service/api ") << host;
  for (const char* host : {"localhost", "127.0.0.1:7070", "lab.localhost.example.org", "localhost:7070", ""})
    EXPECT_EQ(ask(host), "GET /api ") << host;
}

TEST(Proxy, ChangesTheHeadOfAnAnswerAsItIsTold) {
  const auto service = start({}, [](const HttpRequest&) {
    HttpResponse response = plain_text("page");
    response.headers = {{"Set-Cookie", "own=1; Path=/"},
                        {"Set-Cookie", " planted =2"},
                        {"Content-Security-Policy", "img-src 'none'"},
                        {"Clear-Site-Data", "\"cookies\""}};
    return response;
  });
  const Proxy proxy([&](const HttpRequest& request) {
    ProxyTarget target = to(service->port(), request);
    target.added_answer_headers = {{"content-security-policy", "sandbox"}, {"x-bad", "a\r\nb: c"}};
    target.removed_answer_headers = {"clear-site-data"};
    target.removed_answer_cookies = {"planted"};
    return target;
  });
  RawClient client(proxy.port());
  client.send("GET /serve/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_NE(answer.find("own=1"), answer.npos) << answer;
  EXPECT_NE(answer.find("img-src 'none'"), answer.npos) << answer;
  EXPECT_NE(answer.find("content-security-policy: sandbox\r\n"), answer.npos) << answer;
  EXPECT_TRUE(answer.ends_with("page")) << answer;
  for (const char* gone : {"planted", "lear-", "x-bad", "b: c"})
    EXPECT_EQ(answer.find(gone), answer.npos) << gone << answer;
}

}  // namespace
}  // namespace fairlead::net
