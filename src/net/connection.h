#pragma once

#include "net/channel.h"
#include "net/held_request.h"
#include "net/http_server.h"
#include "net/message_parser.h"
#include "net/proxied_request.h"
#include "net/streamed_body.h"
#include "net/upstream.h"
#include "net/web_socket_core.h"

#include <array>
#include <memory>
#include <string>

namespace fairlead::net {

struct ServerState;

/// Who is at the other end.
struct Peer {
  std::string address;
  std::optional<std::uint32_t> account;
  std::string key;  ///< under which its connections and requests are counted
};

/// One client: reads requests, has them answered, writes answers, one after another. Lives on its loop; kept
/// by the operations that are open on it.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerState> server, std::shared_ptr<EventLoop> loop,
             std::shared_ptr<UpstreamPool> upstreams, Channel channel, Peer peer);

  void start(MoveFunction<void()> on_gone);
  /// The server stops: an idle connection and a stream end now, a request that is being answered after its
  /// answer.
  void stop();
  void close();

  /// Sends what waits in the stream.
  void pump_stream(const StreamedBody* stream);

  // What became of a request for the proxy: see HeldRequest.
  void proxy_to(ProxyTarget target);
  void proxy_refused(HttpResponse response);

  // For ProxiedRequest: the client's side of the exchange.
  const HttpRequest& request() const { return request_; }
  const MessageHead& framing() const { return parser_->head(); }
  const std::string& upgrade() const { return upgrade_; }
  bool body_complete() const { return parser_->state() == MessageParser::State::kComplete; }
  bool speaks_chunks() const { return is_1_1_; }
  bool keeps_alive() const { return keep_alive_; }
  void forbid_reuse() { keep_alive_ = false; }
  /// Whether "100 Continue" was sent; from now on it was.
  bool continued() { return std::exchange(continued_, true); }
  /// The bytes of the body that are here. What is no body ends the exchange.
  std::string take_body();
  /// Bytes after an upgrade.
  std::string take_input() { return std::exchange(input_, {}); }
  void read_more();
  /// One at a time; the function is not called when the client goes away.
  void write(std::string bytes, std::string more, MoveFunction<void()> done);
  void ask_proxy_again(const std::string& why);
  void finish_proxied();

 private:
  enum class Phase : std::uint8_t {
    kHandshake,  // of TLS
    kIdle,       // between requests
    kHead,       // a request has begun
    kBody,       // its body is being read
    kHandling,   // a handler has it
    kHeld,       // it waits for a decision where it is to go
    kProxying,   // it goes through
    kWebSocket,  // it is none any more
    kAnswering,  // the answer is being written
    kStreaming,  // and comes bit by bit
    kLingering,  // the last answer is out; what the client still sends is thrown away so that it can read it
    kClosed,
  };

  void next_request();
  void read();
  void on_read(const error_code& error, std::size_t bytes);
  void on_input();
  void on_input_end();
  void on_deadline();

  void parse_head();
  void head_complete();
  void read_body();
  void parse_body();
  void dispatch();
  bool is_for_proxy() const;
  void ask_proxy();
  void ask_web_socket();
  void begin_web_socket(std::shared_ptr<WebSocketCore> core, WebSocketHandler handler);

  /// Answers; the connection goes on after it when the client and the state of the input allow.
  void respond(HttpResponse response);
  void refuse(int status, std::string_view detail);
  void begin_stream(HttpResponse response, std::shared_ptr<StreamedBody> stream);
  void finish_answer();
  void linger();
  void write_on();
  void set_deadline(base::Duration from_now);
  std::optional<base::Time> date() const;

  const std::shared_ptr<ServerState> server_;
  const std::shared_ptr<EventLoop> loop_;
  const std::shared_ptr<UpstreamPool> upstreams_;
  Channel channel_;
  const Peer peer_;
  Deadline deadline_;
  MoveFunction<void()> on_gone_;
  Phase phase_ = Phase::kIdle;

  std::array<char, 8192> block_;
  std::string input_;  // read and not yet used
  bool reading_ = false;
  bool input_ended_ = false;

  std::unique_ptr<MessageParser> parser_;
  HttpRequest request_;
  bool keep_alive_ = false;
  bool is_1_1_ = true;
  bool to_head_ = false;  // the request is HEAD: its answer has no body
  std::string upgrade_;   // the protocol that the client wants to change to
  bool continued_ = false;
  std::shared_ptr<StreamedBody> stream_;
  std::weak_ptr<HeldRequest> held_;  // kept by whoever can decide
  std::shared_ptr<ProxiedRequest> proxied_;
  std::shared_ptr<WebSocketCore> web_socket_;
  MoveFunction<void()> after_read_;  // waits for the end of a read that was called off

  std::array<std::string, 2> output_;
  std::size_t output_part_ = 0;
  std::size_t output_done_ = 0;
  bool writing_ = false;
  MoveFunction<void()> written_;
};

}  // namespace fairlead::net
