// What a server of net carries: requests, requests through the proxy, open streams. Client, server and the
// service behind the proxy share this process and the machine's cores, over loopback sockets.

#include "net/http_server.h"

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::bench {
namespace {

/// A connection that asks and reads answers whose last bytes are known.
class Asking {
 public:
  explicit Asking(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      std::abort();
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  Asking(Asking&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Asking& operator=(Asking&&) = delete;
  ~Asking() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void send(std::string_view bytes) const {
    if (::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  void read_until(std::string_view end) const {
    std::string got;
    char block[4096];
    while (!got.ends_with(end)) {
      const ssize_t size = ::recv(descriptor_, block, sizeof block, 0);
      if (size <= 0) std::abort();
      got.append(block, static_cast<std::size_t>(size));
    }
  }

 private:
  int descriptor_;
};

constexpr std::string_view kBody = "{\"answer\": 42}";

net::HttpResponse answer(const net::HttpRequest&) {
  net::HttpResponse response;
  response.body = kBody;
  return response;
}

std::unique_ptr<net::HttpServer> serve(net::HttpServerOptions options, net::HttpHandlers handlers) {
  options.max_connections_per_peer = 4096;
  auto server = net::HttpServer::start(std::move(options), std::move(handlers));
  if (!server) std::abort();
  return *std::move(server);
}

/// Asks over so many connections at a time.
void ask(benchmark::State& state, std::uint16_t port, std::string_view request) {
  std::vector<Asking> connections;
  for (std::int64_t i = 0; i < state.range(0); ++i) connections.emplace_back(port);
  for (auto _ : state) {
    for (const Asking& each : connections) each.send(request);
    for (const Asking& each : connections) each.read_until(kBody);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_Requests(benchmark::State& state) {
  net::HttpHandlers handlers;
  handlers.on_request = answer;
  const auto server = serve({}, handlers);
  ask(state, server->port(), "GET /api/v1/health HTTP/1.1\r\nHost: h\r\n\r\n");
}
BENCHMARK(BM_Requests)->Arg(1)->Arg(32)->UseRealTime();

void BM_ProxiedRequests(benchmark::State& state) {
  net::HttpHandlers service_handlers;
  service_handlers.on_request = answer;
  const auto service = serve({}, service_handlers);
  net::HttpServerOptions options;
  options.proxy_prefixes = {"/serve/"};
  net::HttpHandlers handlers;
  handlers.on_proxy = [port = service->port()](const net::HttpRequest&, const std::function<bool()>&,
                                               const std::function<void(net::ProxyTarget)>& to,
                                               const std::function<void(net::ProxyRefusal)>&) {
    net::ProxyTarget target;
    target.port = port;
    target.path = "/predict";
    to(std::move(target));
  };
  const auto server = serve(options, handlers);
  ask(state, server->port(), "POST /serve/team/model HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
}
BENCHMARK(BM_ProxiedRequests)->Arg(1)->Arg(32)->UseRealTime();

double resident_megabytes() {
  std::ifstream in("/proc/self/statm");
  double total = 0;
  double resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// So many open streams: what one event to all of them takes until each client has it.
void BM_OpenStreams(benchmark::State& state) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::shared_ptr<net::BodyStream>> streams;
  net::HttpHandlers handlers;
  handlers.on_request = [&](const net::HttpRequest&) {
    net::HttpResponse response;
    response.stream = [&](std::shared_ptr<net::BodyStream> stream) {
      const std::lock_guard lock(mutex);
      streams.push_back(std::move(stream));
      changed.notify_all();
    };
    return response;
  };
  const auto server = serve({}, handlers);
  const double before = resident_megabytes();
  std::vector<Asking> readers;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    readers.emplace_back(server->port());
    readers.back().send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    readers.back().read_until("\r\n\r\n");
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return streams.size() == readers.size(); });
  state.counters["MB"] = resident_megabytes() - before;
  for (auto _ : state) {
    for (const auto& stream : streams) stream->write("data: {\"version\": 1}\n\n");
    for (const Asking& each : readers) each.read_until("\n\n\r\n");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_OpenStreams)->Arg(500)->UseRealTime();

}  // namespace
}  // namespace fairlead::bench
