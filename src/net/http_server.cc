#include "net/http_server.h"

#include "net/connection.h"
#include "net/listener.h"
#include "net/server_state.h"

#include <arpa/inet.h>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

namespace fairlead::net {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, Executor>;

// Where the descriptors are used up, the listener tries again after this.
constexpr auto kAcceptPause = std::chrono::milliseconds(50);

// A loop with the connections that live on it; the set is touched by the loop's thread only.
struct ServerLoop {
  std::shared_ptr<EventLoop> loop = std::make_shared<EventLoop>();
  std::shared_ptr<UpstreamPool> upstreams;
  std::unordered_set<std::shared_ptr<Connection>> connections;
};

std::string address_text(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  }
  return text;
}

Peer peer_of(int descriptor, bool is_unix) {
  Peer peer;
  if (is_unix) {
    peer.address = "unix";
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
      peer.account = credentials.uid;
    }
    peer.key = fmt::format("account {}", peer.account.value_or(0));
    return peer;
  }
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
    peer.address = address_text(reinterpret_cast<const sockaddr*>(&storage));
    peer.key = peer.address;
    if (storage.ss_family == AF_INET6) {
      // Who has one address of IPv6 has its whole network.
      sockaddr_in6 v6{};
      std::memcpy(&v6, &storage, sizeof v6);
      std::memset(v6.sin6_addr.s6_addr + 8, 0, 8);
      peer.key = address_text(reinterpret_cast<const sockaddr*>(&v6));
    }
  }
  return peer;
}

void set_up_tcp(int descriptor) {
  const auto set = [descriptor](int level, int option, int value) {
    setsockopt(descriptor, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  // A client whose machine vanished is noticed within two minutes, streams included.
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

class BeastServer final : public HttpServer {
 public:
  BeastServer(HttpServerOptions options, HttpHandlers handlers)
      : state_(std::make_shared<ServerState>(std::move(options), std::move(handlers))),
        loops_(std::max<std::size_t>(state_->options.threads, 1)) {
    for (ServerLoop& loop : loops_) {
      loop.upstreams = std::make_shared<UpstreamPool>(state_->options.max_idle_upstreams);
    }
  }

  base::Result<void> listen() {
    const HttpServerOptions& options = state_->options;
    if (options.certificate_file.empty() != options.key_file.empty()) {
      return base::invalid_argument("TLS needs both a certificate file and a key file");
    }
    if (!options.certificate_file.empty()) {
      auto tls = TlsContext::for_server(options.certificate_file, options.key_file);
      if (!tls) return tls.error();
      state_->tls = *std::move(tls);
    }
    auto tcp = listen_tcp(options.address, options.port);
    if (!tcp) return tcp.error();
    port_ = tcp->port;
    if (!options.unix_socket.empty()) {
      auto local = listen_unix(options.unix_socket);
      if (!local) return local.error();
      owns_socket_file_ = true;
      add_listener(std::move(*local), AF_UNIX);
    }
    add_listener(std::move(tcp->descriptor), tcp->family);
    for (const auto& listener : listeners_) {
      loops_.front().loop->post([this, at = listener.get()] { accept(*at); });
    }
    return {};
  }

  ~BeastServer() override {
    state_->stopping = true;
    loops_.front().loop->post([this] {
      for (const auto& listener : listeners_) {
        error_code ignored;
        listener->acceptor.close(ignored);
        listener->pause.cancel();
      }
    });
    each_connection([](Connection& connection) { connection.stop(); });
    wait_until_gone(state_->options.grace);
    each_connection([](Connection& connection) { connection.close(); });
    state_->pool.stop();
    for (ServerLoop& loop : loops_) {
      loop.loop->post([upstreams = loop.upstreams] { upstreams->clear(); });
      loop.loop->stop(false);
    }
    if (owns_socket_file_) ::unlink(state_->options.unix_socket.c_str());
  }

  std::uint16_t port() const override { return port_; }

 private:
  struct Listener {
    Listener(EventLoop& loop, int descriptor, int family)
        : is_unix(family == AF_UNIX),
          acceptor(loop.context(), asio::generic::stream_protocol(family, 0), descriptor),
          pause(loop.context()) {}
    const bool is_unix;
    Acceptor acceptor;
    Timer pause;
  };

  void add_listener(Descriptor descriptor, int family) {
    listeners_.push_back(std::make_unique<Listener>(*loops_.front().loop, descriptor.release(), family));
  }

  // On the first loop, as all that concerns listeners.
  void accept(Listener& listener) {
    if (state_->stopping) return;
    ServerLoop& home = loops_[next_loop_++ % loops_.size()];
    listener.acceptor.async_accept(
        home.loop->context(), [this, &listener, &home](const error_code& error, StreamSocket socket) {
          if (state_->stopping) return;
          if (!error) {
            admit(home, std::move(socket), listener.is_unix);
            return accept(listener);
          }
          listener.pause.expires_after(kAcceptPause);
          listener.pause.async_wait([this, &listener](const error_code& cancelled) {
            if (!cancelled) accept(listener);
          });
        });
  }

  void admit(ServerLoop& home, StreamSocket socket, bool is_unix) {
    const int descriptor = socket.native_handle();
    Peer peer = peer_of(descriptor, is_unix);
    const std::string key = peer.key;
    if (!state_->peers.enter(key)) return;  // closes the socket
    if (!is_unix) set_up_tcp(descriptor);
    const auto connection = std::make_shared<Connection>(
        state_, home.loop, home.upstreams, Channel(std::move(socket), is_unix ? nullptr : state_->tls),
        std::move(peer));
    ++open_;
    home.loop->post([this, &home, connection, key] {
      home.connections.insert(connection);
      connection->start([this, &home, raw = connection.get(), key] {
        state_->peers.leave(key, SteadyClock::now());
        home.connections.erase(raw->shared_from_this());
        const std::lock_guard lock(gone_mutex_);
        if (--open_ == 0) gone_.notify_all();
      });
    });
  }

  void each_connection(void (*function)(Connection&)) {
    for (ServerLoop& loop : loops_) {
      loop.loop->post([&loop, function] {
        const std::vector<std::shared_ptr<Connection>> all(loop.connections.begin(), loop.connections.end());
        for (const auto& connection : all) function(*connection);
      });
    }
  }

  void wait_until_gone(base::Duration limit) {
    std::unique_lock lock(gone_mutex_);
    gone_.wait_for(lock, std::chrono::nanoseconds(limit.nanoseconds()), [this] { return open_ == 0; });
  }

  const std::shared_ptr<ServerState> state_;
  std::vector<ServerLoop> loops_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::size_t next_loop_ = 0;
  std::uint16_t port_ = 0;
  bool owns_socket_file_ = false;
  std::atomic<std::size_t> open_ = 0;
  std::mutex gone_mutex_;
  std::condition_variable gone_;
};

}  // namespace

base::Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                            HttpHandlers handlers) {
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handlers));
  auto listening = server->listen();
  if (!listening) return listening.error();
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace fairlead::net
