#pragma once

#include "net/handler_pool.h"
#include "net/http_server.h"
#include "net/peer_table.h"
#include "net/tls.h"

#include <atomic>
#include <functional>

namespace fairlead::net {

class Connection;

/// What all connections of a server share.
struct ServerState {
  ServerState(HttpServerOptions given, HttpHandlers asked)
      : options(std::move(given)),
        handlers(std::move(asked)),
        peers({options.max_connections, options.max_connections_per_peer, options.requests_per_second,
               options.request_burst}),
        pool(options.handler_threads, options.max_waiting_requests) {}

  const HttpServerOptions options;
  const HttpHandlers handlers;
  PeerTable peers;
  std::shared_ptr<TlsContext> tls;  ///< null: plain
  std::atomic<bool> stopping = false;
  HandlerPool pool;  // the last member: its threads end first
};

}  // namespace fairlead::net
