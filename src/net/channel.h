#pragma once

#include "net/event_loop.h"
#include "net/move_function.h"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <string>

namespace fairlead::net {

using boost::system::error_code;
/// A socket of either family: TCP or Unix.
using StreamSocket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
class TlsContext;

/// A connection's bytes, plain or through TLS, behind one type, so that what is built on it is compiled once.
/// All calls from the loop's thread. At most one read and one write at a time.
class Channel {
 public:
  using Done = MoveFunction<void(const error_code&, std::size_t)>;

  /// Through TLS when a context is given, after a handshake.
  explicit Channel(StreamSocket socket, std::shared_ptr<TlsContext> tls = nullptr);
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  void handshake_as_server(MoveFunction<void(const error_code&)> done);
  /// Verifies that the certificate is for the host, a name or an address.
  void handshake_as_client(const std::string& host, MoveFunction<void(const error_code&)> done);
  void read_some(asio::mutable_buffer buffer, Done done);
  void write_some(asio::const_buffer buffer, Done done);
  /// Says that nothing more will be written; reading goes on.
  void shutdown_write();
  /// Ends the read that is open, which reports so.
  void cancel();
  void close();
  bool secure() const;
  StreamSocket& socket();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fairlead::net
