#include "net/http_client.h"
#include "net/http_server.h"
#include "net/raw_client_test.h"
#include "net/server_fixture_test.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace fairlead::net {
namespace {

// What came over a WebSocket, for the test to wait for.
class Inbox {
 public:
  void put(std::string text) {
    const std::lock_guard lock(mutex_);
    all_ += text;
    changed_.notify_all();
  }
  bool wait_for(std::string_view text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return all_.find(text) != all_.npos; });
  }
  bool wait_for_size(std::size_t size) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return all_.size() >= size; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string all_;
};

class EchoServer {
 public:
  explicit EchoServer(HttpServerOptions options = {}) {
    HttpHandlers handlers;
    handlers.on_request = echo;
    handlers.on_web_socket = [this](const HttpRequest& request,
                                    std::shared_ptr<WebSocket> socket) -> base::Result<WebSocketHandler> {
      if (request.path == "/forbidden") return base::Error(base::Code::kPermissionDenied, "not yours");
      socket->send("hello " + std::string(request.header("x-name")), false);
      WebSocketHandler handler;
      handler.on_message = [socket](std::string_view bytes, bool binary) {
        if (bytes == "bye") return socket->close(1000, "as you wish");
        EXPECT_TRUE(socket->send(bytes, binary));
      };
      handler.on_close = [this] { closed_.give(); };
      return handler;
    };
    auto server = HttpServer::start(std::move(options), std::move(handlers));
    EXPECT_TRUE(server) << server.error().message();
    server_ = *std::move(server);
  }
  ClientRequest request(const std::string& path, const std::string& scheme = "ws") const {
    ClientRequest request;
    request.url = scheme + "://127.0.0.1:" + std::to_string(server_->port()) + path;
    request.headers = {{"X-Name", "ada"}};
    return request;
  }
  std::uint16_t port() const { return server_->port(); }
  bool wait_for_close() { return closed_.wait(); }
  void stop() { server_.reset(); }

 private:
  Signal closed_;
  std::unique_ptr<HttpServer> server_;
};

ClientWebSocket::Callbacks into(Inbox& inbox) {
  return {[&inbox](std::string_view bytes, bool binary) {
            inbox.put(std::string(binary ? "[b]" : "[t]") + std::string(bytes));
          },
          [&inbox](std::uint16_t code, std::string_view reason) {
            inbox.put("[closed " + std::to_string(code) + " " + std::string(reason) + "]");
          }};
}

TEST(WebSocket, CarriesMessagesBothWays) {
  EchoServer server;
  Inbox inbox;
  auto socket = ClientWebSocket::connect(server.request("/exec"), into(inbox));
  ASSERT_TRUE(socket) << socket.error().message();
  EXPECT_TRUE(inbox.wait_for("[t]hello ada"));
  EXPECT_TRUE((*socket)->send("one", false));
  EXPECT_TRUE(inbox.wait_for("[t]one"));
  EXPECT_TRUE((*socket)->send(std::string("\0\xff", 2), true));
  EXPECT_TRUE(inbox.wait_for(std::string("[b]\0\xff", 5)));
  EXPECT_TRUE((*socket)->send("bye", false));
  EXPECT_TRUE(inbox.wait_for("[closed 1000"));
  EXPECT_TRUE(server.wait_for_close());
  EXPECT_FALSE((*socket)->send("late", false));
}

TEST(WebSocket, TellsTheServerThatTheClientClosed) {
  for (const bool politely : {true, false}) {
    EchoServer server;
    Inbox inbox;
    auto socket = ClientWebSocket::connect(server.request("/exec"), into(inbox));
    ASSERT_TRUE(socket) << socket.error().message();
    if (politely) {
      (*socket)->close();
      EXPECT_TRUE(inbox.wait_for("[closed 1000"));
    } else {
      socket->reset();
    }
    EXPECT_TRUE(server.wait_for_close());
  }
}

TEST(WebSocket, SaysWhyItIsRefused) {
  EchoServer server;
  const auto refused = ClientWebSocket::connect(server.request("/forbidden"), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), base::Code::kPermissionDenied);
  EXPECT_NE(refused.error().message().find("not yours"), std::string::npos) << refused.error().message();
  std::uint16_t dead = 0;
  {
    dead = RawServer().port();
  }
  ClientRequest request;
  request.url = "ws://127.0.0.1:" + std::to_string(dead) + "/";
  EXPECT_EQ(ClientWebSocket::connect(request, {}).error().code(), base::Code::kUnavailable);
}

TEST(WebSocket, RefusesPagesOfOtherOrigins) {
  EchoServer server;
  ClientRequest request = server.request("/exec");
  request.headers.emplace_back("Origin", "https://evil.example");
  const auto refused = ClientWebSocket::connect(request, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), base::Code::kPermissionDenied);
  request.headers.back().second = "http://127.0.0.1:" + std::to_string(server.port());
  EXPECT_TRUE(ClientWebSocket::connect(request, {}));
}

TEST(WebSocket, WaitsForRoomInsteadOfHoldingEverything) {
  // The client waits; the server, which echoes without waiting, has room for all however slowly it is read.
  HttpServerOptions options;
  options.max_waiting_bytes = 64 * 1024 * 1024;
  EchoServer server(std::move(options));
  Inbox inbox;
  auto socket = ClientWebSocket::connect(server.request("/exec"), into(inbox));
  ASSERT_TRUE(socket) << socket.error().message();
  const std::string block(256 * 1024, 'x');
  for (int i = 0; i < 40; ++i) ASSERT_TRUE((*socket)->send(block, true));
  EXPECT_TRUE(inbox.wait_for_size(40 * block.size()));
}

TEST(WebSocket, RefusesAMessageThatIsTooLong) {
  HttpServerOptions options;
  options.max_message_bytes = 1000;
  EchoServer server(options);
  Inbox inbox;
  auto socket = ClientWebSocket::connect(server.request("/exec"), into(inbox));
  ASSERT_TRUE(socket) << socket.error().message();
  (*socket)->send(std::string(2000, 'x'), true);
  EXPECT_TRUE(inbox.wait_for("[closed 1009"));
}

TEST(WebSocket, IsReachedThroughTheProxy) {
  EchoServer service;
  HttpServerOptions options;
  options.proxy_prefixes = {"/serve/"};
  HttpHandlers handlers;
  handlers.on_proxy = [&](const HttpRequest& request, std::function<bool()>,
                          std::function<void(ProxyTarget)> answer, std::function<void(ProxyRefusal)>) {
    ProxyTarget target;
    target.port = service.port();
    target.path = request.target;
    answer(target);
  };
  const auto proxy = *HttpServer::start(options, handlers);
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(proxy->port()) + "/serve/x";
  Inbox inbox;
  auto socket = ClientWebSocket::connect(request, into(inbox));
  ASSERT_TRUE(socket) << socket.error().message();
  EXPECT_TRUE(inbox.wait_for("[t]hello "));
  (*socket)->send("through", false);
  EXPECT_TRUE(inbox.wait_for("[t]through"));
  (*socket)->send("bye", false);
  EXPECT_TRUE(inbox.wait_for("[closed 1000"));
}

TEST(WebSocket, IsToldThatTheServerStops) {
  EchoServer server;
  Inbox inbox;
  auto socket = ClientWebSocket::connect(server.request("/exec"), into(inbox));
  ASSERT_TRUE(socket) << socket.error().message();
  server.stop();
  EXPECT_TRUE(inbox.wait_for("[closed 1001"));
}

// A certificate of its own for 127.0.0.1, made by the openssl command.
class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "net-tls-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=fairlead -addext subjectAltName=IP:127.0.0.1 -keyout " +
        key() + " -out " + certificate() + " 2>/dev/null";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "the openssl command is not installed";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string key() const { return folder_ + "/key.pem"; }
  std::string certificate() const { return folder_ + "/certificate.pem"; }
  HttpServerOptions options() const {
    HttpServerOptions options;
    options.certificate_file = certificate();
    options.key_file = key();
    return options;
  }

 private:
  std::string folder_;
};

TEST_F(Tls, ServesRequestsAndWebSockets) {
  EchoServer server(options());
  const auto client = HttpClient::make();
  ClientRequest request = server.request("/x", "https");
  const auto untrusted = client->send(request);
  EXPECT_FALSE(untrusted);
  EXPECT_FALSE(ClientWebSocket::connect(server.request("/exec", "wss"), {}));
  request.authority_file = certificate();
  for (int i = 0; i < 3; ++i) {
    const auto response = client->send(request);
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->body, "GET /x ");
  }
  ClientRequest wss = server.request("/exec", "wss");
  wss.authority_file = certificate();
  Inbox inbox;
  auto socket = ClientWebSocket::connect(wss, into(inbox));
  ASSERT_TRUE(socket) << socket.error().message();
  EXPECT_TRUE(inbox.wait_for("[t]hello ada"));
  const std::string block(300'000, 'y');
  EXPECT_TRUE((*socket)->send(block, true));
  EXPECT_TRUE(inbox.wait_for(block));
  // Who does not speak TLS gets nothing.
  RawClient plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(plain.wait_for_end());
}

TEST_F(Tls, NamesTheFileThatIsWrong) {
  HttpServerOptions wrong = options();
  wrong.key_file = "/nonexistent/key.pem";
  const auto missing = HttpServer::start(wrong, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), base::Code::kNotFound);
  EXPECT_NE(missing.error().message().find("/nonexistent/key.pem"), std::string::npos);
  wrong = options();
  wrong.certificate_file = key();
  EXPECT_EQ(HttpServer::start(wrong, {}).error().code(), base::Code::kInvalidArgument);
  wrong = options();
  wrong.key_file.clear();
  EXPECT_EQ(HttpServer::start(wrong, {}).error().code(), base::Code::kInvalidArgument);
}

TEST(WebSocket, ReadsTheNextMessageWhenItIsAskedTo) {
  std::mutex mutex;
  std::function<void()> next;
  Inbox got;
  HttpHandlers handlers;
  handlers.on_request = echo;
  handlers.on_web_socket = [&](const HttpRequest&,
                               std::shared_ptr<WebSocket>) -> base::Result<WebSocketHandler> {
    WebSocketHandler handler;
    handler.on_message_then = [&](std::string_view bytes, bool, std::function<void()> then) {
      {
        const std::lock_guard lock(mutex);
        next = std::move(then);
      }
      got.put(std::string(bytes));
    };
    return handler;
  };
  auto server = HttpServer::start({}, std::move(handlers));
  ASSERT_TRUE(server) << server.error().message();
  ClientRequest request;
  request.url = "ws://127.0.0.1:" + std::to_string((*server)->port()) + "/";
  auto socket = ClientWebSocket::connect(request, {});
  ASSERT_TRUE(socket) << socket.error().message();
  const auto go_on = [&] {
    std::function<void()> then;
    {
      const std::lock_guard lock(mutex);
      then = std::exchange(next, nullptr);
    }
    ASSERT_TRUE(then);
    then();
  };
  for (const char* text : {"one", "two", "three"}) EXPECT_TRUE((*socket)->send(text, true));
  ASSERT_TRUE(got.wait_for("one"));
  {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(next) << "nothing more was read";
  }
  go_on();
  ASSERT_TRUE(got.wait_for("onetwo"));
  go_on();
  ASSERT_TRUE(got.wait_for("onetwothree"));
}

}  // namespace
}  // namespace fairlead::net
