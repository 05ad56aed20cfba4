#pragma once

#include "net/event_loop.h"
#include "net/http_server.h"

#include <atomic>
#include <memory>

namespace fairlead::net {

class Connection;

/// A request that waits for a decision where it is to go. Its functions may be called from any thread, and
/// after the connection or the server are gone.
class HeldRequest : public std::enable_shared_from_this<HeldRequest> {
 public:
  HeldRequest(std::shared_ptr<EventLoop> loop, std::weak_ptr<Connection> connection)
      : loop_(std::move(loop)), connection_(std::move(connection)) {}
  HeldRequest(const HeldRequest&) = delete;
  HeldRequest& operator=(const HeldRequest&) = delete;
  ~HeldRequest();  ///< nobody can decide any more: 503

  void answer(ProxyTarget target);
  void refuse(ProxyRefusal refusal);
  void close() { closed_ = true; }
  bool closed() const { return closed_; }

 private:
  const std::shared_ptr<EventLoop> loop_;
  const std::weak_ptr<Connection> connection_;
  std::atomic<bool> decided_ = false;
  std::atomic<bool> closed_ = false;
};

}  // namespace fairlead::net
