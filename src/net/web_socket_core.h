#pragma once

#include "net/channel.h"
#include "net/headers.h"
#include "net/http_server.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace fairlead::net {

/// A WebSocket of either role. Messages sent before the handshake wait for it.
class WebSocketCore {
 public:
  struct Limits {
    std::size_t message_bytes = 1024 * 1024;  ///< of one message received
    std::size_t waiting_bytes = 1024 * 1024;  ///< of messages not yet sent
  };
  /// All on the loop. After `on_message` the next message is read when `read_next` is called.
  struct Events {
    std::function<void(std::string bytes, bool binary)> on_message;
    std::function<void(std::uint16_t code, std::string reason)>
        on_end;  ///< once, also when the handshake fails
  };
  /// What a server answered that refused the handshake.
  struct Refusal {
    int status = 0;  ///< 0: there was no answer
    std::string text;
  };

  static std::shared_ptr<WebSocketCore> make(std::shared_ptr<EventLoop> loop, Limits limits);
  virtual ~WebSocketCore() = default;

  // On the loop.
  virtual void accept(Channel channel, std::string already_read, const HttpRequest& request,
                      Events events) = 0;
  virtual void connect(Channel channel, const std::string& host, const std::string& target, Headers headers,
                       Events events, std::function<void(const Refusal*)> connected) = 0;
  virtual void read_next() = 0;
  /// Without a farewell.
  virtual void cut() = 0;

  // Any thread.
  /// False: closed, or too much waits.
  virtual bool send(std::string_view bytes, bool binary) = 0;
  /// After what waits was sent.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
  /// Calls back on the loop once there is room, or the socket is closed; at once, from here, when that is so.
  virtual void on_room(std::function<void()> function) = 0;
  virtual bool closed() const = 0;
};

}  // namespace fairlead::net
