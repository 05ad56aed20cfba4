#pragma once

#include "net/http_server.h"
#include "world/world.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

namespace fairlead::server {

/// Joins a connection to a port of a replica and a WebSocket. Binary messages are the connection's bytes; the
/// text message {"end": true} from the client says that it will send no more. Each side is read only as fast
/// as the other takes. Thread: any.
class PortSession : public std::enable_shared_from_this<PortSession> {
 public:
  explicit PortSession(std::shared_ptr<net::WebSocket> socket) : socket_(std::move(socket)) {}

  /// What the connection is to be made with.
  world::PortEvents events();
  void attach(std::unique_ptr<world::PortConnection> connection);
  /// `over` is called once the socket is closed.
  net::WebSocketHandler handler(std::function<void()> over);

 private:
  void message(std::string_view bytes, bool binary, std::function<void()> next);
  void go_on();
  void close();

  std::shared_ptr<net::WebSocket> socket_;
  std::mutex mutex_;                                   // guards what follows
  std::shared_ptr<world::PortConnection> connection_;  // dropped without the lock: it waits for its thread
  bool closed_ = false;
};

}  // namespace fairlead::server
