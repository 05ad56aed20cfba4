// What a server does with clients that send what they should not, or too much, or too slowly.
#include "net/http_server.h"
#include "net/peer_table.h"
#include "net/raw_client_test.h"
#include "net/server_fixture_test.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace fairlead::net {
namespace {

using namespace std::string_literals;

struct BadRequest {
  std::string bytes;
  const char* status;
  const char* why;
};

TEST(Limits, RefuseWhatTwoServersCouldReadDifferently) {
  std::atomic<int> handled = 0;
  HttpServerOptions options;
  options.max_header_bytes = 2048;
  options.max_body_bytes = 100;
  const auto server = start(options, [&handled](const HttpRequest&) {
    ++handled;
    return HttpResponse{};
  });
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  const BadRequest cases[] = {
      {"POST /" + host +
           "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
       "400", "both lengths"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400",
       "both lengths"},
      {"POST /" + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400", "a length twice"},
      {"POST /" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400", "two lengths"},
      {"POST /" + host + "Content-Length: 3, 3\r\n\r\nabc", "400", "a list of lengths"},
      {"POST /" + host + "Content-Length: +3\r\n\r\nabc", "400", "a sign"},
      {"POST /" + host + "Content-Length: 0x3\r\n\r\nabc", "400", "hexadecimal"},
      {"POST /" + host + "Content-Length: -1\r\n\r\n", "400", "negative"},
      {"POST /" + host + "Content-Length: 99999999999999999999\r\n\r\n", "400", "overflow"},
      {"POST /" + host + "Content-Length : 3\r\n\r\nabc", "400", "a blank before the colon"},
      {"POST /" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", "501", "another coding"},
      {"POST /" + host + "Transfer-Encoding: identity\r\n\r\n", "501", "another coding"},
      {"POST /" + host + "Transfer-Encoding: xchunked\r\n\r\n", "501", "another coding"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400",
       "a coding twice"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400", "chunks in HTTP/1.0"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400", "a chunk without size"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", "400",
       "a chunk that is longer"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "400",
       "a chunk's size overflows"},
      {"GET / HTTP/1.1\r\n\r\n", "400", "no host"},
      {"GET /" + host + "Host: i\r\n\r\n", "400", "two hosts"},
      {"GET /" + host + "X: a\0b\r\n\r\n"s, "400", "NUL"},
      {"GET /" + host + "X\x01: a\r\n\r\n", "400", "a control character in a name"},
      {"GET /a b" + host + "\r\n", "505", "a blank in the target"},
      {"GET /%00" + host + "\r\n", "400", "NUL in the path"},
      {"GET /a/%2e%2e/b" + host + "\r\n", "400", "parent folder"},
      {"GET /%c0%af" + host + "\r\n", "400", "overlong form"},
      {"GET ../x" + host + "\r\n", "400", "no absolute path"},
      {"CONNECT h:1" + host + "\r\n", "400", "another kind of target"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505", "another version"},
      {"\x16\x03\x01\x02\x01\x01\x00\x01"s + std::string(2100, 'x'), "4", "TLS"},
      {"GET /" + host + "X: " + std::string(3000, 'x') + "\r\n\r\n", "431", "a long head"},
      {"GET /" + std::string(3000, 'x') + host + "\r\n", "431", "a long target"},
      {"POST /" + host + "Content-Length: 101\r\n\r\n", "413", "a long body"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\n\r\n65\r\n", "413", "a long chunk"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\n\r\n40\r\n" + std::string(64, 'x') + "\r\n40\r\n",
       "413", "long chunks"},
      {"POST /" + host + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(3000, 'x'), "431",
       "an endless chunk line"},
      {"POST /" + host + "Expect: miracles\r\nContent-Length: 1\r\n\r\nx", "417", "another expectation"},
  };
  for (const BadRequest& bad : cases) {
    RawClient client(server->port());
    client.send(bad.bytes);
    const std::string answer = client.read_answer();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 "s + bad.status)) << bad.why << ": " << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), answer.npos) << bad.why << ": " << answer;
    client.shutdown_write();
    EXPECT_EQ(client.read_all(), "") << bad.why;  // whatever came behind is no request
  }
  EXPECT_EQ(handled, 0);
}

TEST(Limits, KeepWhatAHandlerSaysWithinItsField) {
  const std::pair<const char*, const char*> fields[] = {{"X-A", "a\r\nSet-Cookie: x=1"},
                                                        {"X-A", "a\nb"},
                                                        {"X A", "b"},
                                                        {"X-A:", "b"},
                                                        {"", "b"},
                                                        {"X\r\nY", "b"}};
  for (const auto& [name, value] : fields) {
    const auto server = start({}, [&](const HttpRequest&) {
      HttpResponse response;
      response.headers = {{name, value}};
      return response;
    });
    RawClient client(server->port());
    const std::string answer = client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(answer.find("Set-Cookie"), answer.npos) << answer;
  }
  // The length is the server's to say.
  const auto server = start({}, [](const HttpRequest&) {
    HttpResponse response = plain_text("abc");
    response.headers = {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}, {"Connection", "close"}};
    return response;
  });
  RawClient client(server->port());
  const std::string answer = client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(answer.find("Content-Length: 3\r\n"), answer.npos) << answer;
  EXPECT_EQ(answer.find("chunked"), answer.npos) << answer;
}

TEST(Limits, EndAHeadThatComesTooSlowly) {
  HttpServerOptions options;
  options.header_timeout = base::Duration::milliseconds(30);
  const auto server = start(options, echo);
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n");
  while (client.send("X: y\r\n") && !client.wait_for("408", 5)) {
  }
  EXPECT_TRUE(client.wait_for("HTTP/1.1 408 "));
  client.shutdown_write();
  EXPECT_TRUE(client.wait_for_end());
}

TEST(Limits, EndABodyThatComesTooSlowly) {
  HttpServerOptions options;
  options.body_timeout = base::Duration::milliseconds(30);
  const auto server = start(options, echo);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(client.wait_for("HTTP/1.1 408 "));
}

TEST(Limits, CloseAConnectionThatIsNotUsed) {
  HttpServerOptions options;
  options.idle_timeout = base::Duration::milliseconds(30);
  const auto server = start(options, echo);
  RawClient fresh(server->port());
  EXPECT_EQ(fresh.read_all(), "");
  RawClient used(server->port());
  used.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(used.read_all(), "");
}

TEST(Limits, CloseAStreamWhoseReaderStopsReading) {
  Streams streams;
  HttpServerOptions options;
  options.write_timeout = base::Duration::milliseconds(50);
  options.max_waiting_bytes = 1024;
  const auto server = start(options, std::ref(streams));
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = streams.wait_for(1).at(0);
  Signal closed;
  stream->on_closed([&closed] { closed.give(); });
  const std::string block(64 * 1024, 'x');
  while (!stream->closed()) stream->write(block);
  EXPECT_TRUE(closed.wait());
}

TEST(Limits, LetAClientReadTheRefusalOfALongBody) {
  HttpServerOptions options;
  options.max_body_bytes = 10;
  const auto server = start(options, echo);
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  client.send(std::string(1'000'000, 'x'));  // without looking at the answer before
  EXPECT_TRUE(client.read_answer().starts_with("HTTP/1.1 413 "));
}

TEST(Limits, CountConnectionsAndForgetThoseThatEnded) {
  HttpServerOptions options;
  options.max_connections_per_peer = 2;
  const auto server = start(options, echo);
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  RawClient first(server->port());
  EXPECT_FALSE(first.ask(request).empty());
  {
    RawClient second(server->port());
    EXPECT_FALSE(second.ask(request).empty());
    RawClient third(server->port());
    EXPECT_TRUE(third.wait_for_end());
  }
  std::string answer;
  while (answer.empty()) {  // until the server noticed that the second is gone
    RawClient next(server->port());
    answer = next.ask(request);
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
}

TEST(Limits, SlowDownAPeerThatAsksTooMuch) {
  HttpServerOptions options;
  options.requests_per_second = 0.001;
  options.request_burst = 2;
  const auto server = start(options, echo);
  RawClient client(server->port());
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  EXPECT_TRUE(client.ask(request).starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(client.ask(request).starts_with("HTTP/1.1 200 "));
  RawClient other(server->port());  // of the same peer
  const std::string refused = other.ask(request);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 429 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: "), refused.npos) << refused;
  EXPECT_TRUE(other.ask(request).starts_with("HTTP/1.1 429 "));  // the connection goes on
}

TEST(Limits, RefuseWhatTooFewThreadsCanHandle) {
  Signal entered;
  Signal leave;
  HttpServerOptions options;
  options.handler_threads = 1;
  options.max_waiting_requests = 1;
  const auto server = start(options, [&](const HttpRequest&) {
    entered.give();
    leave.wait();
    return plain_text("done");
  });
  const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  RawClient first(server->port());
  first.send(request);
  entered.wait();
  RawClient second(server->port());
  second.send(request);
  RawClient third(server->port());
  third.send(request);
  // One of the two waits for the thread; the other is told.
  pollfd both[] = {{second.descriptor(), POLLIN, 0}, {third.descriptor(), POLLIN, 0}};
  ASSERT_EQ(::poll(both, 2, RawClient::kPatienceMilliseconds), 1);
  RawClient& told = both[0].revents != 0 ? second : third;
  const std::string busy = told.read_answer();
  EXPECT_TRUE(busy.starts_with("HTTP/1.1 503 ")) << busy;
  EXPECT_NE(busy.find("Retry-After: 1\r\n"), busy.npos) << busy;
  leave.give();
  EXPECT_TRUE(first.read_answer().ends_with("done"));
}

TEST(PeerTable, RefillsAPeersRequestsWithTime) {
  PeerTable table({10, 10, 2, 3});
  const PeerTable::Time start{};
  ASSERT_TRUE(table.enter("a"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(table.ask("a", start));
  EXPECT_EQ(table.ask("a", start), std::chrono::seconds(1));
  EXPECT_FALSE(table.ask("b", start));  // others are not meant
  EXPECT_FALSE(table.ask("a", start + std::chrono::milliseconds(500)));
  EXPECT_TRUE(table.ask("a", start + std::chrono::milliseconds(600)));
  table.leave("a", start + std::chrono::milliseconds(600));
  ASSERT_TRUE(table.enter("a"));  // to come again does not help
  EXPECT_TRUE(table.ask("a", start + std::chrono::milliseconds(600)));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(table.ask("a", start + std::chrono::seconds(60)));
  EXPECT_TRUE(table.ask("a", start + std::chrono::seconds(60)));
}

}  // namespace
}  // namespace fairlead::net
