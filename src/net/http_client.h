#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fairlead::net {

/// Who a client is and whom it trusts, as PEM texts.
struct ClientTls {
  std::string authority;           ///< empty: the system's authorities
  std::string certificate;         ///< of the client, with its chain; empty: it shows none
  std::string key;                 ///< of that certificate
  bool accept_any_server = false;  ///< the server's certificate is not checked
};

struct ClientRequest {
  std::string method = "GET";
  std::string url;          ///< "http://127.0.0.1:7070/api/v1/health"
  std::string unix_socket;  ///< connect here instead of to the URL's host; empty: do not
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string authority_file;                            ///< PEM of a private authority; empty: the system's
  std::shared_ptr<const ClientTls> tls;                  ///< instead of authority_file
  base::Duration timeout = base::Duration::seconds(30);  ///< of the whole exchange; not for streams
  /// A stream on which nothing comes for so long has ended; none: it may be silent for ever.
  base::Duration longest_silence;
  /// When set the body is given piece by piece and not kept; false ends the exchange.
  std::function<bool(std::string_view bytes)> on_bytes;
  /// Asked about once a second; false ends the exchange (a person pressed Ctrl-C).
  std::function<bool()> keep_going;
  std::size_t max_body_bytes = 256 * 1024 * 1024;  ///< of an answer that is kept
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;

  std::string_view header(std::string_view lower_case_name) const;
};

/// One HTTP exchange after another over a kept connection. Thread: one per client.
class HttpClient {
 public:
  static std::unique_ptr<HttpClient> make();
  virtual ~HttpClient() = default;
  /// Errors: kUnavailable (no connection, cut off, timed out), with what was tried. Every status is a result.
  virtual base::Result<ClientResponse> send(const ClientRequest& request) = 0;
};

/// A WebSocket as a client: what `exec` and `port-forward` use.
class ClientWebSocket {
 public:
  struct Callbacks {
    std::function<void(std::string_view bytes, bool binary)> on_message;
    std::function<void(std::uint16_t code, std::string_view reason)> on_close;
  };
  /// Connects to a URL of ws, wss, http or https, within the request's timeout; callbacks run on a thread of
  /// the socket's own. Errors: kUnavailable (no connection), or what the status of a refusal says, with the
  /// answer's text.
  static base::Result<std::unique_ptr<ClientWebSocket>> connect(const ClientRequest& request,
                                                                Callbacks callbacks);
  virtual ~ClientWebSocket() = default;  ///< cuts off; no callback runs afterwards
  /// Waits while a megabyte is on its way, unless called by a callback; false when closed.
  virtual bool send(std::string_view bytes, bool binary) = 0;
  virtual void close() = 0;  ///< after what was sent
};

}  // namespace fairlead::net
