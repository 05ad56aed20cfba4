#pragma once

#include "net/event_loop.h"
#include "net/http_server.h"

#include <memory>
#include <mutex>
#include <string>

namespace fairlead::net {

class Connection;

/// The body of a streamed answer: bytes wait here until the connection takes them. Written from any thread,
/// taken on the connection's loop; the connection is asked to take only when nothing waited before.
class StreamedBody final : public BodyStream, public std::enable_shared_from_this<StreamedBody> {
 public:
  StreamedBody(std::shared_ptr<EventLoop> loop, std::weak_ptr<Connection> connection, std::size_t limit)
      : loop_(std::move(loop)), connection_(std::move(connection)), limit_(limit) {}

  bool write(std::string_view bytes) override;
  void end() override;
  bool closed() const override;
  void on_closed(std::function<void()> function) override;
  void on_room(std::function<void()> function) override;

  struct Taken {
    std::string bytes;
    bool ended = false;  ///< nothing comes after these bytes
  };
  /// On the loop: everything that waits. It counts as waiting until `sent`.
  Taken take();
  void sent();
  /// On the loop: nothing will be sent any more.
  void close();

 private:
  void call_for_taking();

  const std::shared_ptr<EventLoop> loop_;
  const std::weak_ptr<Connection> connection_;
  const std::size_t limit_;
  mutable std::mutex mutex_;  // guards all below
  std::string waiting_;
  std::size_t in_flight_ = 0;
  bool called_ = false;  // the loop was asked to take
  bool ended_ = false;
  bool closed_ = false;
  std::function<void()> on_closed_;
  std::function<void()> on_room_;
};

}  // namespace fairlead::net
