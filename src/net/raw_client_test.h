#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace fairlead::net {

/// A client that says exactly what a test wants it to say, over a real socket.
class RawClient {
 public:
  static constexpr int kPatienceMilliseconds = 10'000;

  explicit RawClient(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  /// The other way round: what a listener accepted.
  static RawClient accepted(int descriptor) { return RawClient(descriptor, true); }
  explicit RawClient(const std::string& path)
      : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient(RawClient&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        connected_(other.connected_),
        received_(std::move(other.received_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  bool connected() const { return connected_; }
  int descriptor() const { return descriptor_; }

  /// Sends all; false when the other end closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Reads until what came (and was not taken) holds `text`; false when the connection or the patience ends
  /// before.
  bool wait_for(std::string_view text, int milliseconds = kPatienceMilliseconds) {
    while (received_.find(text) == received_.npos) {
      if (!receive(milliseconds)) return false;
    }
    return true;
  }

  /// Everything until the other end closes.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }

  /// One answer with a Content-Length (or none): head and body.
  std::string read_answer() {
    if (!wait_for("\r\n\r\n")) return std::exchange(received_, {});
    const std::size_t head = received_.find("\r\n\r\n") + 4;
    std::size_t length = 0;
    std::size_t field = received_.find("Content-Length: ");
    if (field > head) field = received_.find("content-length: ");
    if (field < head) length = std::stoul(received_.substr(field + 16));
    while (received_.size() < head + length) {
      if (!receive()) break;
    }
    std::string answer = received_.substr(0, head + length);
    received_.erase(0, answer.size());
    return answer;
  }

  std::string ask(std::string_view bytes) {
    send(bytes);
    return read_answer();
  }

  /// What came behind the head, which must be there.
  std::string take_after_head() {
    const std::string all = take();
    return all.substr(all.find("\r\n\r\n") + 4);
  }
  std::string take() { return std::exchange(received_, {}); }
  void shutdown_write() { ::shutdown(descriptor_, SHUT_WR); }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  /// Ends the connection as a crash would: with a reset.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  /// Whether the other end closed, within the patience.
  bool wait_for_end() {
    while (receive()) {
    }
    return ended_;
  }

 private:
  RawClient(int descriptor, bool connected) : descriptor_(descriptor), connected_(connected) {}

  bool receive(int milliseconds = kPatienceMilliseconds) {
    pollfd wait{descriptor_, POLLIN, 0};
    if (::poll(&wait, 1, milliseconds) <= 0) return false;
    char block[4096];
    const ssize_t size = ::recv(descriptor_, block, sizeof block, 0);
    if (size <= 0) {
      ended_ = true;
      return false;
    }
    received_.append(block, static_cast<std::size_t>(size));
    return true;
  }

  int descriptor_;
  bool connected_ = false;
  bool ended_ = false;
  std::string received_;
};

/// A server that does what a test wants it to do: the test accepts and answers by hand.
class RawServer {
 public:
  RawServer() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
        ::listen(descriptor_, 16) == 0 &&
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
      port_ = ntohs(address.sin_port);
    }
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  ~RawServer() { ::close(descriptor_); }

  std::uint16_t port() const { return port_; }
  RawClient accept() { return RawClient::accepted(::accept(descriptor_, nullptr, nullptr)); }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

}  // namespace fairlead::net
