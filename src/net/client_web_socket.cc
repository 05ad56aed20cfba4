#include "net/http_client.h"
#include "net/listener.h"
#include "net/tls.h"
#include "net/url.h"
#include "net/web_socket_core.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>

namespace fairlead::net {
namespace {

// Connects within the time, or says with errno why not.
bool connect_within(int descriptor, const sockaddr* address, socklen_t size, int milliseconds) {
  if (::connect(descriptor, address, size) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd wait{descriptor, POLLOUT, 0};
  if (::poll(&wait, 1, milliseconds) <= 0) {
    errno = ETIMEDOUT;
    return false;
  }
  int error = 0;
  socklen_t length = sizeof error;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
  errno = error;
  return error == 0;
}

base::Error unreachable(const std::string& where, const std::string& why) {
  return base::Error(base::Code::kUnavailable, fmt::format("connect to {}: {}", where, why));
}

struct Connected {
  Descriptor descriptor;
  int family = 0;
};

base::Result<Connected> connect_unix(const std::string& path, int milliseconds) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return base::invalid_argument("the socket path is too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connect_within(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address,
                      milliseconds)) {
    return unreachable("socket " + path, std::generic_category().message(errno));
  }
  return Connected{std::move(descriptor), AF_UNIX};
}

base::Result<Connected> connect_tcp(const Url& url, int milliseconds) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &wanted, &found);
      error != 0) {
    return unreachable(url.authority(), gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, &freeaddrinfo);
  std::string why = "it has no address";
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    Descriptor descriptor(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (descriptor.get() >= 0 &&
        connect_within(descriptor.get(), each->ai_addr, each->ai_addrlen, milliseconds)) {
      const int on = 1;
      setsockopt(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return Connected{std::move(descriptor), each->ai_family};
    }
    why = std::generic_category().message(errno);
  }
  return unreachable(url.authority(), why);
}

base::Code code_of(int status) {
  switch (status) {
    case 400:
      return base::Code::kInvalidArgument;
    case 401:
    case 403:
      return base::Code::kPermissionDenied;
    case 404:
      return base::Code::kNotFound;
    case 409:
    case 412:
      return base::Code::kFailedPrecondition;
    case 429:
      return base::Code::kResourceExhausted;
    case 501:
      return base::Code::kUnimplemented;
    default:
      return base::Code::kUnavailable;
  }
}

class BeastClientWebSocket final : public ClientWebSocket {
 public:
  explicit BeastClientWebSocket(Callbacks callbacks)
      : callbacks_(std::move(callbacks)),
        loop_(std::make_shared<EventLoop>()),
        core_(WebSocketCore::make(loop_, {16 * 1024 * 1024, 1024 * 1024})) {}
  BeastClientWebSocket(const BeastClientWebSocket&) = delete;
  BeastClientWebSocket& operator=(const BeastClientWebSocket&) = delete;
  ~BeastClientWebSocket() override {
    loop_->post([this] {
      callbacks_ = {};
      core_->cut();
    });
    loop_->stop(false);
  }

  base::Result<void> open(const ClientRequest& request, const Url& url, std::shared_ptr<TlsContext> tls) {
    const auto milliseconds = static_cast<int>(request.timeout.nanoseconds() / 1'000'000);
    auto connected = request.unix_socket.empty() ? connect_tcp(url, milliseconds)
                                                 : connect_unix(request.unix_socket, milliseconds);
    if (!connected) return connected.error();
    StreamSocket socket(loop_->context(), asio::generic::stream_protocol(connected->family, 0),
                        connected->descriptor.release());
    loop_->post([this, url, headers = request.headers,
                 channel = std::make_shared<Channel>(std::move(socket), std::move(tls))] {
      if (!channel->secure()) return greet(channel, url, headers);
      channel->handshake_as_client(url.host, [this, channel, url, headers](const error_code& error) {
        if (error) return tell(WebSocketCore::Refusal{0, error.message()});
        greet(channel, url, headers);
      });
    });
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::milliseconds(milliseconds), [this] { return told_; })) {
      return unreachable(url.authority(), "no answer in time");
    }
    if (!refusal_) return {};
    if (refusal_->status == 0) return unreachable(url.authority(), refusal_->text);
    return base::Error(code_of(refusal_->status),
                       fmt::format("{} answered {}: {}", url.authority(), refusal_->status, refusal_->text));
  }

  bool send(std::string_view bytes, bool binary) override {
    while (!core_->send(bytes, binary)) {
      if (core_->closed() || on_own_thread()) return false;
      std::unique_lock lock(mutex_);
      room_ = false;
      lock.unlock();
      core_->on_room([this] {
        const std::lock_guard guard(mutex_);
        room_ = true;
        changed_.notify_all();
      });
      lock.lock();
      changed_.wait(lock, [this] { return room_; });
      if (closing_) return false;
    }
    return true;
  }

  void close() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    core_->close(1000, {});
  }

 private:
  bool on_own_thread() {
    const std::lock_guard lock(mutex_);
    return thread_ == std::this_thread::get_id();
  }

  void greet(const std::shared_ptr<Channel>& channel, const Url& url, const Headers& headers) {
    WebSocketCore::Events events;
    events.on_message = [this](const std::string& bytes, bool binary) {
      if (callbacks_.on_message) callbacks_.on_message(bytes, binary);
      core_->read_next();
    };
    events.on_end = [this](std::uint16_t code, const std::string& reason) {
      if (callbacks_.on_close) callbacks_.on_close(code, reason);
    };
    core_->connect(std::move(*channel), url.authority(), url.target, headers, std::move(events),
                   [this](const WebSocketCore::Refusal* refusal) {
                     if (refusal == nullptr) return tell(std::nullopt);
                     callbacks_ = {};
                     tell(*refusal);
                   });
  }

  void tell(std::optional<WebSocketCore::Refusal> refusal) {
    const std::lock_guard lock(mutex_);
    told_ = true;
    thread_ = std::this_thread::get_id();
    refusal_ = std::move(refusal);
    changed_.notify_all();
  }

  Callbacks callbacks_;  // on the loop
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<WebSocketCore> core_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool told_ = false;
  bool room_ = false;
  bool closing_ = false;
  std::thread::id thread_;
  std::optional<WebSocketCore::Refusal> refusal_;
};

}  // namespace

base::Result<std::unique_ptr<ClientWebSocket>> ClientWebSocket::connect(const ClientRequest& request,
                                                                        Callbacks callbacks) {
  auto url = parse_url(request.url);
  if (!url) return url.error();
  for (const auto& [name, value] : request.headers) {
    if (!is_header_name(name) || !is_header_value(value)) {
      return base::invalid_argument(fmt::format("the header \"{}\" holds what a header cannot hold", name));
    }
  }
  std::shared_ptr<TlsContext> tls;
  if (url->secure() && request.unix_socket.empty()) {
    auto made = TlsContext::for_client(request.authority_file);
    if (!made) return made.error();
    tls = *std::move(made);
  }
  auto socket = std::make_unique<BeastClientWebSocket>(std::move(callbacks));
  if (auto opened = socket->open(request, *url, std::move(tls)); !opened) return opened.error();
  return std::unique_ptr<ClientWebSocket>(std::move(socket));
}

}  // namespace fairlead::net
