#include "net/channel.h"

#include "net/tls.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/ssl.h>

#include <optional>

namespace fairlead::net {

struct Channel::State {
  State(StreamSocket from, std::shared_ptr<TlsContext> with)
      : socket(std::move(from)), context(std::move(with)) {
    if (context) tls.emplace(socket, context->context());
  }
  StreamSocket socket;
  std::shared_ptr<TlsContext> context;
  std::optional<asio::ssl::stream<StreamSocket&>> tls;
};

Channel::Channel(StreamSocket socket, std::shared_ptr<TlsContext> tls)
    : state_(std::make_unique<State>(std::move(socket), std::move(tls))) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

void Channel::handshake_as_server(MoveFunction<void(const error_code&)> done) {
  state_->tls->async_handshake(asio::ssl::stream_base::server, std::move(done));
}

void Channel::handshake_as_client(const std::string& host, MoveFunction<void(const error_code&)> done) {
  error_code is_name;
  asio::ip::make_address(host, is_name);
  if (is_name) SSL_set_tlsext_host_name(state_->tls->native_handle(), host.c_str());
  error_code ignored;
  state_->tls->set_verify_callback(asio::ssl::host_name_verification(host), ignored);
  state_->tls->async_handshake(asio::ssl::stream_base::client, std::move(done));
}

void Channel::read_some(asio::mutable_buffer buffer, Done done) {
  if (state_->tls) return state_->tls->async_read_some(buffer, std::move(done));
  state_->socket.async_read_some(buffer, std::move(done));
}

void Channel::write_some(asio::const_buffer buffer, Done done) {
  if (state_->tls) return state_->tls->async_write_some(buffer, std::move(done));
  state_->socket.async_write_some(buffer, std::move(done));
}

void Channel::shutdown_write() {
  error_code ignored;
  state_->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

void Channel::cancel() {
  error_code ignored;
  state_->socket.cancel(ignored);
}

void Channel::close() {
  if (!state_) return;  // moved on, to a WebSocket
  error_code ignored;
  state_->socket.close(ignored);
}

bool Channel::secure() const { return state_ && state_->tls.has_value(); }
StreamSocket& Channel::socket() { return state_->socket; }

}  // namespace fairlead::net
