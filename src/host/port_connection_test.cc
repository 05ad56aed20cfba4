#include "host/port_connection.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

namespace fairlead::host {
namespace {

constexpr const char* kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 4711 1 0 100 0 0 10 "
    "0\n"
    "   1: 00000000:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 4712 1 0 100 0 0 10 "
    "0\n"
    "   2: 0500000A:22B8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 4713 1 0 100 0 0 10 "
    "0\n"
    "   3: 0100007F:22B8 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0 0 4714 1 0 20 4 30 10 "
    "-1\n"
    "   4: 0100007F:22B9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 4715 1 0 100 0 0 10 "
    "0\n"
    "   5: nonsense\n"
    "   6: 0100007F:XXXX 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 4716 1 0 100 0 0 10 "
    "0";

TEST(PortConnection, ListenersAreThoseThatTheLoopbackReaches) {
  const std::vector<Listener> expected = {{8888, false, 4711}, {8888, false, 4712}};
  EXPECT_EQ(listeners_in(kTable, false, 8888), expected);
  EXPECT_TRUE(listeners_in(kTable, false, 1).empty());
  EXPECT_TRUE(listeners_in("", false, 8888).empty());
  const std::string ipv6 =
      "   0: 00000000000000000000000001000000:22B8 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 "
      "1\n";
  EXPECT_EQ(listeners_in(ipv6, true, 8888), (std::vector<Listener>{{8888, true, 7}}));
}

// A listener of this process.
struct Server {
  Server() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    listen(socket, 4);
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  ~Server() { close(socket); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  int socket;
  std::uint16_t port = 0;
};

std::string read_some(int descriptor, std::size_t count) {
  std::string text(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const ssize_t piece = read(descriptor, text.data() + got, count - got);
    if (piece <= 0) break;
    got += static_cast<std::size_t>(piece);
  }
  text.resize(got);
  return text;
}

TEST(PortConnection, IsFoundByTheProcessThatListens) {
  const Server server;
  const auto found = find_listener({getpid()}, server.port);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->port, server.port);
  EXPECT_FALSE(find_listener({getppid()}, server.port)) << "another process listens there";
  EXPECT_FALSE(find_listener({}, server.port));
}

TEST(PortConnection, CarriesBytesBothWaysAsFastAsTheyAreTaken) {
  const Server server;
  std::mutex mutex;
  std::condition_variable changed;
  std::string got;
  bool full = true;
  bool ended = false;
  world::PortEvents events;
  events.on_bytes = [&](std::string_view bytes) {
    const std::lock_guard lock(mutex);
    if (full) return false;
    got += bytes;
    changed.notify_all();
    return true;
  };
  events.on_end = [&] {
    const std::lock_guard lock(mutex);
    ended = true;
    changed.notify_all();
  };
  auto connection = connect_to_listener({server.port, false, 0}, std::move(events));
  ASSERT_TRUE(connection) << connection.error().message();
  const int other = accept(server.socket, nullptr, nullptr);
  std::atomic<int> taken = 0;
  (*connection)->write("hello", [&] { ++taken; });
  EXPECT_EQ(read_some(other, 5), "hello");
  ASSERT_EQ(write(other, "answer", 6), 6);
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(got, "") << "it is full";
    full = false;
  }
  (*connection)->go_on();
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return got == "answer"; }));
  }
  (*connection)->end();
  EXPECT_EQ(read_some(other, 1), "") << "nothing more will come";
  close(other);
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return ended; }));
  EXPECT_EQ(taken, 1);
}

TEST(PortConnection, SaysThatNobodyAnswers) {
  std::uint16_t port = 0;
  {
    const Server server;
    port = server.port;
  }
  EXPECT_FALSE(connect_to_listener({port, false, 0}, {}));
}

}  // namespace
}  // namespace fairlead::host
