#include "net/channel.h"

namespace fairlead::net {

struct Channel::State {
  explicit State(StreamSocket from) : socket(std::move(from)) {}
  StreamSocket socket;
};

Channel::Channel(StreamSocket socket) : state_(std::make_unique<State>(std::move(socket))) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

void Channel::read_some(asio::mutable_buffer buffer, Done done) {
  state_->socket.async_read_some(buffer, std::move(done));
}

void Channel::write_some(asio::const_buffer buffer, Done done) {
  state_->socket.async_write_some(buffer, std::move(done));
}

void Channel::shutdown_write() {
  error_code ignored;
  state_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

void Channel::close() {
  error_code ignored;
  state_->socket.close(ignored);
}

bool Channel::secure() const { return false; }
StreamSocket& Channel::socket() { return state_->socket; }

}  // namespace fairlead::net
