#include "net/http_server.h"

#include "net/http_client.h"
#include "net/raw_client_test.h"
#include "net/server_fixture_test.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

namespace fairlead::net {
namespace {

using namespace std::string_literals;

TEST(HttpServer, AnswersOneRequestAfterAnotherOnOneConnection) {
  const auto server = start({}, echo);
  RawClient client(server->port());
  const std::string first = client.ask("GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(first.starts_with("HTTP/1.1 200 OK\r\n")) << first;
  EXPECT_TRUE(first.ends_with("\r\n\r\nGET /a ")) << first;
  EXPECT_NE(first.find("Connection: keep-alive"), first.npos);
  const std::string second = client.ask("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(second.ends_with("POST /b hello")) << second;
  const std::string third = client.ask(
      "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
      "1\r\n\r\n");
  EXPECT_TRUE(third.ends_with("PUT /c abcde")) << third;
  const std::string last = client.ask("GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(last.find("Connection: close"), last.npos);
  EXPECT_TRUE(client.wait_for_end());
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = start({}, echo);
  RawClient client(server->port());
  client.send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  EXPECT_TRUE(client.read_answer().ends_with("GET /1 "));
  EXPECT_TRUE(client.read_answer().ends_with("GET /2 "));
  EXPECT_TRUE(client.read_answer().ends_with("GET /3 "));
}

TEST(HttpServer, AnswersHeadWithTheLengthAndWithoutTheBody) {
  const auto server = start({}, [](const HttpRequest&) { return plain_text("12345"); });
  RawClient client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_NE(answer.find("Content-Length: 5\r\n"), answer.npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpServer, AsksForABodyThatWaitsForThat) {
  const auto server = start({}, echo);
  RawClient client(server->port());
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(client.ask("ok").ends_with("PUT / ok"));
}

TEST(HttpServer, GivesTheRequestDecoded) {
  HttpRequest seen;
  const auto server = start({}, [&seen](const HttpRequest& request) {
    seen = request;
    return HttpResponse{};
  });
  RawClient client(server->port());
  client.ask("GET http://pool:1/a%20b?n=x+y&m HTTP/1.1\r\nHost: pool:1\r\nX-Thing:  v \r\n\r\n");
  EXPECT_EQ(seen.target, "/a%20b?n=x+y&m");
  EXPECT_EQ(seen.path, "/a b");
  EXPECT_EQ(seen.query_value("n"), "x y");
  EXPECT_EQ(seen.query_value("m"), "");
  EXPECT_EQ(seen.query_value("o"), std::nullopt);
  EXPECT_EQ(seen.header("x-thing"), "v");
  EXPECT_EQ(seen.peer, "127.0.0.1");
  EXPECT_FALSE(seen.peer_account.has_value());
}

TEST(HttpServer, SaysWhoIsAtTheOtherEndOfTheUnixSocket) {
  const std::string path = ::testing::TempDir() + "net-server-" + std::to_string(::getpid()) + ".sock";
  HttpServerOptions options;
  options.unix_socket = path;
  auto server = start(options, [](const HttpRequest& request) {
    return plain_text(request.peer + " " + std::to_string(request.peer_account.value_or(~0U)));
  });
  RawClient client(path);
  ASSERT_TRUE(client.connected());
  EXPECT_TRUE(
      client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").ends_with("unix " + std::to_string(::getuid())));
  EXPECT_EQ(std::filesystem::status(path).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const auto second = HttpServer::start(options, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), base::Code::kAlreadyExists);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpServer, NamesTheProcessThatHoldsThePort) {
  const auto server = start({}, echo);
  HttpServerOptions options;
  options.port = server->port();
  const auto second = HttpServer::start(options, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), base::Code::kAlreadyExists);
  EXPECT_NE(second.error().message().find("process " + std::to_string(::getpid())), std::string::npos)
      << second.error().message();
}

TEST(HttpServer, StreamsABodyBitByBit) {
  Streams streams;
  const auto server = start({}, std::ref(streams));
  RawClient client(server->port());
  client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = streams.wait_for(1).at(0);
  EXPECT_TRUE(stream->write("one"));
  EXPECT_TRUE(client.wait_for("3\r\none\r\n"));
  EXPECT_TRUE(stream->write("twenty-two"));
  EXPECT_TRUE(client.wait_for("a\r\ntwenty-two\r\n"));
  Signal closed;
  stream->on_closed([&closed] { closed.give(); });
  stream->end();
  EXPECT_TRUE(client.wait_for("0\r\n\r\n"));
  EXPECT_TRUE(closed.wait());
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->write("late"));
  client.take();
  client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");  // the connection goes on
  EXPECT_EQ(streams.wait_for(2).size(), 2U);
}

TEST(HttpServer, TellsAStreamThatItsClientWentAway) {
  Streams streams;
  const auto server = start({}, std::ref(streams));
  RawClient client(server->port());
  client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = streams.wait_for(1).at(0);
  Signal closed;
  stream->on_closed([&closed] { closed.give(); });
  client.reset();
  EXPECT_TRUE(closed.wait());
  EXPECT_FALSE(stream->write("x"));
}

TEST(HttpServer, HoldsAWriterBackWhoseReaderIsSlow) {
  Streams streams;
  HttpServerOptions options;
  options.max_waiting_bytes = 64 * 1024;
  const auto server = start(options, std::ref(streams));
  RawClient client(server->port());
  client.send("GET /events HTTP/1.0\r\n\r\n");  // until the end of the connection, without chunks
  const auto stream = streams.wait_for(1).at(0);
  const std::string block(32 * 1024, 'x');
  std::size_t written = 0;
  while (stream->write(block)) written += block.size();  // until the socket's buffers are full, too
  EXPECT_FALSE(stream->closed());
  Signal room;
  stream->on_room([&room] { room.give(); });
  // The client reads, so room comes.
  std::string got;
  EXPECT_TRUE(client.wait_for("\r\n\r\n"));
  std::size_t read = 64 * 1024;
  ASSERT_TRUE(client.wait_for(std::string(read, 'x')));
  while (!stream->write("end")) {
    read = std::min(read + block.size(), written);
    ASSERT_TRUE(client.wait_for(std::string(read, 'x')));
  }
  EXPECT_TRUE(room.wait());
  stream->end();
  got = client.read_all();
  EXPECT_EQ(got.size() - got.find("\r\n\r\n") - 4, written + 3);
  EXPECT_TRUE(got.ends_with("xend"));
}

TEST(HttpServer, StopsWithStreamsOpen) {
  Streams streams;
  auto server = start({}, std::ref(streams));
  RawClient client(server->port());
  client.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = streams.wait_for(1).at(0);
  server.reset();
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->write("x"));
  EXPECT_TRUE(client.wait_for_end());
}

TEST(HttpServer, LetsOpenRequestsEndWhenItStops) {
  Signal entered;
  Signal leave;
  auto server = start({}, [&](const HttpRequest&) {
    entered.give();
    leave.wait();
    return plain_text("done");
  });
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  entered.wait();
  std::thread stopping([&server] { server.reset(); });
  leave.give();
  EXPECT_TRUE(client.read_answer().ends_with("done"));
  stopping.join();
}

TEST(HttpServer, AnswersAHandlerThatThrows) {
  const auto server = start({}, [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("oh"); });
  RawClient client(server->port());
  EXPECT_TRUE(client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 500 "));
}

TEST(HttpClient, SendsAndReceivesOverAKeptConnection) {
  std::vector<std::string> seen;
  const auto server = start({}, [&seen](const HttpRequest& request) {
    seen.push_back(request.method + " " + request.target + " " + std::string(request.header("x-a")) + " " +
                   request.body);
    HttpResponse response = plain_text("body");
    response.status = 201;
    response.headers = {{"ETag", "\"1\""}};
    return response;
  });
  const auto client = HttpClient::make();
  ClientRequest request;
  request.method = "POST";
  request.url = "http://127.0.0.1:" + std::to_string(server->port()) + "/x?y=1";
  request.headers = {{"X-A", "v"}};
  request.body = "hello";
  const auto response = client->send(request);
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->header("etag"), "\"1\"");
  EXPECT_EQ(response->body, "body");
  request.method = "DELETE";
  request.body.clear();
  ASSERT_TRUE(client->send(request));
  request.method = "HEAD";
  const auto head = client->send(request);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(seen, (std::vector<std::string>{"POST /x?y=1 v hello", "DELETE /x?y=1 v ", "HEAD /x?y=1 v "}));
}

TEST(HttpClient, ReadsAStreamUntilItHasEnough) {
  Streams streams;
  const auto server = start({}, std::ref(streams));
  std::string got;
  std::thread reader([&] {
    const auto client = HttpClient::make();
    ClientRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(server->port()) + "/";
    request.on_bytes = [&got](std::string_view bytes) {
      got += bytes;
      return got.size() < 6;
    };
    const auto response = client->send(request);
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->status, 200);
  });
  const auto stream = streams.wait_for(1).at(0);
  Signal closed;
  stream->on_closed([&closed] { closed.give(); });
  EXPECT_TRUE(stream->write("abc"));
  EXPECT_TRUE(stream->write("def"));
  reader.join();
  EXPECT_EQ(got, "abcdef");
  EXPECT_TRUE(closed.wait());
}

TEST(HttpClient, SaysWhatWasTriedWhenNobodyListens) {
  std::uint16_t port = 0;
  {
    port = start({}, echo)->port();
  }
  const auto client = HttpClient::make();
  ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(port) + "/api";
  const auto response = client->send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), base::Code::kUnavailable);
  EXPECT_NE(response.error().message().find("GET /api at 127.0.0.1:" + std::to_string(port)),
            std::string::npos)
      << response.error().message();
  request.url = "http://127.0.0.1/";
  request.unix_socket = "/nonexistent/socket";
  EXPECT_FALSE(client->send(request));
  request.headers = {{"X", "a\r\nb"}};
  EXPECT_EQ(client->send(request).error().code(), base::Code::kInvalidArgument);
}

}  // namespace
}  // namespace fairlead::net
