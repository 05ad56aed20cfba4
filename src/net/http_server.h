#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::net {

/// One request, whole. Header names are lower case.
struct HttpRequest {
  std::string method;  ///< "GET"
  std::string target;  ///< as sent: "/api/v1/workloads?limit=5"
  std::string path;    ///< decoded, without the query: "/api/v1/workloads"
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string peer;                           ///< address of the client; "unix" at the Unix socket
  std::optional<std::uint32_t> peer_account;  ///< uid at the other end of a Unix socket
  bool secure = false;                        ///< came through TLS
  int proxy_attempt = 1;                      ///< how often on_proxy was asked about it, this time included

  std::string_view header(std::string_view lower_case_name) const;  ///< empty when absent
  std::optional<std::string_view> query_value(std::string_view name) const;
};

/// Bytes sent as they come: the body of a streamed answer. It costs a connection and no thread: the handler
/// keeps the stream somewhere and returns; whoever has something to tell writes later, from any thread,
/// without waiting. It may outlive the server.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  /// Takes all of the bytes or none. False: the stream is closed, or the client is slow and
  /// `HttpServerOptions::max_waiting_bytes` wait already; `closed` tells which.
  virtual bool write(std::string_view bytes) = 0;
  virtual void end() = 0;  ///< nothing more will come; what waits is still sent
  virtual bool closed() const = 0;
  /// Called once on a thread of the server, which must not be kept waiting, when the client went away or
  /// `end` was carried out; at once, from here, when that was before. Replaces an earlier function.
  virtual void on_closed(std::function<void()> function) = 0;
  /// Called once likewise as soon as there is room again; at once when there is room now.
  virtual void on_room(std::function<void()> function) = 0;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type = "application/json";
  std::string body;
  /// When set the body is streamed: called once on the handler thread. It should hand the stream on and
  /// return. Not called for HEAD.
  std::function<void(std::shared_ptr<BodyStream>)> stream;
};

/// One WebSocket. Any thread may send, also before it is accepted; `on_message` and `on_close` run on handler
/// threads, one at a time and in order: the next message is read when the last was handled. It may outlive
/// the server.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// False: closed, or the client is slow and `max_waiting_bytes` wait already; `closed` tells which.
  virtual bool send(std::string_view bytes, bool binary) = 0;
  virtual void close(std::uint16_t code, std::string_view reason) = 0;  ///< after what was sent
  virtual bool closed() const = 0;
  /// Called once on a thread of the server, which must not be kept waiting, as soon as there is room again or
  /// the socket is closed; at once, from here, when that is so.
  virtual void on_room(std::function<void()> function) = 0;
};
struct WebSocketHandler {
  std::function<void(std::string_view bytes, bool binary)> on_message;
  /// Instead of on_message, for who hands messages on and must not hold a thread meanwhile: the next message
  /// is read when `next` is called, once, from any thread.
  std::function<void(std::string_view bytes, bool binary, std::function<void()> next)> on_message_then = {};
  std::function<void()> on_close;
};

/// Where a request for a service is to be sent. The request goes on with the client's Host, X-Forwarded-For,
/// -Proto and -Host as this server sees them, and without what concerns the client's connection only.
struct ProxyTarget {
  std::string host = "127.0.0.1";  ///< an address, not a name
  std::uint16_t port = 0;
  std::string path;                                          ///< replaces the target, with its query
  std::vector<std::pair<std::string, std::string>> headers;  ///< set in place of the client's of these names
  /// Not passed on, lower case: credentials that are the platform's and none of the service's business.
  std::vector<std::string> removed_headers;
  std::vector<std::string> removed_cookies;
  std::vector<std::pair<std::string, std::string>> added_answer_headers;  ///< besides the service's own
  std::vector<std::string> removed_answer_headers;                        ///< not passed back, lower case
  std::vector<std::string> removed_answer_cookies;                        ///< that the service may not set
  /// A request may reach the service twice whatever its method. Otherwise only GET, HEAD, OPTIONS, TRACE, PUT
  /// and DELETE are repeated once anything was sent.
  bool repeatable = false;
  base::Duration connect_timeout = base::Duration::seconds(2);
  base::Duration answer_timeout = base::Duration::seconds(600);  ///< to the first byte, then between bytes
  /// Called once for each target given, on a thread of the server that must not be kept waiting, when the
  /// exchange is over: status (0: no answer came, or the client went away before), bytes to the client, first
  /// byte after.
  std::function<void(int status, std::uint64_t bytes, base::Duration first_byte)> on_done;
};
struct ProxyRefusal {
  HttpResponse response;
};

/// What the server asks for each request. Handlers run on a bounded pool and may wait.
struct HttpHandlers {
  std::function<HttpResponse(const HttpRequest&)> on_request;
  /// Whether a WebSocket at this path is accepted: the handler's callbacks, or an error, which is answered
  /// with its status. Not asked about a page of another origin, which is refused (403). Absent: on_request is
  /// asked.
  std::function<base::Result<WebSocketHandler>(const HttpRequest&, std::shared_ptr<WebSocket>)> on_web_socket;
  /// Asked before on_request when `path` begins with one of `proxy_prefixes`, or the host ends with one of
  /// `proxy_host_suffixes`, with the headers only: `answer`
  /// or `refuse` is called later, from any thread, once; meanwhile the request is held, at the cost of its
  /// connection. When both are dropped the client gets 503. Bodies, streams and WebSockets pass through.
  /// `closed` tells that the client went away. When a target fails before the first byte of its answer and
  /// the request can be repeated (nothing was sent, or its method allows it and its body is empty or still
  /// here), `on_done` is called with status 0 and then this again, with `proxy_attempt` one more: choose
  /// another target, or refuse.
  std::function<void(const HttpRequest&, std::function<bool()> closed,
                     std::function<void(ProxyTarget)> answer, std::function<void(ProxyRefusal)> refuse)>
      on_proxy;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;        ///< 0: any free one
  std::string unix_socket;       ///< besides, a socket file; empty: none
  std::string certificate_file;  ///< PEM; with key_file: TLS
  std::string key_file;
  std::vector<std::string> proxy_prefixes;
  /// ".localhost": whatever is asked of a host (Host without its port, in any case) that ends so is for the
  /// proxy.
  std::vector<std::string> proxy_host_suffixes;
  std::size_t threads = 2;                  ///< of the event loop
  std::size_t handler_threads = 16;         ///< for on_request
  std::size_t max_waiting_requests = 1024;  ///< for a handler thread; beyond them 503 with Retry-After
  std::size_t max_connections = 4096;       ///< beyond them a connection is closed at once
  std::size_t max_connections_per_peer = 1024;
  /// Requests of one peer (address, network of IPv6, account at the Unix socket) for handlers, not for the
  /// proxy: so many at once, then so many a second, then 429 with Retry-After. 0: any number.
  double requests_per_second = 0;
  double request_burst = 100;
  std::size_t max_header_bytes = 16 * 1024;
  std::size_t max_body_bytes = 4 * 1024 * 1024;
  std::uint64_t max_proxied_body_bytes = std::uint64_t{16} << 30U;  ///< never held as a whole
  int max_proxy_attempts = 5;                                       ///< then 502
  std::size_t max_idle_upstreams = 64;          ///< connections kept for each target and event loop
  std::size_t max_message_bytes = 1024 * 1024;  ///< of one message of a WebSocket
  std::size_t max_waiting_bytes = 1024 * 1024;  ///< of a stream or WebSocket whose reader is slow
  base::Duration header_timeout =
      base::Duration::seconds(10);  ///< from a request's first byte to the end of its head
  base::Duration body_timeout = base::Duration::seconds(60);   ///< from there to the end of its body
  base::Duration write_timeout = base::Duration::seconds(60);  ///< without any byte taken by the client
  base::Duration idle_timeout = base::Duration::seconds(75);   ///< between requests
  base::Duration grace = base::Duration::seconds(5);           ///< for open requests when the server stops
  std::function<base::Time()> clock;                           ///< for the Date field; absent: none is sent
};

/// An HTTP/1.1 server with streams, WebSockets and a reverse proxy. The library behind it is seen by this
/// layer only. Limits are enforced before a handler is asked; a client that is slow, or sends what is not
/// HTTP, costs a connection and nothing else.
class HttpServer {
 public:
  /// Listens. Errors: kAlreadyExists (the port is taken, with the process where it can be told),
  /// kPermissionDenied, kInvalidArgument.
  static base::Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options, HttpHandlers handlers);
  virtual ~HttpServer() = default;  ///< stops: open requests get `grace`, then are cut
  virtual std::uint16_t port() const = 0;
};

}  // namespace fairlead::net
