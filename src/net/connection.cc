#include "net/connection.h"

#include "net/answer_head.h"
#include "net/server_state.h"
#include "net/url.h"
#include "net/web_socket_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>

namespace fairlead::net {
namespace {

// How far ahead of the answers a client may send: pipelined requests, looked at later.
constexpr std::size_t kReadAhead = 64 * 1024;
// How long a client that is done with may take to read the last answer.
constexpr base::Duration kLinger = base::Duration::seconds(2);

// What a handler gets of a WebSocket.
class ServerWebSocket final : public WebSocket {
 public:
  explicit ServerWebSocket(std::shared_ptr<WebSocketCore> core) : core_(std::move(core)) {}
  bool send(std::string_view bytes, bool binary) override { return core_->send(bytes, binary); }
  void close(std::uint16_t code, std::string_view reason) override { core_->close(code, reason); }
  bool closed() const override { return core_->closed(); }
  void on_room(std::function<void()> function) override { core_->on_room(std::move(function)); }

 private:
  const std::shared_ptr<WebSocketCore> core_;
};

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> server, std::shared_ptr<EventLoop> loop,
                       std::shared_ptr<UpstreamPool> upstreams, Channel channel, Peer peer)
    : server_(std::move(server)),
      loop_(std::move(loop)),
      upstreams_(std::move(upstreams)),
      channel_(std::move(channel)),
      peer_(std::move(peer)),
      deadline_(*loop_) {}

void Connection::start(MoveFunction<void()> on_gone) {
  on_gone_ = std::move(on_gone);
  deadline_.on_passed([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
  if (!channel_.secure()) return next_request();
  phase_ = Phase::kHandshake;
  set_deadline(server_->options.header_timeout);
  channel_.handshake_as_server([self = shared_from_this()](const error_code& error) {
    if (self->phase_ == Phase::kClosed) return;
    if (error) return self->close();
    self->next_request();
  });
}

void Connection::stop() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kStreaming || phase_ == Phase::kLingering) return close();
  if (phase_ == Phase::kProxying && !upgrade_.empty()) return close();  // a tunnel has no end of its own
  if (phase_ == Phase::kHeld) return proxy_refused(problem(503, "the server stops"));
  if (phase_ == Phase::kWebSocket) web_socket_->close(1001, "the server stops");
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  phase_ = Phase::kClosed;
  deadline_.close();
  channel_.close();
  written_ = {};
  if (stream_) std::exchange(stream_, nullptr)->close();
  if (web_socket_) std::exchange(web_socket_, nullptr)->cut();
  if (const auto held = held_.lock()) held->close();
  if (proxied_) std::exchange(proxied_, nullptr)->cancel();
  if (on_gone_) std::exchange(on_gone_, {})();
}

void Connection::next_request() {
  if (server_->stopping) return close();
  MessageParser::Limits limits;
  limits.head_bytes = server_->options.max_header_bytes;
  parser_ = MessageParser::for_request(limits);
  request_ = {};
  continued_ = false;
  phase_ = Phase::kIdle;
  if (!input_.empty()) {
    on_input();
  } else {
    set_deadline(server_->options.idle_timeout);
    read();
  }
}

void Connection::read() {
  if (reading_) return;
  if (input_ended_) return on_input_end();
  reading_ = true;
  channel_.read_some(asio::buffer(block_),
                     [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                       self->on_read(error, bytes);
                     });
}

void Connection::on_read(const error_code& error, std::size_t bytes) {
  reading_ = false;
  if (phase_ == Phase::kClosed) return;
  if (!error) input_.append(block_.data(), bytes);
  if (after_read_) return std::exchange(after_read_, {})();
  if (error) {
    input_ended_ = true;
    return on_input_end();
  }
  on_input();
}

void Connection::on_input() {
  switch (phase_) {
    case Phase::kIdle:
      phase_ = Phase::kHead;
      set_deadline(server_->options.header_timeout);
      return parse_head();
    case Phase::kHead:
      return parse_head();
    case Phase::kBody:
      return parse_body();
    case Phase::kProxying:
      proxied_->on_client_input();
      if (phase_ == Phase::kProxying && input_.size() < kReadAhead) read();
      return;
    case Phase::kHeld:
    case Phase::kStreaming:
      if (input_.size() < kReadAhead) read();
      return;
    case Phase::kLingering:
      input_.clear();
      return read();
    case Phase::kHandshake:
    case Phase::kHandling:
    case Phase::kAnswering:
    case Phase::kWebSocket:
    case Phase::kClosed:
      return;
  }
}

void Connection::on_input_end() {
  // A client that has a whole request under way may have closed its half only.
  if (phase_ != Phase::kHandling && phase_ != Phase::kAnswering) close();
}

void Connection::on_deadline() {
  if (writing_ || phase_ == Phase::kHandshake || phase_ == Phase::kIdle || phase_ == Phase::kLingering)
    return close();
  if (phase_ == Phase::kHead || phase_ == Phase::kBody) {
    return refuse(408, "the request did not come to its end in time");
  }
  if (phase_ == Phase::kProxying) close();  // the client stopped in the middle of its body
}

void Connection::parse_head() {
  input_.erase(0, parser_->feed(input_));
  if (parser_->state() == MessageParser::State::kHead) return read();
  head_complete();
}

void Connection::head_complete() {
  MessageHead& head = parser_->head();
  keep_alive_ = head.keep_alive;
  is_1_1_ = head.is_1_1;
  to_head_ = head.method == "HEAD";
  if (parser_->state() == MessageParser::State::kFailed) {
    return refuse(parser_->failure().status, parser_->failure().message);
  }
  upgrade_ = head.upgrade();
  request_.method = std::move(head.method);
  request_.target = std::move(head.target);
  request_.headers = std::move(head.headers);
  request_.peer = peer_.address;
  request_.peer_account = peer_.account;
  request_.secure = channel_.secure();
  if (request_.target.starts_with("http://") || request_.target.starts_with("https://")) {
    auto url = parse_url(request_.target);
    if (!url) return refuse(400, url.error().message());
    request_.target = std::move(url->target);
  }
  auto target = parse_target(request_.target);
  if (!target) return refuse(400, target.error().message());
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  if (server_->handlers.on_proxy && is_for_proxy()) {
    parser_->limit_body(server_->options.max_proxied_body_bytes);
    if (parser_->state() == MessageParser::State::kFailed) {
      return refuse(parser_->failure().status, parser_->failure().message);
    }
    return ask_proxy();
  }
  if (const auto wait = server_->peers.ask(peer_.key, SteadyClock::now())) {
    HttpResponse slower = problem(429, "too many requests; slow down");
    slower.headers.emplace_back("Retry-After", fmt::format("{}", wait->count()));
    if (!body_complete()) keep_alive_ = false;
    return respond(std::move(slower));
  }
  read_body();
}

bool Connection::is_for_proxy() const {
  const HttpServerOptions& options = server_->options;
  const auto& prefixes = options.proxy_prefixes;
  if (std::any_of(prefixes.begin(), prefixes.end(),
                  [&](const std::string& prefix) { return request_.path.starts_with(prefix); }))
    return true;
  if (options.proxy_host_suffixes.empty()) return false;
  const std::string host = lower_case(request_.header("host"));
  const std::string_view name = std::string_view(host).substr(0, host.rfind(':'));
  return std::any_of(options.proxy_host_suffixes.begin(), options.proxy_host_suffixes.end(),
                     [&](const std::string& suffix) { return name.ends_with(suffix); });
}

void Connection::read_body() {
  parser_->limit_body(server_->options.max_body_bytes);
  if (parser_->state() == MessageParser::State::kFailed) {
    return refuse(parser_->failure().status, parser_->failure().message);
  }
  if (parser_->state() == MessageParser::State::kComplete) {
    return upgrade_ == "websocket" && server_->handlers.on_web_socket ? ask_web_socket() : dispatch();
  }
  phase_ = Phase::kBody;
  set_deadline(server_->options.body_timeout);
  const std::string_view expect = request_.header("expect");
  if (expect.empty() || !is_1_1_) return parse_body();
  if (lower_case(expect) != "100-continue") return refuse(417, "only 100-continue can be expected");
  write("HTTP/1.1 100 Continue\r\n\r\n", {}, [this] {
    set_deadline(server_->options.body_timeout);
    parse_body();
  });
}

void Connection::parse_body() {
  input_.erase(0, parser_->feed(input_));
  request_.body += parser_->take_body();
  switch (parser_->state()) {
    case MessageParser::State::kFailed:
      return refuse(parser_->failure().status, parser_->failure().message);
    case MessageParser::State::kComplete:
      return dispatch();
    case MessageParser::State::kHead:
    case MessageParser::State::kBody:
      return read();
  }
}

void Connection::dispatch() {
  phase_ = Phase::kHandling;
  deadline_.clear();
  const auto request = std::make_shared<const HttpRequest>(std::move(request_));
  const bool taken = server_->pool.submit([self = shared_from_this(), request] {
    HttpResponse response;
    try {
      response = self->server_->handlers.on_request(*request);
    } catch (const std::exception& exception) {
      response = problem(500, fmt::format("the handler failed: {}", exception.what()));
    }
    if (!response.stream || request->method == "HEAD") {
      self->loop_->post(
          [self, response = std::move(response)]() mutable { self->respond(std::move(response)); });
      return;
    }
    const auto begin = std::exchange(response.stream, nullptr);
    const auto stream =
        std::make_shared<StreamedBody>(self->loop_, self, self->server_->options.max_waiting_bytes);
    self->loop_->post([self, stream, response = std::move(response)]() mutable {
      self->begin_stream(std::move(response), stream);
    });
    begin(stream);
  });
  if (!taken) {
    HttpResponse busy = problem(503, "too many requests are waiting; try again soon");
    busy.headers.emplace_back("Retry-After", "1");
    respond(std::move(busy));
  }
}

void Connection::ask_web_socket() {
  // A page that another site gave the browser must not act with this site's cookies.
  if (const std::string_view origin = request_.header("origin"); !origin.empty()) {
    const std::size_t scheme = origin.find("://");
    const std::string_view site = scheme == origin.npos ? origin : origin.substr(scheme + 3);
    if (lower_case(site) != lower_case(request_.header("host"))) {
      return refuse(403, fmt::format("pages of {} may not connect here", origin));
    }
  }
  phase_ = Phase::kHandling;
  deadline_.clear();
  const bool taken = server_->pool.submit([self = shared_from_this(), request = request_] {
    WebSocketCore::Limits limits;
    limits.message_bytes = self->server_->options.max_message_bytes;
    limits.waiting_bytes = self->server_->options.max_waiting_bytes;
    const auto core = WebSocketCore::make(self->loop_, limits);
    std::optional<WebSocketHandler> handler;
    HttpResponse refusal;
    try {
      auto decided = self->server_->handlers.on_web_socket(request, std::make_shared<ServerWebSocket>(core));
      if (decided) {
        handler = *std::move(decided);
      } else {
        refusal = problem(status_of(decided.error().code()), decided.error().message());
      }
    } catch (const std::exception& exception) {
      refusal = problem(500, fmt::format("the handler failed: {}", exception.what()));
    }
    self->loop_->post([self, core, handler = std::move(handler), refusal = std::move(refusal)]() mutable {
      if (handler) return self->begin_web_socket(core, *std::move(handler));
      core->cut();
      self->respond(std::move(refusal));
    });
  });
  if (!taken) {
    HttpResponse busy = problem(503, "too many requests are waiting; try again soon");
    busy.headers.emplace_back("Retry-After", "1");
    respond(std::move(busy));
  }
}

void Connection::begin_web_socket(std::shared_ptr<WebSocketCore> core, WebSocketHandler handler) {
  const auto shared = std::make_shared<const WebSocketHandler>(std::move(handler));
  if (phase_ == Phase::kClosed) {
    core->cut();
    if (shared->on_close) server_->pool.submit_always(shared->on_close);
    return;
  }
  if (reading_) {
    // A read that looked for the client's end is still open; what it got belongs to the WebSocket.
    after_read_ = [self = shared_from_this(), core, shared] { self->begin_web_socket(core, *shared); };
    return channel_.cancel();
  }
  phase_ = Phase::kWebSocket;
  web_socket_ = core;
  WebSocketCore::Events events;
  events.on_message = [self = shared_from_this(), core, shared](std::string bytes, bool binary) {
    self->server_->pool.submit_always([loop = self->loop_, core, shared, bytes = std::move(bytes), binary] {
      const auto next = [loop, core] { loop->post([core] { core->read_next(); }); };
      if (shared->on_message_then) return shared->on_message_then(bytes, binary, next);
      if (shared->on_message) shared->on_message(bytes, binary);
      next();
    });
  };
  events.on_end = [self = shared_from_this(), shared](std::uint16_t, const std::string&) {
    if (shared->on_close) self->server_->pool.submit_always(shared->on_close);
    self->close();
  };
  core->accept(std::move(channel_), std::exchange(input_, {}), request_, std::move(events));
}

void Connection::ask_proxy() {
  phase_ = Phase::kHeld;
  deadline_.clear();
  const auto held = std::make_shared<HeldRequest>(loop_, weak_from_this());
  held_ = held;
  // Dropped when too many wait, and with it the last hold on the request, which is answered then.
  server_->pool.submit([server = server_, request = request_, held] {
    const std::function<bool()> closed = [held] { return held->closed(); };
    try {
      server->handlers.on_proxy(
          request, closed, [held](ProxyTarget target) { held->answer(std::move(target)); },
          [held](ProxyRefusal refusal) { held->refuse(std::move(refusal)); });
    } catch (const std::exception& exception) {
      held->refuse({problem(500, fmt::format("the handler failed: {}", exception.what()))});
    }
  });
  read();  // to notice when the client goes away
}

void Connection::ask_proxy_again(const std::string& why) {
  proxied_ = nullptr;
  if (writing_) return close();  // a client that takes not even "100 Continue"
  if (++request_.proxy_attempt > server_->options.max_proxy_attempts) {
    return proxy_refused(problem(502, why));
  }
  ask_proxy();
}

void Connection::proxy_to(ProxyTarget target) {
  if (phase_ != Phase::kHeld) {
    if (target.on_done) target.on_done(0, 0, {});
    return;
  }
  phase_ = Phase::kProxying;
  proxied_ = std::make_shared<ProxiedRequest>(shared_from_this(), loop_, upstreams_, std::move(target));
  proxied_->start();
}

void Connection::proxy_refused(HttpResponse response) {
  if (phase_ != Phase::kHeld && phase_ != Phase::kProxying) return;
  proxied_ = nullptr;
  if (writing_) return close();
  if (!body_complete()) keep_alive_ = false;
  respond(std::move(response));
}

std::string Connection::take_body() {
  if (parser_->state() == MessageParser::State::kBody) input_.erase(0, parser_->feed(input_));
  if (parser_->state() == MessageParser::State::kFailed) {
    const auto proxied = std::exchange(proxied_, nullptr);
    const bool answered = proxied->head_sent();
    proxied->cancel();
    if (answered || writing_) {
      close();
    } else {
      refuse(parser_->failure().status, parser_->failure().message);
    }
    return {};
  }
  return parser_->take_body();
}

void Connection::read_more() {
  if (!writing_ && upgrade_.empty()) set_deadline(server_->options.body_timeout);
  read();
}

void Connection::finish_proxied() {
  proxied_ = nullptr;
  finish_answer();
}

void Connection::respond(HttpResponse response) {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kAnswering;
  if (server_->stopping) keep_alive_ = false;
  AnswerFraming framing;
  framing.length = response.body.size();
  framing.keep_alive = keep_alive_;
  std::string head = answer_head(response, framing, date());
  std::string body;
  if (!to_head_ && status_has_body(response.status)) body = std::move(response.body);
  write(std::move(head), std::move(body), [this] { finish_answer(); });
}

void Connection::refuse(int status, std::string_view detail) {
  // What the client still sends of this request would be taken for the next one; and who sends such a request
  // is not worth a guess where it ends.
  keep_alive_ = false;
  respond(problem(status, detail));
}

void Connection::begin_stream(HttpResponse response, std::shared_ptr<StreamedBody> stream) {
  if (phase_ == Phase::kClosed || server_->stopping) {
    close();
    return stream->close();
  }
  phase_ = Phase::kStreaming;
  stream_ = std::move(stream);
  if (!is_1_1_) keep_alive_ = false;
  AnswerFraming framing;
  framing.chunked = is_1_1_;
  framing.keep_alive = keep_alive_;
  write(answer_head(response, framing, date()), {}, [this] { pump_stream(stream_.get()); });
  read();  // to notice when the client goes away
}

void Connection::pump_stream(const StreamedBody* stream) {
  if (phase_ != Phase::kStreaming || stream_.get() != stream || writing_) return;
  StreamedBody::Taken taken = stream_->take();
  std::string head;
  if (!taken.bytes.empty() && is_1_1_) {
    head = fmt::format("{:x}\r\n", taken.bytes.size());
    taken.bytes += "\r\n";
  }
  if (taken.ended) {
    if (is_1_1_) taken.bytes += "0\r\n\r\n";
    return write(std::move(head), std::move(taken.bytes), [this] {
      const auto done = std::exchange(stream_, nullptr);
      finish_answer();
      done->close();
    });
  }
  if (taken.bytes.empty()) return;
  write(std::move(head), std::move(taken.bytes), [this] {
    const auto current = stream_;
    current->sent();
    pump_stream(current.get());
  });
}

void Connection::finish_answer() {
  deadline_.clear();
  if (keep_alive_ && !input_ended_) {
    next_request();
  } else {
    linger();
  }
}

void Connection::linger() {
  if (input_ended_) return close();
  phase_ = Phase::kLingering;
  channel_.shutdown_write();
  input_.clear();
  set_deadline(kLinger);
  read();
}

void Connection::write(std::string bytes, std::string more, MoveFunction<void()> done) {
  output_ = {std::move(bytes), std::move(more)};
  output_part_ = 0;
  output_done_ = 0;
  writing_ = true;
  written_ = std::move(done);
  write_on();
}

void Connection::write_on() {
  while (output_part_ < output_.size() && output_done_ == output_[output_part_].size()) {
    ++output_part_;
    output_done_ = 0;
  }
  if (output_part_ == output_.size()) {
    writing_ = false;
    deadline_.clear();
    output_ = {};
    return std::exchange(written_, {})();
  }
  set_deadline(server_->options.write_timeout);
  const std::string& part = output_[output_part_];
  channel_.write_some(asio::buffer(part.data() + output_done_, part.size() - output_done_),
                      [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                        if (self->phase_ == Phase::kClosed) return;
                        if (error) return self->close();
                        self->output_done_ += bytes;
                        self->write_on();
                      });
}

void Connection::set_deadline(base::Duration from_now) {
  deadline_.set(std::chrono::nanoseconds(from_now.nanoseconds()), shared_from_this());
}

std::optional<base::Time> Connection::date() const {
  if (!server_->options.clock) return std::nullopt;
  return server_->options.clock();
}

}  // namespace fairlead::net
