#include "server/port_session.h"

#include "base/json_reader.h"
#include "base/json_value.h"

#include <string>
#include <utility>

namespace fairlead::server {

world::PortEvents PortSession::events() {
  world::PortEvents events;
  events.on_bytes = [self = shared_from_this()](std::string_view bytes) {
    if (self->socket_->send(bytes, true)) return true;
    if (self->socket_->closed()) return true;  // nobody wants it; on_close ends this
    self->socket_->on_room([self] { self->go_on(); });
    return false;
  };
  events.on_end = [self = shared_from_this()] { self->socket_->close(1000, "the other end has closed"); };
  return events;
}

void PortSession::attach(std::unique_ptr<world::PortConnection> connection) {
  std::shared_ptr<world::PortConnection> attached = std::move(connection);
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) connection_ = std::exchange(attached, nullptr);
  }
}

net::WebSocketHandler PortSession::handler(std::function<void()> over) {
  net::WebSocketHandler handler;
  handler.on_message_then = [self = shared_from_this()](std::string_view bytes, bool binary,
                                                        std::function<void()> next) {
    self->message(bytes, binary, std::move(next));
  };
  handler.on_close = [self = shared_from_this(), over = std::move(over)] {
    self->close();
    over();
  };
  return handler;
}

void PortSession::message(std::string_view bytes, bool binary, std::function<void()> next) {
  std::shared_ptr<world::PortConnection> connection;
  {
    const std::lock_guard lock(mutex_);
    connection = connection_;
  }
  if (connection == nullptr) return next();
  if (binary) return connection->write(std::string(bytes), std::move(next));
  base::JsonReader reader;
  const auto control = reader.read(bytes);
  const base::JsonValue* end = control ? (*control)->find("end") : nullptr;
  if (end != nullptr && end->kind() == base::JsonValue::Kind::kBoolean && end->boolean()) connection->end();
  next();
}

void PortSession::go_on() {
  std::shared_ptr<world::PortConnection> connection;
  {
    const std::lock_guard lock(mutex_);
    connection = connection_;
  }
  if (connection != nullptr) connection->go_on();
}

void PortSession::close() {
  std::shared_ptr<world::PortConnection> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(connection_);
  }
}

}  // namespace fairlead::server
